"""The command line. One module per command; no science here, and nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
from collections.abc import Sequence

#: one thread in linear algebra: sums are then always made in the same order, and give the same bits here as in a worker
_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Words after ``whorl``; those of the process by default.

    Returns
    -------
    int
        0 done; 1 the answer is "none of these" with ``--strict``; 2 bad usage; 3 bad input; 4 missing extra; 70 an error inside
        whorl; 130 interrupted with finished work kept; 141 the reader of the output went away.

    Examples
    --------
    >>> main(["--version"])
    whorl 0...
    0
    """
    for name in _LIBRARIES:
        os.environ.setdefault(name, "1")
    from whorl.cli.app import run

    return run(argv)
