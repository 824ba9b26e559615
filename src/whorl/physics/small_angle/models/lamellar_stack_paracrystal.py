r"""Stacks of lamellae whose spacing varies as in a paracrystal: I(q) = 2 pi (rho - rho_s)^2 sinc^2(q delta / 2) Z(q) / q^2.

For N layers at d with a relative standard deviation of each distance s, Z = sum_{|n|<N} (1 - |n|/N) w^|n| cos(n q d) with
w = exp(-(q s d)^2 / 2) (Hosemann & Bagchi, "Direct analysis of diffraction by matter", North-Holland 1962; Bergstrom, Pedersen,
Schurtenberger & Egelhaaf, J. Phys. Chem. B 103, 9888 (1999), doi:10.1021/jp991846w), summed in closed form. Between integers N
is mixed of both neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import TO_CM, Size, as_sizes
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.parts import density, length, solvent
from whorl.physics.small_angle.models.rows import extent, number

Array = NDArray[np.float64]


def stack(phase: Array, w: Array, layers: float) -> Array:
    """Interference Z of layers at a phase q d with a correlation w of neighbours, both of shape (n,)."""
    z = np.minimum(w, 1 - 1e-9) * np.exp(1j * phase)
    whole = (1 + z) / (1 - z)
    low = np.floor(layers)
    ends = (low + 1 - layers) * (1 - z**low) / low + (layers - low) * (1 - z ** (low + 1)) / (low + 1)
    return np.asarray((whole - 2 * z / (1 - z) ** 2 * ends).real)


def lamellar_stack_paracrystal(
    q: Array, thickness: Size, Nlayers: float, d_spacing: float, sigma_d: float, sld: float, sld_solvent: float
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
    sigma_d : float
        Relative standard deviation of a distance.
    sld, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> lamellar_stack_paracrystal(np.array([0.001]), 33.0, 20.0, 250.0, 0.2, 1.0, 6.34).round(1)
    array([21829.3])
    """
    sizes = as_sizes(thickness)
    sheet = np.sinc(np.outer(q, sizes.values) / (2 * np.pi)) ** 2 @ sizes.weights
    z = stack(q * d_spacing, np.exp(-((q * sigma_d * d_spacing) ** 2) / 2), max(Nlayers, 1.0))
    return np.asarray(TO_CM * 2 * np.pi * (sld - sld_solvent) ** 2 * sheet * z / q**2)


MODEL = Model(
    "lamellar_stack_paracrystal",
    "stacks of sheets",
    "layer",
    lamellar_stack_paracrystal,
    (
        density("sld", 1.0, (0.5, 8), "of the sheet"),
        solvent(6.34),
        extent("d_spacing", 250.0, (30, 1000), "from sheet to sheet"),
        length("thickness", 33.0, (5, 500), "of the sheet", within=("d_spacing", 0.04, 0.9)),
        number("Nlayers", 20.0, (1, 1000), (2, 60), "sheets in a stack", law="log-uniform"),
        number("sigma_d", 0.1, (0, 1), (0.02, 0.3), "relative standard deviation of a distance", law="log-uniform"),
    ),
    "Hosemann & Bagchi, Direct analysis of diffraction by matter, North-Holland 1962; "
    "Bergstrom et al., J. Phys. Chem. B 103, 9888 (1999), doi:10.1021/jp991846w",
    particle=False,
)
