r"""Templates: the G(r) of a catalogue entry over ln r, as retrieval compares it with a measurement.

Over ln r a change of the length scale is a shift. A template is computed from an entry's distance list with ordinary
displacement parameters and without limits in Q, is scaled to unit mean power (only its shape counts), and is kept. The band
Qmin ... Qmax of a measurement is put on afterwards: cutting a band is linear in G(r), so one matrix does it for all entries.

Two grids: entries whose lengths are known to a few per cent, and clusters whose bond length is open, which are laid out at
`REFERENCE_BOND`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import ANY_ELEMENT
from whorl.physics import peaks
from whorl.physics.form_factors import is_tabulated, pair_weights
from whorl.physics.transforms import SineGrid
from whorl.techniques.pdf.phases import U_PRIOR
from whorl.techniques.pdf.signatures import Signature

Array = NDArray[np.float64]
Single = NDArray[np.float32]

WINDOW = (1.5, 14.0)  # angstrom
POINTS = 640
DX = float(np.log(WINDOW[1] / WINDOW[0])) / (POINTS - 1)
REFERENCE_BOND = 2.84  # angstrom: the middle, in ln, of the bonds of metals, from 1.9 to 4.3 with room on either side
_STEP = 0.02
_MARGIN = 1.0  # angstrom beyond the last point, where a template fades out
_WEIGHT_Q = 6.0  # 1/angstrom: where the weights of the pairs are taken as constant
_DELTA2 = 1.5


@dataclass(frozen=True)
class LogGrid:
    """Points over ln r on which the templates of one kind lie.

    ``steps``: shifts to either side that can be tried, in units of `DX`.
    """

    steps: int

    @property
    def count(self) -> int:
        """Points of a template with its band cut: the window and the shifts."""
        return POINTS + 2 * self.steps

    @cached_property
    def r(self) -> Array:
        """Points of a stored template, angstrom: those of `count`, and more beyond for the ripples of the cut."""
        tail = int(np.ceil(np.log1p(_MARGIN / WINDOW[1]) / DX))
        first = np.log(WINDOW[0]) - self.steps * DX
        return np.asarray(np.exp(first + DX * np.arange(self.count + tail)))

    @cached_property
    def linear(self) -> SineGrid:
        """The grid on which peaks are summed and bands cut."""
        return SineGrid.covering(float(self.r[-1]), _STEP, margin=1.02)

    def band(self, qmin: float, qmax: float | None) -> Single:
        """Matrix that cuts the band qmin ... qmax, 1/angstrom; shape (stored points, `count`)."""
        return _band(self, round(qmin, 3), None if qmax is None else round(qmax, 3))


#: shifts by 4.5 %, and by half to either side: crystals and clusters of known size, clusters of unknown bond length
CLOSED, OPEN = LogGrid(13), LogGrid(120)


@lru_cache(maxsize=32)
def _band(grid: LogGrid, qmin: float, qmax: float | None) -> Single:
    line = grid.linear
    basis = _hats(np.log(np.maximum(line.r, grid.r[0])), np.log(grid.r)) * np.minimum(1.0, line.r / grid.r[0])
    cut = line.to_r(line.to_q(basis) * line.band(qmin, qmax))
    r = grid.r[: grid.count]
    right = np.clip(np.searchsorted(line.r, r), 1, line.r.size - 1)
    share = (r - line.r[right - 1]) / line.dr
    return np.asarray(cut[:, right - 1] * (1 - share) + cut[:, right] * share, dtype=np.float32)


def _hats(x: Array, nodes: Array) -> Array:
    """Linear interpolation from equidistant nodes as a matrix of shape (nodes, points), zero beyond the last node."""
    place = (x - nodes[0]) / (nodes[1] - nodes[0])
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(place[None, :] - np.arange(nodes.size)[:, None])))


def grid_of(signature: Signature) -> LogGrid:
    """The grid on which the templates of a signature lie."""
    return OPEN if signature.bond_free else CLOSED


def template(s: Signature, radiation: str) -> NDArray[np.float16] | None:
    """Shape of an entry's G(r) on its `LogGrid`, unit mean square; ``None`` where an element's scattering is not tabulated.

    Examples
    --------
    >>> pair = Signature(("Au",), (1.0,), 0.0, False, np.array([2.88]), np.array([1.0]), np.zeros(1, dtype=np.int64))
    >>> found = template(pair, "x-ray")
    >>> bool(abs(CLOSED.r[np.argmax(found)] - 2.88) < 0.01)
    True
    """
    symbols = tuple("Au" if x == ANY_ELEMENT else x for x in s.symbols)
    if not all(is_tabulated(x, radiation) for x in symbols):
        return None
    grid = grid_of(s)
    distance = s.distance * (REFERENCE_BOND if s.bond_free else 1.0)
    weight = s.weight
    if len(symbols) > 1:
        full = pair_weights(symbols, np.array(s.fractions), np.array([_WEIGHT_Q]), radiation)[:, :, 0]
        weight = weight * np.array([full[a, b] for a in range(len(symbols)) for b in range(a, len(symbols))])[s.channel]
    line = grid.linear
    width = peaks.widths(distance, np.full(distance.size, 2 * U_PRIOR[0]), delta2=_DELTA2)
    none = np.zeros((distance.size, 0))
    channel = np.zeros(distance.size, dtype=np.int64)
    curve = peaks.peak_sum(distance, weight, width.variance, channel, none, none, line.dr, line.n, 1)[0, 0]
    curve -= 4 * np.pi * s.density * line.r
    curve *= np.clip((float(grid.r[-1]) - line.r) / _MARGIN, 0.0, 1.0)
    shape = np.interp(grid.r, line.r, curve)
    power = float(np.sqrt(np.mean(shape**2)))
    return np.asarray(shape / power, dtype=np.float16) if power > 0 and np.isfinite(power) else None
