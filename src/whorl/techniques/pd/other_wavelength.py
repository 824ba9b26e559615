"""A wavelength with which a pattern that nothing explains would be that of known compounds.

The first look of a search (`whorl.techniques.pd.match`) is repeated with wavelengths in small steps, each with the shifts of
ln(1/d) between it and the next, and with those of the usual tubes. Simple lattices find lines anywhere, so the wavelengths at
which most is found are put to the proof: sets of compounds, all at nearly that one wavelength, are put together as long as
each explains more of the pattern (non-negative least squares). The wavelength is named only where the best set explains far
more than the best with the stated one and its fit is better; what is left of a common change of its cells sets it right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from whorl.core.errors import WhorlError
from whorl.core.hypothesis import Hypothesis
from whorl.fitting.problem import Fit
from whorl.fitting.solve import solve
from whorl.techniques.pd.index import Lines, load_index
from whorl.techniques.pd.instrument import ANODES
from whorl.techniques.pd.match import Matcher
from whorl.techniques.pd.prepare import PdSignal
from whorl.techniques.pd.propose import patterns
from whorl.techniques.pd.scale_error import mean_stretch

Array = NDArray[np.float64]

#: shifts of ln(wavelength) looked over around the stated one, and below it where none is stated; step, and reach at each step
_AROUND, _BELOW, _STEP, _REACH = 0.27, 2.1, 0.02, 0.012
#: difference of ln(wavelength) up to which two are one; shifts of ln(1/d) that cells have with the right one
_SAME, _USUAL = 0.004, 0.017
#: compounds that a look gives, and curves of the background
_TOP, _CURVES = 6, 8
#: least of the lines, beyond chance, that a compound is to find
_FOUND = 0.15
#: wavelengths and, at each, compounds that are put together; phases, and what each adds at least to what is explained
_WAVELENGTHS, _TOGETHER, _PHASES, _ADDS = 24, 40, 4, 0.02
#: least part of the pattern that is explained with the right wavelength, how much more than with the stated one, and what a
#: phase more has to add beside
_EXPLAINED, _AHEAD, _PHASE = 0.5, 0.25, 0.04
_BETTER = 0.85  # misfit with the right wavelength as part of that with the stated one, at most
_PER_WIDTH = 3.0  # points in the width of a peak


@dataclass(frozen=True)
class Known:
    """A compound: its name, its lines, and how to get its structure."""

    name: str
    lines: Lines
    load: Callable[[], Hypothesis]


def built_in() -> list[Known]:
    """The crystals of the built-in catalogues."""
    from whorl.catalogues import builtin_catalogues

    out = []
    for catalogue in builtin_catalogues():
        index = load_index(catalogue).lines
        out += [Known(e.name, index[e.key], partial(catalogue.load, e.key)) for e in catalogue.entries() if e.key in index]
    return out


def other_wavelength(signal: PdSignal, compounds: Sequence[Known] | None = None) -> str:
    """Say that the lines of known compounds are all there with another wavelength; empty where they are not.

    Parameters
    ----------
    signal : PdSignal
        A pattern that nothing explains with the wavelength of its instrument.
    compounds : sequence of Known, optional
        Those that it may hold; the built-in ones by default.
    """
    known = built_in() if compounds is None else list(compounds)
    stated = signal.instrument.wavelength
    found: list[tuple[float, float]] = []
    for first, second in _trials(signal):
        found += _looked(_with(signal, first, second), known)
    wavelengths: list[float] = []
    for value, wavelength in sorted(found, reverse=True):
        if value < _FOUND or len(wavelengths) >= _WAVELENGTHS:
            break
        if all(abs(np.log(wavelength / w)) > _SAME for w in [*wavelengths, stated]):
            wavelengths.append(wavelength)
    here = _together(signal, known, _USUAL)
    sets = [_together(_with(signal, w, _second(signal, w)), known, _SAME) for w in wavelengths]
    best = max(sets, key=lambda s: s.worth, default=here)
    if best.explained < _EXPLAINED or best.worth < here.worth + _AHEAD:
        return ""
    fit = _fitted(best)
    there = _fitted(here)
    if fit is None or (there is not None and fit.rw > _BETTER * there.rw):
        return ""
    right = best.signal.instrument.wavelength / float(np.exp(mean_stretch(fit)))
    names = " and ".join(k.name for k in best.members)
    anode = next((a for a, (line, _) in ANODES.items() if abs(np.log(right / line)) < _SAME), "")
    if anode:
        return f"the wavelength may be wrong: with {anode} K-alpha the lines of {names} are found (--set wavelength={anode})"
    return (
        f"the wavelength may be wrong: with {right:.4g} instead of {stated:.5g} angstrom the lines of {names} are found "
        f"(--set wavelength={right:.4g})"
    )


@dataclass(frozen=True)
class _Set:
    """Compounds that together explain a part of a pattern, best first, with their shifts of ln(1/d)."""

    signal: PdSignal
    members: tuple[Known, ...]
    shifts: tuple[float, ...]
    explained: float

    @property
    def worth(self) -> float:
        """What is explained, less what each phase beyond the first has to add."""
        return self.explained - _PHASE * max(len(self.members) - 1, 0)


def _with(signal: PdSignal, first: float, second: float | None) -> PdSignal:
    return signal.measured_by(signal.instrument.model_copy(update={"wavelength": first, "wavelength2": second}))


def _second(signal: PdSignal, wavelength: float) -> float | None:
    """Wavelength of the second line for one of the first."""
    i = signal.instrument
    return None if i.wavelength2 is None else wavelength * i.wavelength2 / i.wavelength


def _trials(signal: PdSignal) -> list[tuple[float, float | None]]:
    """Wavelengths to try, each with that of a second line."""
    stated = signal.instrument.wavelength
    below = _AROUND if "wavelength" in signal.known else _BELOW
    steps = np.arange(-round(below / _STEP), round(_AROUND / _STEP) + 1) * _STEP
    near = [(w, _second(signal, w)) for w in (stated * np.exp(steps)).tolist()]
    return [*near, *((first, second) for first, second in ANODES.values() if abs(np.log(first / stated)) > _SAME)]


def _matcher(signal: PdSignal) -> Matcher:
    return Matcher(signal.x, signal.y - signal.background, signal.model_sigma(), signal.fwhm, signal.instrument)


def _looked(signal: PdSignal, known: Sequence[Known]) -> list[tuple[float, float]]:
    """What a first look finds: how much beyond chance, and the wavelength that fits best, of the best compounds."""
    match = _matcher(signal).match([k.lines for k in known], np.full(len(known), _REACH))
    order = np.argsort(-match.excess)[:_TOP]
    return [(float(match.excess[n]), signal.instrument.wavelength * float(np.exp(match.shift[n]))) for n in order]


def _together(signal: PdSignal, known: Sequence[Known], reach: float) -> _Set:
    """The compounds, with shifts up to ``reach``, that together explain most of a pattern."""
    matcher = _matcher(signal)
    match = matcher.match([k.lines for k in known], np.full(len(known), reach))
    order = np.argsort(-match.excess)[:_TOGETHER]
    coarse = signal.cautious().thinned(_PER_WIDTH)
    root = np.sqrt(coarse.weights)[:, None]
    curves = root * patterns(coarse, matcher, [known[n].lines for n in order], match.shift[order])
    basis, _ = np.linalg.qr(root * coarse.background_curves(_CURVES))
    data = root[:, 0] * coarse.y
    data = data - basis @ (basis.T @ data)
    curves = curves - basis @ (basis.T @ curves)
    total = max(float(data @ data), 1e-300)
    chosen: list[int] = []
    explained = 0.0
    while len(chosen) < _PHASES:
        trials = [(1 - nnls(curves[:, [*chosen, n]], data)[1] ** 2 / total, n) for n in range(order.size) if n not in chosen]
        best, number = max(trials, default=(0.0, -1))
        if best < explained + _ADDS:
            break
        explained = best
        chosen.append(number)
    places = [int(order[n]) for n in chosen]
    return _Set(signal, tuple(known[p] for p in places), tuple(float(match.shift[p]) for p in places), explained)


def _fitted(found: _Set) -> Fit | None:
    """The fit of a set of compounds; None where there are none or they cannot be fitted."""
    from whorl.techniques.pd.technique import PD

    if not found.members:
        return None
    start = {"phases": [{"zoom": float(np.exp(-s))} for s in found.shifts]}
    try:
        crystals = [k.load() for k in found.members]
        ((problem, first),) = PD.trials(found.signal, crystals, start=start, effort="quick")
        return solve(problem, start=first, max_iterations=8, max_evaluations=14, tolerance=1e-3, passes=1)
    except WhorlError:
        return None
