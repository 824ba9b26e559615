r"""Frames of a series to what they would be after a long exposure: components that they share, each a smooth curve.

Where every frame is a mixture of a few curves, r, each of m frames borrows from the others: the components that stand above the
noise (`whorl.physics.small_angle.low_rank`) are smoothed as curves are (`whorl.techniques.sas.denoise_curve`), and every frame
is put together from them. The uncertainty is that of the components at their weights, and of the weights of each frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.low_rank import low_rank
from whorl.techniques.sas.denoise_curve import envelope_of, smooth_quotient

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DenoisedSeries:
    """The estimate of a series without noise.

    Attributes
    ----------
    intensity, sigma : array, shape (m, n)
    rank : int
        Components that stand above the noise.
    gain : float
        Median ratio of the uncertainty of the values to that of the estimates.
    parameters : float
        Effective number of parameters of the estimate.
    misfit : array, shape (m,)
        Root mean square of each frame's residual over its uncertainty: well above 1 where a frame is not like the others.
    """

    intensity: Array
    sigma: Array
    rank: int
    gain: float
    parameters: float
    misfit: Array


def denoise_frames(q: Array, intensity: Array, sigma: Array, dq: Array | None = None) -> DenoisedSeries:
    """Estimate the frames of a series without their noise.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive, strictly increasing, n >= 8.
    intensity, sigma : array, shape (m, n)
        Sigma positive.
    dq : array, shape (n,), optional
        Standard deviation of q, 1/angstrom.

    Examples
    --------
    >>> q = np.geomspace(0.01, 0.3, 80)
    >>> frames = np.outer(np.linspace(1, 2, 40), np.exp(-((q * 30) ** 2) / 3) + 0.1)
    >>> noise = 0.2 * np.sqrt(frames)
    >>> found = denoise_frames(q, frames + np.random.default_rng(1).normal(0, noise), noise)
    >>> found.rank, bool(np.sqrt(np.mean(((found.intensity - frames) / noise) ** 2)) < 0.2)
    (1, True)
    """
    parts = low_rank(intensity, sigma)
    rank = parts.size.size
    u = np.log(q)
    rows, columns = parts.rows[:, None], parts.columns[None, :]
    if rank == 0:  # nothing stands above the noise: no more than the mean can be said
        weight = 1 / sigma**2
        mean = np.broadcast_to(np.sum(weight * intensity, axis=0) / np.sum(weight, axis=0), intensity.shape)
        spread = np.broadcast_to(1 / np.sqrt(np.sum(weight, axis=0)), intensity.shape)
        return _result(intensity, sigma, np.array(mean), np.array(spread), 0, float(q.size))
    whitened = intensity / (rows * columns)
    mean = np.average(intensity, axis=0, weights=1 / parts.rows**2)
    envelope = envelope_of(u, mean, parts.columns / np.sqrt(np.sum(1 / parts.rows**2)))
    curves = np.empty((rank, q.size))
    spreads = np.empty((rank, q.size))
    count = 0.0
    for k in range(rank):
        component = whitened.T @ parts.left[:, k] * parts.columns
        found = smooth_quotient(u, component, parts.columns, envelope, dq=dq, q=q)
        curves[k] = found.mean * envelope
        spreads[k] = found.sigma * envelope
        count += float(np.sum(found.leverage))
    # what the noise adds to a component it takes from its weights: they are shrunk as the singular values are
    raw = np.sqrt(np.sum((whitened.T @ parts.left) ** 2, axis=0))
    trust = np.clip(parts.size / raw, 0.0, 1.0) ** 2
    left = parts.left * np.where(trust > 0.98, 1.0, np.sqrt(trust))
    estimate = rows * (left @ curves)
    directions, _ = np.linalg.qr((curves / parts.columns).T)
    own = np.sum(directions**2, axis=1)[None, :] * (1 - np.sum(parts.left**2, axis=1))[:, None]
    variance = rows**2 * (parts.left**2 @ spreads**2 + columns**2 * np.maximum(own, 0))
    return _result(intensity, sigma, estimate, np.sqrt(variance), rank, count + rank * (intensity.shape[0] - rank))


def _result(values: Array, sigma: Array, mean: Array, spread: Array, rank: int, count: float) -> DenoisedSeries:
    misfit = np.sqrt(np.mean(((values - mean) / sigma) ** 2, axis=1))
    return DenoisedSeries(mean, spread, rank, float(np.median(sigma / spread)), count, misfit)
