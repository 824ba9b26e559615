r"""Short-range peaks that no phase explains: ligands, solvent, support.

A molecule beside a crystal adds a few narrow peaks at short distances: C-C at 1.4 to 1.5 angstrom, P-O at 1.5, Au-S at 2.3.
They are looked for in what a fit leaves over: the Gaussian, cut to the band of the data, that takes most of the residual once
the structure's own parameters and slow errors of the correction (Q < 2/angstrom) have been allowed to move. One that stands out
from the noise and from the misfit that the structure has elsewhere is refined with all parameters, and stays if tempered
evidence asks for it; then the next is looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.verdict import Quantity
from whorl.fitting.evidence import DEFAULT_TEMPER, Temper
from whorl.fitting.problem import Fit
from whorl.fitting.projected import Projected
from whorl.fitting.solve import solve
from whorl.techniques.pdf.band import model_grid, peak_curves, sampler
from whorl.techniques.pdf.bonds import usual_bonds
from whorl.techniques.pdf.misfit import Level, Tangent, expected_level, model_of, tangent
from whorl.techniques.pdf.prepare import slow_curves
from whorl.techniques.pdf.residual import LonePeak, PdfProblem

Array = NDArray[np.float64]

#: distances searched, angstrom
SEARCH = (1.2, 4.0)
MOST_PEAKS = 3
_STEP, _WIDTHS = 0.05, (0.06, 0.1, 0.16)
_BEYOND = 4.5  # angstrom from where the residual tells noise and misfit of the structure
_STANDS_OUT = 4.0  # amplitude of a peak over its uncertainty
_STRONG = 3.0  # log evidence that the peaks have to gain, each
#: relative misfit of a structure's peaks that is nothing to speak of: motion of neighbours and shape of peaks are simplified
_LEAST_MISFIT = 0.05
_NEAR = 0.5  # angstrom over which the calculated curve is averaged to say how large its misfit may be there
_APART = 0.2  # angstrom between two peaks
_NO_STRUCTURE = 0.4  # R_w, peaks and all, above which the structure is not that of the sample
_SHOWS = 0.05  # part of a peak's power that must be left when the structure's parameters take what they can
_LIMITS: dict[str, Any] = {"max_iterations": 5, "max_evaluations": 6, "tolerance": 3e-3, "passes": 1}


@dataclass(frozen=True)
class ExtraPeak:
    """A distance that no phase explains.

    Attributes
    ----------
    position : Quantity
        angstrom.
    width : Quantity
        Standard deviation, angstrom.
    area : Quantity
        In r G(r), in the scale of the data: neighbours per atom, weighted with their scattering, where G(r) is absolute.
    usual : tuple of str
        Bonds that are usually of this length, most common first.
    """

    position: Quantity
    width: Quantity
    area: Quantity
    usual: tuple[str, ...]


@dataclass(frozen=True)
class WithPeaks:
    """A structure beside short-range peaks.

    Attributes
    ----------
    fit : Fit
        Of the phases and the peaks, all refined together, slow curves taken off.
    without : Fit
        The same without the peaks.
    peaks : tuple of ExtraPeak
        By distance.
    """

    fit: Fit
    without: Fit
    peaks: tuple[ExtraPeak, ...]

    @property
    def words(self) -> str:
        """The peaks, what is usually found there, and the misfit without and with them."""
        each = ", ".join(
            f"{p.position.value:.2f} angstrom" + (f" (as {' or '.join(p.usual)})" if p.usual else "") for p in self.peaks
        )
        what = "a short-range peak" if len(self.peaks) == 1 else "short-range peaks"
        pronoun = "it" if len(self.peaks) == 1 else "them"
        return (
            f"{what} beside the structure at {each}: with {pronoun} Rw is {self.fit.rw:.3f} instead of {self.without.rw:.3f} "
            "(slow backgrounds taken off)"
        )


def with_extra_peaks(fit: Fit, *, elements: frozenset[str] = frozenset(), temper: Temper = DEFAULT_TEMPER) -> WithPeaks | None:
    """The fit with the short-range peaks that evidence asks for; ``None`` when it asks for none.

    Peaks are added one at a time, each refined with all parameters before the next is looked for.

    Parameters
    ----------
    fit : Fit
        Converged, of a `PdfProblem` (or of one with slow curves taken off).
    elements : frozenset of str
        Of the sample, where they are known: bonds of other metals are not named.
    temper : Temper
        How evidence is tempered.
    """
    problem = model_of(fit)
    slow = slow_curves(problem.x)
    if _next_peak(fit, tangent(fit, slow), temper) is None:
        return None
    without = best = solve(Projected(problem, slow), start=fit.values, temper=temper, **_LIMITS)
    chosen: list[LonePeak] = []
    while len(chosen) < MOST_PEAKS:
        near = tangent(best)
        new = _next_peak(best, near, temper)
        if new is None:
            break
        chosen.append(new)
        longer = Projected(problem.with_lone_peaks(chosen), slow)
        start = np.concatenate([best.values, [new.position, new.width]])
        tried = solve(longer, start=start, temper=temper, **_LIMITS)
        areas, sigmas = _areas(tried, len(chosen))
        if np.any(areas < _STANDS_OUT * sigmas) or tried.evidence < best.evidence + _STRONG:
            break
        best = tried
        values = tried.values[-2 * len(chosen) :].reshape(-1, 2)
        chosen = [LonePeak(float(position), float(width)) for position, width in values]
    if best is without or best.rw > _NO_STRUCTURE:
        return None
    return WithPeaks(best, without, _extra_peaks(best, elements))


def _extra_peaks(fit: Fit, elements: frozenset[str]) -> tuple[ExtraPeak, ...]:
    count = len(model_of(fit).lone_peaks)
    out = []
    for i, area, sigma in zip(range(count), *_areas(fit, count), strict=True):
        position = 2 * (i - count)  # the last parameters of the problem
        where = _quantity(fit, position)
        amount = Quantity(value=float(area), sigma=float(sigma), unit="1")
        out.append(ExtraPeak(where, _quantity(fit, position + 1), amount, usual_bonds(where.value, elements)))
    return tuple(sorted(out, key=lambda p: p.position.value))


def _quantity(fit: Fit, number: int) -> Quantity:
    known = float(fit.sigma[number]) if np.isfinite(fit.sigma[number]) else None
    return Quantity(value=float(fit.values[number]), sigma=known, unit="angstrom", at_limit=fit.at_bound[number])


def _areas(fit: Fit, count: int) -> tuple[Array, Array]:
    first = len(fit.factors) - count
    return fit.factors[first:], fit.factor_sigma[first:]


def _next_peak(fit: Fit, near: Tangent, temper: Temper) -> LonePeak | None:
    """Start values of the peak that takes most of the residual, if it stands out."""
    problem = model_of(fit)
    low = max(SEARCH[0], float(problem.x[0]))
    position, width = (a.ravel() for a in np.meshgrid(np.arange(low, SEARCH[1], _STEP), _WIDTHS, indexing="ij"))
    if position.size == 0 or fit.rw < temper.discrepancy:
        return None
    shapes = near.root[:, None] * _templates(problem, position, width)
    # ligand peaks pull the structure along: its own misfit is what is left when it has only the longer distances to fit
    alone = near.moved(near.residual, problem.x > _BEYOND) / near.root
    expected = near.root * _expected_misfit(problem, fit, expected_level(fit, _BEYOND, alone))
    free = near.moved(shapes)  # what of each shape no change of the structure makes
    size = np.einsum("nk,nk->k", free, free)
    usable = size > _SHOWS * np.einsum("nk,nk->k", shapes, shapes)
    for peak in problem.lone_peaks:
        usable &= np.abs(position - peak.position) > _APART
    # neighbouring points are not independent: the noise of a sum over them is larger by what they are oversampled
    oversampled = problem.x.size / float(problem.independent_points)
    doubt = np.sqrt(oversampled * np.einsum("nk,n->k", free**2, expected**2))
    residual = near.moved(near.residual)
    along = free.T @ residual
    gain = np.where(usable & (along > _STANDS_OUT * doubt), along**2 / np.maximum(size, 1e-300), 0.0)
    best = int(np.argmax(gain))
    points = temper.fraction * float(problem.independent_points)
    before = float(residual @ residual) + temper.discrepancy**2
    if gain[best] <= 0 or 0.5 * points * np.log(before / max(before - gain[best], 1e-300)) < _STRONG:
        return None
    return LonePeak(float(position[best]), float(width[best]))


def _templates(problem: PdfProblem, position: Array, width: Array) -> Array:
    """Peaks of unit area on the points of the data, shape (n, k)."""
    grid = model_grid(float(problem.x[-1]))
    curves = peak_curves(grid, position, width, problem.signal.instrument)[:, 0]
    return np.asarray(sampler(grid, problem.x) @ curves.T)


def _expected_misfit(problem: PdfProblem, fit: Fit, level: Level) -> Array:
    """Standard deviation of the residual at each point, from noise and from the structure's relative misfit elsewhere."""
    step = float(np.median(np.diff(problem.x)))
    width = max(round(2 * _NEAR / step), 1)
    kernel = np.ones(width)
    count = np.convolve(np.ones(problem.x.size), kernel, mode="same")
    power = np.convolve(fit.calculated**2, kernel, mode="same") / count
    power = np.maximum(power, 0.0)
    return np.sqrt(np.maximum(level.power(power), level.noise**2 + _LEAST_MISFIT**2 * power))
