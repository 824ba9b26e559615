"""Free intensities (Pawley): only the cell, the widths and the shifts are refined, each reflection has an amount of its own.

G. S. Pawley, J. Appl. Cryst. 14, 357 (1981), doi:10.1107/S0021889881009618. The intensities are linear: they are projected out
like scales, held at zero or above, so that no start values and no damping are needed. Reflections nearer than a part of the
peaks' width are one, since the data cannot tell their intensities apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.fitting.problem import Evaluation, Fit, LinearTerm
from whorl.physics.powder_profiles import pattern
from whorl.techniques.pd.instrument import PdInstrument
from whorl.techniques.pd.phase import Peaks, PowderPhase
from whorl.techniques.pd.prepare import PdSignal
from whorl.techniques.pd.residual import PdProblem, Shaped

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: distance of reflections, in widths of the peaks, below which they are one, and how many there may be
_ONE, _MOST = 0.2, 400


class PawleyProblem(PdProblem):
    """A powder pattern of one phase whose intensities are free.

    Parameters
    ----------
    signal : PdSignal
    phase : PowderPhase
        Of which the cell, size and strain refine.
    free_instrument, background, fixed, instrument
        As in `PdProblem`.

    Raises
    ------
    UsageError
        If there are more reflections than the data can tell apart in reasonable time.
    """

    def __init__(
        self,
        signal: PdSignal,
        phase: PowderPhase,
        *,
        free_instrument: Sequence[str] = (),
        background: int = 0,
        fixed: Mapping[str, float] | None = None,
        instrument: PdInstrument | None = None,
    ) -> None:
        super().__init__(
            signal, [phase], free_instrument=free_instrument, background=background, fixed=fixed, instrument=instrument
        )
        start = phase.peaks(self.own_values(np.array([p.value for p in self.parameters]))[0], slopes=False)
        self._lines = len(self.instrument.lines)
        count = start.two_theta.size // self._lines
        place = start.two_theta[:count]
        inside = (place > signal.range[0] - signal.fwhm) & (place < signal.range[1] + signal.fwhm)
        order = np.argsort(place)
        new = np.concatenate([[True], np.diff(place[order]) > _ONE * signal.fwhm])
        group = np.empty(count, dtype=np.int64)
        group[order] = np.cumsum(new) - 1
        seen = np.unique(group[inside])
        if seen.size > _MOST:
            raise UsageError(
                f"{seen.size} reflections in the range are too many for free intensities",
                where=phase.crystal.name,
                remedy=f"Choose a shorter --range (at most {_MOST} reflections).",
            )
        self._group = np.where(np.isin(group, seen), np.searchsorted(seen, group), -1)
        self._count = int(seen.size)
        self._weight = start.area[:count] / np.maximum(_sums(start.area[:count], self._group, self._count), 1e-300)
        first = [int(np.flatnonzero(self._group == g)[0]) for g in range(self._count)]
        hkl = phase.reflections.hkl[phase.starts][first]
        terms = [LinearTerm(f"I_{h}_{k}_{m}") for h, k, m in hkl.tolist()]
        self.linear = (*terms, *self.linear[1:])

    def evaluate(self, values: Array, *, jacobian: bool) -> Evaluation:
        """Pattern of each reflection at unit intensity, and how to get derivatives."""
        full = self.full_values(values)
        instrument = self._instrument_at(full)
        peaks = self.phases[0].peaks(full[self._rows[0]], slopes=jacobian)
        unit = self._with_areas(peaks, np.ones(self._count))
        shaped = Shaped(unit, instrument, self.instrument.radius, self._shared, jacobian=False)
        basis = np.column_stack([self._columns(shaped), self.curves])
        if not jacobian:
            return Evaluation(basis)

        def slopes(factors: Array) -> Array:
            whole = self._with_areas(peaks, factors[: self._count])
            out = np.zeros((len(self._every) + 1, self.x.size))
            moved = Shaped(whole, instrument, self.instrument.radius, self._shared, jacobian=True)
            moved.add_slopes(self.x, self._rows[0].start, 1.0, out)
            if self._axial_row >= 0:
                out[self._axial_row] = out[-1]
            return out[self._free]

        return Evaluation(basis, slopes=slopes)

    def background(self, fit: Fit) -> Array:
        """Background of a fit, shape (n,)."""
        return np.asarray(self.curves @ fit.factors[self._count :])

    def _with_areas(self, peaks: Peaks, amounts: Array) -> Peaks:
        """Peaks whose areas are the amounts of their groups, shared out as the structure shares them, by spectral line."""
        own = np.where(self._group >= 0, amounts[np.maximum(self._group, 0)] * self._weight, 0.0)
        area = np.concatenate([own * share for _, share in self.instrument.lines])
        return replace(peaks, area=area, d_area=np.zeros_like(peaks.d_area))

    def _columns(self, shaped: Shaped) -> Array:
        """Pattern of each group at unit amount, shape (n, groups)."""
        out = np.zeros((self.x.size, self._count))
        start, shift, weight = shaped.parts
        group = np.tile(self._group, self._lines)
        for g in range(self._count):
            index = np.flatnonzero(group == g)
            parts = np.concatenate([np.arange(start[i], start[i + 1]) for i in index])
            own = np.concatenate([[0], np.cumsum(start[index + 1] - start[index])])
            out[:, g] = pattern(
                *(self.x, shaped.centre0[index], shaped.strength[index], shaped.g[index], shaped.lorentz[index]),
                *(own, shift[parts], weight[parts]),
            )
        return out


def _sums(area: Array, group: Index, count: int) -> Array:
    """Sum of the areas of each reflection's group."""
    total = np.bincount(np.maximum(group, 0), weights=np.where(group >= 0, area, 0.0), minlength=max(count, 1))
    return np.asarray(total[np.maximum(group, 0)])
