"""Quantify by references: the amounts of phases from measured patterns of pure ones, with or without an internal standard."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.tasks.assemble import finish
from whorl.techniques import room_of, technique_for


def quantify_by_references(
    measurement: Measurement,
    references: str,
    *,
    ratios: str | None = None,
    standard: tuple[str, float] | None = None,
    exclude: Collection[str] = (),
    only: Collection[str] = (),
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    level: float = 0.9,
) -> Verdict:
    """Quantify one frame by a library of measured references.

    Parameters
    ----------
    measurement : Measurement
        One frame.
    references : path
        Table of patterns or folder of pattern files.
    ratios : path, optional
        Table of the reference intensity ratios, when it does not lie beside the patterns.
    standard : (str, float), optional
        Reference or group that was weighed in, and its weight fraction in the mixture as measured.
    exclude, only : collection of str
        References or groups to leave out, or the only ones to take.
    range : (low, high), optional
        Part of the axis to fit, in its unit.
    settings : mapping, optional
        Overrides of what the file states of the instrument.
    level : float
        Probability that an interval holds the truth.

    Returns
    -------
    Verdict
        One candidate whose phases are the references found; ``parameters`` holds the weight fraction of each group, and with a
        standard that of what no reference accounts for.

    Raises
    ------
    WhorlError
        If the measurement, the library, the standard or a setting cannot be used.
    """
    from whorl import __version__

    started = time.perf_counter()
    if measurement.frames != 1:
        raise PatternError("this is a series", where=measurement.path, remedy="Name its frames one by one.")
    key = technique_for(measurement.kind).key
    room = room_of(key, "references_amounts")
    library = room.open_library(references, ratios)
    library = library.only(only) if only else library
    library = library.without(exclude) if exclude else library
    found = room.amounts_by_references(
        measurement, library, standard=standard, range=range, settings=dict(settings or {}), level=level
    )
    verdict = Verdict(
        whorl=__version__,
        task="quantify",
        file=measurement.path,
        sha256=measurement.sha256,
        technique=key,
        candidates=[found.candidate],
        parameters=found.parameters,
        assumptions=list(found.assumptions),
        warnings=list(found.warnings),
    )
    return finish(verdict, started, searched=len(library.references))
