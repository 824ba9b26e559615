r"""A common error of all spacings in a fit: the mark of a wrong wavelength.

Bragg's law gives spacings only as multiples of the wavelength: with a wavelength that is wrong by a factor, every length of
every cell is refined to the same multiple of what is known. The principal stretches of a phase,

.. math:: \epsilon_k = \tfrac{1}{2} \ln \lambda_k(G_0^{-1} G),

with :math:`G_0` the metric tensor of the structure before and :math:`G` after the refinement, are then all equal, and those of
all phases are. Heat, composition and calculated structures also change cells, but axes and phases by different amounts. What
convinces is one of three: several phases with the same stretch; a reference material whose cell is certified; one phase whose
stretch is the same along all axes and beyond what heat explains, or leads to the line of a common tube.

Certified cells: silicon, NIST SRM 640e and 640f; LaB6, SRM 660c; corundum, SRM 676a.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import Crystal
from whorl.fitting.problem import Fit
from whorl.physics.symmetry import metric_tensor
from whorl.techniques.pd.instrument import ANODES
from whorl.techniques.pd.residual import PdProblem, model_of

Array = NDArray[np.float64]

#: reference materials: formula and space group, a and c (angstrom), and how far heat and impurities may take them
_CERTIFIED: dict[tuple[str, int], tuple[tuple[float, float, float], float]] = {
    ("Si", 227): ((5.43112, 5.43112, 5.43112), 6e-4),
    ("B6La", 221): ((4.156826, 4.156826, 4.156826), 6e-4),
    ("LaB6", 221): ((4.156826, 4.156826, 4.156826), 6e-4),
    ("Al2O3", 167): ((4.75919, 4.75919, 12.99183), 1.2e-3),
}
#: least common stretch of several phases; of one with axes that may differ; of a cubic one, which a solution may have changed
_SEVERAL, _AXES, _CUBIC = 0.0035, 0.008, 0.0125
#: stretch of a phase with axes that may differ that nothing but the wavelength explains, whatever the others, and its share
_BEYOND, _PART_OF = 0.018, 0.2
#: stretch of one phase from which another tube's line is looked for, and how near it must be, relative
_LINE, _NEAR = 0.004, 4e-4
#: how much phases and axes may differ: at least, and as part of the stretch
_PHASES, _WITHIN, _PART = 1.2e-3, 1.5e-3, 0.06
#: part of the weight that phases of one stretch make up
_MOST = 0.6
_SURE = 3.0
_POOR = 0.15  # misfit above which the phases are looked for with other wavelengths
_PRECISE = 1.5e-3  # largest standard uncertainty of a stretch that says anything


@dataclass(frozen=True)
class Stretched:
    """How a phase's cell differs from the one it had before the refinement.

    Attributes
    ----------
    name : str
    mean : float
        Mean of the principal stretches.
    spread : float
        Largest less smallest.
    sigma : float
        Standard uncertainty of the mean.
    cubic : bool
    weight : float
        Share of the phase's scale times volume among all.
    certified : float or None
        What heat and impurities may change of a reference material; None of others.
    """

    name: str
    mean: float
    spread: float
    sigma: float
    cubic: bool
    weight: float
    certified: float | None

    @property
    def uniform(self) -> bool:
        """Whether all axes are stretched alike."""
        return self.spread <= max(_WITHIN, 2 * _PART * abs(self.mean))


def stretches(before: Array, after: Array) -> Array:
    """Principal stretches (natural logarithm of lengths) that take one cell to another.

    Parameters
    ----------
    before, after : array, shape (6,)
        a, b, c (angstrom), alpha, beta, gamma (degree).

    Returns
    -------
    array, shape (3,)
        Increasing.

    Examples
    --------
    >>> old, new = np.array([4.0, 4.0, 6.0, 90, 90, 120]), np.array([4.04, 4.04, 6.12, 90, 90, 120])
    >>> stretches(old, new).round(4).tolist()
    [0.01, 0.01, 0.0198]
    """
    values = np.linalg.eigvals(np.linalg.solve(metric_tensor(before), metric_tensor(after)))
    return np.sort(0.5 * np.log(np.maximum(values.real, 1e-300)))


def of_fit(fit: Fit) -> str:
    """Say that the wavelength may be wrong, and which would set the spacings right; empty where nothing shows that.

    Parameters
    ----------
    fit : Fit
        Of a `PdProblem`.
    """
    problem = model_of(fit)
    if any(p.name == "wavelength" for p in problem.parameters):
        return ""
    found = [s for s in _phases(problem, fit) if s.sigma < _PRECISE]
    stretch, of, alone = _judged(found, problem.instrument.wavelength)
    if stretch:
        return _in_words(stretch, of, problem.instrument.wavelength, alone=alone)
    return _elsewhere(problem) if fit.rw > _POOR else ""


def _elsewhere(problem: PdProblem) -> str:
    """Another wavelength with which the phases of a poor fit are found: beyond a peak's width no fit gets there by itself."""
    from whorl.techniques.pd.index import lines
    from whorl.techniques.pd.other_wavelength import Known, other_wavelength

    crystals = [phase.crystal for phase in problem.phases]
    return other_wavelength(problem.signal, [Known(c.name, lines(c), partial(_same, c)) for c in crystals])


def _same(crystal: Crystal) -> Crystal:
    return crystal


def mean_stretch(fit: Fit) -> float:
    """Mean stretch of the phases of a fit of a `PdProblem`, each by its amount."""
    found = _phases(model_of(fit), fit)
    return float(np.average([s.mean for s in found], weights=[max(s.weight, 1e-9) for s in found]))


def _phases(problem: PdProblem, fit: Fit) -> list[Stretched]:
    count = len(problem.phases)
    sigmas = dict(zip((p.name for p in problem.parameters), fit.sigma, strict=True))
    amounts = np.maximum(fit.factors[:count], 0.0)
    shares = amounts / max(float(amounts.sum()), 1e-300)
    out = []
    for phase, refined, share in zip(problem.phases, problem.structures(fit.values), shares, strict=True):
        known, tolerance = _known(phase.crystal)
        moved = stretches(known, np.asarray(refined.cell, dtype=np.float64))
        own = [sigmas.get(f"{phase.options.prefix}{n}", 0.0) / x for n, x in zip("abc", refined.cell, strict=False)]
        sigma = max((s for s in own if np.isfinite(s)), default=np.inf)
        lengths = np.asarray(phase.crystal.cell, dtype=np.float64)
        cubic = bool(np.ptp(lengths[:3]) < 1e-6 * lengths[0] and np.all(lengths[3:] == 90.0))
        out.append(
            Stretched(phase.crystal.name, float(moved.mean()), float(np.ptp(moved)), sigma, cubic, float(share), tolerance)
        )
    return out


def _known(crystal: Crystal) -> tuple[Array, float | None]:
    """Cell that a crystal should have, and what may change it if it is a reference material."""
    cell = np.asarray(crystal.cell, dtype=np.float64)
    certified = _CERTIFIED.get((crystal.formula, crystal.space_group_number or 0))
    if certified is None or np.max(np.abs(cell[:3] / certified[0] - 1)) > 0.02:
        return cell, None
    return np.concatenate([certified[0], cell[3:]]), certified[1]


def _judged(found: list[Stretched], wavelength: float) -> tuple[float, str, bool]:
    """The common stretch (0 for none), what shows it, and whether it is a single phase that may be another's relative."""
    if not found:
        return 0.0, "", False
    for s in found:
        others = [o for o in found if o is not s and o.weight > 0.1]
        agree = all(abs(o.mean - s.mean) <= max(2 * _PHASES, 2 * _PART * abs(s.mean)) for o in others)
        if s.certified is not None and abs(s.mean) > s.certified + _SURE * s.sigma and s.uniform and agree:
            return s.mean, f"{s.name}, a reference material, shows it", False
    even = [s for s in found if s.uniform]
    if len(even) > 1:
        heaviest = max(even, key=lambda s: s.weight)
        near = [s for s in even if abs(s.mean - heaviest.mean) <= max(_PHASES, _PART * abs(heaviest.mean))]
        weights = np.array([s.weight for s in near])
        mean = float(np.average([s.mean for s in near], weights=np.maximum(weights, 1e-9)))
        if len(near) > 1 and weights.sum() > _MOST and abs(mean) > _SEVERAL:
            return mean, f"{' and '.join(s.name for s in near[:3])} agree", False
    far = [s for s in even if not s.cubic and abs(s.mean) > _BEYOND and s.weight > _PART_OF]
    if far:  # a cubic phase beside it may be another of its type, with a cell nearer to the wrong spacings
        most = max(far, key=lambda s: s.weight)
        return most.mean, f"{most.name} shows it", True
    if len(found) == 1 and even:
        s = even[0]
        to_line = any(abs(wavelength / np.exp(s.mean) / first - 1) < _NEAR for first, _ in ANODES.values())
        if abs(s.mean) > (_CUBIC if s.cubic else _AXES) or (abs(s.mean) > _LINE and to_line):
            return s.mean, f"{s.name} is the only phase", True
    return 0.0, "", False


def _in_words(stretch: float, of: str, wavelength: float, *, alone: bool) -> str:
    right = wavelength / float(np.exp(stretch))
    kind = "larger" if stretch > 0 else "smaller"
    part = abs(float(np.expm1(stretch)))
    tail = "; a hot sample, another composition or calculated structures may explain it too" if alone else ""
    return (
        f"all spacings are {part:.2%} {kind} than known ({of}): the wavelength may be {right:.5g} instead of {wavelength:.5g} "
        f"angstrom{_named(right)} (--set wavelength={right:.5g}){tail}"
    )


def _named(wavelength: float) -> str:
    """Name of a tube's line in brackets; empty where a wavelength is none."""
    for anode, (first, _) in ANODES.items():
        if abs(wavelength / first - 1) < _NEAR:
            return f" ({anode} K-alpha)"
    return ""
