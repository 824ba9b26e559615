r"""Mass fractal of grains with rough surfaces: I(q) = [1 + (q R)^2 / (3 a)]^{-a} [1 + (q r)^2 / (3 b)]^{-b}.

a = D_m / 2 and b = (6 - D_s - D_m) / 2; R and r are the radii of gyration of cluster and grain. The intensity falls first as
q^{-D_m}, then as q^{D_s - 6} (Hurd, Schaefer & Martin, Phys. Rev. A 35, 2361 (1987), doi:10.1103/PhysRevA.35.2361).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.rows import extent, number

Array = NDArray[np.float64]


def mass_surface_fractal(
    q: Array, fractal_dim_mass: float, fractal_dim_surf: float, rg_cluster: float, rg_primary: float
) -> Array:
    """Intensity relative to q = 0.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    fractal_dim_mass, fractal_dim_surf : float
        D_m and D_s, of sum below 6.
    rg_cluster, rg_primary : float
        Angstrom.

    Examples
    --------
    >>> mass_surface_fractal(np.array([0.05]), 1.8, 2.3, 4000.0, 86.7).round(8)
    array([2.57e-05])
    """
    out = np.ones_like(np.asarray(q, dtype=float))
    for half, rg in ((fractal_dim_mass / 2, rg_cluster), ((6 - fractal_dim_mass - fractal_dim_surf) / 2, rg_primary)):
        if half > 0:
            out *= (1 + (q * rg) ** 2 / (3 * half)) ** -half
    return out


MODEL = Model(
    "mass_surface_fractal",
    "mass fractal of rough grains",
    "fractal",
    mass_surface_fractal,
    (
        number("fractal_dim_mass", 1.8, (1.0, 3.0), (1.3, 2.8), "mass fractal dimension"),
        number("fractal_dim_surf", 2.3, (2.0, 3.0), (2.0, 2.9), "surface fractal dimension"),
        extent("rg_primary", 86.7, (8, 300), "radius of gyration of a grain"),
        extent("rg_cluster", 4000.0, (50, 20000), "radius of gyration of the cluster", within=("rg_primary", 3.0, 200.0)),
    ),
    "Hurd, Schaefer & Martin, Phys. Rev. A 35, 2361 (1987), doi:10.1103/PhysRevA.35.2361",
    particle=False,
    candidate=False,
)
