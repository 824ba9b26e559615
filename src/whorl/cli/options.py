"""Options that commands share, and how their values are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from whorl.core.errors import UsageError

Range = Annotated[str | None, typer.Option("--range", metavar="LOW:HIGH", help="Part of the axis to fit, such as 1.5:30.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE|@FILE",
        help="Instrument setting that overrides the file's: qmax=22, radiation=neutron; or a file of them: @lab.instprm.",
    ),
]
Report = Annotated[Path | None, typer.Option("--report", metavar="FOLDER", help="Write a report to open in a browser.")]
Json = Annotated[
    str | None, typer.Option("--json", metavar="FILE|-", help="Write one JSON object per line; - is standard output.")
]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write one row per input.")]
Xlsx = Annotated[Path | None, typer.Option("--xlsx", metavar="FILE", help="Write one row per input as a workbook.")]
Curves = Annotated[Path | None, typer.Option("--curves", metavar="FILE", help="Write all fitted curves: .csv, .nxs or .h5.")]
Export = Annotated[
    Path | None,
    typer.Option("--export", metavar="FOLDER", help="Write a CIF for a journal, and files for GSAS-II and TOPAS."),
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Processes; as many as there are cores by default.")]
Place = Annotated[
    Path | None, typer.Option("--workspace", metavar="FOLDER", help="Where runs are kept; ~/.whorl or $WHORL_HOME by default.")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute anew what is kept already.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 when the answer is 'none of these'.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table: only what is asked for, and errors.")]


def read_range(text: str | None) -> tuple[float, float] | None:
    """Read ``LOW:HIGH``.

    Raises
    ------
    UsageError
        If it is not that.

    Examples
    --------
    >>> read_range("1.5:30")
    (1.5, 30.0)
    """
    if text is None:
        return None
    low, mark, high = text.partition(":")
    try:
        limits = float(low), float(high)
    except ValueError:
        mark = ""
    if not mark or not all(map(math.isfinite, limits)) or not limits[0] < limits[1]:
        raise UsageError(f"--range {text} is no range", remedy="Write the lower end, a colon, the upper end: --range 1.5:30.")
    return limits


def read_settings(words: Sequence[str] | None, option: str = "--set") -> dict[str, float | str]:
    """Read ``NAME=VALUE`` words; a value that is a number becomes one.

    ``@FILE`` of ``--set`` stands for the settings of an instrument file, which those named beside it override.

    Raises
    ------
    UsageError
        If a word is not that, or a name comes twice.

    Examples
    --------
    >>> read_settings(["qmax=22", "radiation=neutron"])
    {'qmax': 22.0, 'radiation': 'neutron'}
    """
    found: dict[str, float | str] = {}
    stated: dict[str, float | str] = {}
    for word in words or ():
        if option == "--set" and word.startswith("@"):
            from whorl.formats.instrument_file import instrument_settings

            stated |= instrument_settings(word[1:])
            continue
        name, mark, text = (part.strip() for part in word.partition("="))
        if not mark or not name or not text:
            raise UsageError(f"{option} {word} is no setting", remedy=f"Write it as NAME=VALUE: {option} qmax=22.")
        if name in found:
            raise UsageError(f"{option} {name} is given twice", remedy="Give it once.")
        found[name] = _value(text, f"{option} {word}")
    return stated | found


def read_numbers(words: Sequence[str] | None, option: str) -> dict[str, float]:
    """Read ``NAME=NUMBER`` words.

    Raises
    ------
    UsageError
        If a value is no number.
    """
    found: dict[str, float] = {}
    for name, value in read_settings(words, option).items():
        if isinstance(value, str):
            raise UsageError(f"{option} {name}={value}: the value is no number", remedy=f"Write it as {option} qdamp=0.04.")
        found[name] = value
    return found


def _value(text: str, where: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        raise UsageError(f"{where}: the value is not finite", remedy="Give a number.")
    return number
