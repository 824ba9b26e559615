r"""Particles that keep each other at a distance: form factor times structure factor, with or without decoupling.

For particles that fill a part phi of the sample

.. math::
    I(q) = 10^{-4} \frac{\phi}{\langle V \rangle} \langle F^2 \rangle \left[1 + \beta(q) (S(q) - 1)\right], \qquad
    \beta = \langle F \rangle^2 / \langle F^2 \rangle

The decoupling approximation of Kotlarchyk & Chen (J. Chem. Phys. 79, 2461 (1983), doi:10.1063/1.446055) takes sizes and
orientations as independent of positions; with beta = 1 the intensity is the plain product of both factors.

The phi that scales the intensity is the volume fraction of the material; the one inside S is that of the spheres of the
effective radius, which is larger for hollow or anisotropic particles. sasmodels makes one parameter of both (``scale``
multiplies); here a scale stays free beside S, so that curves on a relative scale can be described; on an absolute scale it
equals the former.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Averages

Array = NDArray[np.float64]


def interacting(averages: Averages, s: Array, *, volfraction: float = 1.0, decoupled: bool = True) -> Array:
    """Intensity of interacting particles.

    Parameters
    ----------
    averages : Averages
        Of the particles, each of shape (n,).
    s : array, shape (n,)
        Structure factor of spheres of the effective radius, at the same q.
    volfraction : float
        That of the material: what the intensity is proportional to.
    decoupled : bool
        Whether S is damped by beta; otherwise it multiplies.

    Returns
    -------
    array, shape (n,)
        1/cm.

    Examples
    --------
    >>> import numpy as np
    >>> from whorl.physics.small_angle.models import find_model
    >>> from whorl.physics.small_angle.structure_factors import find_structure_factor
    >>> q = np.array([0.001])
    >>> s = find_structure_factor("hardsphere").values(q, 50.0, {"volfraction": 0.2})
    >>> interacting(find_model("sphere").averages(q, {"radius": 50.0}), s, volfraction=0.2).round(3)
    array([54.722])
    """
    damped = 1 + averages.beta * (s - 1) if decoupled else s
    return np.asarray(volfraction * averages.intensity * damped)
