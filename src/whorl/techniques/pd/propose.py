"""Candidates for a powder pattern, or for what a fit leaves of it: all entries at a first look, the best with their patterns.

The first look (`whorl.techniques.pd.match`) asks whether the lines are there. The second puts the pattern of each of the best,
at the shift found and with peaks of the width of the data's, beside the pattern and asks how much it explains, with the
background free and beside the phases found before.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import Catalogue, Entry
from whorl.core.errors import CatalogueError
from whorl.core.hypothesis import Hypothesis
from whorl.physics.powder_profiles import pattern
from whorl.techniques.copies import without_copies
from whorl.techniques.crystal_freedom import cell_spread
from whorl.techniques.pd.index import Lines, load_index
from whorl.techniques.pd.match import Matcher
from whorl.techniques.pd.prepare import PdSignal
from whorl.techniques.protocol import Shortlist, Suggestion

Array = NDArray[np.float64]

#: shift of ln(1/d) looked over, in spreads of the lengths, and for a zero error
_SPREADS, _ZERO_REACH = 1.5, 0.002
#: entries looked at twice, and handed on
_SECOND, _HANDED = 300, 60
_PER_WIDTH = 3.0
_LORENTZ = 0.5  # of the width of the peaks that is Lorentzian
#: part of the independent points that testifies in the cheap match
_TESTIFY = 0.2
#: of the pattern's lines that are weaker than this, none is put in
_WEAK = 0.002
_KEPT = 4


@dataclass(frozen=True)
class Row:
    """A catalogue entry with its lines."""

    catalogue: Catalogue
    entry: Entry
    lines: Lines

    @property
    def key(self) -> str:
        """Key among the entries of all catalogues."""
        return f"{self.entry.catalogue}/{self.entry.key}"

    @property
    def family(self) -> tuple[str, str]:
        """Kind and family; entries without a family are a family each."""
        return self.entry.kind, self.entry.family or self.key


@dataclass(frozen=True)
class Pool:
    """Entries that may explain a pattern, without copies, and how many of them each family has."""

    rows: tuple[Row, ...]
    members: Counter[tuple[str, str]]


_lock = Lock()
_pools: OrderedDict[tuple[object, ...], Pool] = OrderedDict()


def pool_of(
    catalogues: Sequence[Catalogue],
    elements: frozenset[str] | None,
    progress: Callable[[str], Callable[[int, int], None] | None] = lambda _: None,
) -> Pool:
    """Crystals of catalogues made of the elements allowed; those that say the same as an earlier one are left out."""
    key = (tuple((c.name, c.content_hash) for c in catalogues), elements)
    with _lock:
        if key in _pools:
            _pools.move_to_end(key)
            return _pools[key]
    rows: list[Row] = []
    for catalogue in catalogues:
        index = load_index(catalogue, progress=progress(catalogue.name))
        rows += [Row(catalogue, e, index.lines[e.key]) for e in catalogue.entries(elements=elements) if e.key in index.lines]
    rows = without_copies(rows, lambda row: row.lines.density)
    found = Pool(tuple(rows), Counter(row.family for row in rows))
    with _lock:
        _pools[key] = found
        while len(_pools) > _KEPT:
            _pools.popitem(last=False)
    return found


def shortlist(
    signal: PdSignal,
    pool: Pool,
    *,
    prior: Callable[[Row], float],
    given: Array | None = None,
    also: Collection[str] = (),
) -> Shortlist:
    """Rank the entries of a pool by what they explain of a pattern.

    Parameters
    ----------
    signal : PdSignal
    pool : Pool
    prior : callable
        Log prior of a row.
    given : array, shape (n, phases), optional
        Patterns of the phases found before, at the points of ``signal``, each with its amount.
    also : collection of str
        Keys of rows that are in the list however poor they look.

    Raises
    ------
    CatalogueError
        If the pool is empty.
    """
    if not pool.rows:
        raise CatalogueError("the catalogues hold no such crystal", remedy="Widen --elements or add a --catalogue.")
    net = signal.y - signal.background - (0.0 if given is None else given.sum(axis=1))
    sigma = signal.model_sigma(given)
    matcher = Matcher(signal.x, net, sigma, signal.fwhm, signal.instrument)
    reach = np.array([_SPREADS * _spread(row.entry) + _ZERO_REACH for row in pool.rows])
    found = matcher.match([row.lines for row in pool.rows], reach)
    order = np.argsort(-found.excess, kind="stable")[:_SECOND]
    wanted = [n for n, row in enumerate(pool.rows) if row.key in also] if also else []
    chosen = list(dict.fromkeys([*(int(n) for n in order if found.excess[n] > 0), *wanted]))
    merits = _explained(signal, matcher, [pool.rows[n] for n in chosen], found.shift[chosen], given)
    scored = sorted(zip(merits, chosen, strict=True), key=lambda pair: -(pair[0] + prior(pool.rows[pair[1]])))
    handed = [pair for i, pair in enumerate(scored) if i < _HANDED or pair[1] in wanted]
    out = [_suggestion(pool, pool.rows[n], merit, float(found.shift[n]), prior(pool.rows[n])) for merit, n in handed]
    return Shortlist(out, searched=len(pool.rows), families=len(pool.members))


def _spread(entry: Entry) -> float:
    return entry.cell_spread or cell_spread(len(entry.elements))


def _suggestion(pool: Pool, row: Row, merit: float, shift: float, prior: float) -> Suggestion:
    entry, catalogue = row.entry, row.catalogue

    def load() -> Hypothesis:
        return catalogue.load(entry.key)

    return Suggestion(
        key=row.key,
        name=entry.name,
        family=entry.family,
        elements=entry.elements,
        source=catalogue.name,
        load=load,
        merit=merit,
        kind="crystal",
        prior=prior,
        members=pool.members[row.family],
        start={"zoom": float(np.exp(-shift))},
    )


def _explained(signal: PdSignal, matcher: Matcher, rows: Sequence[Row], shifts: Array, given: Array | None) -> list[float]:
    """Log evidence of each row: what its pattern takes off the misfit, beside the background and the phases given."""
    if not rows:
        return []
    coarse = signal.cautious(given).thinned(_PER_WIDTH)
    root = np.sqrt(coarse.weights)
    columns = coarse.background_curves(8)
    if given is not None:
        columns = np.column_stack([columns, *(np.interp(coarse.x, signal.x, g) for g in given.T)])
    basis, _ = np.linalg.qr(root[:, None] * columns)
    data = root * coarse.y
    data = data - basis @ (basis.T @ data)
    left = float(data @ data)
    curves = patterns(coarse, matcher, [row.lines for row in rows], shifts)
    weighted = root[:, None] * curves
    weighted -= basis @ (basis.T @ weighted)
    size2 = np.maximum(np.einsum("ij,ij->j", weighted, weighted), 1e-300)
    along = np.maximum(data @ weighted, 0.0)
    share = np.clip(along**2 / (size2 * left), 0.0, 1 - 1e-6)
    return [float(v) for v in -0.5 * _TESTIFY * signal.independent_points * np.log1p(-share)]


def patterns(signal: PdSignal, matcher: Matcher, lines: Sequence[Lines], shifts: Array) -> Array:
    """Patterns of entries at the points of a signal, with peaks of the width of its own, shape (n, entries).

    Parameters
    ----------
    signal : PdSignal
    matcher : Matcher
        Of the signal.
    lines : sequence of Lines
    shifts : array, shape (entries,)
        Of ln(1/d).
    """
    u, strength, starts = matcher.shares(lines)
    wavelengths = signal.instrument.lines
    curves = np.empty((signal.x.size, len(lines)))
    for n, shift in enumerate(shifts):
        part = slice(starts[n], starts[n + 1])
        keep = strength[part] > _WEAK * max(float(strength[part].max(initial=0.0)), 1e-300)
        q = np.exp(u[part][keep] + shift)
        centre, area = [], []
        for wavelength, share in wavelengths:
            sine = q * wavelength / 2
            seen = sine < 0.999
            centre.append(2 * np.degrees(np.arcsin(sine[seen])))
            area.append(strength[part][keep][seen] * share)
        c, a = np.concatenate(centre), np.concatenate(area)
        g = np.full(c.size, (1 - _LORENTZ) * signal.fwhm)
        alone = (np.arange(c.size + 1), np.zeros(c.size), np.ones(c.size))
        curves[:, n] = pattern(signal.x, c, a, g, np.full(c.size, _LORENTZ * signal.fwhm), *alone)
    return curves
