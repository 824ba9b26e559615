r"""Particles of concentric layers whose scatterers are few: what micelles, vesicles and fibrils share.

For sizes s with probabilities p_s, each with M_s scatterers of which the part w_k lies in layer k,

.. math::
    I(q) = c_0\, b^2(q) \frac{\sum_s p_s M_s^n |\sum_k w_k A_{sk}(q)|^2}{\sum_s p_s M_s^n} + c_1\, b^2(q) + c_2,

with the mean amplitudes A of the layers and the amplitude b of a single scatterer, a sphere. The second term is what random
scatterers give beyond their mean density (the i = j part of the Debye sum), the third a flat background. p counts particles
(n = 2, "number") or their mass (n = 1, "mass"; CREASE averages so: each size enters with I over its number of scatterers).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.scatterers.mixture import sphere_form
from whorl.techniques.sas.solve.genes import Gene
from whorl.techniques.sas.solve.geometry import Options, Values

Array = NDArray[np.float64]

TERMS = ("scale", "scatterers", "background")
#: where the data cannot tell, sizes count particles, as everywhere else
PREFER = {"weighting": "number"}
OPTIONS = {"distribution": ("rectangle", "gaussian", "lognormal"), "weighting": ("mass", "number")}

_FINE = np.linspace(-2.8, 2.8, 21)
_SEVEN = np.linspace(-1.5, 1.5, 7)
_NORMAL = np.exp(-0.5 * _FINE**2) / np.exp(-0.5 * _FINE**2).sum()


def width_gene(of: str) -> Gene:
    """The relative standard deviation of a size."""
    return Gene("width", 0.0, 0.5, "1", f"relative standard deviation of {of}", "uniform", (0.0, 0.6))


def bead_gene() -> Gene:
    """The diameter of a scatterer."""
    return Gene("scatterer", 5.0, 150.0, "angstrom", "diameter of a scatterer", limits=(0.1, 1000.0))


def sizes(mean: float, width: float, options: Options) -> tuple[Array, Array]:
    """Sizes and their probabilities, shape (s,): seven equal ones as CREASE has them, or a normal or lognormal distribution.

    Examples
    --------
    >>> x, p = sizes(100.0, 0.2, {"distribution": "rectangle"})
    >>> x.min().round(6), x.max().round(6), (p @ (x - 100) ** 2).round(6)
    (np.float64(70.0), np.float64(130.0), np.float64(400.0))
    """
    if width < 1e-4:
        return np.array([mean]), np.ones(1)
    kind = options["distribution"]
    if kind == "rectangle":
        found, share = mean * (1 + width * _SEVEN), np.full(_SEVEN.size, 1 / _SEVEN.size)
    elif kind == "gaussian":
        found, share = mean * (1 + width * _FINE), _NORMAL
    else:
        spread = np.sqrt(np.log1p(width**2))
        found, share = mean * np.exp(spread * _FINE - 0.5 * spread**2), _NORMAL
    keep = found > 0.02 * mean
    return found[keep], share[keep] / share[keep].sum()


def columns(q: Array, amplitude: Array, mass: Array, share: Array, values: Values, options: Options) -> Array:
    """Curves of `TERMS`, shape (m, 3).

    Parameters
    ----------
    amplitude : array, shape (s, m)
        Of the whole particle of each size over its number of scatterers, 1 at q = 0; the square of it for a length average.
    mass, share : array, shape (s,)
        Scatterers of each size, to any factor, and its probability.
    """
    bead = sphere_form(0.5 * values["scatterer"] * q) ** 2
    weight = share * mass ** (1 if options["weighting"] == "mass" else 2)
    coherent = weight / weight.sum() @ amplitude**2
    return np.column_stack([coherent * bead, bead, np.ones_like(q)])


def shares(values: Values, core: float) -> tuple[float, float, float]:
    """Parts of the scatterers in the inner layer of A, in B, and in the outer layer of A, from composition and split."""
    return (1 - core) * values["split"], core, (1 - core) * (1 - values["split"])
