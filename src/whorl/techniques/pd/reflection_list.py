r"""The reflections of a refined phase with calculated and observed intensities, and how far these differ.

What is observed of a reflection is what the model shares out to it, the rule of H. M. Rietveld (J. Appl. Cryst. 2, 65 (1969),
doi:10.1107/S0021889869006558): :math:`I_o = \sum_i y_{ik} (y_i - b_i) / (\hat y_i - b_i)` with the part :math:`y_{ik}` of the
reflection in the calculated pattern :math:`\hat y` and the background b. :math:`R_I = \sum |I_o - I_c| / \sum I_o`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.fitting.problem import Fit
from whorl.formats.powder_refinement import ReflectionList
from whorl.physics.powder_corrections import lorentz_polarisation
from whorl.physics.powder_profiles import pattern
from whorl.techniques.pd.phase import PhaseOptions, PowderPhase
from whorl.techniques.pd.residual import PdProblem, model_of

Array = NDArray[np.float64]

#: part of a reflection's area that must lie in the range for it to be listed
_INSIDE = 0.5
#: area of a reflection beside the largest below which nothing is observed of it
_FAINT = 1e-9


def reflection_list(fit: Fit, number: int) -> ReflectionList:
    """Reflections of a phase whose peaks lie in the range, in order of falling d.

    Parameters
    ----------
    fit : Fit
        Of a `PdProblem` whose intensities are those of the structures.
    number : int
        Of the phase, from 0.

    Returns
    -------
    ReflectionList
        Those that coincide whatever the cell are one, with the mean of their squared structure factors.
    """
    problem = model_of(fit)
    d, calculated, observed, inside = _shared_out(problem, fit, number)
    total = float(observed[inside].sum())
    misfit = float(np.abs(observed - calculated)[inside].sum()) / total if total > 0 else float("nan")
    hkl, multiplicity, spacing, square = _squares(problem, fit, number)
    nearest = np.abs(np.log(spacing)[:, None] - np.log(d)[None, :]).argmin(axis=1)
    strong = calculated[nearest] > _FAINT * float(calculated.max(initial=0.0))
    ratio = np.where(strong, observed[nearest] / np.where(strong, calculated[nearest], 1.0), 1.0)
    keep = np.flatnonzero(inside[nearest])
    keep = keep[np.argsort(-spacing[keep], kind="stable")]
    return ReflectionList(hkl[keep], multiplicity[keep], spacing[keep], square[keep], (square * ratio)[keep], misfit)


def _shared_out(problem: PdProblem, fit: Fit, number: int) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Spacing, calculated and observed intensity of each set of a phase, and whether it lies in the range."""
    instrument = problem.instrument
    shaped = problem.shaped(fit.values, number)
    peaks = shaped.peaks
    background = problem.background(fit)
    bragg = np.asarray(fit.calculated) - background
    share = np.where(bragg > 1e-6 * max(float(bragg.max(initial=0.0)), 1e-300), bragg, np.inf)
    seen = (problem.observed - background) / share
    count = peaks.two_theta.size // len(instrument.lines)
    start, shift, weight = shaped.parts
    amount = float(fit.factors[number])
    step = np.gradient(problem.x)
    calculated, observed, whole = np.zeros(count), np.zeros(count), np.zeros(count)
    for j in range(count):
        lines = np.arange(j, peaks.two_theta.size, count)
        parts = np.concatenate([np.arange(start[k], start[k + 1]) for k in lines])
        own = np.concatenate([[0], np.cumsum(start[lines + 1] - start[lines])])
        curve = amount * pattern(
            *(problem.x, shaped.centre0[lines], shaped.strength[lines], shaped.g[lines], shaped.lorentz[lines]),
            *(own, shift[parts], weight[parts]),
        )
        calculated[j], observed[j] = float(curve @ step), float((curve * seen) @ step)
        whole[j] = amount * float(shaped.strength[lines].sum())
    sine = np.sin(np.radians(peaks.two_theta[:count]) / 2)
    inside = calculated > _INSIDE * np.maximum(whole, 1e-300)
    return instrument.lines[0][0] / 2 / sine, calculated, observed, inside


def _squares(problem: PdProblem, fit: Fit, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Array, Array]:
    """Indices, multiplicity, spacing and mean square of the structure factor of each set, by the structure alone."""
    bare = problem.instrument.model_copy(update={"mu_r": 0.0})
    crystal = problem.structures(fit.values)[number]
    ends = float(problem.x[0]), float(problem.x[-1])
    phase = PowderPhase(crystal, bare, ends, PhaseOptions(displacements="none", size=False))
    peaks = phase.peaks(np.array([p.value for p in phase.parameters]), slopes=False)
    multiplicity = np.add.reduceat(phase.reflections.multiplicity, phase.starts)
    count = multiplicity.size
    two_theta, area = peaks.two_theta[:count], peaks.area[:count]
    wavelength, share = bare.lines[0]
    factor = lorentz_polarisation(
        two_theta, monochromator=bare.monochromator, polarised=bare.polarised, neutron=bare.radiation == "neutron"
    )
    square = area * crystal.volume**2 / (share * factor * multiplicity)
    return phase.indices, multiplicity, wavelength / 2 / np.sin(np.radians(two_theta) / 2), square
