r"""Structure factors and powder intensities of a crystal, with derivatives.

F(h) = sum_s n_s f_s(h) T_s(h) sum_k exp(2 pi i h.x_k) over sites s and the atoms k of each in the cell, with
T = exp(-8 pi^2 U s^2), s = sin(theta)/lambda = 1/(2d), and f = f0 + f' + i f''. A powder shows the mean over a reflection and
its Friedel mate,

.. math::
    \overline{|F|^2} = A^2 + B^2 + A'^2 + B'^2, \quad
    A, B = \sum_s \mathrm{Re} f_s T_s n_s (C_s, S_s), \quad A', B' = \sum_s \mathrm{Im} f_s T_s n_s (C_s, S_s)

with C_s, S_s the sums of cos and sin of 2 pi h.x over the atoms of a site (Giacovazzo, Fundamentals of Crystallography, 3rd ed.
(2011), ch. 3). Atoms related by centring translations add up in phase, so that one of each set is summed and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Atoms:
    """Atoms to sum over, one of each set that centring translations relate.

    Attributes
    ----------
    position : array, shape (m, 3)
        Fractional.
    site : array of int, shape (m,)
    rotation : array, shape (m, 3, 3)
        Turns a shift of the site into that of the atom.
    centring : int
        Lattice points in the cell.
    """

    position: Array
    site: Index
    rotation: Array
    centring: int


def without_centring(position: Array, site: Index, rotation: Array, rotations: Array, translations: Array) -> Atoms:
    """Keep one atom of each set that pure translations of the group relate.

    Parameters
    ----------
    position, site, rotation : array, shapes (m, 3), (m,), (m, 3, 3)
        All atoms of the cell.
    rotations, translations : array, shapes (g, 3, 3), (g, 3)
        Operations of the group.
    """
    pure = translations[np.all(np.abs(rotations - np.eye(3)) < 1e-6, axis=(1, 2))]
    pure = pure - np.floor(pure + 1e-6)
    if len(pure) <= 1:
        return Atoms(position, site, rotation, 1)
    keep: list[int] = []
    taken = np.zeros(len(position), dtype=np.bool_)
    for k in range(len(position)):
        if taken[k]:
            continue
        keep.append(k)
        shift = position[None, :, :] - (position[k] + pure)[:, None, :]
        shift -= np.round(shift)
        taken |= np.any(np.all(np.abs(shift) < 1e-3, axis=2), axis=0) & (site == site[k])
    return Atoms(position[keep], site[keep], rotation[keep], len(pure))


@njit(cache=True, nogil=True)
def _sums(hkl, position, site, count):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Sums of cos and sin of 2 pi h.x over the atoms of each site, shapes (n, sites)."""
    n = hkl.shape[0]
    c = np.zeros((n, count))
    s = np.zeros((n, count))
    for i in range(n):
        for k in range(position.shape[0]):
            angle = 2 * np.pi * (hkl[i, 0] * position[k, 0] + hkl[i, 1] * position[k, 1] + hkl[i, 2] * position[k, 2])
            c[i, site[k]] += np.cos(angle)
            s[i, site[k]] += np.sin(angle)
    return c, s


@njit(cache=True, nogil=True)
def _slopes(hkl, position, site, shift, of):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Derivatives of the sums of site of[p] with respect to parameter p that moves atom k by shift[p, k], shapes (p, n)."""
    n = hkl.shape[0]
    dc = np.zeros((of.size, n))
    ds = np.zeros((of.size, n))
    for p in range(of.size):
        for k in range(position.shape[0]):
            if site[k] != of[p]:
                continue
            for i in range(n):
                angle = 2 * np.pi * (hkl[i, 0] * position[k, 0] + hkl[i, 1] * position[k, 1] + hkl[i, 2] * position[k, 2])
                move = 2 * np.pi * (hkl[i, 0] * shift[p, k, 0] + hkl[i, 1] * shift[p, k, 1] + hkl[i, 2] * shift[p, k, 2])
                dc[p, i] -= move * np.sin(angle)
                ds[p, i] += move * np.cos(angle)
    return dc, ds


@dataclass(frozen=True)
class Geometry:
    """What the positions of the atoms give: sums of cos and sin per site, and their derivatives.

    Attributes
    ----------
    cos, sin : array, shape (n, sites)
    cos_slope, sin_slope : array, shape (p, n)
        With respect to the free coordinates, each of which moves the atoms of one site.
    of : array of int, shape (p,)
        Site of each free coordinate.
    """

    cos: Array
    sin: Array
    cos_slope: Array
    sin_slope: Array
    of: Index


def geometry(hkl: Index, atoms: Atoms, sites: int, *, directions: Array | None = None, of: Index | None = None) -> Geometry:
    """Sums over the atoms of each site.

    Parameters
    ----------
    hkl : array, shape (n, 3)
    atoms : Atoms
    sites : int
        Number of sites.
    directions : array, shape (p, 3), optional
        Fractional shift of the site ``of[p]`` for a change of free coordinate p by 1.
    of : array of int, shape (p,), optional
    """
    h = np.ascontiguousarray(hkl, dtype=np.float64)
    c, s = _sums(h, atoms.position, atoms.site, sites)
    c *= atoms.centring
    s *= atoms.centring
    if directions is None or of is None or of.size == 0:
        none = np.zeros((0, len(h)))
        return Geometry(c, s, none, none, np.zeros(0, dtype=np.int64))
    shift = np.einsum("kij,pj->pki", atoms.rotation, directions)
    dc, ds = _slopes(h, atoms.position, atoms.site, np.ascontiguousarray(shift), of)
    return Geometry(c, s, dc * atoms.centring, ds * atoms.centring, of)


@dataclass(frozen=True)
class Intensities:
    """Mean |F|^2 of each reflection and its derivatives.

    Attributes
    ----------
    value : array, shape (n,)
        electrons^2 or fm^2.
    by_coordinate : array, shape (p, n)
    by_u : array, shape (sites, n)
        With respect to U_iso of each site, angstrom^2.
    by_occupancy : array, shape (sites, n)
    """

    value: Array
    by_coordinate: Array
    by_u: Array
    by_occupancy: Array


def intensities(
    found: Geometry, factors: NDArray[np.complex128], occupancy: Array, u_iso: Array, s2: Array, *, slopes: bool = True
) -> Intensities:
    """Mean |F|^2 over each reflection and its Friedel mate.

    Parameters
    ----------
    found : Geometry
        n reflections.
    factors : array of complex, shape (sites, n)
        f0 + f' + i f'' of each site's element, or the neutron length.
    occupancy, u_iso : array, shape (sites,)
        Occupancy; mean square displacement, angstrom^2.
    s2 : array, shape (n,)
        (sin(theta)/lambda)^2 = 1/(4 d^2), 1/angstrom^2.
    slopes : bool
        Give derivatives too (else arrays of no rows).

    Examples
    --------
    >>> atoms = Atoms(np.zeros((1, 3)), np.zeros(1, dtype=np.int64), np.eye(3)[None], 1)
    >>> one = geometry(np.array([[1, 0, 0]]), atoms, 1)
    >>> f = np.full((1, 1), 10 + 2j)
    >>> intensities(one, f, np.ones(1), np.zeros(1), np.array([0.01])).value.tolist()
    [104.0]
    """
    damped = np.exp(-8 * np.pi**2 * np.outer(u_iso, s2))
    real, imaginary = factors.real * damped, factors.imag * damped
    weights = (real * occupancy[:, None], imaginary * occupancy[:, None])
    c, s = found.cos.T, found.sin.T
    sums = [(np.einsum("sn,sn->n", w, c), np.einsum("sn,sn->n", w, s)) for w in weights]
    value = sum((a * a + b * b for a, b in sums), np.zeros(len(s2)))
    if not slopes:
        none = np.zeros((0, len(s2)))
        return Intensities(value, none, none, none)
    # of each site: derivative of the value with respect to its factor times occupancy
    part = [a * c + b * s for a, b in sums]
    by_weight = 2 * (weights[0] * part[0] + weights[1] * part[1])
    by_occupancy = 2 * (real * part[0] + imaginary * part[1])
    of = found.of
    by_coordinate = 2 * sum(
        (w[of] * (a * found.cos_slope + b * found.sin_slope) for w, (a, b) in zip(weights, sums, strict=True)),
        np.zeros((of.size, len(s2))),
    )
    return Intensities(value, by_coordinate, -8 * np.pi**2 * s2 * by_weight, by_occupancy)
