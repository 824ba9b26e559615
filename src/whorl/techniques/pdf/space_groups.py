"""Which space groups a G(r) speaks for, whatever the structure: an answer for data that match nothing known.

A trained network reads the shape of G(r) alone, no composition and no scale, and weighs the 45 space groups that are most
common among inorganic crystals (the question of Liu et al., Acta Cryst. A 75, 633 (2019), doi:10.1107/S2053273319005606). The
probabilities assume that the crystal is one phase, has one of the 45, and that each is as likely as another beforehand. How the
network is made and how far it can be trusted: docs/theory/space-groups.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.models.inference import Model, open_model
from whorl.physics.transforms import SineGrid
from whorl.techniques.pdf.prepare import PdfSignal

Array = NDArray[np.float64]

MODEL = "space-groups-pdf"
#: points that the network reads, angstrom
GRID: Array = np.arange(15, 301, dtype=np.float64) * 0.1
#: shortest end of the data that the network was trained on, angstrom
SHORTEST_END = 10.0
_QMAX = 26.0  # 1/angstrom; more than this was never seen in training, and the step of 0.1 angstrom could not hold much more
_FINE = 0.02

SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic")
_FIRST_NUMBERS = (1, 3, 16, 75, 143, 168, 195)


class SpaceGroupLikelihood(NamedTuple):
    """One space group: number in the International Tables, symbol, probability."""

    number: int
    symbol: str
    probability: float


def likelihood(signal: PdfSignal, *, model: Model | None = None) -> list[SpaceGroupLikelihood]:
    """Rank the space groups that a G(r) may have.

    Parameters
    ----------
    signal : PdfSignal
        Reaching to 10 angstrom at least; up to 30 is used.
    model : Model, optional
        The shipped one by default.

    Returns
    -------
    list of SpaceGroupLikelihood
        All groups of the model, most probable first; the probabilities sum to 1.

    Raises
    ------
    PatternError
        If the data end too early, or are all zero.
    ModelError
        If the weights are missing or damaged.

    Examples
    --------
    >>> from whorl.core.hypothesis import Crystal, Site
    >>> from whorl.techniques.pdf.prepare import prepare
    >>> from whorl.techniques.pdf.simulate import simulate
    >>> cell = (5.64, 5.64, 5.64, 90, 90, 90)
    >>> salt = Crystal("NaCl", cell=cell, space_group="225", sites=(Site("Na", (0, 0, 0)), Site("Cl", (0.5, 0.5, 0.5))))
    >>> ranked = likelihood(prepare(simulate(salt, settings={"qmin": 0.5, "qmax": 23.0, "qdamp": 0.04})))
    >>> len(ranked), 225 in [group.number for group in ranked[:6]]
    (45, True)
    """
    net = model or open_model(MODEL)
    logits = net.predict(curve(signal)[None, :])[0]
    probabilities = softmax(logits, float(np.asarray(net.card.constants["temperature"]).item()))
    order = np.argsort(-probabilities, kind="stable")
    numbers = [int(net.card.classes[int(i)]) for i in order]
    return [SpaceGroupLikelihood(n, symbol(n), float(probabilities[i])) for n, i in zip(numbers, order, strict=True)]


def crystal_systems(ranked: Sequence[SpaceGroupLikelihood]) -> dict[str, float]:
    """Sum the probabilities of the space groups of each crystal system, most probable first.

    Examples
    --------
    >>> crystal_systems([SpaceGroupLikelihood(225, "Fm-3m", 0.6), SpaceGroupLikelihood(139, "I4/mmm", 0.3)])
    {'cubic': 0.6, 'tetragonal': 0.3}
    """
    total = dict.fromkeys(SYSTEMS, 0.0)
    for group in ranked:
        total[crystal_system(group.number)] += group.probability
    return dict(sorted(((k, v) for k, v in total.items() if v > 0), key=lambda item: -item[1]))


def crystal_system(number: int) -> str:
    """Crystal system of a space group.

    Examples
    --------
    >>> crystal_system(2), crystal_system(166), crystal_system(194), crystal_system(230)
    ('triclinic', 'trigonal', 'hexagonal', 'cubic')
    """
    return SYSTEMS[int(np.searchsorted(_FIRST_NUMBERS, number, side="right")) - 1]


def symbol(number: int) -> str:
    """Short Hermann-Mauguin symbol of a space group in its standard setting.

    Examples
    --------
    >>> symbol(62), symbol(14), symbol(166)
    ('Pnma', 'P21/c', 'R-3m')
    """
    import gemmi

    name = str(gemmi.find_spacegroup_by_number(number).short_name())
    return "R" + name[1:] if name.startswith("H") else name  # gemmi says H for rhombohedral groups on hexagonal axes


def softmax(logits: Array, temperature: float) -> Array:
    """Probabilities of logits, shape (..., k), divided by a temperature first.

    Examples
    --------
    >>> softmax(np.array([0.0, np.log(3.0)]), 1.0).round(6).tolist()
    [0.25, 0.75]
    """
    scaled = logits / temperature
    e = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def curve(signal: PdfSignal) -> Array:
    """What the network reads of a signal: G on `GRID` at unit root mean square, 0 where there are no data, shape (286,).

    Raises
    ------
    PatternError
        If the data end before 10 angstrom, or are all zero.
    """
    where = signal.measurement.path or "measurement"
    if signal.r[-1] < SHORTEST_END - 1e-6:
        raise PatternError(
            f"the data end at {signal.r[-1]:g} angstrom, too early to tell a space group",
            where=where,
            remedy=f"Give G(r) to {SHORTEST_END:g} angstrom at least; 30 is best.",
        )
    g = signal.g
    fine_enough = float(np.median(np.diff(signal.r))) < GRID[1] - GRID[0]
    if fine_enough and (signal.instrument.qmax is None or signal.instrument.qmax > _QMAX):
        g = _band_limited(signal.r, g)
    out = np.interp(GRID, signal.r, g, left=0.0, right=0.0) if not fine_enough else _sampled(signal.r, g)
    rms = float(np.sqrt(np.mean(out**2)))
    if rms == 0:
        raise PatternError("G(r) is zero throughout", where=where, remedy="Check the file.")
    return np.asarray(out / rms)


def _sampled(r: Array, g: Array) -> Array:
    from scipy.interpolate import CubicSpline

    inside = (r[0] - 1e-6 <= GRID) & (r[-1] + 1e-6 >= GRID)
    return np.where(inside, CubicSpline(r, g)(np.clip(GRID, r[0], r[-1])), 0.0)


def _band_limited(r: Array, g: Array) -> Array:
    """G(r) without what lies above the largest Q of training."""
    grid = SineGrid.covering(float(r[-1]), _FINE)
    on_grid = np.interp(grid.r, r, g, left=0.0, right=0.0)
    kept = grid.to_r(grid.to_q(on_grid) * grid.band(0.0, _QMAX))
    return np.asarray(np.interp(r, grid.r, kept))
