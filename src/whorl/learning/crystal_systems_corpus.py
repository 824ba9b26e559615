"""Peak lists of simulated crystals as a diffractometer and a peak search would give them, with the crystal system known.

A crystal is a relative of a compound of the built-in catalogues, a random packing of a random space group, or either of them
strained to a lower crystal system (what many low-symmetry crystals are: slightly distorted high-symmetry ones). Its lines are
merged where they overlap, and lost where they are weak; angles get errors of the fit, a zero shift and a sample displacement;
texture, spurious lines and split peaks come in some patterns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.learning.crystal_corpus import Parent, child_of, expand, random_parent
from whorl.learning.space_groups_corpus import catalogue_parents
from whorl.physics.form_factors import xray
from whorl.physics.indexing_lines import SYSTEMS
from whorl.physics.symmetry import metric_tensor

Array = NDArray[np.float64]

#: Share of each system among the patterns: about those of databases of inorganic crystals.
SHARES = (0.17, 0.23, 0.14, 0.22, 0.18, 0.06)
_RANGES = ((195, 231), (143, 195), (75, 143), (16, 75), (3, 16), (1, 3))
_CATALOGUE, _STRAINED = 0.4, 0.25  # shares; the others are random packings
_WAVELENGTHS = (1.540598, 1.540598, 1.540598, 1.788965, 0.709317, 0.45)
_LONGEST = 2500  # reflections (half sphere) that a pattern goes to at most
_WANTED = 36


@dataclass(frozen=True)
class PeakList:
    """Angles (degree), relative heights, the wavelength (angstrom), and the place of the crystal system in `SYSTEMS`."""

    two_theta: Array
    intensity: Array
    wavelength: float
    system: int


def draw_crystal(system: int, rng: np.random.Generator) -> tuple[Parent, Array]:
    """Draw a crystal of a system: a parent, and the metric tensor of its cell (strained where the parent's is higher)."""
    low, high = _RANGES[system]
    while True:
        if rng.random() < _STRAINED and system > 0:
            above = int(rng.choice([s for s in range(system) if _below(s, system)]))
            parent = _draw(*_RANGES[above], rng)
            if parent is not None:
                return parent, _distort(parent, system, rng)
            continue
        parent = _draw(low, high, rng)
        if parent is not None:
            return parent, metric_tensor(parent.cell)


def _below(high: int, low: int) -> bool:
    """Whether a strain takes the higher system to the lower one."""
    return (high, low) in {
        (0, 1),
        (0, 2),
        (0, 3),
        (0, 4),
        (1, 3),
        (1, 4),
        (2, 3),
        (2, 4),
        (3, 4),
        (0, 5),
        (1, 5),
        (2, 5),
        (3, 5),
        (4, 5),
    }


def _draw(low: int, high: int, rng: np.random.Generator) -> Parent | None:
    if rng.random() < _CATALOGUE / (1.0 - _STRAINED):
        known = [family for number in range(low, high) for family in catalogue_parents().get(number, ())]
        if known:
            family = known[int(rng.integers(len(known)))]
            parent = child_of(family[int(rng.integers(len(family)))], rng)
            return parent if parent.atoms <= 200 else None
    return random_parent(int(rng.integers(low, high)), rng)


def _distort(parent: Parent, system: int, rng: np.random.Generator) -> Array:
    """Metric tensor of a strained cell: the strain keeps the symmetry of the lower system."""
    size = np.exp(rng.uniform(np.log(0.006), np.log(0.06)))
    e = rng.choice([-1.0, 1.0], 6) * rng.uniform(0.4, 1.0, 6) * size
    strain = np.diag([e[0], e[1], e[2]])
    if system == 1:
        strain = (np.ones((3, 3)) - np.eye(3)) * e[3] / 2.0  # along [111] of a cube
    elif system == 2:
        strain[1, 1] = e[0]
    elif system == 4:
        strain[0, 2] = strain[2, 0] = e[4]
    elif system == 5:
        strain[0, 1] = strain[1, 0] = e[3]
        strain[0, 2] = strain[2, 0] = e[4]
        strain[1, 2] = strain[2, 1] = e[5]
    axes = np.linalg.cholesky(metric_tensor(parent.cell))  # rows: a along x, b in the xy plane
    moved = axes @ (np.eye(3) + strain)
    return np.asarray(moved @ moved.T, dtype=np.float64)


def sticks(parent: Parent, metric: Array, wavelength: float, limit: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Angles (degree) and integrated intensities of the reflections up to ``limit`` (degree), with texture in some cases."""
    most = (2.0 * np.sin(np.radians(0.5 * limit)) / wavelength) ** 2
    most = min(most, (3.0 * _LONGEST / (2.0 * np.pi * np.sqrt(np.linalg.det(metric)))) ** (2.0 / 3.0))
    top = np.floor(np.sqrt(most * np.diag(metric)) + 1e-9).astype(int)
    grid = np.stack(np.meshgrid(*[np.arange(-t, t + 1) for t in top], indexing="ij"), axis=-1).reshape(-1, 3)
    h, k, ell = grid.T
    grid = grid[(h > 0) | ((h == 0) & ((k > 0) | ((k == 0) & (ell > 0))))]
    reciprocal = np.linalg.inv(metric)
    q2 = np.einsum("ni,ij,nj->n", grid, reciprocal, grid)
    grid, q2 = grid[q2 <= most], q2[q2 <= most]
    packed = expand(parent)
    phase = np.exp(2j * np.pi * (grid @ packed.atom.T))
    u_iso = rng.uniform(0.003, 0.02)
    amplitude = np.zeros(len(grid), dtype=np.complex128)
    for s, (element, share) in enumerate(zip(parent.elements, parent.occupancy, strict=True)):
        amplitude += share * xray(element, 2.0 * np.pi * np.sqrt(q2)) * phase[:, packed.site == s].sum(axis=1)
    intensity = np.abs(amplitude) ** 2 * np.exp(-4.0 * np.pi**2 * q2 * u_iso)
    if rng.random() < 0.4:  # March & Dollase: W. A. Dollase, J. Appl. Cryst. 19, 267 (1986), doi:10.1107/S0021889886089458
        axis = grid[int(rng.integers(min(len(grid), 12)))] @ reciprocal
        r = rng.uniform(0.55, 1.5)
        c2 = (grid @ axis) ** 2 / (q2 * np.einsum("i,ij,j->", axis, metric, axis))
        intensity *= (r * r * c2 + (1.0 - np.minimum(c2, 1.0)) / r) ** -1.5
    theta = np.arcsin(np.clip(0.5 * wavelength * np.sqrt(q2), 1e-6, 0.999999))
    intensity *= (1.0 + np.cos(2.0 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))
    return 2.0 * np.degrees(theta), intensity


def measured(two_theta: Array, intensity: Array, wavelength: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Peaks that a search would find of sticks: merged, weak ones lost, angles with errors."""
    scale = wavelength / 1.5406
    fwhm = np.exp(rng.uniform(np.log(0.05), np.log(0.35))) * max(scale, 0.3)
    first = rng.uniform(3.0, 12.0) * scale
    order = np.argsort(two_theta)
    x, y = two_theta[order], intensity[order]
    x, y = x[x >= first], y[x >= first]
    if x.size == 0:
        return x, y
    group = np.concatenate([[0], np.cumsum(np.diff(x) > 0.55 * fwhm)])
    area = np.bincount(group, y)
    centre = np.bincount(group, x * y) / np.maximum(area, 1e-300)
    limit = np.exp(rng.uniform(np.log(0.001), np.log(0.03))) * area.max()
    near = np.zeros(area.size)
    for step in (1, 2):  # tails of strong neighbours hide weak peaks
        gap = (centre[step:] - centre[:-step]) / fwhm
        tail = 0.25 / (1.0 + 4.0 * gap**2)
        near[step:] = np.maximum(near[step:], area[:-step] * tail)
        near[:-step] = np.maximum(near[:-step], area[step:] * tail)
    seen = (area > limit * np.exp(rng.normal(0.0, 0.2, area.size))) & (area > near)
    centre, area = centre[seen], area[seen]
    if rng.random() < 0.4:  # spurious lines: another phase, other wavelengths
        count = int(rng.integers(1, 7))
        end = centre[min(centre.size - 1, _WANTED)] if centre.size else 60.0
        centre = np.concatenate([centre, rng.uniform(first, end, count)])
        area = np.concatenate([area, limit * np.exp(rng.uniform(0.0, 2.0, count))])
    if rng.random() < 0.1 and centre.size:  # one peak taken for two
        at = int(np.argmax(area))
        centre, area = np.append(centre, centre[at] + rng.choice([-1, 1]) * fwhm), np.append(area, 0.1 * area[at])
    centre = centre + rng.normal(0.0, 1.0, centre.size) * np.hypot(0.004 * scale, 0.06 * fwhm * np.sqrt(limit / area))
    centre = centre + rng.normal(0.0, 0.03) * scale + rng.normal(0.0, 0.04) * scale * np.cos(np.radians(0.5 * centre))
    order = np.argsort(centre)
    centre, area = centre[order], area[order]
    apart = np.concatenate([[True], np.diff(centre) > 0.02 * scale])[: centre.size]
    return centre[apart], area[apart]


def draw(rng: np.random.Generator, *, fewest: int) -> PeakList:
    """Draw a peak list; crystals that show fewer than ``fewest`` peaks are drawn again."""
    while True:
        system = int(rng.choice(len(SYSTEMS), p=SHARES))
        parent, metric = draw_crystal(system, rng)
        wavelength = float(rng.choice(_WAVELENGTHS))
        limit = min(rng.uniform(60.0, 110.0) * wavelength / 1.5406, 150.0)
        angles, intensity = measured(*sticks(parent, metric, wavelength, limit, rng), wavelength, rng)
        if angles.size >= fewest:
            return PeakList(angles, intensity / intensity.max(), wavelength, system)


def make_corpus(
    count: int, rng: np.random.Generator, *, progress: Callable[[int, int], None] | None = None,
) -> tuple[Array, NDArray[np.int64]]:  # fmt: skip
    """Features, shape (count, features), and systems, shape (count,), of drawn peak lists."""
    from whorl.techniques.pd.symmetry_features import FEWEST, NAMES, choose, features, lattices_of

    rows = np.empty((count, len(NAMES)))
    systems = np.empty(count, dtype=np.int64)
    for i in range(count):
        found = draw(rng, fewest=FEWEST)
        kept = choose(found.two_theta, found.intensity)
        angles, intensity = found.two_theta[kept], found.intensity[kept]
        lattices = lattices_of(angles, intensity, found.wavelength, strong=False)  # once: the answer can afford twice
        rows[i] = features(angles, intensity, found.wavelength, lattices)
        systems[i] = found.system
        if progress and (i + 1) % 10 == 0:
            progress(i + 1, count)
    return rows, systems
