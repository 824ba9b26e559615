"""Chemical symbols out of what files write: "Fe3+", "O2-", "FE", "Cval", "Wat", "Au12", "79"."""

from __future__ import annotations

import re
from collections.abc import Collection

from whorl.core.hypothesis import ANY_ELEMENT, SYMBOLS

_KNOWN = frozenset((*SYMBOLS, "D"))
_LETTERS = re.compile(r"[A-Za-z]+")
_WATER = ("wat", "h2o")
VACANCY = ("va", "vac", "vacancy", "vacant", "□")


def element_of(text: str, hint: Collection[str] = ()) -> str | None:
    """Give the chemical symbol a type symbol, label or atomic number stands for, ``None`` when there is none.

    Parameters
    ----------
    text : str
    hint : collection of str
        Elements the file names elsewhere; decides what could be read two ways ("CO1").

    Examples
    --------
    >>> [element_of(t) for t in ("Fe3+", "O2-", "Si0+", "D", "Wat", "79", "FE1", "Qq")]
    ['Fe', 'O', 'Si', 'D', 'O', 'Au', 'Fe', None]
    >>> element_of("CO1", hint={"C", "O"})
    'C'
    """
    text = text.strip().strip("\"'")
    if text.isascii() and text.isdigit():
        number = int(text) if len(text) < 4 else 0
        return SYMBOLS[number - 1] if 1 <= number <= len(SYMBOLS) else None
    if text.lower().startswith(_WATER):
        return "O"
    match = _LETTERS.match(text)
    if match is None:
        return None
    letters = match[0]
    two, one = letters[:2].capitalize(), letters[0].upper()
    found = [s for s in dict.fromkeys((two, one)) if s in _KNOWN]
    if len(letters) > 1 and letters[1].islower() and two in found:
        found = [two]
    elif len(letters) > 1 and letters[1].islower() and len(letters) == 2 and two not in _KNOWN and text == letters:
        return None  # "Qq", "Xy": written as one symbol, and there is none
    hinted = [s for s in found if s in hint]
    return next(iter(hinted or found), ANY_ELEMENT if text == ANY_ELEMENT else None)


def is_vacancy(text: str) -> bool:
    """Say whether a type symbol stands for an empty site."""
    return text.strip().lower().rstrip("0123456789+-") in VACANCY
