"""Which space groups a G(r) speaks for, whatever the structure: an answer for data that match nothing known.

A trained network reads the shape of G(r) alone, no composition and no scale, and weighs the 45 space groups that are most
common among inorganic crystals (the question of Liu et al., Acta Cryst. A 75, 633 (2019), doi:10.1107/S2053273319005606). What
it gives are log likelihoods; a prior over the groups, a declared one, makes probabilities of them. They assume that the crystal
is one phase and has one of the 45. How the network is made and how far it can be trusted: docs/theory/space-groups.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

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
_STRETCHES = tuple(float(x) for x in np.exp(np.linspace(-0.08, 0.08, 9)))
_ROWS = 1024  # curves that a network is shown at once

#: the 45 groups, and how frequent each is among inorganic crystals, relative to the others: the prior of the answer. Rounded
#: estimates of ours, not a published table (such statistics: Urusov & Nadezhina, J. Struct. Chem. 50 (suppl.), 22 (2009),
#: doi:10.1007/s10947-009-0186-9); the benchmark shows how little comes of changing each by a third.
FREQUENCIES: dict[int, float] = {
    2: 43, 4: 11, 9: 6, 11: 12, 12: 35, 14: 78, 15: 38,
    19: 9, 33: 9, 36: 8, 47: 6, 55: 9, 60: 8, 61: 9, 62: 80, 63: 29, 64: 9, 71: 10,
    87: 7, 122: 8, 123: 13, 127: 9, 129: 16, 136: 10, 139: 38, 140: 12, 141: 14,
    148: 15, 160: 11, 164: 12, 166: 32, 167: 18,
    176: 17, 186: 12, 189: 13, 191: 20, 193: 12, 194: 42,
    205: 7, 216: 22, 221: 48, 225: 58, 227: 45, 229: 14, 230: 8,
}  # fmt: skip

Prior = Literal["database", "equal"]

SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic")
_FIRST_NUMBERS = (1, 3, 16, 75, 143, 168, 195)


class SpaceGroupLikelihood(NamedTuple):
    """One space group: number in the International Tables, symbol, probability."""

    number: int
    symbol: str
    probability: float


def likelihood(
    signal: PdfSignal, *, model: Model | None = None, prior: Prior = "database", known_types: bool = False
) -> list[SpaceGroupLikelihood]:
    """Rank the space groups that a G(r) may have.

    Parameters
    ----------
    signal : PdfSignal
        Reaching to 10 angstrom at least; up to 30 is used.
    model : Model, optional
        The shipped one by default.
    prior : {"database", "equal"}
        How likely the groups are before the data are looked at: as frequent as in databases of inorganic crystals
        (`FREQUENCIES`), or each as likely as another.
    known_types : bool
        Whether the crystal is taken from such a database, where four entries in five have a structure type that training had.
        Otherwise it is taken to be new in kind, and the probabilities are more modest.

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
    probabilities = posterior(net, curve(signal)[None, :], prior=prior, known_types=known_types)[0]
    order = np.argsort(-probabilities, kind="stable")
    numbers = [int(net.card.classes[int(i)]) for i in order]
    return [SpaceGroupLikelihood(n, symbol(n), float(probabilities[i])) for n, i in zip(numbers, order, strict=True)]


def posterior(model: Model, curves: Array, *, prior: Prior = "database", known_types: bool = False) -> Array:
    """Probabilities of the groups of a model, shape (n, 45), for curves as `curve` gives them, shape (n, 286).

    Examples
    --------
    >>> p = posterior(open_model(MODEL), np.sin(2.0 * GRID)[None, :])
    >>> p.shape, bool(abs(p.sum() - 1) < 1e-9)
    ((1, 45), True)
    """
    constants = model.card.constants
    temperature = np.asarray(constants["temperature" if known_types else "temperature_new"], dtype=np.float64)
    frequencies = np.asarray(constants["frequencies"] if prior == "database" else 1.0, dtype=np.float64)
    return softmax(mean_logits(model.predict, curves), float(temperature.item()), np.log(frequencies / frequencies.sum()))


def mean_logits(predict: Callable[[Array], Array], curves: Array) -> Array:
    """Mean of the logits of a curve and of its stretched and compressed copies, which have the same space group.

    Parameters
    ----------
    predict : callable
        From curves, shape (m, 286), to logits, shape (m, 45).
    curves : array, shape (n, 286)
    """
    copies = np.concatenate([curves @ matrix for matrix in _stretches()])
    logits = np.concatenate([predict(copies[i : i + _ROWS]) for i in range(0, len(copies), _ROWS)])
    each: Array = np.asarray(logits, dtype=np.float64).reshape(len(_STRETCHES), len(curves), -1)
    return np.asarray(each.mean(axis=0))


@lru_cache(maxsize=1)
def _stretches() -> tuple[Array, ...]:
    return tuple(stretch_matrix(factor) for factor in _STRETCHES)


def stretch_matrix(factor: float) -> Array:
    """Matrix from G on `GRID` to the same curve with all distances divided by ``factor``, shape (286, 286).

    Interpolation by a windowed sinc (Lanczos, 8 points to each side); 0 where the stretched curve has no data.

    Examples
    --------
    >>> wave = np.sin(2.5 * GRID)
    >>> inside = (GRID > 3) & (GRID < 27)
    >>> bool(np.abs(wave @ stretch_matrix(1.04) - np.sin(2.5 * 1.04 * GRID))[inside].max() < 0.01)
    True
    """
    at = (GRID * factor - GRID[0]) / (GRID[1] - GRID[0])
    apart = at[None, :] - np.arange(GRID.size)[:, None]
    matrix = np.sinc(apart) * np.sinc(np.clip(apart / 8, -1, 1))
    matrix[:, (at < 0) | (at > GRID.size - 1)] = 0.0
    return np.asarray(matrix)


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


def softmax(logits: Array, temperature: float, log_prior: Array | float = 0.0) -> Array:
    """Probabilities of logits, shape (..., k), divided by a temperature, ``log_prior`` added.

    Examples
    --------
    >>> softmax(np.array([0.0, np.log(3.0)]), 1.0).round(6).tolist()
    [0.25, 0.75]
    >>> softmax(np.array([0.0, np.log(3.0)]), 1.0, np.log([0.9, 0.1])).round(6).tolist()
    [0.75, 0.25]
    """
    scaled = logits / temperature + log_prior
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
