"""Fit of a powder pattern by a sum of measured references: alignment, weights, choice of the references, what it leaves open.

1. The zero error is found with all references together; the pattern's uncertainty holds counting, the noise of the references,
   and the part by which each reference is wrong (texture, other crystallinity), which the residual itself shows.
2. References are chosen by evidence (`whorl.physics.full_pattern`), zero error and displacement of the sample are refined, and
   with them a small shift of each reference, which was mounted on its own.
3. The choice is made once more with everything aligned.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from whorl.core.errors import PatternError
from whorl.physics.backgrounds import running_mean, snip
from whorl.physics.full_pattern import Normal, Selection, coarse_shift, inflation, own_misfit, select
from whorl.techniques.pd.prepare import PdSignal
from whorl.techniques.pd.references import Reference

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: zero errors looked at, degrees, in steps of a part of the width of the peaks
_REACH, _STEP = 0.6, 0.2
#: spread of zero error and displacement, and of the shift of a reference by its own mounting (0.05 mm at 200), degrees
_SHIFT_SPREAD, _OWN_SPREAD = 0.3, 0.02
_LARGEST_STEP = 0.03
_ROUNDS, _STEPS = 2, 4
#: misfit from which the first choice starts
_FIRST_MISFIT = 0.05
_SMOOTH = 1.0  # degrees: weights of the first alignment must not know where the peaks are
_FEWEST = 200
_SHORT = 0.15  # of the angles that most references cover, which one may lack
_CLIP = 4  # window of the backgrounds of references, in points of which two widths of a peak are made


@dataclass(frozen=True)
class Summation:
    """A pattern as a sum of references.

    Attributes
    ----------
    references : tuple of Reference
        Those chosen, k of them.
    factors : array, shape (k,)
        Of the patterns of height 1.
    covariance : array, shape (k, k)
    alternatives : tuple of tuple of (Reference, float, float)
        For each chosen one the others of its group: reference, its factor in the place of the chosen one, and its probability
        were there only the two.
    zero, displacement : float
        Added to the angles of the references, degrees; the second times the cosine of theta.
    shifts : array, shape (k,)
        Own shifts of the references beside that, degrees.
    x, observed, calculated, sigma : array, shape (n,)
        Sigma with the misfit of the references.
    parts : array, shape (n, k)
    noise : array, shape (n,)
        Standard uncertainty of the counts alone.
    misfit, inflation : float
        Part of the net intensity by which the sum is wrong, root mean square; see `whorl.physics.full_pattern.inflation`.
    own_misfit : array, shape (k,)
        Part of its intensity by which each reference is wrong.
    free : int
        Number of free curves of the background.
    searched : tuple of str
        Names of all references that took part.
    """

    references: tuple[Reference, ...]
    factors: Array
    covariance: Array
    alternatives: tuple[tuple[tuple[Reference, float, float], ...], ...]
    zero: float
    displacement: float
    shifts: Array
    x: Array
    observed: Array
    calculated: Array
    sigma: Array
    parts: Array
    noise: Array
    misfit: float
    inflation: float
    own_misfit: Array
    free: int
    searched: tuple[str, ...]

    @property
    def rw(self) -> float:
        """Weighted R factor with the weights of counting alone."""
        w = 1 / self.noise**2
        return float(np.sqrt(w @ (self.observed - self.calculated) ** 2 / (w @ self.observed**2)))

    @property
    def chi2(self) -> float:
        """Reduced chi-squared of counting alone."""
        residual = (self.observed - self.calculated) / self.noise
        return float(residual @ residual / max(self.x.size - self.free - 2 * len(self.references) - 2, 1))


def summation(signal: PdSignal, references: Sequence[Reference], *, always: Collection[str] = ()) -> Summation:
    """Explain a pattern by references.

    Parameters
    ----------
    signal : PdSignal
    references : sequence of Reference
        Backgrounds may be among them. Those that cover much less than most do are left out.
    always : collection of str
        Groups that are there whatever the evidence.

    Raises
    ------
    PatternError
        If pattern and references have too little of their ranges in common.
    """
    used = _covering(references)
    fit = _Fit(signal, [r for r in used if not _is_line(r)], always)
    fit.searched = tuple(r.name for r in used)
    return fit.run()


class _Fit:
    """One fit on its way; columns are the references."""

    def __init__(self, signal: PdSignal, references: Sequence[Reference], always: Collection[str]) -> None:
        self.references, self.always = tuple(references), frozenset(always)
        low = max(r.x[0] for r in references)
        high = min(r.x[-1] for r in references)
        wide = _REACH if high - low > 10 * _REACH else 0.0
        keep = (signal.x >= low + wide) & (signal.x <= high - wide)
        if np.count_nonzero(keep) < _FEWEST:
            raise PatternError(
                f"the pattern ({signal.x[0]:g} to {signal.x[-1]:g} degrees) and the references ({low:g} to {high:g}) have "
                "too little in common",
                where=signal.measurement.path or "pattern",
                remedy="Use a library measured over the same angles.",
            )
        self.signal, self.keep = signal, keep
        self.x, self.y = signal.x[keep], signal.y[keep]
        self.noise2 = 1 / signal.weights[keep]
        self.cosine = np.cos(np.radians(self.x / 2))
        span = (self.x - self.x[0]) / (self.x[-1] - self.x[0])
        self.curves = np.column_stack([np.ones_like(span), span])
        self.groups = ["" if r.is_background else r.group for r in references]
        self.ends = [(float(r.x[0]), float(r.x[-1])) for r in references]
        self.splines = [CubicSpline(r.x, r.y) for r in references]
        self.variances = np.column_stack([np.interp(self.x, r.x, r.variance) for r in references])
        self.points = float(min(self.x.size, 2 * (self.x[-1] - self.x[0]) / signal.fwhm))
        self.reach = max(int(2 * signal.fwhm / float(np.median(np.diff(self.x)))), 1)
        self.zero = self.displacement = 0.0
        self.shifts = np.zeros(len(references))
        self.share, self.swell = _FIRST_MISFIT, 1.0
        self.searched: tuple[str, ...] = ()
        self.patterns = self._columns(range(len(references)))

    def run(self) -> Summation:
        """Do everything."""
        self.zero = self._first_zero()
        self.patterns = self._columns(range(len(self.references)))
        found = self._choose()
        for _ in range(_ROUNDS):
            self._align(found.chosen)
            self.patterns = self._columns(range(len(self.references)))
            found = self._choose()
        return self._result(found)

    def _columns(self, which: Sequence[int] | Index, derivative: int = 0) -> Array:
        """References at the points of the pattern as they are aligned, shape (n, k)."""
        at = self.x - self.zero - self.displacement * self.cosine
        columns = np.empty((self.x.size, len(which)))
        for k, j in enumerate(which):
            first, last = self.ends[j]
            columns[:, k] = self.splines[j](np.clip(at - self.shifts[j], first, last), derivative)
        return columns

    def _first_zero(self) -> float:
        step = float(np.median(np.diff(self.x)))
        smooth = running_mean(np.maximum(self.noise2, 1e-300), max(int(_SMOOTH / step / 2), 1))
        net = np.maximum(self.y - self.signal.background[self.keep], 0.0)
        weights = 1 / (smooth + (_FIRST_MISFIT * running_mean(net, max(int(_SMOOTH / step / 2), 1))) ** 2)
        shifts = np.arange(-_REACH, _REACH + 1e-9, _STEP * self.signal.fwhm)
        normal = Normal(self.patterns, self.curves, self.y, weights)
        root = np.sqrt(weights)
        basis = np.linalg.qr(self.curves * root[:, None])[0]
        table = self.patterns * root[:, None]
        table -= basis @ (basis.T @ table)
        pattern = CubicSpline(self.signal.x, self.signal.y, extrapolate=False)
        moved = np.array([np.nan_to_num(pattern(self.x + s), nan=float(np.median(self.y))) * root for s in shifts])
        moved -= (moved @ basis) @ basis.T
        return coarse_shift(normal, moved @ table, np.einsum("sn,sn->s", moved, moved), shifts)

    def _weights(self, chosen: Index, factors: Array) -> Array:
        """Weights with the noise of the references and the misfit of each, which is found anew."""
        calculated = self._calculated(chosen, factors)
        variance = self.noise2 + self.variances[:, chosen] @ factors**2
        residual = self.y - calculated
        net = self._net(self.patterns[:, chosen] * factors)
        whole = net.sum(axis=1)
        # what is larger than the references themselves is a phase that is missing, not their misfit
        left = np.sign(residual) * np.minimum(np.abs(residual), np.maximum(whole, np.sqrt(variance)))
        doubt = np.sum((own_misfit(left, variance, net) * net) ** 2, axis=1)
        self.share = float(np.sqrt(doubt.sum() / max(float(np.sum(whole**2)), 1e-300)))
        total = variance + doubt
        self.swell = inflation(residual / np.sqrt(total), self.reach)
        return np.asarray(1 / total)

    def _calculated(self, chosen: Index, factors: Array) -> Array:
        """Calculated pattern with the curves of the background that belong to it."""
        parts = self.patterns[:, chosen] @ factors
        w = 1 / self.noise2
        root = np.sqrt(w)
        free = np.linalg.lstsq(self.curves * root[:, None], (self.y - parts) * root, rcond=None)[0]
        return np.asarray(parts + self.curves @ free)

    def _choose(self) -> Selection:
        net = np.maximum(self.y - self.signal.background[self.keep], 0.0)
        weights = 1 / (self.noise2 + (self.share * net) ** 2)
        found: Selection | None = None
        for _ in range(2):
            normal = Normal(self.patterns, self.curves, self.y, weights)
            found = select(normal, self.groups, points=self.points, inflation=self.swell, always=self.always)
            weights = self._weights(found.chosen, found.factors)
        assert found is not None
        self.normal = Normal(self.patterns, self.curves, self.y, weights)
        self.weights = weights
        factors, chi2 = self.normal.amounts(found.chosen)
        return Selection(found.chosen, factors, chi2)

    def _align(self, chosen: Index) -> None:
        """Refine zero error, displacement and own shifts of the chosen, all linear steps."""
        for _ in range(_STEPS if chosen.size else 0):
            columns, slopes = self._columns(chosen), -self._columns(chosen, 1)
            factors, _ = Normal(columns, self.curves, self.y, self.weights).amounts(range(len(chosen)))
            moving = slopes * factors
            whole = moving.sum(axis=1)
            table = np.column_stack([columns, self.curves, whole, whole * self.cosine, moving])
            root = np.sqrt(self.weights / self.swell)
            fixed = columns.shape[1] + self.curves.shape[1]
            prior = np.zeros((2 + len(chosen), table.shape[1]))
            prior[:, fixed:] = np.diag(1 / np.array([_SHIFT_SPREAD, _SHIFT_SPREAD, *[_OWN_SPREAD] * len(chosen)]))
            now = np.array([self.zero, self.displacement, *self.shifts[chosen]])
            aim = np.concatenate([self.y * root, -prior[:, fixed:] @ now])
            size = np.maximum(np.linalg.norm(np.vstack([table * root[:, None], prior]), axis=0), 1e-300)
            step = np.linalg.lstsq(np.vstack([table * root[:, None], prior]) / size, aim, rcond=1e-10)[0] / size
            move = np.clip(step[fixed:], -_LARGEST_STEP, _LARGEST_STEP)
            self.zero += float(move[0])
            self.displacement += float(move[1])
            self.shifts[chosen] += move[2:]
            if np.max(np.abs(move)) < 2e-4:
                break

    def _result(self, found: Selection) -> Summation:
        chosen = found.chosen
        w = self.weights
        parts = self.patterns[:, chosen] * found.factors
        root = np.sqrt(w)
        free = np.linalg.lstsq(self.curves * root[:, None], (self.y - parts.sum(axis=1)) * root, rcond=None)[0]
        calculated = parts.sum(axis=1) + self.curves @ free
        return Summation(
            references=tuple(self.references[j] for j in chosen),
            factors=found.factors,
            covariance=self.normal.covariance(chosen) * self.swell,
            alternatives=self._alternatives(found),
            zero=self.zero,
            displacement=self.displacement,
            shifts=self.shifts[chosen].copy(),
            x=self.x,
            observed=self.y,
            calculated=calculated,
            sigma=1 / root,
            parts=parts,
            noise=np.sqrt(self.noise2),
            misfit=self.share,
            inflation=self.swell,
            own_misfit=own_misfit(self.y - calculated, self.noise2, self._net(parts)),
            free=self.curves.shape[1],
            searched=self.searched,
        )

    def _net(self, parts: Array) -> Array:
        """References above their smooth backgrounds, shape (n, k)."""
        window = max(int(_CLIP * self.reach), 4)
        net = np.zeros_like(parts)
        for k, part in enumerate(parts.T):
            net[:, k] = np.maximum(part - snip(part, window, smoothing=1), 0.0)
        return net

    def _alternatives(self, found: Selection) -> tuple[tuple[tuple[Reference, float, float], ...], ...]:
        out = []
        chosen = list(found.chosen)
        for n, j in enumerate(chosen):
            rows = []
            for i in range(len(self.references)):
                if self.groups[i] != self.groups[j] or i in chosen or not self.groups[j]:
                    continue
                factors, chi2 = self.normal.amounts([*chosen[:n], i, *chosen[n + 1 :]])
                odds = float(np.exp(-0.5 * np.clip((chi2 - found.chi2) / self.swell, 0, 600)))
                rows.append((self.references[i], float(factors[n]), odds / (1 + odds)))
            out.append(tuple(rows))
        return tuple(out)


def _covering(references: Sequence[Reference]) -> list[Reference]:
    """Those that cover about what most do: one short pattern must not cut all others short."""
    low, high = (float(np.median([r.x[end] for r in references])) for end in (0, -1))
    slack = _SHORT * (high - low)
    return [r for r in references if r.x[0] <= low + slack and r.x[-1] >= high - slack]


def _is_line(reference: Reference) -> bool:
    """Tell whether a background is one that the free curves, a constant and a slope, are already."""
    if not reference.is_background:
        return False
    table = np.column_stack([np.ones_like(reference.x), reference.x])
    left = reference.y - table @ np.linalg.lstsq(table, reference.y, rcond=None)[0]
    return bool(np.max(np.abs(left)) < 1e-6)
