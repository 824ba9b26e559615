r"""Chain with excluded volume: I(q) = 2 int_0^1 (1 - x) exp(-U x^{2/m}) dx, U = (q R_g)^2 (2/m + 1) (2/m + 2) / 6.

The distance of two monomers grows with their separation to the power 1/m: m = 5/3 in a good solvent, 2 for a Gaussian chain, 3
collapsed; I falls as q^{-m}. In incomplete gamma functions, I = m U^{-m/2} [gamma(m/2, U) - U^{-m/2} gamma(m, U)].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, gammainc

from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.rows import extent, number

Array = NDArray[np.float64]


def polymer_excl_volume(q: Array, rg: float, porod_exp: float) -> Array:
    """Intensity relative to q = 0.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    rg : float
        Radius of gyration, angstrom.
    porod_exp : float
        m.

    Examples
    --------
    >>> polymer_excl_volume(np.array([0.001, 0.105363]), 60.0, 3.0).round(6)
    array([0.998801, 0.016275])
    """
    m = porod_exp
    u = (np.asarray(q) * rg) ** 2 * (2 / m + 1) * (2 / m + 2) / 6
    small = u < 1e-4
    safe = np.where(small, 1.0, u)
    power = safe ** (-m / 2)
    exact = m * power * (gamma(m / 2) * gammainc(m / 2, safe) - power * gamma(m) * gammainc(m, safe))
    return np.asarray(np.where(small, 1 - u * m**2 / ((m + 1) * (m + 2)), exact))


MODEL = Model(
    "polymer_excl_volume",
    "chain with excluded volume",
    "chain",
    polymer_excl_volume,
    (
        extent("rg", 60.0, (5, 1000), "radius of gyration"),
        number("porod_exp", 3.0, (0.5, 8.0), (1.4, 3.6), "power with which the intensity falls"),
    ),
    "H. Benoit, C. R. Acad. Sci. 245, 2244 (1957); B. Hammouda, Adv. Polym. Sci. 106, 87 (1993), doi:10.1007/BFb0025862",
    particle=False,
)
