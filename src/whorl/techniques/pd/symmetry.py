"""Crystal system of a pattern that matches nothing known, and the space groups of a cell, each with a probability and reasons.

The crystal system comes from trained trees over named features of the peak positions (`symmetry_features`); the reasons are the
exact Shapley values of the features. A space group shows in a powder pattern by the lines that it forbids: a forbidden line
that is there speaks against it, one that is not speaks for it, the more the less likely a missing line is by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.models.registry import find_model
from whorl.models.tree_json import Trees, read_trees
from whorl.physics.indexing_merit import q_of
from whorl.techniques.pd.symmetry_features import FEWEST, NAMES, choose, features
from whorl.techniques.pdf.space_groups import FREQUENCIES, symbol

Array = NDArray[np.float64]

MODEL = "pd-symmetry"
_RARE = 2.0  # frequency of the groups that are not among the common ones
_BY_CHANCE = 0.02  # probability that a forbidden line is seen: another phase, multiple scattering, a wrong index
_SYSTEM_NAMES = {"hexagonal": ("hexagonal", "trigonal")}


@dataclass(frozen=True)
class Reason:
    """What a feature of the peaks says for the first crystal system against the second.

    Parameters
    ----------
    feature : str
        In words.
    value : float
    weight : float
        Shapley value: by how much it raises the log odds of the first system over the second.
    """

    feature: str
    value: float
    weight: float


@dataclass(frozen=True)
class SystemAnswer:
    """Crystal systems with probabilities, highest first, and the reasons for the first, weightiest first."""

    systems: list[tuple[str, float]]
    reasons: list[Reason]


def crystal_systems(
    two_theta: Array, wavelength: float, intensity: Array | None = None, *, model: str = MODEL, top: int = 6
) -> SystemAnswer:
    """Crystal system from peak positions, without a cell.

    Parameters
    ----------
    two_theta : array, shape (k,)
        Degree, increasing.
    wavelength : float
        angstrom.
    intensity : array, shape (k,), optional
        Faint peaks are doubted; without intensities all peaks are trusted alike.
    model : str
        Name or folder of the trees.
    top : int
        Most reasons.

    Returns
    -------
    SystemAnswer
        "hexagonal" includes trigonal crystals: the lattice, not the point group, shows in the positions.

    Raises
    ------
    PatternError
        Fewer peaks than the trees were trained with.
    ModelError
        There is no such model.

    Examples
    --------
    >>> angles = np.degrees(2 * np.arcsin(1.5406 / 2 / 4.05 * np.sqrt(np.array([3, 4, 8, 11, 12, 16, 19]))))
    >>> crystal_systems(angles, 1.5406).systems[0][0]
    'cubic'
    """
    two_theta = np.asarray(two_theta, dtype=np.float64)
    if two_theta.size < FEWEST:
        raise PatternError(f"{two_theta.size} peaks", remedy=f"A crystal system needs {FEWEST} or more.")
    heights = np.ones(two_theta.size) if intensity is None else np.asarray(intensity, dtype=np.float64)
    kept = choose(two_theta, heights)
    row = features(two_theta[kept], heights[kept], wavelength)
    trees, classes, temperature = _opened(model)
    margins = trees.margins(row)[0] / temperature
    p = np.exp(margins - margins.max())
    p /= p.sum()
    order = np.argsort(-p)
    shares, _ = trees.shares(row)
    weight = (shares[:, order[0]] - shares[:, order[1]]) / temperature
    first = np.argsort(-np.abs(weight))[:top]
    reasons = [Reason(NAMES[i], float(row[i]), float(weight[i])) for i in first if weight[i] != 0.0]
    return SystemAnswer([(classes[i], float(p[i])) for i in order], reasons)


@lru_cache(maxsize=4)
def _opened(model: str) -> tuple[Trees, tuple[str, ...], float]:
    found = find_model(model)
    temperature = found.card.constants["temperature"]
    return read_trees(found.weights(), where=found.card.name), found.card.classes, float(np.ravel(temperature)[0])


def space_groups(
    cell: Array, system: str, centring: str, two_theta: Array, wavelength: float, *, resolution: float = 0.12,
    zero_shift: float = 0.0, tolerance: float = 0.05,
) -> list[tuple[int, str, float]]:  # fmt: skip
    """Space groups of a cell by the lines that are there and that are not.

    Parameters
    ----------
    cell : array, shape (6,)
        angstrom and degree; hexagonal axes for rhombohedral lattices, b unique for monoclinic ones.
    system, centring : str
        Of the lattice, as indexing gives them.
    two_theta : array, shape (k,)
        All peaks, degree.
    wavelength : float
        angstrom.
    resolution : float
        Lines closer than this, degree, are one.
    zero_shift : float
        What the measured angles are too large by, degree.
    tolerance : float
        Largest deviation of a peak from its line, degree.

    Returns
    -------
    list of (number, symbol, probability)
        Highest first. Groups with the same absences differ by how frequent they are among inorganic crystals alone.
    """
    observed = np.sort(np.asarray(two_theta, dtype=np.float64)) - zero_shift
    hkl, angle = _reflections(np.asarray(cell, dtype=np.float64), float(observed.max()) + tolerance, wavelength)
    line = np.concatenate([[0], np.cumsum(np.diff(angle) > resolution)])
    count = int(line[-1]) + 1
    place = (
        np.clip(np.searchsorted(observed, angle), 1, observed.size - 1)
        if observed.size > 1
        else np.zeros(angle.size, dtype=int)
    )
    off = np.minimum(np.abs(observed[place] - angle), np.abs(observed[place - 1] - angle))
    seen = np.zeros(count, dtype=bool)
    seen[line[off <= tolerance]] = True
    first = min(60, count)  # beyond, the lines are too dense to be told apart
    best: dict[int, list[float]] = {}
    for number, absent in _settings(system, centring, hkl.astype(np.int32).tobytes()):
        allowed = np.zeros(count, dtype=bool)
        allowed[line[~absent]] = True
        a, s = allowed[:first], seen[:first]
        chance = (np.sum(a & s) + 1.0) / (np.sum(a) + 2.0)  # how often an allowed line is seen
        score = np.sum(a & s) * np.log(chance) + np.sum(a & ~s) * np.log(1.0 - chance)
        score += np.sum(~a & s) * np.log(_BY_CHANCE) + np.sum(~a & ~s) * np.log(1.0 - _BY_CHANCE)
        best.setdefault(number, []).append(float(score))
    if not best:
        return []
    numbers = list(best)
    value = np.array([np.logaddexp.reduce(best[n]) - np.log(len(best[n])) + np.log(FREQUENCIES.get(n, _RARE)) for n in numbers])
    p = np.exp(value - value.max())
    p /= p.sum()
    return [(numbers[i], symbol(numbers[i]), float(p[i])) for i in np.argsort(-p)]


def _reflections(cell: Array, limit: float, wavelength: float) -> tuple[NDArray[np.int64], Array]:
    """Indices (half sphere) and angles (degree), by increasing angle."""
    from whorl.physics.symmetry import metric_tensor

    metric = metric_tensor(cell)
    most = float(q_of(np.array([min(limit, 179.0)]), wavelength)[0])
    top = np.floor(np.sqrt(most * np.diag(metric)) + 1e-9).astype(int)
    grid = np.stack(np.meshgrid(*[np.arange(-t, t + 1) for t in top], indexing="ij"), axis=-1).reshape(-1, 3)
    h, k, ell = grid.T
    grid = grid[(h > 0) | ((h == 0) & ((k > 0) | ((k == 0) & (ell > 0))))]
    q = np.einsum("ni,ij,nj->n", grid, np.linalg.inv(metric), grid)
    inside = q <= most
    order = np.argsort(q[inside])
    return grid[inside][order], 2.0 * np.degrees(np.arcsin(np.clip(0.5 * wavelength * np.sqrt(q[inside][order]), 0.0, 1.0)))


def _settings(system: str, centring: str, packed: bytes) -> list[tuple[int, NDArray[np.bool_]]]:
    """Space groups of a lattice in all settings of these axes, with the absences of the packed indices (int32, n x 3)."""
    import gemmi

    hkl = np.frombuffer(packed, dtype=np.int32).reshape(-1, 3)
    out: list[tuple[int, NDArray[np.bool_]]] = []
    done: set[tuple[int, bytes]] = set()
    names = _SYSTEM_NAMES.get(system, (system,))
    for group in gemmi.spacegroup_table():
        if group.crystal_system_str() not in names or group.ext == "R" or group.centring_type() != centring:
            continue
        if system == "monoclinic" and not group.qualifier.lstrip("-").startswith("b"):
            continue
        absent = np.asarray(group.operations().systematic_absences(hkl), dtype=bool)
        key = (group.number, absent.tobytes())
        if key not in done:
            done.add(key)
            out.append((group.number, absent))
    return out
