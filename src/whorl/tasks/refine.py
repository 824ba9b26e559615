"""Refine: least squares with the engine that identify uses, for structures the user names.

All structures together are one candidate: the phases of a mixture, each with its scale. Where nobody says whether crystals are
bulk or particles, both are fitted and evidence decides.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from whorl.core.errors import FitError, UsageError
from whorl.core.hypothesis import Hypothesis
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.fitting.problem import Fit
from whorl.tasks.assemble import candidate_from_fit, finish
from whorl.tasks.weighing import beyond_noise
from whorl.techniques import technique_for
from whorl.techniques.protocol import Progress, Technique
from whorl.techniques.restrained import NOTHING, Known
from whorl.trust import probability


def refine(
    measurement: Measurement,
    structures: Sequence[Hypothesis],
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    fixed: Mapping[str, float] | None = None,
    size: bool | None = None,
    shape: str | None = None,
    free: Sequence[str] = (),
    known: Known = NOTHING,
    progress: Progress | None = None,
) -> Verdict:
    """Refine one structure, or several as the phases of a mixture.

    Parameters
    ----------
    measurement : Measurement
        One frame.
    structures : sequence of Hypothesis
    range : (low, high), optional
        Part of the axis to fit, in its unit.
    settings : mapping, optional
        Overrides of what the file states of the instrument; what is stated is not refined.
    fixed : mapping, optional
        Parameters to hold, by name as the table of results shows them ("delta2", "2:a").
    size : bool, optional
        True: crystals are particles of finite size; False: they are bulk; None: the data decide.
    shape : str, optional
        Shape of the particles, which there are then: a key of the technique's shapes ("sphere", "spheroid", "lognormal"
        spheres).
    free : sequence of str
        Parameters to refine that are held by default: of the instrument ("transparency"), occupancies ("occ_Ni1").
    known : Known
        Ties and restraints.
    progress : callable, optional
        Called with (stage, done, total).

    Returns
    -------
    Verdict
        With one candidate of probability 1: the question was not which structure, but how well this one fits. The
        probability of none says whether it explains the data.

    Raises
    ------
    WhorlError
        If the measurement, a structure, a setting or a fixed parameter cannot be used.
    """
    started = time.perf_counter()
    if not structures:
        raise UsageError("no structure to refine", remedy="Name at least one CIF or XYZ file or catalogue entry.")
    technique = technique_for(measurement.kind)
    constants = probability.calibration(technique.key)
    signal = technique.prepare(measurement, range=range, settings=settings)
    fits = []
    start = {"size": size, "shape": shape, "free": tuple(free)}
    trials = technique.trials(signal, structures, start=start, effort="full", fixed=fixed)
    for number, (problem, first) in enumerate(trials):
        fits.append(known.solve(problem, start=first, temper=constants.temper))
        if progress:
            progress("refinements", number + 1, len(trials))
    if not fits:
        raise FitError("nothing to fit", where=measurement.path, remedy="Free at least one parameter.")
    return verdict_of(technique, signal, structures, technique.choose(fits), started)


def verdict_of(technique: Technique, signal: Any, structures: Sequence[Hypothesis], fit: Fit, started: float) -> Verdict:
    """Put a fit into the verdict of a refinement.

    Parameters
    ----------
    technique : Technique
    signal : Signal
        As the technique prepared it.
    structures : sequence of Hypothesis
        As they were before the fit.
    fit : Fit
    started : float
        `time.perf_counter` at the start, for the time taken.
    """
    constants = probability.calibration(technique.key)
    found = technique.findings(fit)
    candidate = candidate_from_fit(
        fit,
        found,
        rank=1,
        group=1,
        name=" + ".join(s.name for s in structures),
        family=" + ".join(s.family for s in structures if s.family),
        source="; ".join(s.source for s in structures if s.source),
        probability=1.0,
        evidence=fit.evidence,
    )
    misfit = beyond_noise(fit.rw, technique.noise(signal, fit).level)
    none = probability.none_probability(misfit, constants, kind=structures[0].kind)
    warnings = [*signal.warnings, *found.doubts]
    if none > 0.5:
        warnings.append(
            f"Rw {fit.rw:.3f} is more than a right structure reaches in most experiments: check structure, range, Qmax"
        )
    verdict = Verdict(
        whorl=_version(),
        task="refine",
        file=signal.measurement.path,
        sha256=signal.measurement.sha256,
        technique=technique.key,
        none_probability=none,
        candidates=[candidate],
        assumptions=list(signal.assumptions),
        warnings=warnings,
    )
    return finish(verdict, started, searched=len(structures), radiation=signal.instrument.radiation)


def _version() -> str:
    from whorl import __version__

    return __version__
