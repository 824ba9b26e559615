r"""Intensity of a mixture of two kinds of spheres from partial structure factors.

With amplitudes F_a(q) of kind a, number densities n_a = phi_a / V_a and the partial structure factors S_ab,

.. math::
    I(q) = \sum_{ab} \sqrt{n_a n_b}\, \langle F_a \rangle \langle F_b \rangle S_{ab}(q)
           + \sum_a n_a \left[\langle F_a^2 \rangle - \langle F_a \rangle^2\right],

where the second sum is the decoupling of sizes from positions (Kotlarchyk & Chen, J. Chem. Phys. 79, 2461 (1983),
doi:10.1063/1.446055), nothing for spheres of one size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(7)


def sphere_form(x: Array) -> Array:
    """Amplitude of a sphere over its volume, 3 (sin x - x cos x) / x^3, for x = qR.

    Examples
    --------
    >>> bool(np.allclose(sphere_form(np.array([0.0, 4.493409457909064])), [1, 0], atol=1e-12))
    True
    """
    x = np.asarray(x, dtype=np.float64)
    small = x < 0.02
    safe = np.where(small, 1.0, x)
    found = 3 * (np.sin(safe) - safe * np.cos(safe)) / safe**3
    return np.asarray(np.where(small, 1 - x**2 / 10 + x**4 / 280, found))


def sphere_averages(q: Array, diameter: float, width: float) -> tuple[Array, Array, float]:
    """Averages <F> and <F^2> of spheres of contrast 1, shape (m,), and <V>; normal sizes of relative deviation ``width``."""
    radii = np.maximum(0.5 * diameter * (1 + width * (_NODES if width > 0 else np.zeros(1))), 1e-3 * diameter)
    weights = _NODE_WEIGHTS / _NODE_WEIGHTS.sum() if width > 0 else np.ones(1)
    volume = 4 / 3 * np.pi * radii**3
    f = volume[:, None] * sphere_form(np.outer(radii, q))
    return weights @ f, weights @ f**2, float(weights @ volume)


def mixture_intensity(
    q: Array,
    structure: Array,
    *,
    diameters: tuple[float, float],
    volume_fractions: tuple[float, float],
    contrasts: tuple[float, float],
    width: float = 0.0,
) -> Array:
    """Intensity of a mixture, shape (m,), in contrast squared times length cubed.

    Parameters
    ----------
    q : array, shape (m,)
    structure : array, shape (3, m)
        S_AA, S_AB, S_BB.
    diameters, volume_fractions, contrasts : (float, float)
        Of A and B.
    width : float
        Relative standard deviation of both diameters.

    Examples
    --------
    >>> none = np.array([[1.0], [0.0], [1.0]])
    >>> i = mixture_intensity(
    ...     np.array([1e-6]), none, diameters=(2.0, 2.0), volume_fractions=(0.1, 0.0), contrasts=(1.0, 1.0)
    ... )
    >>> i.round(6), round(0.1 * 4 / 3 * np.pi, 6)
    (array([0.418879]), 0.418879)
    """
    f: list[Array] = []
    out = np.zeros(np.shape(q))
    for diameter, share, contrast in zip(diameters, volume_fractions, contrasts, strict=True):
        mean, square, volume = sphere_averages(q, diameter, width)
        density = share / volume
        f.append(contrast * np.sqrt(density) * mean)
        out = out + contrast**2 * density * (square - mean**2)
    return np.asarray(out + f[0] ** 2 * structure[0] + 2 * f[0] * f[1] * structure[1] + f[1] ** 2 * structure[2])
