"""What the user names as input, as a list of files: files, quoted patterns, folders, single frames of a series."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from whorl.core.errors import PatternError

#: suffixes that measured data have, and those that anything may have
_OWN = frozenset(
    (
        ".gr .fgr .cgr .dgr .gofr .fq .fofq .sq .soq .sofq .iq .chi .nxs .nx5 .h5 .hdf5 .hdf "
        ".xy .xye .xrdml .raw .brml .ras .rasx .gsas .gsa .gss .gda .fxye .fxy .xra .cwn .uxd .xyd"
    ).split()
)
_ANY = frozenset(".dat .txt .csv .tsv .asc .json".split())


def expand(words: Sequence[str]) -> list[str]:
    """List the files that words name, each once.

    A folder gives the files in it that look like data: those with a suffix of scattering data, and only if there are none of
    these, text files. Patterns (``*``, ``?``, ``[...]``, ``**`` for folders below) and folders are sorted as people count,
    frame 9 before frame 10. So is a list that the shell has sorted.

    Raises
    ------
    PatternError
        If a pattern or a folder gives no file.
    """
    given = list(words)
    if len(given) > 2 and given == sorted(given):
        given.sort(key=natural)
    found: list[str] = []
    for word in given:
        path = Path(word).expanduser()
        if path.is_dir():
            found += _folder(path)
        elif path.exists() or not glob.has_magic(word):
            found.append(str(path))
        else:
            found += _pattern(word)
    return list(dict.fromkeys(found))


def natural(text: str) -> list[tuple[int, int | str]]:
    """Sort key in which numbers within a text count as numbers.

    Examples
    --------
    >>> sorted(["a10.gr", "a9.gr", "a1.gr"], key=natural)
    ['a1.gr', 'a9.gr', 'a10.gr']
    """
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", text)]


def _folder(path: Path) -> list[str]:
    names = [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]
    for suffixes in (_OWN, _ANY):
        found = [str(file) for file in names if file.suffix.lower() in suffixes]
        if found:
            return sorted(found, key=natural)
    raise PatternError(
        "no file in this folder looks like measured data",
        where=str(path),
        remedy=f"Name the files, or look below it with '{path}/**/*.gr'.",
    )


def _pattern(word: str) -> list[str]:
    found = [file for file in _matches(word) if Path(file).is_file()]
    if not found:
        raise PatternError("no file matches this pattern", where=word, remedy="Check the folder and the spelling.")
    return sorted(found, key=natural)


def _matches(word: str) -> list[str]:
    return glob.glob(str(Path(word).expanduser()), recursive=True)  # noqa: PTH207 - the pattern may be absolute
