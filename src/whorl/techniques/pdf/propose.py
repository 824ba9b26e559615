r"""Cheap candidates, best first: correlation of the measured G(r) with every catalogue entry over ln r.

A change of length scale (thermal expansion, a solid solution, the unknown bond length of a metal cluster) shifts a pattern
along ln r without changing it. For every entry a template is computed from its stored distances, and for all shifts at
once, by fast Fourier transform, the best non-negative combination of the template under a few particle-size envelopes is
found in closed form: the scale and the size need no search. What is left over, as a part of the signal, is the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import NON_METALS, Catalogue, Entry
from whorl.core.hypothesis import ANY_ELEMENT
from whorl.physics import envelopes, peaks
from whorl.physics.form_factors import pair_weights
from whorl.physics.transforms import SineGrid
from whorl.techniques.pdf.phases import U_PRIOR, cell_spread
from whorl.techniques.pdf.prepare import PdfSignal
from whorl.techniques.pdf.signatures import Signature

Array = NDArray[np.float64]

WINDOW = (1.5, 14.0)  # angstrom
_POINTS = 1280
_DIAMETERS = (1e6, 40.0, 20.0, 12.0)
_CRYSTAL_SHIFT = 0.045
_BOND_SHIFT = 0.08
_BOND_SPREAD = 0.03
_OPEN_BONDS = (2.15, 3.75)  # angstrom: from Be, Fe to Pb and the rare earths
_STEP = 0.02
_WEIGHT_Q = 6.0  # 1/angstrom: where the weights of the pairs are taken as constant
_HALF_NYQUIST_TESTIFIES = 0.25


@dataclass(frozen=True)
class Row:
    """A catalogue entry with its signature."""

    catalogue: Catalogue
    entry: Entry
    signature: Signature


@dataclass(frozen=True)
class Proposal:
    """A candidate worth refining.

    Attributes
    ----------
    row : Row
    merit : float
        Log evidence of the coarse match; differences count.
    misfit : float
        Estimate of R_w on the window.
    zoom : float
        Factor on the entry's lengths (crystals, clusters in angstrom) or bond length in angstrom (open clusters).
    diameter : float or None
        Particle size the match suggests, angstrom; ``None`` for a large crystal or a cluster.
    element : str or None
        Element put on an open cluster.
    """

    row: Row
    merit: float
    misfit: float
    zoom: float
    diameter: float | None
    element: str | None


def log_correlation(signal: PdfSignal, rows: Sequence[Row], *, elements: frozenset[str] | None = None) -> list[Proposal]:
    """Score all entries; best first.

    Parameters
    ----------
    signal : PdfSignal
    rows : sequence of Row
    elements : frozenset of str, optional
        Elements of the sample as the user gives them; the file's composition is used as a hint otherwise.
    """
    low, high = max(WINDOW[0], signal.range[0]), min(WINDOW[1], signal.range[1])
    matcher = _Matcher(signal, low, high)
    metals = sorted((elements or signal.elements_hint) - NON_METALS)
    known = metals[0] if len(metals) == 1 else None
    out = []
    for is_cluster in (False, True):
        part = [r for r in rows if (r.entry.kind == "cluster") is is_cluster]
        for start in range(0, len(part), 128):
            out += matcher.match(part[start : start + 128], cluster=is_cluster, element=known)
    return sorted(out, key=lambda p: -p.merit)


class _Matcher:
    def __init__(self, signal: PdfSignal, low: float, high: float) -> None:
        self._signal = signal
        self._x = np.linspace(np.log(low), np.log(high), _POINTS)
        self._dx = float(self._x[1] - self._x[0])
        r = np.exp(self._x)
        data = np.interp(r, signal.r, signal.g)
        weight = r / np.sum(r * data**2)  # dr = r d(ln r); then the signal has power 1
        qmax = signal.instrument.qmax or 25.0
        self._testify = 0.5 * _HALF_NYQUIST_TESTIFIES * (high - low) * qmax / np.pi
        gamma = np.array([envelopes.sphere(r, d)[0] for d in _DIAMETERS])
        self._pairs = list(combinations(range(len(_DIAMETERS)), 2))
        self._length = 1 << int(np.ceil(np.log2(_POINTS * 1.5)))
        self._numerator = np.conj(np.fft.rfft(weight * data * gamma, self._length))
        self._square = {
            (a, b): np.conj(np.fft.rfft(weight * gamma[a] * gamma[b], self._length))
            for a in range(len(_DIAMETERS))
            for b in range(a, len(_DIAMETERS))
        }
        self._high = high

    def match(self, rows: Sequence[Row], *, cluster: bool, element: str | None) -> list[Proposal]:
        if not rows:
            return []
        centres, reach, spread = [], 0.0, []
        for row in rows:
            centre, half, sigma = _scale_prior(row.signature, element)
            centres.append(centre)
            spread.append(sigma)
            reach = max(reach, half)
        steps = int(reach / self._dx)
        axis = self._x[0] + np.arange(-steps, _POINTS + steps) * self._dx
        template = self._templates(rows, centres, np.exp(axis), cluster=cluster, element=element)
        explained, which = self._explained(template, steps, cluster=cluster)
        shift = (steps - np.arange(2 * steps + 1)) * self._dx  # the template moved by k is the entry at zoom exp(shift)
        out = []
        for i, row in enumerate(rows):
            sigma = spread[i]
            prior = -0.5 * (shift / sigma) ** 2 if sigma else 0.0 * shift
            merit = -self._testify * np.log(np.maximum(1 - explained[i], 1e-4)) + prior
            k = int(np.argmax(merit))
            diameter = None if cluster else _mean_diameter(float(which[i, k]))
            open_element = element if ANY_ELEMENT in row.signature.symbols else None
            misfit = float(np.sqrt(max(1 - explained[i, k], 1e-4)))
            out.append(Proposal(row, float(merit[k]), misfit, float(centres[i] * np.exp(shift[k])), diameter, open_element))
        return out

    def _templates(
        self, rows: Sequence[Row], centres: Sequence[float], r: Array, *, cluster: bool, element: str | None
    ) -> Array:
        instrument = self._signal.instrument
        grid = SineGrid.covering(float(r[-1]) + 1.0, _STEP, margin=1.0)
        band = grid.band(instrument.qmin if cluster else 0.0, instrument.qmax)
        taper = np.clip((float(r[-1]) + 1.0 - grid.r) / 1.0, 0.0, 1.0)
        raw = np.empty((len(rows), grid.n - 1))
        for i, (row, centre) in enumerate(zip(rows, centres, strict=True)):
            raw[i] = _raw_pattern(row.signature, centre, grid, self._signal, element) * taper
        curves = grid.to_r(grid.to_q(raw) * band)
        return np.array([np.interp(r, grid.r, c) for c in curves])

    def _explained(self, template: Array, steps: int, *, cluster: bool) -> tuple[Array, Array]:
        """Part of the signal's power explained at each shift, and the (fractional) index of the envelope that does it."""
        count = 2 * steps + 1
        length = max(self._length, 1 << int(np.ceil(np.log2(template.shape[1]))))
        assert length == self._length, "the template is longer than the transform"
        plain = np.fft.rfft(template, length)
        squared = np.fft.rfft(template**2, length)
        envelope_count = 1 if cluster else len(_DIAMETERS)

        def correlate(kernel: NDArray[np.complex128], of: NDArray[np.complex128]) -> Array:
            return np.asarray(np.fft.irfft(of * kernel, length)[:, :count])

        n = [correlate(self._numerator[k], plain) for k in range(envelope_count)]
        s = {(a, b): correlate(self._square[a, b], squared) for a in range(envelope_count) for b in range(a, envelope_count)}
        best = np.zeros_like(n[0])
        which = np.zeros(best.shape)
        for a in range(envelope_count):
            c = np.maximum(n[a], 0) / np.maximum(s[a, a], 1e-12)
            gain = c * n[a]
            better = gain > best
            best = np.where(better, gain, best)
            which = np.where(better, float(a), which)
        if not cluster:
            for a, b in self._pairs:
                determinant = s[a, a] * s[b, b] - s[a, b] ** 2
                safe = determinant > 1e-9 * s[a, a] * s[b, b]
                d = np.where(safe, determinant, 1.0)
                ca = (n[a] * s[b, b] - n[b] * s[a, b]) / d
                cb = (n[b] * s[a, a] - n[a] * s[a, b]) / d
                gain = np.where(safe & (ca > 0) & (cb > 0), ca * n[a] + cb * n[b], 0.0)
                better = gain > best
                best = np.where(better, gain, best)
                which = np.where(better, a + (b - a) * cb / np.where(better, ca + cb, 1.0), which)
        return np.clip(best, 0.0, 1.0), which


def _raw_pattern(s: Signature, centre: float, grid: SineGrid, signal: PdfSignal, element: str | None) -> Array:
    distance = s.distance * centre
    weight = s.weight
    symbols = tuple(element or "Au" if x == ANY_ELEMENT else x for x in s.symbols)
    if len(symbols) > 1:
        full = pair_weights(symbols, np.array(s.fractions), np.array([_WEIGHT_Q]), signal.instrument.radiation)[:, :, 0]
        weight = weight * np.array([full[a, b] for a in range(len(symbols)) for b in range(a, len(symbols))])[s.channel]
    width = peaks.widths(distance, np.full(distance.size, 2 * U_PRIOR[0]), delta2=1.5)
    none = np.zeros((distance.size, 0))
    channel = np.zeros(distance.size, dtype=np.int64)
    curve = peaks.peak_sum(distance, weight, width.variance, channel, none, none, grid.dr, grid.n, 1)[0, 0]
    if s.density:
        curve = curve - 4 * np.pi * (s.density / centre**3) * grid.r
    return np.asarray(curve)


def _scale_prior(s: Signature, element: str | None) -> tuple[float, float, float | None]:
    """Centre of the scale, half range of ln(scale), spread of its prior (``None``: flat)."""
    if not s.bond_free:
        return 1.0, _CRYSTAL_SHIFT, cell_spread(len(s.symbols)) if s.density else _BOND_SPREAD
    bond = bond_length(element) if element else None
    if bond is None:
        low, high = _OPEN_BONDS
        return float(np.sqrt(low * high)), float(0.5 * np.log(high / low)), None
    return bond, _BOND_SHIFT, _BOND_SPREAD


def bond_length(symbol: str) -> float | None:
    """Nearest-neighbour distance in the elemental metal, angstrom (ASE reference states); ``None`` for other structures.

    Examples
    --------
    >>> round(bond_length("Au"), 3)
    2.885
    """
    from ase.data import atomic_numbers, reference_states

    state = reference_states[atomic_numbers[symbol]]
    if not state or "a" not in state:
        return None
    a = float(state["a"])
    factor = {"fcc": 0.5**0.5, "bcc": 0.75**0.5, "hcp": 1.0, "sc": 1.0, "diamond": 0.1875**0.5}.get(str(state["symmetry"]))
    return a * factor if factor else None


def _mean_diameter(mixed: float) -> float | None:
    """Particle size that an envelope, or a blend of two, stands for."""
    inverse = np.interp(mixed, range(len(_DIAMETERS)), [1 / d for d in _DIAMETERS])
    return float(1 / inverse) if inverse > 1 / 200.0 else None
