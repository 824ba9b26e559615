"""Grids and filters of the G(r) model: what the cut at Qmax, the X-ray weights and the data's own points do to it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from whorl.physics import peaks
from whorl.physics.form_factors import pair_weights, scattering_factor
from whorl.physics.transforms import SineGrid, interpolation
from whorl.techniques.pdf.instrument import PdfInstrument

Array = NDArray[np.float64]

#: a phase of a mixture: its elements, their atomic fractions, and its share of all atoms
Part = tuple[tuple[str, ...], tuple[float, ...], float]

STEP = 0.02  # internal grid, angstrom: a third of the narrowest peak
#: where candidates are compared, the grid only has to hold the data: its step, at most, and in units of 1/Qmax
_COARSE, _COARSE_PHASE = 0.04, 0.8
PAD = 4.0  # angstrom computed beyond the data, so that ripples from there come in
_TAPER = 2.0  # of which the last part fades out


def taper(r: Array, last: float) -> Array:
    """1 up to PAD - _TAPER beyond the data, falling to 0 at PAD: no step where the computed range ends."""
    t = np.clip((r - (last + PAD - _TAPER)) / _TAPER, 0.0, 1.0)
    return np.asarray(0.5 * (1 + np.cos(np.pi * t)))


def coarse_step(qmax: float | None) -> float:
    """Step of the internal grid when candidates are compared, angstrom.

    Interpolation from it errs by less than 1.5e-3 of what the data hold at Qmax, and much less of what they hold below.

    Examples
    --------
    >>> coarse_step(16.0), coarse_step(25.0), coarse_step(None)
    (0.04, 0.032, 0.02)
    """
    return float(np.clip(_COARSE_PHASE / qmax, STEP, _COARSE)) if qmax else STEP


@lru_cache(maxsize=16)
def model_grid(r_last: float, step: float = STEP) -> SineGrid:
    """Internal grid for data that end at ``r_last``."""
    return SineGrid.covering(r_last + PAD, step, margin=1.0)


class BandFilter:
    """Weights partials in Q, cuts the band and joins them: (channels, columns, n) to (columns, n)."""

    def __init__(self, grid: SineGrid, weights: Array | None, band: Array | None) -> None:
        self._grid = grid
        self._weights = weights
        self._band = band
        self._last = int(np.flatnonzero(band)[-1]) + 1 if band is not None else grid.n - 1

    def apply(self, raw: Array) -> Array:
        """Filter all columns."""
        if self._band is None and self._weights is None:
            return np.asarray(raw.sum(axis=0))
        last = self._last
        f = self._grid.to_q(raw)[..., :last]
        joined = f.sum(axis=0) if self._weights is None else np.einsum("cpq,cq->pq", f, self._weights[:, :last])
        padded = np.zeros((joined.shape[0], self._grid.n - 1))
        padded[:, :last] = joined if self._band is None else joined * self._band[:last]
        return self._grid.to_r(padded)


@lru_cache(maxsize=256)
def band_filter(
    grid: SineGrid,
    symbols: tuple[str, ...],
    fractions: tuple[float, ...],
    instrument: PdfInstrument,
    *,
    cluster: bool,
    constant: bool = False,
    mixture: tuple[Part, ...] = (),
) -> BandFilter:
    """Filter of a phase; ``constant`` takes the weights at Q = 0, as codes do that work in r alone.

    In a ``mixture`` the filter holds what an atom of the phase scatters relative to an atom of the whole sample.
    """
    q = np.zeros(1) if constant else grid.q
    weights: Array | None = None
    if len(symbols) > 1:
        full = pair_weights(symbols, np.array(fractions), q, instrument.radiation)
        m = len(symbols)
        weights = np.array([np.broadcast_to(full[a, b], grid.q.shape) for a in range(m) for b in range(a, m)])
    if mixture:
        relative = power_beside(mixture, symbols, fractions, q, instrument.radiation)
        weights = np.broadcast_to(relative, (1, grid.q.size)) if weights is None else weights * relative
    low = instrument.qmin if cluster else 0.0
    return BandFilter(grid, weights, _band(grid, low, instrument.qmax))


def power_beside(
    mixture: Sequence[Part], symbols: Sequence[str], fractions: Sequence[float], q: Array, radiation: str
) -> Array:
    r"""Scattering of an atom of one phase relative to that of the whole sample, shape (n,).

    Phases of the shares x_i of all atoms join as :math:`F(Q) = \sum_i x_i \langle f_i \rangle^2 F_i(Q) / \langle f \rangle^2`
    with :math:`\langle f \rangle = \sum_i x_i \langle f_i \rangle`: G(r) is normalised by the composition of the sample.
    Neutron lengths do not depend on Q and may cancel; their amounts are relative to
    :math:`\sum_i x_i \langle b_i \rangle^2`. A constant in place of <f_i>^2(Q)/<f>^2(Q) would make weight fractions wrong
    even without noise, since thermal motion takes up the shape.

    Examples
    --------
    >>> gold, carbon = (("Au",), (1.0,), 0.5), (("C",), (1.0,), 0.5)
    >>> power_beside((gold, carbon), *gold[:2], np.array([0.0, 20.0]), "x-ray").round(2).tolist()
    [3.46, 3.75]
    """

    def mean(of: Sequence[str], parts: Sequence[float]) -> Array:
        return np.asarray(sum(x * scattering_factor(s, q, radiation) for s, x in zip(of, parts, strict=True)))

    means = [(share, mean(of, parts)) for of, parts, share in mixture]
    if radiation == "neutron":
        whole = np.sum([x * f**2 for x, f in means], axis=0)
        return np.asarray(mean(symbols, fractions) ** 2 / np.maximum(whole, 1e-12))
    return np.asarray((mean(symbols, fractions) / np.sum([x * f for x, f in means], axis=0)) ** 2)


@lru_cache(maxsize=64)
def _band(grid: SineGrid, qmin: float, qmax: float | None) -> Array | None:
    return grid.band(qmin, qmax) if qmax or qmin else None


def peak_curves(grid: SineGrid, positions: Array, widths: Array, instrument: PdfInstrument, *, jacobian: bool = False) -> Array:
    """Peaks in G(r) of single distances, each of unit area in r G(r), cut to the instrument's band.

    Parameters
    ----------
    grid : SineGrid
    positions, widths : array, shape (k,)
        Distance and standard deviation (angstrom).
    instrument : PdfInstrument
    jacobian : bool

    Returns
    -------
    array, shape (k, 1 or 3, n - 1)
        The peak on the grid's r and, with ``jacobian``, its derivatives by position and width.
    """
    k = positions.size
    columns = 2 if jacobian else 0
    d_distance, d_variance = np.zeros((k, columns)), np.zeros((k, columns))
    if jacobian:
        d_distance[:, 0], d_variance[:, 1] = 1.0, 2 * widths
    channel = np.arange(k, dtype=np.int64)
    raw = peaks.peak_sum(positions, np.ones(k), widths**2, channel, d_distance, d_variance, grid.dr, grid.n, k)
    keep = BandFilter(grid, None, _band(grid, instrument.qmin, instrument.qmax))
    return keep.apply(raw.reshape(1, -1, grid.n - 1)).reshape(k, 1 + columns, grid.n - 1)


def sampler(grid: SineGrid, x: Array) -> sparse.csr_matrix:
    """Sparse interpolation matrix from the grid's points (0 left out, where G = 0) to ``x``."""
    first, weights = interpolation(x, 0.0, grid.dr, grid.n)
    columns = first[:, None] + np.arange(6) - 1
    rows = np.repeat(np.arange(x.size), 6)
    keep = (columns >= 0).ravel() & (np.abs(weights).ravel() > 1e-14)
    return sparse.csr_matrix((weights.ravel()[keep], (rows[keep], columns.ravel()[keep])), shape=(x.size, grid.n - 1))
