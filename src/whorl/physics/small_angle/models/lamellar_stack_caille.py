r"""Stacks of undulating lamellae (Caille): I(q) = 2 pi P(q) S(q) / (d q^2), P(q) = 4 (rho - rho_s)^2 sin^2(q delta / 2) / q^2.

S(q) = 1 + 2 sum_{n=1}^{N-1} (1 - n/N) cos(n q d) exp(-q^2 d^2 alpha(n)), alpha(n) = (eta / 4 pi^2) (ln(pi n) + gamma_E), eta is
the Caille parameter: it grows as the bilayers are softer. Between integers N is mixed of both neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import TO_CM, Size, as_sizes
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.parts import density, length, solvent
from whorl.physics.small_angle.models.rows import extent, number

Array = NDArray[np.float64]


def lamellar_stack_caille(
    q: Array, thickness: Size, Nlayers: float, d_spacing: float, Caille_parameter: float, sld: float, sld_solvent: float
) -> Array:
    """Intensity of stacks, 1/cm.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    thickness : float or Sizes
        Of a sheet, angstrom.
    Nlayers : float
        Sheets in a stack, at least 1.
    d_spacing : float
        Angstrom.
    Caille_parameter : float
        0 to 0.8.
    sld, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> lamellar_stack_caille(np.array([0.001]), 30.0, 20.0, 400.0, 0.1, 6.3, 1.0).round(2)
    array([28895.13])
    """
    sizes = as_sizes(thickness)
    low = int(max(Nlayers, 1.0))
    more = max(Nlayers, 1.0) - low
    n = np.arange(1, low + 1)
    parts = (1 - more) * np.maximum(1 - n / low, 0) + more * (1 - n / (low + 1))
    alpha = Caille_parameter / (4 * np.pi**2) * (np.log(np.pi * n) + np.euler_gamma)
    phase = q * d_spacing
    s = 1 + 2 * (np.cos(np.outer(phase, n)) * np.exp(-np.outer(phase**2, alpha))) @ parts
    edges = 4 * np.sin(np.outer(q, sizes.values) / 2) ** 2 @ sizes.weights
    return np.asarray(TO_CM * 2 * np.pi * (sld - sld_solvent) ** 2 * edges * s / (d_spacing * q**4))


MODEL = Model(
    "lamellar_stack_caille",
    "stacks of undulating sheets",
    "layer",
    lamellar_stack_caille,
    (
        density("sld", 6.3, (0.5, 8), "of the sheet"),
        solvent(1.0),
        extent("d_spacing", 400.0, (30, 1000), "from sheet to sheet"),
        length("thickness", 30.0, (5, 500), "of the sheet", within=("d_spacing", 0.04, 0.9)),
        number("Nlayers", 20.0, (1, 1000), (2, 60), "sheets in a stack", law="log-uniform"),
        number("Caille_parameter", 0.1, (0, 0.8), (0.01, 0.6), "softness of the sheets", law="log-uniform"),
    ),
    "Caille, C. R. Acad. Sci. B 274, 891 (1972); "
    "Nallet, Laversanne & Roux, J. Phys. II France 3, 487 (1993), doi:10.1051/jp2:1993146",
    particle=False,
    candidate=False,
)
