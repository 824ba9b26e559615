"""Units of small-angle curves: q in 1/angstrom or 1/nm, as written or by how the curve lies; intensity per cm or not.

Nothing in the numbers proves the unit of an unlabelled q. The bet is made on both ends of the curve: instruments reach from
some 0.008 to 0.4 1/angstrom (0.08 to 4 1/nm), give or take a factor of four below and of two above.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError

Array = NDArray[np.float64]

#: 1/angstrom in one inverse length
_Q: Final = {"a": 1.0, "nm": 0.1, "m": 1e-10, "um": 1e-4, "cm": 1e-8}
#: intensity per cm in one inverse length
_PER_CM: Final = {"cm": 1.0, "m": 0.01, "mm": 10.0}
_DECORATION = re.compile(r"[\s$\\{}_^*()\[\]<>·]")
_MENTION = re.compile(
    r"1\s*/\s*\(?(?P<over>nm|Å|Å|A(?![a-z])|[Aa]ng(?:str[oö]ms?)?\b)"
    r"|(?<![A-Za-z])(?P<power>nm|Å|Å|A|[Aa]ng(?:str[oö]ms?)?)\s*(?:\^|\*\*)?\s*[{(]?\s*(?:-\s*1|⁻¹)"
    r"|[Ii]nv(?:erse)?[_\s]?(?P<inverse>nm|[Nn]anomet|A(?![a-z])|[Aa]ng)"
)
#: usual ends of a curve, log10 of 1/angstrom, and their spreads in decades
_LOW, _HIGH = (-2.1, 0.6), (-0.4, 0.35)
_SURE = 3.0


def q_factor(unit: str) -> float | None:
    """Give the 1/angstrom in one ``unit`` of q, ``None`` when it is none.

    Examples
    --------
    >>> q_factor("1/A"), q_factor("nm^{-1}"), q_factor("n_m^-1"), q_factor("Å⁻¹"), q_factor("1/m"), q_factor("degree")
    (1.0, 0.1, 0.1, 1.0, 1e-10, None)
    """
    length = _inverse_length(unit)
    return None if length is None else _Q.get(length)


def asked_q_factor(unit: object) -> float:
    """Give the factor of the setting ``q_unit``.

    Raises
    ------
    UsageError
        If it is no inverse length.
    """
    factor = q_factor(str(unit))
    if factor is None:
        raise UsageError(f"q_unit={unit} is no unit of q", remedy="Use q_unit=1/angstrom or q_unit=1/nm.")
    return factor


def intensity_unit(unit: str) -> tuple[str, float] | None:
    """Say whether an intensity in ``unit`` is absolute and by what it becomes 1/cm; ``None`` when nothing is stated.

    Examples
    --------
    >>> intensity_unit("1/cm"), intensity_unit("m^-1"), intensity_unit("cm^{-1} sr^{-1}"), intensity_unit("counts")
    (('absolute', 1.0), ('absolute', 0.01), ('absolute', 1.0), ('arbitrary', 1.0))
    >>> intensity_unit("")
    """
    text = unit.strip().lower()
    if not text:
        return None
    length = _inverse_length(re.sub(r"[\s/*(]*sr(ad)?\)?(\s*\^?\s*[{(]?\s*-\s*1[})]?)?|⁻¹\s*sr⁻¹", "", text))
    if length in _PER_CM and ("1" in text or "/" in text or "⁻" in text):
        return "absolute", _PER_CM[str(length)]
    return "arbitrary", 1.0


def mentioned(lines: list[str]) -> float | None:
    """Give the factor of the one unit of q that the text speaks of, ``None`` when it is none or several.

    Examples
    --------
    >>> mentioned(["sample 4", "q [nm-1]  I [a.u.]"]), mentioned(["Q_invA I"]), mentioned(["Angstrom", "nm"])
    (0.1, 1.0, None)
    """
    found = set()
    for line in lines[:500]:
        for match in _MENTION.finditer(line[:1000]):
            name = next(group for group in match.groups() if group)
            found.add(0.1 if name[0] in "nN" else 1.0)
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True)
class Guess:
    """The likelier unit of an unlabelled q: its factor to 1/angstrom and the reason in words."""

    factor: float
    reason: str


def guess(q: Array) -> Guess:
    """Bet on the unit of an unlabelled q from the two ends of the curve.

    Parameters
    ----------
    q : array, shape (n,)
        As written; values of 0 or less do not count.

    Examples
    --------
    >>> guess(np.geomspace(0.008, 0.4, 50)).factor, guess(np.geomspace(0.08, 4.0, 50)).factor
    (1.0, 0.1)
    """
    q = q[np.isfinite(q) & (q > 0)]
    if not q.size:
        return Guess(1.0, "nothing tells")
    low, high = np.log10(q.min()), np.log10(q.max())
    odds = sum(
        ((end - 1 - mean) ** 2 - (end - mean) ** 2) / (2 * spread**2) for end, (mean, spread) in ((low, _LOW), (high, _HIGH))
    )
    reason = f"it runs from {q.min():.3g} to {q.max():.3g}"
    if abs(odds) < _SURE:
        reason += ", where both units are usual"
    return Guess(1.0 if odds >= 0 else 0.1, reason)


def _inverse_length(unit: str) -> str | None:
    text = unit.strip().lower().replace("⁻¹", "-1").replace("å", "a").replace("å", "a").replace("µ", "u").replace("μ", "u")
    text = _DECORATION.sub("", text)
    text = re.sub(r"^(inv(?:erse)?)", "1/", text)
    text = re.sub(r"ang(?:str(?:o|ö|oe)ms?)?", "a", text).replace("nanometers", "nm").replace("nanometer", "nm")
    match = re.fullmatch(r"(?:1?/)?(aa?|nm|um|mm|cm|m)(?:-1(?:\.0*)?)?", text)
    return None if match is None else match[1].replace("aa", "a")
