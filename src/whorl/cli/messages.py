"""What is said to people beside the answer: on standard error, in plain lines."""

from __future__ import annotations

import sys
import traceback

#: set by `--debug`
debug = False


def say(text: str) -> None:
    """Say something that is no result."""
    print(_printable(text), file=sys.stderr)  # noqa: T201 - this is the command line


def error(text: str) -> None:
    """Say what went wrong."""
    say(f"whorl: {text}")


def out(text: str) -> None:
    """Write a part of the answer to standard output."""
    print(_printable(text))  # noqa: T201 - this is the command line


def trace() -> None:
    """Show where the current exception comes from, with `--debug` only."""
    if debug:
        traceback.print_exc()


def _printable(text: str) -> str:
    """Replace what the terminal cannot show (a file name that is not UTF-8, Greek in a terminal of 1990)."""
    coding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(coding, "replace").decode(coding)
