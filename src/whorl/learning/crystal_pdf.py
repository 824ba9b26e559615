"""G(r) of a generated crystal under the nuisances of an experiment, a millisecond each.

The same physics as `whorl.techniques.pdf` refines (`whorl.physics.peaks`, `whorl.physics.transforms`), with two shortcuts that
a corpus affords: distances are collected in bins of 0.02 angstrom, and symmetry is used only to count them from one atom of
each site.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.learning.crystal_corpus import Parent, expand
from whorl.physics import envelopes
from whorl.physics.crystals import lattice_translations
from whorl.physics.form_factors import is_tabulated, scattering_factor
from whorl.physics.peaks import peak_sum, widths
from whorl.physics.symmetry import metric_tensor
from whorl.physics.transforms import SineGrid
from whorl.techniques.pdf.nuisances import NUISANCES, Nuisances

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_BIN = 0.02
_MARGIN = 2.0  # angstrom beyond the last point, for the width of peaks
_STEP = 0.05


def draw_experiment(rng: np.random.Generator, nuisances: Nuisances = NUISANCES) -> dict[str, Any]:
    """Draw an experiment on a crystal: `Nuisances.draw`, radiation, diameter of the crystallites (0: infinite), and the factor
    by which displacements differ between elements.
    """  # noqa: D205
    drawn = nuisances.draw(rng)
    drawn["radiation"] = "neutron" if rng.random() < 0.2 else "x-ray"
    drawn["diameter"] = float(np.exp(rng.uniform(np.log(20.0), np.log(500.0)))) if rng.random() < 0.5 else 0.0
    drawn["u_spread"] = 0.3
    return drawn


def clean_g(parent: Parent, drawn: dict[str, Any], r: Array, rng: np.random.Generator) -> Array:
    """G(r) before noise, background and ligand peaks.

    Parameters
    ----------
    parent : Parent
    drawn : dict
        From `draw_experiment`.
    r : array, shape (n,)
        Increasing, above 0, angstrom.
    rng : Generator
        For the displacements of the elements.
    """
    reach = float(r[-1]) + _MARGIN
    symbols = tuple(dict.fromkeys(parent.elements))
    species = np.array([symbols.index(e) for e in parent.elements], dtype=np.int64)
    packed = expand(parent)
    multiplicity = np.array([p.multiplicity for p in parent.positions], dtype=np.float64)
    occupancy = np.array(parent.occupancy)
    content = np.bincount(species, weights=multiplicity * occupancy, minlength=len(symbols))
    fractions = content / content.sum()
    metric = metric_tensor(parent.cell) * drawn["zoom"] ** 2
    density = content.sum() / float(np.sqrt(np.linalg.det(metric)))
    pairs = [(a, b) for a in range(len(symbols)) for b in range(a, len(symbols))]
    table = np.zeros((len(symbols), len(symbols)), dtype=np.int64)
    for row, (a, b) in enumerate(pairs):
        table[a, b] = table[b, a] = row
    histogram = _histogram(
        packed.atom, packed.site, packed.first, species, table, multiplicity * occupancy / content.sum(), occupancy,
        metric, _near(metric, reach), len(pairs), reach,
    )  # fmt: skip
    u = drawn["u_iso"] * np.exp(rng.normal(0, drawn["u_spread"], len(symbols)))
    grid = SineGrid.covering(float(r[-1]), _STEP)
    channel, at = np.nonzero(histogram)
    distance = np.asarray(at * _BIN, dtype=np.float64)
    u_sum = np.array([u[a] + u[b] for a, b in pairs])[channel]
    variance = widths(distance, u_sum, delta2=drawn["delta2"], qbroad=drawn["qbroad"]).variance
    none = np.zeros((distance.size, 0))
    g = peak_sum(distance, histogram[channel, at], variance, channel, none, none, grid.dr, grid.n, len(pairs))[:, 0]
    shares = np.array([fractions[a] * fractions[b] * (1 if a == b else 2) for a, b in pairs])
    g = g - shares[:, None] * (4 * np.pi * density * grid.r)
    window = np.exp(-0.5 * (drawn["qdamp"] * grid.r) ** 2) * _taper(grid, reach)
    if drawn["diameter"]:
        window = window * envelopes.sphere(grid.r, drawn["diameter"])[0]
    radiation = drawn["radiation"] if all(is_tabulated(s, drawn["radiation"]) for s in symbols) else "x-ray"
    f = np.array([_factor(s, radiation, grid) for s in symbols])
    mean = fractions @ f
    floor = 0.05 * np.abs(fractions @ np.abs(f))  # neutron lengths may cancel
    square = np.maximum(mean**2, floor**2)
    weight = np.array([f[a] * f[b] for a, b in pairs]) / square
    in_q = (grid.to_q(g * window) * weight).sum(axis=0) * grid.band(drawn["qmin"], drawn["qmax"])
    return np.asarray(np.interp(r, grid.r, grid.to_r(in_q)))


@lru_cache(maxsize=512)
def _factor(symbol: str, radiation: str, grid: SineGrid) -> Array:
    return scattering_factor(symbol, grid.q, radiation)


def _taper(grid: SineGrid, reach: float) -> Array:
    """Smooth end of the simulated range, so that the cut gives no ripples in Q."""
    x = np.clip((reach - grid.r) / _MARGIN, 0.0, 1.0)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * x))


def _near(metric: Array, reach: float) -> Array:
    """Lattice vectors that may bring some atom of a cell within reach of another."""
    all_of_them = lattice_translations(metric, reach)
    diagonal = np.sqrt(max(float(np.array(s) @ metric @ np.array(s)) for s in ((1, 1, 1), (1, 1, -1), (1, -1, 1), (-1, 1, 1))))
    near = np.einsum("ni,ij,nj->n", all_of_them, metric, all_of_them) < (reach + diagonal) ** 2
    return np.asarray(all_of_them[near])


@njit(cache=True)
def _histogram(
    atom: Array,
    site: Index,
    first: Index,
    species: Index,
    table: Index,
    weight: Array,
    occupancy: Array,
    metric: Array,
    translations: Array,
    channels: int,
    reach: float,
) -> Array:
    """Weighted distances in bins, each shared between two bins so that its mean stays."""
    bins = int(reach / _BIN) + 2
    out = np.zeros((channels, bins))
    high = reach * reach
    for s in range(first.size):
        i = first[s]
        for j in range(atom.shape[0]):
            row = table[species[s], species[site[j]]]
            w = weight[s] * occupancy[site[j]]
            bx, by, bz = atom[j, 0] - atom[i, 0], atom[j, 1] - atom[i, 1], atom[j, 2] - atom[i, 2]
            for t in range(translations.shape[0]):
                x, y, z = bx + translations[t, 0], by + translations[t, 1], bz + translations[t, 2]
                d2 = metric[0, 0] * x * x + metric[1, 1] * y * y + metric[2, 2] * z * z
                d2 += 2 * (metric[0, 1] * x * y + metric[0, 2] * x * z + metric[1, 2] * y * z)
                if 0.25 < d2 < high:
                    at = np.sqrt(d2) / _BIN
                    k = int(at)
                    out[row, k] += w * (1 - (at - k))
                    out[row, k + 1] += w * (at - k)
    return out
