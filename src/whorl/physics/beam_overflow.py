r"""The beam of a fixed divergence slit on a round sample: what part of it hits the sample at low angles.

On a flat sample in Bragg-Brentano geometry the beam is l = R delta / sin(theta) long (goniometer radius R, divergence delta)
and as wide as the sample or wider. A round sample of diameter D has the chord :math:`\sqrt{D^2 - 4 y^2}` at the distance y from
its middle, so the beam spills over the rim first at the sides, and the loss sets in long before l = D. With u = l / D and
a = min(u, 1) the part that is scattered, relative to a beam that is short, is the area of the disc under the beam,

.. math:: f(u) = \frac{a \sqrt{1 - a^2} + \arcsin a}{2 u}

0.957 at u = 1/2, pi/4 at u = 1, pi/(4 u) beyond. Powder holders are round as a rule, and always where they spin. The loss at
a straight edge: R. Jenkins & R. L. Snyder, Introduction to X-ray Powder Diffractometry, Wiley 1996.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def on_round_sample(u: Array) -> tuple[Array, Array]:
    """Part of the beam that a round sample catches, and its derivative.

    Parameters
    ----------
    u : array
        Length of the beam on the sample in diameters, > 0.

    Returns
    -------
    part, slope : array
        f(u) and df/du.

    Examples
    --------
    >>> part, slope = on_round_sample(np.array([1e-6, 0.5, 1.0, 2.0]))
    >>> part.round(3).tolist(), slope.round(3).tolist()
    ([1.0, 0.957, 0.785, 0.393], [-0.0, -0.181, -0.785, -0.196])
    """
    a = np.minimum(u, 1.0)
    half = np.sqrt(np.maximum(1 - a * a, 0.0))
    part = (a * half + np.arcsin(a)) / (2 * u)
    return part, (half - part) / u
