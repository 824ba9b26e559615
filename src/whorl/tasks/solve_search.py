r"""Search for the numbers that explain a measurement, all of them: differential evolution, least squares, and an ensemble.

Places of the numbers are searched between 0 and 1. From several independent starts a population evolves (Storn & Price, J.
Glob. Optim. 11, 341 (1997), doi:10.1023/A:1008202821328: a member is tried against its mix with one of the best and differences
of others), then least squares goes down from the best of each. Around the lowest minimum an ensemble of solutions that explain
the data as well is drawn by the affine-invariant sampler of Goodman & Weare (Commun. Appl. Math. Comput. Sci. 5, 65 (2010),
doi:10.2140/camcos.2010.5.65), with the probability exp(-S / 2T) of the sum of squares S and

.. math::
    T = \max\left(\frac{S_{min}}{n - p}, s\right) \frac{1 + \rho}{1 - \rho},

where s = 1 with stated uncertainties and else 0, and rho is the correlation of neighbouring residuals: what the model misses
counts as noise, and neighbours that err together count once.

Every random number belongs to its start and generation, so a search that was interrupted and goes on from its checkpoint ends
with the same bits.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from whorl.core.atomic import write_atomic
from whorl.core.errors import WorkspaceError

Array = NDArray[np.float64]
Residual = Callable[[Array], Array]
Progress = Callable[[str, int, int], None]

_SEARCH, _SAMPLE = 1, 2
_EVERY = 10  # generations between checkpoints
_STRETCH = 2.0
_MOST_CORRELATED = 0.8


@dataclass(frozen=True)
class Effort:
    """How thoroughly to search.

    Attributes
    ----------
    starts : int
        Independent populations.
    members, generations : int
        Members of each for every number searched (30 at least in all), and how often they mate.
    walkers, steps : int
        Of the ensemble; the first third is forgotten.
    kept : int
        Solutions kept.
    """

    starts: int = 3
    members: int = 8
    generations: int = 120
    walkers: int = 32
    steps: int = 600
    kept: int = 200


@dataclass(frozen=True)
class Minimum:
    """A minimum: places, shape (p,), sum of squares there, and the residual, shape (n,)."""

    places: Array
    squares: float
    residual: Array


class Checkpoint:
    """What is done of a search, in one file that is whole or not there.

    Parameters
    ----------
    path : Path, optional
        None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.arrays: dict[str, Any] = {}
        if path is not None and path.is_file():
            try:
                with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
                    self.arrays = {name: kept[name] for name in kept.files}
            except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
                self.arrays = {}  # begun anew

    def keep(self, **arrays: Array) -> None:
        """Write arrays beside those that are kept."""
        self.arrays |= arrays
        if self.path is None:
            return
        stream = io.BytesIO()
        np.savez(stream, **self.arrays)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, stream.getvalue(), kind=WorkspaceError)

    def forget(self) -> None:
        """Remove the file, the search being at its end."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def evolve(
    residual: Residual, size: int, *, seed: int, start: int, effort: Effort, checkpoint: Checkpoint, progress: Progress | None
) -> Array:
    """Let one population evolve; its members, best first, shape (members, size)."""
    members = max(effort.members * size, 30)
    name = f"start{start}"
    if name in checkpoint.arrays:
        state = checkpoint.arrays[name]
        places, cost, done = state[:, :size], state[:, size], int(state[0, size + 1])
    else:
        rng = np.random.default_rng([seed, _SEARCH, start])
        places = (np.argsort(rng.random((size, members)), axis=1).T + rng.random((members, size))) / members  # Latin hypercube
        cost, done = np.array([_squares(residual(p)) for p in places]), 0
    for generation in range(done, effort.generations):
        rng = np.random.default_rng([seed, _SEARCH, start, generation])
        leaders = np.argsort(cost, kind="stable")[: max(members // 8, 2)]
        for i in range(members):
            a, b = rng.choice(members, 2, replace=False)
            lead = places[leaders[rng.integers(leaders.size)]]
            factor, cross = rng.uniform(0.4, 0.9), rng.uniform(0.5, 1.0)
            trial = places[i] + factor * (lead - places[i]) + factor * (places[a] - places[b])
            outside = (trial < 0) | (trial > 1)
            trial[outside] = rng.random(size)[outside]
            stays = rng.random(size) > cross
            stays[rng.integers(size)] = False
            trial[stays] = places[i][stays]
            if (found := _squares(residual(trial))) < cost[i]:
                places[i], cost[i] = trial, found
        if (generation + 1) % _EVERY == 0 or generation + 1 == effort.generations:
            state = np.column_stack([places, cost, np.full(members, generation + 1.0)])
            checkpoint.keep(**{name: state})
            if progress:
                progress("search", start * effort.generations + generation + 1, effort.starts * effort.generations)
    return np.asarray(places[np.argsort(cost, kind="stable")])


def descend(residual: Residual, places: Array) -> Minimum:
    """Least squares from a place, within 0 and 1."""
    first = np.clip(places, 1e-6, 1 - 1e-6)
    found = least_squares(residual, first, bounds=(0.0, 1.0), x_scale=0.1, max_nfev=60)
    return Minimum(np.asarray(found.x), 2 * float(found.cost), np.asarray(found.fun))


def minima(
    residual: Residual, size: int, *, seed: int, effort: Effort, checkpoint: Checkpoint, progress: Progress | None
) -> list[Minimum]:
    """Minima of all starts, lowest first; two members of each population go down."""
    found = []
    for start in range(effort.starts):
        population = evolve(residual, size, seed=seed, start=start, effort=effort, checkpoint=checkpoint, progress=progress)
        second = population[int(np.argmax(np.linalg.norm(population[:10] - population[0], axis=1)))]
        found += [descend(residual, population[0]), descend(residual, second)]
    return sorted(found, key=lambda minimum: minimum.squares)


def temperature(minimum: Minimum, *, stated: bool) -> float:
    """What a sum of squares is divided by before it counts as a chi-squared (see the head of this module)."""
    n, p = minimum.residual.size, minimum.places.size
    reduced = minimum.squares / max(n - p, 1)
    rho = min(max(neighbours(minimum.residual), 0.0), _MOST_CORRELATED)
    return max(reduced, 1.0 if stated else 1e-300) * (1 + rho) / (1 - rho)


def neighbours(residual: Array) -> float:
    """Correlation of a residual with its neighbour.

    Examples
    --------
    >>> neighbours(np.sin(np.arange(100) / 10)) > 0.9, neighbours(np.tile([1.0, -1.0], 50)) < -0.9
    (True, True)
    """
    total = float(residual @ residual)
    return float(residual[1:] @ residual[:-1]) / total if total > 0 else 0.0


def sample(
    residual: Residual,
    minimum: Minimum,
    hot: float,
    *,
    seed: int,
    effort: Effort,
    checkpoint: Checkpoint,
    progress: Progress | None,
) -> tuple[Array, Array]:
    """Draw solutions around a minimum: places, shape (kept, p), and their sums of squares, shape (kept,)."""
    size = minimum.places.size
    walkers = max(effort.walkers, 2 * size + 2) // 2 * 2
    if "walkers" in checkpoint.arrays:
        state, chain = checkpoint.arrays["walkers"], list(checkpoint.arrays["chain"])
        places, cost, done = state[:, :size].copy(), state[:, size].copy(), int(state[0, size + 1])
    else:
        rng = np.random.default_rng([seed, _SAMPLE])
        places = minimum.places + rng.normal(size=(walkers, size)) @ _spread(residual, minimum, hot).T
        places = np.abs(places)  # what lies outside is reflected at the ends
        places = np.clip(np.where(places > 1, 2 - places, places), 1e-6, 1 - 1e-6)
        cost, chain, done = np.array([_squares(residual(p)) for p in places]), [], 0
    half = walkers // 2
    for step in range(done, effort.steps):
        rng = np.random.default_rng([seed, _SAMPLE, step])
        for first in (0, half):
            others = half - first
            z = (1 + (_STRETCH - 1) * rng.random(half)) ** 2 / _STRETCH
            partners = others + rng.integers(half, size=half)
            chance = rng.random(half)
            for k in range(half):
                i = first + k
                trial = places[partners[k]] + z[k] * (places[i] - places[partners[k]])
                if np.any((trial < 0) | (trial > 1)):
                    continue
                found = _squares(residual(trial))
                if np.log(max(chance[k], 1e-300)) < (size - 1) * np.log(z[k]) - (found - cost[i]) / (2 * hot):
                    places[i], cost[i] = trial, found
        if step >= effort.steps // 3:
            chain.append(np.column_stack([places, cost]))
        if (step + 1) % (5 * _EVERY) == 0 or step + 1 == effort.steps:
            state = np.column_stack([places, cost, np.full(walkers, step + 1.0)])
            checkpoint.keep(walkers=state, chain=np.array(chain))
            if progress:
                progress("ensemble", step + 1, effort.steps)
    drawn = np.concatenate(chain)
    chosen = np.random.default_rng([seed, _SAMPLE, effort.steps]).choice(
        len(drawn), min(effort.kept, len(drawn)), replace=False
    )
    return drawn[chosen, :size], drawn[chosen, size]


def _spread(residual: Residual, minimum: Minimum, hot: float) -> Array:
    """Root of the covariance of the places by the curvature at the minimum, shape (p, p), lower triangle."""
    step, size = 1e-4, minimum.places.size
    slopes = np.empty((minimum.residual.size, size))
    for k in range(size):
        moved = minimum.places.copy()
        moved[k] += step if moved[k] < 0.5 else -step
        slopes[:, k] = (residual(moved) - minimum.residual) / (moved[k] - minimum.places[k])
    normal = slopes.T @ slopes / hot + 12.0 * np.eye(size)  # the variance of an even distribution between 0 and 1 is 1/12
    return np.asarray(np.linalg.cholesky(np.linalg.inv(normal)))


def _squares(residual: Array) -> float:
    return float(residual @ residual)
