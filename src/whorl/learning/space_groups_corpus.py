"""What the space-group network learns from and is tested on: a model of a database of inorganic crystals.

No database of measured structures may be shipped, so its statistics are imitated. In the ICSD about four entries in five belong
to one of some 9000 structure types, the others to none (FIZ Karlsruhe, 2019; Allmann & Hinek, Acta Cryst. A 63, 412 (2007),
doi:10.1107/S0108767307038081), which is about 4500 types in a sample of 100 000 entries. Here, likewise, there are 4500 types,
each group's number in proportion to its entries: those of the built-in catalogue first, random packings after them. An entry is
of type k of its group with a probability that falls as 1/k, or of none with probability 1/5: then it is a random packing of its
own.

The groups are 45 of the most frequent of inorganic crystals, after Urusov & Nadezhina, J. Struct. Chem. 50 (suppl.), 22 (2009),
doi:10.1007/s10947-009-0186-9; a selection of ours, not the list of Liu et al. (2019). How frequent each is stands in
`whorl.techniques.pdf.space_groups`, because it is the prior of the answer.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.learning.crystal_corpus import Parent, child_of, parent_of, random_parent
from whorl.learning.crystal_pdf import clean_g, draw_experiment
from whorl.techniques.pdf.nuisances import NUISANCES, Nuisances
from whorl.techniques.pdf.space_groups import FREQUENCIES, GRID, SHORTEST_END

Array = NDArray[np.float64]
Half = NDArray[np.float16]
Labels = NDArray[np.int64]

GROUPS: tuple[int, ...] = tuple(FREQUENCIES)
#: structure types of the modelled database, and the fewest of a group
TYPES = 4500
FEWEST_TYPES = 20
UNTYPED = 0.2
#: what Liu et al. simulated with: no noise, one set of instrument and sample parameters
PEER: dict[str, Any] = {
    "qmin": 0.5, "qmax": 23.0, "qdamp": 0.04, "qbroad": 0.0, "u_iso": 0.008, "delta2": 0.0, "zoom": 1.0, "radiation": "x-ray",
    "diameter": 0.0, "u_spread": 0.0,
}  # fmt: skip
_SALT = 131  # of a few thousand tried, one that leaves every group some types in each part
_HELD = {"test": range(10), "validation": range(10, 20)}
_TRIES = 20_000


@dataclass(frozen=True)
class Curves:
    """Clean G(r) on `GRID` at unit root mean square, shape (n, 286); labels, shape (n,); Qmax of each, shape (n,)."""

    g: Half
    label: Labels
    qmax: Array


@dataclass(frozen=True)
class Database:
    """Structure types of every group, the most populous first."""

    types: tuple[tuple[Parent, ...], ...]
    popularity: tuple[Array, ...]


def held_out(parent: Parent) -> str:
    """Part of the structure types that is kept from training: "test", "validation", or "" for the others.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> parents = [p for p in (random_parent(14, rng) for _ in range(100)) if p]
    >>> share = sum(bool(held_out(p)) for p in parents) / len(parents)
    >>> bool(share < 0.4)
    True
    """
    place = zlib.crc32(f"{_SALT} {parent.key}".encode()) % 100
    return next((name for name, places in _HELD.items() if place in places), "")


@lru_cache(maxsize=1)
def catalogue_parents() -> dict[int, tuple[tuple[Parent, ...], ...]]:
    """Structure types of the built-in catalogues by group, each with its compounds."""
    from whorl.catalogues import compounds, elements

    found: dict[int, dict[str, list[Parent]]] = {}
    for catalogue in (elements.catalogue(), compounds.catalogue()):
        for entry in catalogue.entries():
            parent = parent_of(catalogue.load(entry.key))
            if parent.number in GROUPS:
                found.setdefault(parent.number, {}).setdefault(parent.key, []).append(parent)
    return {number: tuple(tuple(v) for v in types.values()) for number, types in found.items()}


def catalogue_state() -> str:
    """Sizes and content hashes of the catalogues whose compounds are among the types: another state gives another model."""
    from whorl.catalogues import compounds, elements

    parts = [(c.name, len(list(c.entries())), c.content_hash[:12]) for c in (elements.catalogue(), compounds.catalogue())]
    return ", ".join(f"{name} ({count} entries, {digest})" for name, count, digest in parts)


def shares(power: float = 1.0) -> Array:
    """Share of the entries that each group has in a database, raised to a power and normalised, shape (45,).

    Examples
    --------
    >>> bool(shares()[GROUPS.index(62)] > 0.05), len(set(shares(0.0).round(9).tolist()))
    (True, 1)
    """
    frequency = np.array(list(FREQUENCIES.values())) ** power
    return np.asarray(frequency / frequency.sum())


def make_database(seed: int, *, types: int = TYPES, progress: Callable[[int, int], None] | None = None) -> Database:
    """Draw the structure types: the catalogue's (one compound of each, at random) and random ones up to a group's share.

    Each group has random streams of its own, so a type that enters the catalogue moves the others down and changes none.

    Parameters
    ----------
    seed : int
    types : int
        Of all groups together; a group gets its share, and `FEWEST_TYPES` at least where all are asked for.
    """
    out = []
    fewest = min(FEWEST_TYPES, max(types // len(GROUPS), 1))
    counts = np.maximum(np.round(types * shares()).astype(int), fewest)
    for done, (number, count) in enumerate(zip(GROUPS, counts, strict=True)):
        pick, rng = np.random.default_rng([seed, 5, number]), np.random.default_rng([seed, 1, number])
        known = [family[int(pick.integers(len(family)))] for family in catalogue_parents().get(number, ())]
        known = [known[int(i)] for i in pick.permutation(len(known))]
        known += [trained_parent(number, rng) for _ in range(count - len(known))]
        out.append(tuple(known))
        if progress:
            progress(done + 1, len(GROUPS))
    weights = [1.0 / np.arange(1, len(k) + 1) for k in out]
    return Database(tuple(out), tuple(w / w.sum() for w in weights))


def trained_parent(number: int, rng: np.random.Generator) -> Parent:
    """Draw a random parent whose type is not held out."""
    return _parent(number, rng, "")


def unseen_entries(count: int, rng: np.random.Generator, part: str = "test", *, relatives: int = 3) -> Iterator[Parent]:
    """Draw random packings of types that are held out from training, each with some relatives, the groups in turn."""
    for i in range(count // relatives + 1):
        parent = _parent(GROUPS[i % len(GROUPS)], rng, part)
        yield parent
        for _ in range(relatives - 1):
            yield child_of(parent, rng)


def _parent(number: int, rng: np.random.Generator, part: str) -> Parent:
    for _ in range(_TRIES):
        found = random_parent(number, rng)
        if found is not None and held_out(found) == part:
            return found
    raise RuntimeError(f"no type of space group {number} is {part or 'for training'}")


def database_entries(
    database: Database,
    count: int,
    rng: np.random.Generator,
    *,
    untyped: float = UNTYPED,
    power: float | None = None,
    relatives: int = 1,
) -> Iterator[Parent]:
    """Draw entries.

    Parameters
    ----------
    database : Database
    count : int
    rng : Generator
    untyped : float
        Share of entries of no type.
    power : float, optional
        Groups are drawn by their frequency in a database to this power; in turn without it.
    relatives : int
        Entries of no type come so many at a time, relatives of one another.
    """
    weights = None if power is None else shares(power)
    for i in range(count):
        k = i % len(GROUPS) if weights is None else int(rng.choice(len(GROUPS), p=weights))
        if rng.random() * (1 + (relatives - 1) * (1 - untyped)) < untyped:
            parent = trained_parent(GROUPS[k], rng)
            yield parent
            for _ in range(relatives - 1):
                yield child_of(parent, rng)
        else:
            yield child_of(database.types[k][int(rng.choice(len(database.types[k]), p=database.popularity[k]))], rng)


def simulate_curves(
    crystals: Iterator[Parent],
    count: int,
    rng: np.random.Generator,
    *,
    peer: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Curves:
    """Simulate clean curves of ``count`` crystals under drawn experiments, or all under the peer's one."""
    g = np.empty((count, GRID.size), dtype=np.float16)
    label = np.empty(count, dtype=np.int64)
    qmax = np.empty(count)
    for i in range(count):
        crystal = next(crystals)
        drawn = dict(PEER) if peer else draw_experiment(rng)
        curve = clean_g(crystal, drawn, GRID, rng)
        g[i] = curve / np.sqrt(np.mean(curve**2))
        label[i] = GROUPS.index(crystal.number)
        qmax[i] = drawn["qmax"]
        if progress and (i + 1) % 500 == 0:
            progress(i + 1, count)
    return Curves(g, label, qmax)


class Corrupter:
    """Noise, background, ligand peaks and short ranges for many curves at once: `Nuisances.corrupt`, as matrix products."""

    def __init__(self, nuisances: Nuisances = NUISANCES) -> None:
        self._nuisances = nuisances
        self._q = np.arange(1, int(nuisances.qmax[1] * GRID[-1] * 1.3 / np.pi) + 1) * np.pi / (GRID[-1] * 1.3)
        self._waves = np.sin(np.outer(self._q, GRID)).astype(np.float32)
        self._slow = int(np.searchsorted(self._q, nuisances.background_q))
        self._near = GRID < 5.0

    def __call__(self, g: NDArray[np.float32], qmax: Array, rng: np.random.Generator) -> NDArray[np.float32]:
        """Corrupt clean curves of unit root mean square, shape (n, 286), and normalise them again."""
        n = len(g)
        noise = np.exp(rng.uniform(np.log(self._nuisances.noise[0]), np.log(self._nuisances.noise[1]), n))
        background = rng.uniform(*self._nuisances.background, n)
        ligand = rng.uniform(*self._nuisances.ligand, n) * g.max(axis=1)
        amplitude = rng.standard_normal((n, self._q.size), dtype=np.float32) * (self._q[None, :] < qmax[:, None])
        slow = rng.standard_normal((n, self._slow), dtype=np.float32)
        out = (
            g + _unit(amplitude @ self._waves) * noise[:, None] + _unit(slow @ self._waves[: self._slow]) * background[:, None]
        )
        r = GRID[self._near]
        for k in range(3):
            centre, width = rng.uniform(1.2, 4.0, n), rng.uniform(0.08, 0.2, n)
            height = ligand * rng.uniform(-0.3, 1.0, n) * ((rng.random(n) < 0.5) if k == 2 else 1.0)
            out[:, self._near] += height[:, None] * np.exp(-0.5 * ((r - centre[:, None]) / width[:, None]) ** 2)
        end = np.where(rng.random(n) < 0.15, rng.uniform(SHORTEST_END, 30.0, n), 31.0)
        out[GRID[None, :] > end[:, None]] = 0.0
        return _unit(out).astype(np.float32)


def _unit(curves: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    return np.asarray(curves / np.maximum(np.sqrt(np.mean(curves**2, axis=1, keepdims=True)), 1e-12))
