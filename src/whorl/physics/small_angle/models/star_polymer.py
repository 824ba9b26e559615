r"""Star of f Gaussian arms: I(q) = 2 (v - 1 + exp(-v) + (f - 1) (1 - exp(-v))^2 / 2) / (f v^2), v = (q R_g)^2 f / (3 f - 2).

(Benoit, J. Polym. Sci. 11, 507 (1953), doi:10.1002/pol.1953.120110512.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import Model, ModelParameter
from whorl.physics.small_angle.models.gauss_coil import debye
from whorl.physics.small_angle.models.rows import number

Array = NDArray[np.float64]


def star_polymer(q: Array, rg_squared: float, arms: float) -> Array:
    """Intensity relative to q = 0.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    rg_squared : float
        Mean square radius of gyration of the star, angstrom^2.
    arms : float
        At least 1.

    Examples
    --------
    >>> star_polymer(np.array([0.5]), 2.0, 3.0).round(6)
    array([0.850887])
    """
    v = np.asarray(q) ** 2 * rg_squared * arms / (3 * arms - 2)
    safe = np.maximum(v, 1e-12)
    return np.asarray(debye(v) / arms + (1 - 1 / arms) * (np.expm1(-safe) / safe) ** 2)


MODEL = Model(
    "star_polymer",
    "star of Gaussian arms",
    "chain",
    star_polymer,
    (
        ModelParameter(
            "rg_squared", 100.0, (0.1, 1e10), (100, 2.5e5), "angstrom^2", meaning="square of the radius of gyration"
        ),
        number("arms", 3.0, (1.0, 100.0), (3.0, 20.0), "of the star", law="log-uniform"),
    ),
    "H. Benoit, J. Polym. Sci. 11, 507 (1953), doi:10.1002/pol.1953.120110512",
    particle=False,
    candidate=False,
)
