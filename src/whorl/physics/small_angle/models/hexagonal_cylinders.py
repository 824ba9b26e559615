r"""Long cylinders on a hexagonal lattice (P6mm), in domains of all orientations: block copolymers, surfactant liquid crystals.

I(q) = (pi / q) (rho - rho_s)^2 <A^2 f^2> / <A> [1 + beta G(q) (Z(q) - 1)] with A = pi R^2 and f = 2 J_1(qR) / (qR) of the
cross-section and beta = <A f>^2 / <A^2 f^2>. With a distance D of the axes, the peaks of the lattice are at
q_hk = 4 pi / (sqrt(3) D) sqrt(h^2 + h k + k^2), and averaged over directions in the plane

.. math::
    Z(q) = \frac{2 \pi}{a q} \sum_{hk} m_{hk} L(q - q_{hk}), \qquad a = \frac{\sqrt 3}{2} D^2, \qquad G = e^{-s^2 D^2 q^2}

for multiplicities m, a normalised Gaussian L whose full width is 2 pi over the size of the domains, and a mean square
displacement (s D)^2 of an axis along any direction (Forster et al., J. Phys. Chem. B 109, 1347 (2005), doi:10.1021/jp0467494).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import j1

from whorl.physics.small_angle.averages import TO_CM, Size, as_sizes
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.parts import core, length, solvent
from whorl.physics.small_angle.models.rows import extent, number

Array = NDArray[np.float64]

#: h^2 + h k + k^2 up to which peaks are added; where the last ones are, displacements have ended them, or they overlap
_LAST = 400


@lru_cache(maxsize=1)
def _peaks() -> tuple[Array, Array]:
    """Values of h^2 + h k + k^2 and how many (h, k) have each, without the origin."""
    h = np.arange(-_LAST, _LAST + 1)
    norms = (h[:, None] ** 2 + h[:, None] * h + h**2).ravel()
    values, counts = np.unique(norms[(norms > 0) & (norms <= _LAST)], return_counts=True)
    return values.astype(float), counts.astype(float)


def lattice_factor(q: Array, distance: float, domain_size: float) -> Array:
    """Z of an undisturbed hexagonal lattice, shape (n,): peaks up to the last, beyond it their mean, 1."""
    norms, counts = _peaks()
    first = 4 * np.pi / (np.sqrt(3) * distance)
    sigma = 2 * np.pi / domain_size / np.sqrt(8 * np.log(2))
    away = (q[:, None] - first * np.sqrt(norms)) / sigma
    peaks = np.exp(-(away**2) / 2) @ counts / (np.sqrt(2 * np.pi) * sigma)
    end = first * np.sqrt(_LAST)
    z = 2 * np.pi / (np.sqrt(3) / 2 * distance**2 * q) * peaks
    return np.asarray(np.where(q < 0.95 * end, z, 1.0))


def hexagonal_cylinders(
    q: Array, radius: Size, distance: float, domain_size: float, displacement: float, sld: float, sld_solvent: float
) -> Array:
    """Intensity at a volume fraction of 1, 1/cm.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    radius : float or Sizes
        Of the cylinders, angstrom.
    distance, domain_size : float
        From axis to axis, and over which the lattice is coherent; angstrom.
    displacement : float
        Root mean square displacement of an axis along a direction, over the distance.
    sld, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> q = 4 * np.pi / (np.sqrt(3) * 140.0) * np.array([0.9, 1.0, 1.1])  # about the first peak
    >>> curve = hexagonal_cylinders(q, 45.0, 140.0, 2000.0, 0.05, 1.0, 6.0)
    >>> bool(curve[1] > 20 * curve[0] and curve[1] > 20 * curve[2])
    True
    """
    sizes = as_sizes(radius)
    x = np.maximum(np.outer(q, sizes.values), 1e-6)
    areas = np.pi * sizes.values**2
    section = areas * 2 * j1(x) / x
    mean, square = section @ sizes.weights, section**2 @ sizes.weights
    order = np.exp(-((displacement * distance * q) ** 2)) * (lattice_factor(q, distance, domain_size) - 1)
    alone = square + mean**2 * order
    return np.asarray(TO_CM * np.pi / q * (sld - sld_solvent) ** 2 * alone / (sizes.weights @ areas))


MODEL = Model(
    "hexagonal_cylinders",
    "cylinders on a hexagonal lattice",
    "crystal",
    hexagonal_cylinders,
    (
        core("sld", 1.0, "of the cylinders"),
        solvent(6.0),
        length("radius", 45.0, (8, 300), "of the cylinders"),
        extent("distance", 140.0, (20, 1500), "from axis to axis", within=("radius", 2.0, 5.0)),
        extent("domain_size", 2000.0, (100, 1e5), "over which the lattice is coherent", within=("distance", 3.0, 50.0)),
        number("displacement", 0.05, (0.0, 0.5), (0.02, 0.15), "of an axis, over the distance", law="log-uniform"),
    ),
    "Forster et al., J. Phys. Chem. B 109, 1347 (2005), doi:10.1021/jp0467494",
    particle=False,
    candidate=False,
)
