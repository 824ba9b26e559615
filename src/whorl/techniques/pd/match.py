r"""How well the lines of each catalogue entry are found in a pattern, whatever else is in it: the cheap first look of a search.

The pattern, without its background, is turned into the intensity o(u) near each u = ln(1/d), over the width of a peak; lines of
a crystal with shares p_k of its intensity are found to the degree

.. math::
    m(s) = \sum_k \sqrt{p_k \, o(u_k + s) / \textstyle\sum o}

(a Bhattacharyya coefficient: 1 for a single phase with the right intensities, sqrt(f) for one that makes up a part f), at the
best common shift s, which a change of all lengths of the cell by exp(-s) makes. Crystals with many lines find something
anywhere: what they find at shifts far beyond any real one is taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.powder_corrections import lorentz_polarisation
from whorl.techniques.pd.index import Lines
from whorl.techniques.pd.instrument import PdInstrument

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_STEP = 4e-4  # of u
#: shifts beyond those of real cells that show what a crystal finds by chance, in steps
_FAR = 60
_FLOOR = 1.5  # standard deviations of the noise that count as nothing


@dataclass(frozen=True)
class Match:
    """What a first look says of some entries, arrays of shape (entries,).

    Attributes
    ----------
    found : array
        m at the best shift.
    excess : array
        The same less what is found by chance.
    shift : array
        Best shift of ln(1/d).
    """

    found: Array
    excess: Array
    shift: Array


class Matcher:
    """A pattern prepared to be compared with lines.

    Parameters
    ----------
    x, net, sigma : array, shape (n,)
        2 theta (degrees), intensity without background, its standard uncertainty.
    fwhm : float
        Width of the peaks, degrees.
    instrument : PdInstrument
    """

    def __init__(self, x: Array, net: Array, sigma: Array, fwhm: float, instrument: PdInstrument) -> None:
        self._wavelength = instrument.wavelength
        self._neutron = instrument.radiation == "neutron"
        self._instrument = instrument
        self.x_range = (float(x[0]), float(x[-1]))
        low, high = np.log(2 * np.sin(np.radians(np.array(self.x_range)) / 2) / self._wavelength)
        self._u0 = float(low)
        count = max(int((high - low) / _STEP) + 1, 2)
        u = self._u0 + _STEP * np.arange(count)
        angle = 2 * np.degrees(np.arcsin(np.clip(np.exp(u) * self._wavelength / 2, 0.0, 1.0)))
        dx = np.gradient(x)
        area = np.concatenate([[0.0], np.cumsum(net * dx)])
        noise = np.concatenate([[0.0], np.cumsum((sigma * dx) ** 2)])
        edges = np.concatenate([x - dx / 2, [x[-1] + dx[-1] / 2]])
        half = 0.7 * fwhm

        def within(total: Array) -> Array:
            return np.asarray(np.interp(angle + half, edges, total) - np.interp(angle - half, edges, total))

        self.local = np.maximum(within(area) - _FLOOR * np.sqrt(np.maximum(within(noise), 0.0)), 0.0)
        # each peak counts once: the sum over the pattern in steps of its width
        self.total = float(np.sum(np.maximum(self.local, 0.0) * np.gradient(angle)) / (2 * half)) or 1.0
        self._root = np.sqrt(self.local / self.total)
        self._resolution = np.radians(fwhm) / 2 / np.tan(np.radians(angle) / 2)

    def shares(self, lines: Sequence[Lines]) -> tuple[Array, Array, Index]:
        """ln(1/d) and share of the intensity in the range of the lines of all entries; start of each entry's."""
        radiation = 1 if self._neutron else 0
        counts = np.array([r.inverse_d2.size for r in lines], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(counts)])
        if starts[-1] == 0:
            return np.zeros(0), np.zeros(0), starts
        inverse = np.concatenate([r.inverse_d2 for r in lines]).astype(np.float64)
        intensity = np.concatenate([r.intensity[radiation] for r in lines]).astype(np.float64)
        return 0.5 * np.log(inverse), intensity * self._angular(inverse), starts

    def _angular(self, inverse_d2: Array) -> Array:
        """Lorentz and polarisation factors; none outside the range."""
        sine = np.sqrt(inverse_d2) * self._wavelength / 2
        inside = sine < np.sin(np.radians(self.x_range[1]) / 2) * 1.02
        inside &= sine > np.sin(np.radians(self.x_range[0]) / 2) * 0.98
        two_theta = 2 * np.degrees(np.arcsin(np.clip(sine, 1e-4, 0.999)))
        i = self._instrument
        factor = lorentz_polarisation(two_theta, monochromator=i.monochromator, polarised=i.polarised, neutron=self._neutron)
        return np.where(inside, factor, 0.0)

    def match(self, lines: Sequence[Lines], reach: Array) -> Match:
        """Compare with the lines of entries.

        Parameters
        ----------
        lines : sequence of Lines
        reach : array, shape (entries,)
            Largest shift of ln(1/d) of each.
        """
        u, strength, starts = self.shares(lines)
        steps = np.maximum(np.round(np.asarray(reach) / _STEP).astype(np.int64), 1)
        found, chance, shift = _scan(u, strength, starts, steps, self._root, self._u0, _STEP, self._resolution, _FAR)
        return Match(found, np.maximum(found - chance, 0.0), shift * _STEP)


@njit(cache=True, nogil=True)
def _scan(u, strength, starts, steps, root, u0, step, resolution, far):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Best m, its value by chance, and the best shift in steps, of each entry."""
    count = starts.size - 1
    best, chance, where = np.zeros(count), np.zeros(count), np.zeros(count)
    place = np.empty(4096, dtype=np.int64)
    weight = np.empty(4096)
    for e in range(count):
        total = 0.0
        for k in range(starts[e], starts[e + 1]):
            total += strength[k]
        if total <= 0:
            continue
        # lines within a peak's width of each other are one
        used = 0
        last = -1e9
        for k in range(starts[e], starts[e + 1]):
            if strength[k] <= 1e-4 * total or used >= 4095:
                continue
            at = (u[k] - u0) / step
            cell = min(max(int(at), 0), root.size - 1)
            if used > 0 and at - last < resolution[cell] / step:
                old = weight[used - 1]
                weight[used - 1] = old + strength[k]
                last = (last * old + at * strength[k]) / (old + strength[k])
                place[used - 1] = int(np.round(last))
            else:
                place[used] = int(np.round(at))
                weight[used] = strength[k]
                last = at
                used += 1
        for k in range(used):
            weight[k] = np.sqrt(weight[k] / total)
        most = steps[e] + far
        outside, places = 0.0, 0
        for s in range(-most, most + 1):
            near = abs(s) <= steps[e]
            if not near and s % 3 != 0:
                continue
            value = 0.0
            for k in range(used):
                at2 = place[k] + s
                if at2 >= 0 and at2 < root.size:
                    value += weight[k] * root[at2]
            if near:
                if value > best[e]:
                    best[e], where[e] = value, s
            else:
                outside += value
                places += 1
        chance[e] = outside / max(places, 1)
    return best, chance, where
