r"""Size distribution from a curve: regularised inversion with non-negative volume fractions and the background beside them.

The intensity of dilute particles with the volume fraction phi(R) dR at the size R is linear in phi,

.. math::
    I(q) = \int K(q, R)\, \phi(R)\, dR + b, \qquad K = 10^{-4}\, \Delta\rho^2\, \langle F^2 \rangle / \langle V \rangle

(K is the intensity of one size at a volume fraction of 1). phi is written as hats on a grid of equal steps of ln R.
The problem is ill-posed: the second differences of R phi(R), the distribution over ln R, are held small, as much as the
curve itself asks for. With a normal prior of precision alpha for them, everything is normal where phi is positive, and

.. math::
    -2 \ln p(I | \alpha) = \chi^2 + \alpha |L\phi|^2 + \ln\det(A + \alpha L^\top L) - m \ln\alpha + const.

is the evidence (MacKay, Neural Comput. 4, 415 (1992), doi:10.1162/neco.1992.4.3.415). alpha is where the evidence is largest.
The sizes without particles are those of the non-negative solution (Lawson & Hanson, Solving Least Squares Problems, 1974), and
the uncertainties those of the normal distribution over the others. What is larger than the sizes asked for has the power law
q^-4, whose height is a further unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import nnls

from whorl.physics.small_angle.curves.size_modes import Mode, find_modes, refine_modes
from whorl.physics.small_angle.curves.uncertain import Absent, Uncertain

Array = NDArray[np.float64]

_BINS = 70
_PER_BIN = 5


@dataclass(frozen=True)
class SizeDistribution:
    """A size distribution.

    Attributes
    ----------
    size : array, shape (m,)
        Angstrom, in equal steps of the logarithm.
    density, sigma : array, shape (m,)
        Volume fraction per ln R, and its standard uncertainty.
    covariance : array, shape (m, m)
        Of the density.
    background : Uncertain
    calculated : array, shape (n,)
    chi2 : float
        Reduced chi-squared.
    alpha : float
        Regularisation.
    effective : float
        Parameters that the curve determines.
    modes : tuple of Mode
        By size.
    larger : array, shape (n,)
        Intensity of what is larger than the sizes asked for: a power law q^-4.
    """

    size: Array
    density: Array
    sigma: Array
    covariance: Array
    background: Uncertain
    calculated: Array
    chi2: float
    alpha: float
    effective: float
    modes: tuple[Mode, ...]
    larger: Array


Kernel = Callable[[Array, Array], Array]


def sphere_kernel(q: Array, radius: Array) -> Array:
    """Intensity of spheres of unit contrast (1e-6/angstrom^2) at a volume fraction of 1, 1/cm, shape (n, m).

    Examples
    --------
    >>> sphere_kernel(np.array([1e-5]), np.array([50.0])).round(3)  # 1e-4 V
    array([[52.36]])
    """
    x = np.outer(q, radius)
    small = x < 1e-2
    safe = np.where(small, 1.0, x)
    shape = np.where(small, 1 - x**2 / 10, 3 * (np.sin(safe) - safe * np.cos(safe)) / safe**3)
    return np.asarray(1e-4 * 4 / 3 * np.pi * radius**3 * shape**2)


def invert_sizes(
    q: Array,
    intensity: Array,
    sigma: Array,
    *,
    kernel: Kernel = sphere_kernel,
    limits: tuple[float, float] | None = None,
    bins: int = _BINS,
) -> SizeDistribution:
    """Invert a curve to the volume-weighted distribution of sizes.

    Parameters
    ----------
    q, intensity, sigma : array, shape (n,)
    kernel : callable
        Gives the intensity at a volume fraction of 1 for q (n,) and sizes (m,), shape (n, m). With unit contrast the volume
        fractions are times the square of the contrast.
    limits : (low, high), optional
        Smallest and largest size; by default those whose form lies within the range of q.
    bins : int

    Raises
    ------
    Absent
        If nothing but background is found.

    Examples
    --------
    >>> q = np.geomspace(0.004, 0.3, 120)
    >>> curve = sphere_kernel(q, np.linspace(40, 60, 21)).mean(axis=1) * 0.01 + 0.001
    >>> found = invert_sizes(q, curve, 0.01 * curve)
    >>> [round(mode.mean.value) for mode in found.modes], round(found.modes[0].volume.value, 4)
    ([50], 0.01)
    """
    height = float(np.max(np.abs(intensity))) or 1.0
    intensity, sigma = intensity / height, sigma / height  # so that no step depends on the unit
    low, high = limits or (1.5 / q[-1], np.pi / q[0])
    grid = np.geomspace(low, high, bins)
    design = _design(kernel, q, grid) / sigma[:, None]
    data = intensity / sigma
    larger = (q / q[0]) ** -4.0 / sigma
    design = np.column_stack([design, larger * float(np.max(np.abs(design))) / float(np.max(larger))])
    # the background is free: it is taken out of data and design by projection
    flat = 1 / sigma
    flat_norm = float(flat @ flat)
    project = flat @ design / flat_norm
    level = float(flat @ data / flat_norm)
    a = design - np.outer(flat, project)
    y = data - flat * level
    curvature = np.column_stack([_differences(bins), np.zeros(bins)])
    triangle, turned, rest = _reduced(a, y)
    unit = float(np.trace(triangle.T @ triangle)) / float(np.trace(curvature.T @ curvature))
    found = _best(triangle, turned, rest, curvature, unit, q.size)
    freedom = max(q.size - found.effective - 1, 1)
    weights, whole = found.weights, found.covariance * max(found.misfit / freedom, 1.0)
    density, covariance = weights[:-1], whole[:-1, :-1]
    if not np.any(density > 0):
        raise Absent("no size distribution stands out of a constant background")
    background = level - float(project @ weights)
    var_b = 1 / flat_norm + float(project @ whole @ project)
    modes = find_modes(grid, density, covariance)
    modes = refine_modes(modes, grid, np.column_stack([design, flat]), data, found.misfit / freedom) or modes
    return SizeDistribution(
        grid, height * density, height * np.sqrt(np.maximum(np.diag(covariance), 0)), height**2 * covariance,
        Uncertain(background, var_b**0.5).times(height), height * (sigma * (design @ weights) + background),
        found.misfit / freedom, found.alpha, found.effective,
        tuple(replace(mode, volume=mode.volume.times(height)) for mode in modes), height * weights[-1] * sigma * design[:, -1],
    )  # fmt: skip


def _design(kernel: Kernel, q: Array, grid: Array) -> Array:
    """Intensity of a hat of unit height (in ln R) about each size, shape (n, bins)."""
    step = float(np.log(grid[1] / grid[0]))
    off = np.arange(-_PER_BIN + 1, _PER_BIN) / _PER_BIN
    fine = np.log(grid[0]) + step * np.arange(-_PER_BIN + 1, _PER_BIN * (grid.size - 1) + _PER_BIN) / _PER_BIN
    values = kernel(q, np.exp(fine))
    hat = (1 - np.abs(off)) * step / _PER_BIN
    out = np.zeros((q.size, grid.size))
    for k, weight in enumerate(hat):
        out += weight * values[:, k : k + _PER_BIN * (grid.size - 1) + 1 : _PER_BIN]
    return out


def _differences(n: int) -> Array:
    """Second differences of a distribution that is zero beyond its ends, shape (n, n)."""
    return np.asarray(2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1))


def _reduced(a: Array, y: Array) -> tuple[Array, Array, float]:
    """Triangle R and Q^T y of the design, and the squares that no weights can explain."""
    if a.shape[0] <= a.shape[1]:
        return a, y, 0.0
    turn, triangle = np.linalg.qr(a)
    turned = turn.T @ y
    return triangle, turned, max(float(y @ y - turned @ turned), 0.0)


@dataclass(frozen=True)
class _Solution:
    weights: Array
    covariance: Array
    misfit: float
    evidence: float
    effective: float
    alpha: float


def _best(a: Array, y: Array, rest: float, rough: Array, unit: float, points: int) -> _Solution:
    """The solution of the largest evidence, by a coarse search and halving of the step."""
    seen: dict[float, _Solution] = {}

    def at(power: float) -> _Solution:
        if power not in seen:
            seen[power] = _solve(a, y, rest, rough, unit * 10.0**power, points)
        return seen[power]

    powers = [-9.0, -7.0, -5.0, -3.0, -1.0]
    best = max(powers, key=lambda p: at(p).evidence)
    for step in (1.0, 0.5, 0.25):
        best = max((best - step, best, best + step), key=lambda p: at(p).evidence)
    return at(best)


def _solve(a: Array, y: Array, rest: float, rough: Array, alpha: float, points: int) -> _Solution:
    stacked = np.vstack([a, np.sqrt(alpha) * rough])
    weights, _ = nnls(stacked, np.concatenate([y, np.zeros(rough.shape[0])]), maxiter=20 * a.shape[1])
    misfit = float(np.sum((y - a @ weights) ** 2)) + rest
    active = weights > 0
    count = int(active.sum())
    covariance = np.zeros((a.shape[1], a.shape[1]))
    if count == 0:
        return _Solution(weights, covariance, misfit, -0.5 * misfit, 0.0, alpha)
    inner = a[:, active].T @ a[:, active]
    prior = alpha * rough[:, active].T @ rough[:, active]
    factor = cho_factor(inner + prior + 1e-12 * np.trace(inner + prior) / count * np.eye(count), lower=True)
    inverse = cho_solve(factor, np.eye(count))
    covariance[np.ix_(active, active)] = inverse
    whole = a.T @ a + alpha * rough.T @ rough
    log_det = float(np.linalg.slogdet(whole)[1])
    log_prior = (a.shape[1] - 1) * float(np.log(alpha))
    penalty = alpha * float(np.sum((rough @ weights) ** 2))
    # sigma may be wrong by a factor: its scale is integrated out where the misfit is above what it says
    scale = max(misfit / points, 1.0)
    evidence = -0.5 * ((misfit + penalty) / scale + points * np.log(scale) + log_det - log_prior)
    return _Solution(weights, covariance, misfit, evidence, float(np.sum(inverse * inner)), alpha)
