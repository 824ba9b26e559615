"""The command `whorl`: its subcommands, and how every way to fail ends in one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from whorl import __version__
from whorl.cli import (
    catalogue,
    convert,
    denoise,
    emulate,
    identify,
    messages,
    models,
    quantify,
    refine,
    replay,
    show,
    simulate,
    solve,
    suggest,
    train,
)
from whorl.core.atomic import write_error
from whorl.core.errors import WhorlError

#: exit codes beside those of the errors
INTERNAL, INTERRUPTED, PIPE_CLOSED = 70, 130, 141

app = typer.Typer(
    name="whorl",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"whorl {__version__}")
        raise typer.Exit


@app.callback()
def whorl(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the stack trace of an error; may stand anywhere.")] = False,
) -> None:
    """Measured scattering data in; ranked, refined, verified structures out.

    \b
    whorl identify Pt.gr --report out          what is it? with a report to open in a browser
    whorl identify 'scan/*.gr' --csv all.csv   thousands of files, resumable
    whorl refine Ni.gr Ni.cif                  least squares against a structure of yours
    whorl catalogue add mine FOLDER            search your own CIF and XYZ files too
    """  # noqa: D301 - click's mark for lines that keep their breaks
    del version, debug  # seen before: one by its callback, one by `run`


app.command("identify")(identify.identify)
app.command("refine")(refine.refine)
app.command("quantify")(quantify.quantify)
app.command("denoise")(denoise.denoise)
app.command("emulate")(emulate.emulate)
app.command("solve")(solve.solve)
app.command("simulate")(simulate.simulate)
app.command("suggest")(suggest.suggest)
app.add_typer(catalogue.app, name="catalogue")
app.command("show")(show.show)
app.command("replay")(replay.replay)
app.command("convert")(convert.convert)
app.command("train")(train.train)
app.add_typer(models.app, name="models")


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code (see `whorl.cli.main`)."""
    words = list(sys.argv[1:] if argv is None else argv)
    end = words.index("--") if "--" in words else len(words)
    debug = "--debug" in words[:end]
    words = [word for i, word in enumerate(words) if i >= end or word != "--debug"]
    messages.debug = debug
    try:
        code = app(args=words, prog_name="whorl", standalone_mode=False)
        sys.stdout.flush()
    except WhorlError as error:
        messages.trace()
        messages.error(str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        messages.error("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _close_output()
        return PIPE_CLOSED
    except OSError as error:
        messages.trace()
        messages.error(str(write_error(error, error.filename or "standard output")))
        if error.filename is None:
            _close_output()
        return WhorlError.exit_code
    except Exception as error:  # noqa: BLE001 - the last line of defence: one line, never a stack trace
        if _is_usage(error):
            error.show()  # type: ignore[attr-defined]
            return 2
        messages.trace()
        text = str(error).splitlines()[0] if str(error) else ""
        messages.error(
            f"internal error ({type(error).__name__}{': ' + text if text else ''}). "
            "Run again with --debug and report what it shows, with the file."
        )
        return INTERNAL
    return int(code or 0)


def _is_usage(error: Exception) -> bool:
    """Tell whether the parser refused the command line (its errors are click's, which newer versions of Typer bring along)."""
    return any(kind.__name__ == "ClickException" for kind in type(error).__mro__)


def _close_output() -> None:
    """Let what is still to be written go nowhere, since nobody can receive it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
