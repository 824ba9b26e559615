"""An unknown cell from a powder pattern's peaks: lattices, best first, in their conventional and reduced cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from whorl.physics.indexing import Lattice, index_lines
from whorl.physics.indexing_lines import SYSTEMS
from whorl.physics.indexing_merit import doubt_of
from whorl.physics.indexing_trials import Progress
from whorl.physics.symmetry import metric_tensor
from whorl.techniques.pd.peaks import Spacings
from whorl.techniques.pd.symmetry_features import choose

Array = NDArray[np.float64]

_TOLERANCES = (0.035, 0.08)  # degree at the wavelength of copper; the second where the first finds nothing convincing
_TRUSTED = (0.25, 0.08)  # most doubtful lines that get indices: all but the faint, then the strong alone
_ENOUGH = 9  # of the strong
_CONVINCING = 15.0  # M20; de Wolff held 10 for the least of a lattice that is not accidental
_CENTRES = {"A": (0.0, 0.5, 0.5), "B": (0.5, 0.0, 0.5), "C": (0.5, 0.5, 0.0), "I": (0.5, 0.5, 0.5)}


@dataclass(frozen=True)
class Cell:
    """A cell that explains the peaks.

    Parameters
    ----------
    system, centring : str
        Of the lattice; rhombohedral lattices are hexagonal with centring R.
    cell : array, shape (6,)
        Conventional cell, angstrom and degree: orthorhombic with a <= b <= c, monoclinic with b unique and beta as near above
        90 as C and I centring allow, triclinic reduced.
    reduced : array, shape (6,)
        Niggli cell, primitive.
    lattice : Lattice
        Evidence, figures of merit, zero shift, indexed lines.
    """

    system: str
    centring: str
    cell: Array
    reduced: Array
    lattice: Lattice


def index_peaks(
    peaks: Spacings, wavelength: float, *, systems: tuple[str, ...] = SYSTEMS, thorough: bool = True, enough: float = 40.0,
    progress: Progress | None = None, top: int = 10,
) -> list[Cell]:  # fmt: skip
    """Cells for a list of peaks, best first.

    Parameters
    ----------
    peaks : Spacings
        Of one phase; a few lines of others are tolerated.
    wavelength : float
        angstrom, of the first spectral line.
    systems : tuple of str
        To try, see `whorl.physics.indexing.index_lines`, as for ``thorough`` and ``enough``.
    progress : callable, optional
        Told (system, done, of); True ends the search.
    top : int

    Examples
    --------
    >>> from whorl.techniques.pd.peaks import Spacings, spacing
    >>> d = 5.43 / np.sqrt(np.array([3.0, 8, 11, 16, 19, 24, 27, 32, 35]))
    >>> angle = np.degrees(2 * np.arcsin(1.5406 / 2 / d))
    >>> one = np.ones(9)
    >>> best = index_peaks(Spacings(d, 1e-4 * d, one, 0.1 * one, 50 * one, angle), 1.5406, systems=("cubic",))[0]
    >>> best.centring, round(float(best.cell[0]), 2), round(float(best.reduced[0]), 2)
    ('F', 5.43, 3.84)
    """
    order = choose(peaks.two_theta, peaks.intensity, most=60)
    angles = peaks.two_theta[order]
    scale = min(1.0, wavelength / 1.54)
    doubt = doubt_of(peaks.intensity[order])
    found: list[Lattice] = []
    for tolerance in _TOLERANCES:
        for trusted in _TRUSTED:
            if trusted < _TRUSTED[0] and np.sum(doubt <= trusted) < _ENOUGH:
                continue
            found += index_lines(
                angles, wavelength, tolerance=tolerance * scale, doubt=doubt, trusted=trusted, zero=2.0 * tolerance * scale,
                systems=systems, thorough=thorough, enough=enough, progress=progress, top=2 * top,
            )  # fmt: skip
        found.sort(key=lambda f: -f.evidence)
        if found and found[0].merit >= _CONVINCING:
            break
    return [cell_from(lattice) for lattice in _once(found)[:top]]


def _once(found: list[Lattice]) -> list[Lattice]:
    """Each lattice once, the best first."""
    out: list[Lattice] = []
    for lattice in found:
        same = (f for f in out if (f.system, f.centring) == (lattice.system, lattice.centring))
        if not any(abs(f.volume / lattice.volume - 1.0) < 2e-3 for f in same):
            out.append(replace(lattice, derivative_of=-1) if lattice.derivative_of >= 0 else lattice)
    return out


def cell_from(lattice: Lattice) -> Cell:
    """Conventional and reduced cell of a lattice."""
    cell, centring = lattice.cell, lattice.centring
    reduced = _niggli(cell, centring)
    if lattice.system == "triclinic":
        cell = reduced
    elif lattice.system == "orthorhombic":
        order = np.argsort(cell[:3], kind="stable")
        if centring in {"A", "B", "C"}:
            centring = "ABC"[int(np.flatnonzero(order == "ABC".index(centring))[0])]
        cell = np.concatenate([cell[order], [90.0, 90.0, 90.0]])
    elif lattice.system == "monoclinic":
        cell, centring = _monoclinic(cell, centring)
    return Cell(lattice.system, centring, cell, reduced, lattice)


def _niggli(cell: Array, centring: str) -> Array:
    import gemmi

    vector = gemmi.GruberVector(gemmi.UnitCell(*(float(x) for x in cell)), centring)
    vector.niggli_reduce()
    found = vector.get_cell()
    return np.array([found.a, found.b, found.c, found.alpha, found.beta, found.gamma])


def _monoclinic(cell: Array, centring: str) -> tuple[Array, str]:
    """The setting with b unique whose beta is least above 90 degrees; A and B centring become C or I."""
    metric = metric_tensor(cell)
    best: tuple[float, Array, str] | None = None
    for i, j, k, ell in product(range(-3, 4), repeat=4):
        if abs(i * ell - j * k) != 1:
            continue
        axes = np.array([[i, 0, j], [0, 1, 0], [k, 0, ell]], dtype=np.float64)
        new = axes @ metric @ axes.T
        cosine = new[0, 2] / np.sqrt(new[0, 0] * new[2, 2])
        if cosine > 1e-9:
            continue
        kind = centring
        if centring in _CENTRES:
            shift = np.array(_CENTRES[centring]) @ np.linalg.inv(axes)
            shift -= np.floor(shift + 1e-6)
            kind = next((name for name, at in _CENTRES.items() if np.allclose(shift, at, atol=1e-6)), "?")
            if kind not in {"C", "I"}:
                continue
        size = float(np.sqrt(new[0, 0]) + np.sqrt(new[2, 2])) * (1.0 + 1e-6 * (kind == "I"))
        if best is None or size < best[0] - 1e-9:
            best = (size, _cell_of_metric(new), kind)
    return (best[1], best[2]) if best else (cell, centring)


def _cell_of_metric(metric: Array) -> Array:
    length = np.sqrt(np.diag(metric))
    cosines = np.array([metric[1, 2], metric[0, 2], metric[0, 1]]) / length[[1, 0, 0]] / length[[2, 2, 1]]
    return np.concatenate([length, np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))])
