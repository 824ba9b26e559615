"""Which phases of a fit have become humps: peaks so wide that they follow what is left of the background, not a crystal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from whorl.fitting.problem import Fit
from whorl.techniques.pd.residual import PdProblem, model_of

Array = NDArray[np.float64]

#: mean width by the sample above which a phase is a hump, degrees of 2 theta for 1 angstrom: crystallites of 30 angstrom, about
_HUMP = 1.9
#: how many times wider than before, or than the peaks of the pattern, a phase may become from one frame to the next
_GROWN = 4.0


def blurred(fit: Fit, before: Mapping[str, float]) -> frozenset[int]:
    """Phases, counted from 1, whose peaks are too wide.

    Parameters
    ----------
    fit : Fit
    before : mapping
        Values of parameters in the frame before, by name; a phase that has none there is judged by itself.
    """
    problem = model_of(fit)
    now = widths(problem, problem.own_values(fit.values))
    earlier = [_with(problem, n, own, before) for n, own in enumerate(problem.own_values(fit.values))]
    known = [not np.array_equal(a, b) for a, b in zip(earlier, problem.own_values(fit.values), strict=True)]
    was = widths(problem, earlier)
    highest = _HUMP * problem.instrument.wavelength
    limits = np.where(known, np.minimum(_GROWN * np.maximum(was, problem.signal.fwhm), highest), highest)
    return frozenset(int(n) + 1 for n in np.flatnonzero(now > limits))


def widths(problem: PdProblem, own: Sequence[Array]) -> Array:
    """Mean full width that the sample gives the peaks of each phase, weighed with their areas, degrees, shape (phases,)."""
    out = []
    for phase, values in zip(problem.phases, own, strict=True):
        peaks = phase.peaks(values, slopes=False)
        total = float(peaks.area.sum())
        wide = peaks.lorentz + np.sqrt(peaks.gauss2)
        out.append(float(peaks.area @ wide) / total if total > 0 else 0.0)
    return np.array(out)


def _with(problem: PdProblem, number: int, own: Array, before: Mapping[str, float]) -> Array:
    """A phase's values with those of the frame before put in."""
    phase = problem.phases[number]
    return np.array([before.get(phase.options.prefix + p.name, v) for p, v in zip(phase.parameters, own, strict=True)])
