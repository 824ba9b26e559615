r"""Magnetic scattering of a powder and its pair distribution function, for static moments.

For moments m_i (Bohr magnetons) the powder-averaged intensity per magnetic atom is p^2 f^2(Q) times

.. math::
    \tfrac{2}{3} \langle m^2 \rangle + \frac{1}{N} \sum_{i \ne j} \left[ A_{ij} \frac{\sin x}{x}
    + B_{ij} \left( \frac{\sin x}{x^3} - \frac{\cos x}{x^2} \right) \right], \qquad x = Q r_{ij},

with A the product of the components across the line that joins the two atoms and B twice the product along it less A (Blech
& Averbach, Physics 1, 31 (1964), doi:10.1103/PhysicsPhysiqueFizika.1.31), p = gamma r_0 / 2 and f the magnetic form factor.
The sine transform of Q times the sum is a set of peaks and of ramps,

.. math::
    f_m(r) = \frac{1}{N} \sum_{i \ne j} \left[ \frac{A_{ij}}{r_{ij}} \delta(r - r_{ij})
    + B_{ij} \frac{r}{r_{ij}^3} \Theta(r_{ij} - r) \right]

(Frandsen, Yang & Billinge, Acta Cryst. A 70, 3 (2014), doi:10.1107/S2053273313033081). What a measured G(r) holds in addition
is this, not divided by f^2: the unnormalised d(r), in which the form factor blurs everything to about an angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.physics.transforms import SineGrid

Array = NDArray[np.float64]

#: gamma r_0 / 2: scattering length of a moment of one Bohr magneton across Q, fm
PER_MOMENT = 2.695

#: <j0> = A exp(-a s^2) + B exp(-b s^2) + C exp(-c s^2) + D, s = Q / 4 pi: A, a, B, b, C, c, D (P. J. Brown, International
#: Tables for Crystallography, vol. C, section 4.4.5)
_J0: dict[str, tuple[float, ...]] = {
    "Cr3+": (-0.3094, 0.0274, 0.3680, 17.0355, 0.6559, 6.5236, 0.2856),
    "Mn2+": (0.4220, 17.6840, 0.5948, 6.0050, 0.0043, -0.6090, -0.0219),
    "Mn3+": (0.4198, 14.2829, 0.6054, 5.4689, 0.9241, -0.0088, -0.9498),
    "Fe2+": (0.0263, 34.9597, 0.3668, 15.9435, 0.6188, 5.5935, -0.0119),
    "Fe3+": (0.3972, 13.2442, 0.6295, 4.9034, -0.0314, 0.3496, 0.0044),
    "Co2+": (0.4332, 14.3553, 0.5857, 4.6077, -0.0382, 0.1338, 0.0179),
    "Ni2+": (0.0163, 35.8826, 0.3916, 13.2233, 0.6052, 4.3388, -0.0133),
    "Cu2+": (0.0232, 34.9686, 0.4023, 11.5640, 0.5882, 3.8428, -0.0137),
}


def form_factor(ion: str, q: Array) -> Array:
    """Magnetic form factor <j0>(Q) of an ion, shape of ``q`` (1/angstrom); 0 beyond the range of the table, Q = 20.

    Raises
    ------
    KeyError
        If the ion is not tabulated.

    Examples
    --------
    >>> np.round(form_factor("Mn2+", np.array([0.0, 3.0, 6.0])), 2).tolist()
    [1.0, 0.56, 0.14]
    """
    s2 = (np.asarray(q, dtype=np.float64) / (4 * np.pi)) ** 2
    *pairs, constant = _J0[ion]
    value = constant + sum(a * np.exp(-b * s2) for a, b in zip(pairs[::2], pairs[1::2], strict=True))
    return np.where(s2 < (20 / (4 * np.pi)) ** 2, value, 0.0)


@dataclass(frozen=True)
class SpinPairs:
    """Pairs of moments, joined by distance, per magnetic atom.

    ``distance`` (k,) in angstrom; ``across`` (k,) and ``along`` (k,): sums of A and B over the ordered pairs, in squared
    Bohr magnetons per atom; ``mean_square``: mean squared moment.
    """

    distance: Array
    across: Array
    along: Array
    mean_square: float


def spin_pairs(
    positions: Array,
    moments: Array,
    *,
    lattice: Array | None = None,
    propagation: Array | None = None,
    r_max: float = 40.0,
) -> SpinPairs:
    """Pairs of the moments of a molecule, or of a crystal whose moments go on as m cos(2 pi k.t) from cell to cell.

    Parameters
    ----------
    positions : array, shape (n, 3)
        Of the magnetic atoms, angstrom.
    moments : array, shape (n, 3)
        Bohr magnetons.
    lattice : array, shape (3, 3), optional
        Cell vectors, one a row, angstrom; without it the atoms are all there are.
    propagation : array, shape (3,), optional
        k, in reciprocal lattice units; commensurate, with 2k a lattice vector.
    r_max : float
        angstrom.

    Examples
    --------
    >>> two = spin_pairs(np.array([[0, 0, 0], [0, 0, 3.0]]), np.array([[1.0, 0, 0], [-1.0, 0, 0]]))
    >>> two.distance.tolist(), two.across.tolist(), two.along.tolist()
    ([3.0], [-1.0], [1.0])
    """
    cells = np.zeros((1, 3))
    if lattice is not None:
        height = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
        most = np.ceil(r_max / height).astype(int) + 1
        cells = (
            np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in most], indexing="ij"), axis=-1).reshape(-1, 3).astype(float)
        )
    sign = np.ones(len(cells)) if propagation is None else np.cos(2 * np.pi * cells @ np.asarray(propagation, dtype=float))
    shift = cells if lattice is None else cells @ lattice
    found: dict[int, NDArray[np.float64]] = {}
    for i, here in enumerate(positions):
        for j, there in enumerate(positions):
            vector = there - here + shift
            distance = np.linalg.norm(vector, axis=1)
            keep = (distance > 1e-6) & (distance < r_max)
            unit = vector[keep] / distance[keep, None]
            product = sign[keep] * float(moments[i] @ moments[j])
            longitudinal = sign[keep] * (unit @ moments[i]) * (unit @ moments[j])
            a = product - longitudinal
            for key, d, one, two in zip(
                np.round(distance[keep] * 1e4).astype(int), distance[keep], a, 2 * longitudinal - a, strict=True
            ):
                row = found.setdefault(int(key), np.array([d, 0.0, 0.0]))
                row[1] += one
                row[2] += two
    table = np.array([found[k] for k in sorted(found)]).reshape(-1, 3)
    n = len(positions)
    return SpinPairs(table[:, 0], table[:, 1] / n, table[:, 2] / n, float(np.mean(np.sum(np.asarray(moments) ** 2, axis=1))))


def reduced_intensity(pairs: SpinPairs, q: Array) -> Array:
    """Magnetic intensity per atom over p^2 f^2, on ``q``, by the sum over pairs: shape of ``q``."""
    x = np.outer(np.asarray(q, dtype=np.float64), pairs.distance)
    return np.asarray(
        2 / 3 * pairs.mean_square + (np.sin(x) / x) @ pairs.across + (np.sin(x) / x**3 - np.cos(x) / x**2) @ pairs.along
    )


def magnetic_pdf(grid: SineGrid, pairs: SpinPairs, form: Array, *, qmin: float = 0.0, qmax: float | None = None) -> Array:
    """Unnormalised magnetic pair distribution function d(r) per magnetic atom, shape of ``grid.r``.

    Multiply by fraction of magnetic atoms times p^2 / <b>^2 (`relative_weight`) to add it to a nuclear G(r).

    Parameters
    ----------
    grid : SineGrid
        Longer than the longest pair by a third, or the pairs fade out before.
    pairs : SpinPairs
    form : array
        Magnetic form factor on ``grid.q``.
    qmin, qmax : float
        Band of the measurement, 1/angstrom.
    """
    r = grid.r
    normalised = np.zeros(r.size)
    # a peak is shared between its two neighbouring points; where f has died away at Q = pi / dr that is exact
    place = pairs.distance / grid.dr - 1
    first = np.floor(place).astype(int)
    part = place - first
    for index, weight in ((first, 1 - part), (first + 1, part)):
        inside = (index >= 0) & (index < r.size)
        np.add.at(normalised, index[inside], (weight * pairs.across / pairs.distance / grid.dr)[inside])
    order = np.argsort(pairs.distance)
    beyond = np.concatenate([np.cumsum((pairs.along / pairs.distance**3)[order][::-1])[::-1], [0.0]])
    normalised += r * beyond[np.searchsorted(pairs.distance[order], r)]
    f = grid.to_q(normalised) + 2 / 3 * pairs.mean_square * grid.q
    return grid.to_r(f * form**2 * grid.band(qmin, qmax))


def relative_weight(fraction: float, mean_length: float) -> float:
    """Factor that puts d(r), in squared Bohr magnetons, on the scale of a nuclear G(r).

    Parameters
    ----------
    fraction : float
        Magnetic atoms per atom.
    mean_length : float
        Mean coherent scattering length <b>, fm.
    """
    return fraction * (PER_MOMENT / mean_length) ** 2
