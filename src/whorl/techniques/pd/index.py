"""The index of a catalogue for powder patterns: the lines of its crystals, computed once and kept on disk.

Of each crystal the strongest lines are kept as 1/d^2 and intensity per volume, m |F|^2 / V^2, without the factors that depend
on the angle (Lorentz, polarisation) or the wavelength (anomalous dispersion): those are put on when a pattern is searched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import Catalogue, Entry, Selection
from whorl.core.errors import WhorlError
from whorl.core.hypothesis import Crystal
from whorl.physics import structure_factors as sf
from whorl.physics.form_factors import is_tabulated, neutron, xray
from whorl.physics.reflections import inverse_d2, reflections
from whorl.techniques.crystal_freedom import in_own_symmetry
from whorl.techniques.kept import Kept
from whorl.techniques.pd.phase import U_START

Array = NDArray[np.float64]

RADIATIONS = ("x-ray", "neutron")
_LAYOUT = 1  # raise when the arrays change meaning
#: spacing to which lines are kept, angstrom; less for large cells, so that no more than some thousands are summed
_D_MIN, _MOST_REFLECTIONS = 0.8, 6000
#: lines kept, and the part of the strongest one's seen intensity below which none is
_MOST_LINES, _WEAK = 300, 1e-3
#: lines closer than this, relative, are one
_SAME = 2e-4


@dataclass(frozen=True)
class Lines:
    """Lines of a crystal, by increasing 1/d^2.

    Attributes
    ----------
    inverse_d2 : array, shape (k,)
        1/angstrom^2
    intensity : array, shape (radiations, k)
        m |F|^2 / V^2, electrons^2 / angstrom^6 or fm^2 / angstrom^6.
    density : float
        Atoms per volume, 1/angstrom^3; 0 where the crystal cannot be used.
    """

    inverse_d2: NDArray[np.float32]
    intensity: NDArray[np.float32]
    density: float


_NONE = Lines(np.zeros(0, dtype=np.float32), np.zeros((2, 0), dtype=np.float32), 0.0)


def lines(crystal: Crystal) -> Lines:
    """Lines of a crystal.

    Examples
    --------
    >>> from whorl.catalogues import open_catalogue
    >>> found = lines(open_catalogue("compounds").load("MgO-rock-salt"))
    >>> [round(float(v) ** -0.5, 3) for v in found.inverse_d2[:3]]
    [2.432, 2.106, 1.489]
    """
    rotations, translations = crystal.symmetry
    metric = crystal.metric
    volume = crystal.volume
    count = 4 / 3 * np.pi * volume / _D_MIN**3 / max(len(rotations), 1)
    d_min = _D_MIN * max(1.0, (count / _MOST_REFLECTIONS) ** (1 / 3))
    found = reflections(metric, rotations, translations, d_min)
    if not len(found.hkl):
        return _NONE
    inverse = inverse_d2(found.hkl, metric)
    expansion = crystal.expansion
    atoms = sf.without_centring(expansion.position, expansion.site, expansion.rotation, rotations, translations)
    sums = sf.geometry(found.hkl, atoms, len(crystal.sites))
    occupancy = np.array([s.occupancy for s in crystal.sites])
    u = np.array([s.u_iso or U_START for s in crystal.sites])
    s2 = inverse / 4
    rows = []
    for radiation in RADIATIONS:
        known = all(is_tabulated(s.element, radiation) for s in crystal.sites)
        if not known:
            rows.append(np.zeros(len(inverse)))
            continue
        f = np.array(
            [
                xray(s.element, 4 * np.pi * np.sqrt(s2)) if radiation == "x-ray" else np.full(s2.shape, neutron(s.element))
                for s in crystal.sites
            ],
            dtype=np.complex128,
        )
        rows.append(sf.intensities(sums, f, occupancy, u, s2, slopes=False).value * found.multiplicity / volume**2)
    inverse, table = _joined(inverse, np.array(rows))
    seen = table / inverse  # about what the Lorentz factor makes of them
    strength = (seen / np.maximum(seen.max(axis=1, keepdims=True), 1e-300)).max(axis=0)
    keep = np.sort(np.argsort(-strength, kind="stable")[:_MOST_LINES])
    keep = keep[strength[keep] > _WEAK]
    density = len(expansion.site) / volume
    return Lines(inverse[keep].astype(np.float32), table[:, keep].astype(np.float32), float(density))


def _joined(inverse: Array, table: Array) -> tuple[Array, Array]:
    """Lines of nearly one spacing put together, at their mean."""
    new = np.concatenate([[0], np.flatnonzero(np.diff(inverse) > _SAME * inverse[1:]) + 1])
    weight = table.sum(axis=0) + 1e-30
    total = np.add.reduceat(weight, new)
    return np.add.reduceat(weight * inverse, new) / total, np.add.reduceat(table, new, axis=1)


@dataclass(frozen=True)
class Index:
    """Lines of the crystals of a catalogue by key."""

    lines: Mapping[str, Lines]


_lock = Lock()
_built: dict[tuple[str, str], Index] = {}


def load_index(catalogue: Catalogue, *, progress: Callable[[int, int], None] | None = None) -> Index:
    """Lines of all crystals of a catalogue, from disk where they were computed before.

    Parameters
    ----------
    catalogue : Catalogue
    progress : callable, optional
        Called with (done, total) for the entries that have to be computed.

    Returns
    -------
    Index
        An entry whose structure cannot be used is not in it.
    """
    if isinstance(catalogue, Selection):
        catalogue = catalogue.whole
    identity = (catalogue.name, catalogue.content_hash)
    with _lock:
        if identity not in _built:
            entries = [e for e in catalogue.entries() if e.kind == "crystal" and not e.alias_of]
            rows = _KEPT.rows(catalogue, entries, progress) if entries else []
            for key in [k for k in _built if k[0] == catalogue.name]:
                del _built[key]
            _built[identity] = Index({e.key: r for e, r in zip(entries, rows, strict=True) if r.density > 0})
        return _built[identity]


def _compute(catalogue: Catalogue, entry: Entry) -> Lines:
    try:
        crystal = catalogue.load(entry.key)
        return lines(in_own_symmetry(crystal)) if isinstance(crystal, Crystal) else _NONE
    except (WhorlError, ValueError, ArithmeticError):  # one broken entry does not stop the others
        return _NONE


def _packed(rows: Mapping[str, Lines]) -> dict[str, NDArray[Any]]:
    found = list(rows.values())
    return {
        "names": np.array(list(rows), dtype="U24"),
        "counts": np.array([r.inverse_d2.size for r in found], dtype=np.int64),
        "density": np.array([r.density for r in found]),
        "inverse_d2": np.concatenate([r.inverse_d2 for r in found]) if found else _NONE.inverse_d2,
        "intensity": np.concatenate([r.intensity for r in found], axis=1) if found else _NONE.intensity,
    }


def _unpacked(stored: Any) -> dict[str, Lines]:
    counts, inverse, intensity, density = (stored[k] for k in ("counts", "inverse_d2", "intensity", "density"))
    ends = np.cumsum(counts)
    if (ends[-1] if ends.size else 0) != inverse.size or intensity.shape != (2, inverse.size):
        raise ValueError("lines of another layout")
    starts = ends - counts
    return {
        str(name): Lines(inverse[a:b], intensity[:, a:b], float(n))
        for name, a, b, n in zip(stored["names"], starts, ends, density, strict=True)
    }


_KEPT = Kept("pd", f"{_LAYOUT}:{_D_MIN}:{_MOST_LINES}", _compute, _packed, _unpacked)
