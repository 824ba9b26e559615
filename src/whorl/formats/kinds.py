"""Which kind of signal a column file holds: said by the caller, the label, the header, the file's name, or not at all."""

from __future__ import annotations

import re
from pathlib import Path

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import KINDS
from whorl.formats import labels
from whorl.formats.axis import Points
from whorl.formats.header import Header

#: end of the file name -> kind of signal
SUFFIXES = {
    ".gr": "gr", ".fgr": "gr", ".cgr": "gr", ".dgr": "gr", ".gofr": "gr",
    ".fq": "fq", ".fofq": "fq",
    ".sq": "sq", ".soq": "sq", ".sofq": "sq",
    ".iq": "iq", ".chi": "iq",
}  # fmt: skip
_OUTPUT = {"gr": "gr", "g(r)": "gr", "fq": "fq", "f(q)": "fq", "sq": "sq", "s(q)": "sq", "iq": "iq", "i(q)": "iq"}
_STEM = re.compile(r"(?:^|[^a-z])(gr|fq|sq|iq)$", re.IGNORECASE)


def kind_of(asked: str | None, named: labels.Labels | None, head: Header, path: str, points: Points, notes: list[str]) -> str:
    """Decide the kind of signal.

    Raises
    ------
    UsageError
        If ``asked`` is no kind.
    PatternError
        If it is stated nowhere and the numbers do not tell, or the axis is an angle.
    """
    if asked is not None:
        if asked not in KINDS:
            raise UsageError(f"unknown kind of signal {asked!r}", remedy=f"Use one of {', '.join(KINDS)}.")
        return asked
    if named is not None and named.axis == "angle":
        raise PatternError(
            "the axis is a scattering angle", where=path, remedy="Export the data against Q, or give G(r) instead."
        )
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
    if output:
        return output
    if suffix:
        return suffix
    stem = _STEM.search(Path(path).stem)
    if stem is not None:
        return stem[1].lower()
    if (points.y < 0).any() and (points.y > 0).any() and not (named is not None and named.axis == "Q"):
        notes.append("the kind of signal is not stated; it was taken as G(r)")
        return "gr"
    raise PatternError(
        "it is not stated whether this is G(r), F(Q), S(Q) or I(Q)",
        where=path,
        remedy=f"Pass kind= one of {', '.join(KINDS)}, or name the columns, for instance '# r G(r)'.",
    )
