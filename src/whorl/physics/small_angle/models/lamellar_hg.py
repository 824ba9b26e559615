r"""Dilute bilayers with head groups: I(q) = 2 pi P(q) / (q^2 2 (H + T)), tails of 2T between heads of H on either side.

P(q) = (4 / q^2) [(rho_H - rho_s) (sin q(H + T) - sin qT) + (rho_T - rho_s) sin qT]^2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import TO_CM, Size, as_sizes
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.lamellar import SOURCE
from whorl.physics.small_angle.models.parts import density, length, solvent

Array = NDArray[np.float64]


def lamellar_hg(q: Array, length_tail: Size, length_head: Size, sld: float, sld_head: float, sld_solvent: float) -> Array:
    """Intensity of bilayers, 1/cm.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    length_tail, length_head : float or Sizes
        Of one half of the bilayer, angstrom.
    sld, sld_head, sld_solvent : float
        Of tails, heads and solvent, 1e-6/angstrom^2.

    Examples
    --------
    >>> lamellar_hg(np.array([0.001]), 15.0, 10.0, 0.4, 3.0, 6.0).round(1)
    array([653143.9])
    """
    tails, heads = as_sizes(length_tail), as_sizes(length_head)
    out = np.zeros_like(q)
    for head, part in zip(*heads, strict=True):
        inner = np.sin(np.outer(q, tails.values))
        outer = np.sin(np.outer(q, tails.values + head))
        profile = (sld_head - sld_solvent) * (outer - inner) + (sld - sld_solvent) * inner
        out += part * (profile**2 @ (tails.weights / (head + tails.values)))
    return np.asarray(TO_CM * 4 * np.pi * out / q**4)


MODEL = Model(
    "lamellar_hg",
    "bilayers with head groups",
    "layer",
    lamellar_hg,
    (
        density("sld", 0.4, (-0.5, 8), "of the tails"),
        density("sld_head", 3.0, (-4, 12), "of the heads", free=True),
        solvent(6.0),
        length("length_tail", 15.0, (5, 60), "of the tails of one side"),
        length("length_head", 10.0, (2, 30), "of the heads of one side", within=("length_tail", 0.05, 3.0)),
    ),
    SOURCE,
    particle=False,
    candidate=False,
)
