r"""A short exposure to the estimate of the long one, with the uncertainty of the estimate: curves of small angles.

The curve is divided by its own envelope, a mean over about an e-fold of q that noise does not let fall to zero, so that
decades of intensity become values about 1; negative intensities stay what they are. Over ln q the quotient is smoothed by a
spline whose stiffness follows the data (`whorl.physics.small_angle.adaptive_spline`): what no model of particles is needed for.
The estimate is one of the curve as the instrument smears it. Resolution, where it is stated, limits how fast it may bend: a
feature narrower than dq is noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.adaptive_spline import Smoothed, smooth

Array = NDArray[np.float64]

#: of the envelope, in ln q
_WIDTH = 0.3
#: least d of a curve divided by its envelope, per e-fold of q: the least that curves of small angles bend
_BENDS = 30.0
#: ratio of scatter to stated uncertainty beyond which the stated one is not believed
_DOUBTED = 1.15


@dataclass(frozen=True)
class DenoisedCurve:
    """The estimate of a curve without noise.

    Attributes
    ----------
    q, intensity, sigma : array, shape (n,)
        The estimate and its standard uncertainty, in the unit of the curve.
    noise : array, shape (n,)
        Standard uncertainty of the points that it was made from, as it was used.
    parameters : float
        Effective number of parameters of the estimate.
    factor : float
        Scatter of the points over their stated uncertainty.
    correlation : float
        Of the errors of prediction of neighbouring points; 0 for independent noise.
    """

    q: Array
    intensity: Array
    sigma: Array
    noise: Array
    parameters: float
    factor: float
    correlation: float

    @property
    def gain(self) -> float:
        """Median ratio of the uncertainty of the points to that of the estimate."""
        return float(np.median(self.noise / self.sigma))


def denoise_curve(q: Array, intensity: Array, sigma: Array, dq: Array | None = None, *, stated: bool = True) -> DenoisedCurve:
    """Estimate a curve without its noise.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive, strictly increasing, n >= 8.
    intensity, sigma : array, shape (n,)
        Sigma positive.
    dq : array, shape (n,), optional
        Standard deviation of q, 1/angstrom.
    stated : bool
        Whether sigma was stated; one that was estimated gets a factor from the smoothing.

    Examples
    --------
    >>> q = np.geomspace(0.01, 0.3, 150)
    >>> truth = 100 * np.exp(-((q * 30) ** 2) / 3) + 1.0
    >>> sigma = 0.1 * truth
    >>> found = denoise_curve(q, truth + np.random.default_rng(2).normal(0, sigma), sigma)
    >>> bool(np.sqrt(np.mean(((found.intensity - truth) / sigma) ** 2)) < 0.35)
    True
    """
    u = np.log(q)
    envelope = envelope_of(u, intensity, sigma)
    free = smooth_quotient(u, intensity, sigma, envelope, dq=dq, q=q, known=False)
    found = free
    if stated:
        known = smooth_quotient(u, intensity, sigma, envelope, dq=dq, q=q)
        believed = free.factor < _DOUBTED or free.evidence - known.evidence < 5
        found = known if believed else free
    return DenoisedCurve(
        q,
        found.mean * envelope,
        found.sigma * envelope,
        sigma * found.factor,
        float(np.sum(found.leverage)),
        free.factor,
        _correlation(found),
    )


def smooth_quotient(
    u: Array, values: Array, sigma: Array, envelope: Array, *, dq: Array | None, q: Array, known: bool = True
) -> Smoothed:
    """Smooth values over their envelope, as narrow as the resolution allows."""
    y, noise = values / envelope, sigma / envelope
    limit = None if dq is None else _resolved(u, noise, dq / q)
    return smooth(u, y, noise, lowest=_BENDS, highest=limit, known=known)


def envelope_of(u: Array, intensity: Array, sigma: Array) -> Array:
    """Positive mean of a curve over about `_WIDTH` in u, shape (n,), at least what its noise leaves uncertain."""
    weight = np.exp(-0.5 * ((u[:, None] - u[None, :]) / _WIDTH) ** 2)
    total = weight.sum(axis=1)
    mean = weight @ intensity / total
    doubt = np.sqrt(weight**2 @ sigma**2) / total
    level = np.maximum(mean, 2 * doubt)
    return np.asarray(np.exp(weight @ np.log(level) / total))


def _resolved(u: Array, noise: Array, width: Array) -> Array:
    """Upper limit of ln d: the spline's cut-off, (d / noise per length)^(1/6), where smearing has left less than the noise."""
    local = np.gradient(u)
    density = noise**2 * local
    reach = 1.0 + np.sqrt(2 * np.log(np.maximum(1 / noise, 3.0)))
    return np.asarray(np.log(density) + 6 * np.log(reach / np.maximum(width, 1e-6)))


def _correlation(found: Smoothed) -> float:
    e = found.innovations[3:]
    return float(e[1:] @ e[:-1] / (e @ e)) if e.size > 3 else 0.0
