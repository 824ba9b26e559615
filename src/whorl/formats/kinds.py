"""Which kind of signal a column file holds: said by the caller, the label, the header, the file's name, the numbers, or not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import KINDS
from whorl.formats import labels, sastext
from whorl.formats.axis import Points
from whorl.formats.header import Header
from whorl.formats.plausible import runs_like_an_angle
from whorl.formats.table import Table

#: end of the file name -> kind of signal
SUFFIXES = {
    ".gr": "gr", ".fgr": "gr", ".cgr": "gr", ".dgr": "gr", ".gofr": "gr",
    ".fq": "fq", ".fofq": "fq",
    ".sq": "sq", ".soq": "sq", ".sofq": "sq",
    ".iq": "iq", ".chi": "iq",
}  # fmt: skip
#: ends of file names that mean a powder pattern over 2theta unless a label says otherwise
ANGLES = (".xy", ".xye", ".xyd")
_OUTPUT = {"powder": "powder", "tof": "tof", "peaks": "peaks", "sas": "sas"} | {
    "gr": "gr",
    "g(r)": "gr",
    "fq": "fq",
    "f(q)": "fq",
    "sq": "sq",
    "s(q)": "sq",
    "iq": "iq",
    "i(q)": "iq",
}
_STEM = re.compile(r"(?:^|[^a-z])(gr|fq|sq|iq)$", re.IGNORECASE)


_OF_AXIS = {"angle": "powder", "tof": "tof"}
_WORDS = ("2theta", "2-theta", "two theta", "2θ", "xrd", "diffractogram", "powder")


def kind_of(asked: str | None, named: labels.Labels | None, head: Header, path: str, points: Points, notes: list[str]) -> str:
    """Decide the kind of signal.

    Raises
    ------
    UsageError
        If ``asked`` is no kind.
    PatternError
        If it is stated nowhere and the numbers do not tell.
    """
    if asked is not None:
        if asked not in KINDS:
            raise UsageError(f"unknown kind of signal {asked!r}", remedy=f"Use one of {', '.join(KINDS)}.")
        return asked
    other = labels.not_reduced(named)
    if other:
        raise PatternError(
            f"the label says {other}, which is not the reduced function G(r)",
            where=path,
            remedy="Export G(r), or pass kind='gr' if the label is wrong.",
        )
    suffix = SUFFIXES.get(Path(path).suffix.lower(), "")
    output = _OUTPUT.get(head.pairs.get("outputtype", head.pairs.get("kind", "")).strip().lower(), "")
    label = named.kind if named is not None else ""
    if label:
        if suffix and suffix != label:
            notes.append(f"the column label says {KINDS[label][1]}, the file name {KINDS[suffix][1]}; the label was believed")
        return label
    if named is not None and named.axis in _OF_AXIS:
        return _OF_AXIS[named.axis]
    if output:
        return output
    if suffix:
        return suffix
    stem = _STEM.search(Path(path).stem)
    if stem is not None:
        return stem[1].lower()
    powder = _powder(head, path, points, notes)
    if powder:
        return powder
    if (points.y < 0).any() and (points.y > 0).any() and not (named is not None and named.axis == "Q"):
        notes.append("the kind of signal is not stated; it was taken as G(r)")
        return "gr"
    raise PatternError(
        "it is not stated whether this is G(r), F(Q), S(Q), I(Q) or a powder pattern",
        where=path,
        remedy=f"Pass kind= one of {', '.join(KINDS)}, or name the columns, for instance '# r G(r)'.",
    )


def is_small_angle(
    asked: str | None, named: labels.Labels | None, head: Header, path: str, table: Table, *, steered: bool = False
) -> bool:
    """Decide whether columns are small-angle scattering: asked for, stated, or so by header, labels and numbers.

    What a label, the header or the file's name says to be another kind never is. ``steered``: settings were given that only
    small-angle data have.
    """
    if asked is not None:
        return asked == "sas"
    output = _OUTPUT.get(head.pairs.get("outputtype", head.pairs.get("kind", "")).strip().lower(), "")
    if output:
        return output == "sas"
    suffix = Path(path).suffix.lower()
    if suffix in ANGLES or (suffix in SUFFIXES and suffix != ".chi") or labels.not_reduced(named):
        return False
    stem = _STEM.search(Path(path).stem)
    if stem is not None and stem[1].lower() != "iq":
        return False
    if named is not None and (named.kind not in ("", "iq") or named.axis in ("r", *labels.OF_POWDER)):
        return False
    if steered:
        return True
    if named is None and head.has(*_WORDS):
        return False
    return sastext.recognised("" if named is None else named.kind, head, table)


def _powder(head: Header, path: str, points: Points, notes: list[str]) -> str:
    """Recognise a powder pattern by suffix, header or the run of its numbers; empty when it is none."""
    if not points.x.size:
        return ""
    by_name = Path(path).suffix.lower() in ANGLES
    if head.has("difc") and points.x.max() > 180:
        notes.append("the header states DIFC: the axis was taken as the time of flight in microseconds")
        return "tof"
    if by_name and points.x.max() > 18_000 and points.x[0] > 0:
        notes.append(
            "the axis is not labelled; it is too large for an angle and was taken as the time of flight in microseconds"
        )
        return "tof"
    crosses = points.x[0] < 3 and points.y.min() < -0.3 * points.y.max()  # as G(r) does; a subtracted background does less
    if by_name and not crosses:
        return "powder"
    if runs_like_an_angle(points.x, points.y):
        notes.append("the axis is not labelled; it runs like a scattering angle and was taken as 2theta in degrees")
        return "powder"
    positive = bool(np.mean(points.y < 0) < 0.1) and bool(np.any(points.y > 0))
    if positive and head.has(*_WORDS) and 3 < points.x.max() <= 180:
        notes.append("the axis is not labelled; the header speaks of a powder pattern, so it was taken as 2theta in degrees")
        return "powder"
    return ""
