r"""What changes the intensities and positions of powder reflections: polarisation, absorption, texture, misalignment.

Conventions. The Lorentz factor of a powder counted per angle is 1/(sin^2(theta) cos(theta)), without the constant 1/4 or 1/8.
Angles are degrees of 2 theta at the interface. Shifts are added to the position that Bragg's law gives.

Sources: polarisation, L. V. Azaroff, Acta Cryst. 8, 701 (1955), doi:10.1107/S0365110X55002156; texture, W. A. Dollase, J. Appl.
Cryst. 19, 267 (1986), doi:10.1107/S0021889886089458, and R. B. Von Dreele, J. Appl. Cryst. 30, 517 (1997),
doi:10.1107/S0021889897005918; absorption of a cylinder, K. D. Rouse & M. J. Cooper, Acta Cryst. A 26, 214 (1970),
doi:10.1107/S0567739470000475, in the form of A. W. Hewat, Acta Cryst. A 35, 248 (1979), doi:10.1107/S0567739479000504;
displacement and transparency, A. J. C. Wilson, Mathematical Theory of X-ray Powder Diffractometry (1963).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import sph_harm_y

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def lorentz_polarisation(
    two_theta: Array, *, monochromator: float | None = None, polarised: float | None = None, neutron: bool = False
) -> Array:
    """Lorentz and polarisation factors.

    Parameters
    ----------
    two_theta : array
        degrees
    monochromator : float, optional
        2 theta of a crystal monochromator in the beam of a tube, degrees (26.6 for graphite (002) and Cu K-alpha).
    polarised : float, optional
        Part of the intensity whose electric vector is normal to the plane of scattering: 0.5 unpolarised, 0.95 to 1 at a
        synchrotron with a vertical plane of scattering.
    neutron : bool
        No polarisation factor.

    Examples
    --------
    >>> round(float(lorentz_polarisation(np.array([60.0]))[0]), 4)
    2.8868
    """
    theta = np.radians(np.asarray(two_theta, dtype=np.float64)) / 2
    lorentz = 1 / (np.sin(theta) ** 2 * np.cos(theta))
    if neutron:
        return np.asarray(lorentz)
    c2 = np.cos(2 * theta) ** 2
    if polarised is not None:
        return np.asarray((polarised + (1 - polarised) * c2) * lorentz)
    k = 1.0 if monochromator is None else float(np.cos(np.radians(monochromator)) ** 2)
    return np.asarray((1 + k * c2) / (1 + k) * lorentz)


def cylinder_absorption(two_theta: Array, mu_r: float) -> Array:
    """Transmission of a cylinder (capillary), for mu R up to about 1.

    Parameters
    ----------
    two_theta : array
        degrees
    mu_r : float
        Linear absorption coefficient times radius.

    Examples
    --------
    >>> cylinder_absorption(np.array([40.0]), 0.0).tolist()
    [1.0]
    """
    s2 = np.sin(np.radians(np.asarray(two_theta)) / 2) ** 2
    return np.asarray(np.exp(-(1.7133 - 0.0368 * s2) * mu_r + (0.0927 + 0.375 * s2) * mu_r**2))


def displacement_shift(two_theta: Array, displacement: float, radius: float) -> Array:
    """Shift of peaks by a sample off the axis of the goniometer, degrees: -2 s cos(theta) / R.

    Parameters
    ----------
    two_theta : array
        degrees
    displacement : float
        mm; positive when the sample lies too far from the detector circle's centre, behind the axis.
    radius : float
        Of the goniometer, mm.
    """
    return np.asarray(-np.degrees(2 * displacement / radius * np.cos(np.radians(np.asarray(two_theta)) / 2)))


def transparency_shift(two_theta: Array, mu_radius: float) -> Array:
    """Shift of peaks by a thick transparent flat sample, degrees: -sin(2 theta) / (2 mu R).

    Parameters
    ----------
    two_theta : array
        degrees
    mu_radius : float
        Linear absorption coefficient times the radius of the goniometer.
    """
    return np.asarray(-np.degrees(np.sin(np.radians(np.asarray(two_theta))) / (2 * mu_radius)))


def equivalents(hkl: Index, rotations: Array) -> Index:
    """Reflections equivalent to each, repeated as the group makes them, Friedel mates left out, shape (n, m, 3).

    Examples
    --------
    >>> equivalents(np.array([[1, 0, 0]]), np.eye(3)[None]).tolist()
    [[[1, 0, 0]]]
    """
    turns = np.unique(np.round(rotations).astype(np.int64).reshape(-1, 9), axis=0).reshape(-1, 3, 3)
    return np.asarray(np.einsum("ni,mij->nmj", np.asarray(hkl, dtype=np.int64), turns))


def cos2_to_axis(hkl: Index, axis: Index, rotations: Array, metric: Array) -> Array:
    """cos^2 of the angle between each equivalent of each reflection and a reciprocal-lattice direction, shape (n, m).

    Parameters
    ----------
    hkl : array, shape (n, 3)
    axis : array, shape (3,)
        Indices of the planes that lie flat.
    rotations : array, shape (g, 3, 3)
    metric : array, shape (3, 3)
    """
    inverse = np.linalg.inv(metric)
    h = equivalents(hkl, rotations).astype(np.float64)
    a = np.asarray(axis, dtype=np.float64)
    along = h @ inverse @ a
    size2 = np.einsum("nmi,ij,nmj->nm", h, inverse, h) * float(a @ inverse @ a)
    return np.asarray(np.clip(along**2 / size2, 0.0, 1.0))


def march_dollase(cos2: Array, r: float) -> tuple[Array, Array]:
    """March-Dollase factor of each reflection, averaged over its equivalents, and its derivative with respect to r.

    Parameters
    ----------
    cos2 : array, shape (n, m)
        From `cos2_to_axis`.
    r : float
        1: no texture; below 1: plates that lie flat in reflection.

    Returns
    -------
    factor, slope : array, shape (n,)

    Examples
    --------
    >>> march_dollase(np.array([[0.3]]), 1.0)[0].tolist()
    [1.0]
    """
    base = r * r * cos2 + (1 - cos2) / r
    by_r = 2 * r * cos2 - (1 - cos2) / r**2
    return base**-1.5 @ _mean(cos2), (-1.5 * base**-2.5 * by_r) @ _mean(cos2)


def _mean(values: Array) -> Array:
    return np.full(values.shape[1], 1.0 / values.shape[1])


def texture_harmonics(hkl: Index, rotations: Array, metric: Array, order: int) -> Array:
    """Symmetrised spherical harmonics of even order of the directions of reflections, for a sample of cylindrical symmetry.

    The factor of a reflection is 1 + sum_j c_j k_j(h). The harmonics Y_lm of each order l are averaged over the equivalents
    of a reflection; of these 2 l + 1 functions the independent ones are kept, scaled to a mean square of 1.

    Parameters
    ----------
    hkl : array, shape (n, 3)
    rotations : array, shape (g, 3, 3)
    metric : array, shape (3, 3)
    order : int
        Highest l, even.

    Returns
    -------
    array, shape (j, n)

    Examples
    --------
    >>> hkl = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 0]])
    >>> texture_harmonics(hkl, np.eye(3)[None], np.eye(3), 2).shape
    (4, 4)
    """
    inverse = np.linalg.inv(metric)
    root = np.linalg.cholesky(inverse)
    vectors = equivalents(hkl, rotations).astype(np.float64) @ root
    vectors /= np.maximum(np.linalg.norm(vectors, axis=2, keepdims=True), 1e-300)
    polar = np.arccos(np.clip(vectors[..., 2], -1, 1))
    azimuth = np.arctan2(vectors[..., 1], vectors[..., 0])
    rows: list[Array] = []
    for degree in range(2, order + 1, 2):
        table = []
        for m in range(degree + 1):
            y = sph_harm_y(degree, m, polar, azimuth).mean(axis=1)
            table += [y.real] if m == 0 else [y.real, y.imag]
        left, size, right = np.linalg.svd(np.array(table), full_matrices=False)
        del left
        rows += [row * np.sqrt(len(hkl)) for row, s in zip(right, size, strict=True) if s > 1e-6 * max(float(size[0]), 1e-9)]
    return np.array(rows).reshape(-1, len(hkl))
