r"""Spheres on a cubic lattice with paracrystalline disorder (simple, body-centred, face-centred), in all orientations.

I(q) = phi P(q) Z(q), P the form factor of the spheres, phi the volume fraction they have on the lattice, and Z the mean over
orientations of a product over the primitive vectors a_k (Matsuoka, Tanaka, Hashimoto & Ise, Phys. Rev. B 36, 1754 (1987),
doi:10.1103/PhysRevB.36.1754; 41, 3854 (1990), doi:10.1103/PhysRevB.41.3854)

.. math::
    Z(q) = \left\langle \prod_k \frac{\sinh A}{\cosh A - \cos q_k} \right\rangle, \qquad
    A = \tfrac{1}{2} (g D)^2 \sum_k (q_k / d)^2, \quad q_k = \mathbf{q} \cdot \mathbf{a}_k

for a distance D of nearest neighbours whose relative standard deviation is g, and a lattice constant d. The product is the same
in the 12 orientations that permuting the axes and inverting q makes of one; the mean is taken over a twelfth of the sphere
about [111], finer where peaks are sharp: good to a per cent everywhere from q D = 5 on if g is 0.06 or more, and to a part in
a thousand at the peaks. Below q D = 3.5 the mesh is coarse, and Z, there some parts in a hundred or less, comes out too low.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import TO_CM, Size, as_sizes
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.fractal import ball
from whorl.physics.small_angle.models.parts import core, length, solvent
from whorl.physics.small_angle.models.rows import extent, number

Array = NDArray[np.float64]

#: primitive vectors over the lattice constant, the lattice constant over the distance of neighbours, spheres in a cubic cell
_LATTICES = {
    "sc": (np.eye(3), 1.0, 1),
    "bcc": ((1 - 2 * np.eye(3)) / 2, 2 / np.sqrt(3), 2),
    "fcc": ((1 - np.eye(3)) / 2, np.sqrt(2), 4),
}
_SYMMETRY = np.array([[2, -1, -1], [0, 1, -1], [1, 1, 1]]) / np.sqrt([[6], [2], [3]])
#: points in cos(theta) of the meshes, the coarsest first; half as many in phi
_COUNTS = np.array([12, 24, 48, 96, 192, 288])
#: points of a mesh that the narrowest peak on the sphere wants, over its inverse width
_DENSITY = 4.0
#: x = q D up to which nothing but the foot of the first peak is seen, and the third mesh is enough
_FIRST = 3.5


@njit(cache=True, fastmath=True)
def _squared_sine(t: float) -> float:
    """sin^2(t / 2) without a branch, so that loops over it become vector code; to 1e-9."""
    z = 0.5 * t - np.pi * np.round(0.5 * t / np.pi)
    y = z * z
    s = z * (1 - y / 6 * (1 - y / 20 * (1 - y / 42 * (1 - y / 72 * (1 - y / 110 * (1 - y / 156))))))
    return float(s * s)


@njit(cache=True, fastmath=True)
def _decay(a: float) -> float:
    """exp(-a) of a >= 0 without a branch; to 1e-7 up to a = 8, and small beyond."""
    y = min(a, 12.0) / 256
    e: float = 1 - y * (1 - y / 2 * (1 - y / 3 * (1 - y / 4)))
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    return e * e


@njit(cache=True, fastmath=True)
def _mean(x: Array, g: float, axes: Array, constant: float, nodes: Array, weights: Array, counts: Array) -> Array:
    """Z at x = q D, shape (n,); ``axes`` in the frame of [111]; Gauss rules of cos(theta), one a row, of ``counts`` points."""
    out = np.zeros(len(x))
    scaled = axes * constant
    half = 0.5 * (g / constant) ** 2
    for i in range(len(x)):
        width = 0.375 * g * g * x[i]
        row, last = 0, len(counts) - 1 if x[i] > _FIRST else min(2, len(counts) - 1)
        while row < last and counts[row] * width < _DENSITY:
            row += 1
        n = counts[row]
        m = (n + 1) // 2
        cosines, sines = np.cos(np.pi / 3 * (np.arange(m) + 0.5) / m), np.sin(np.pi / 3 * (np.arange(m) + 0.5) / m)
        total = 0.0
        for a in range(n):
            up = nodes[row, a]
            flat = np.sqrt(1 - up * up) * x[i]
            up *= x[i]
            part = 0.0
            for b in range(m):
                across, aside = flat * cosines[b], flat * sines[b]
                q0 = scaled[0, 0] * across + scaled[0, 1] * aside + scaled[0, 2] * up
                q1 = scaled[1, 0] * across + scaled[1, 1] * aside + scaled[1, 2] * up
                q2 = scaled[2, 0] * across + scaled[2, 1] * aside + scaled[2, 2] * up
                e = _decay(half * (q0 * q0 + q1 * q1 + q2 * q2))
                rest = (1 - e) * (1 - e)
                above = 1 - e * e
                below = (rest + 4 * e * _squared_sine(q0)) * (rest + 4 * e * _squared_sine(q1))
                part += above * above * above / (below * (rest + 4 * e * _squared_sine(q2)))
            total += weights[row, a] * part / m
        out[i] = total
    return out


@lru_cache(maxsize=1)
def _rules() -> tuple[Array, Array, NDArray[np.int64]]:
    """Gauss rules on (0, 1), one per row, padded with zeros."""
    nodes, weights = np.zeros((len(_COUNTS), _COUNTS[-1])), np.zeros((len(_COUNTS), _COUNTS[-1]))
    for row, n in enumerate(_COUNTS):
        at, parts = np.polynomial.legendre.leggauss(int(n))
        nodes[row, :n], weights[row, :n] = (1 + at) / 2, parts / 2
    return nodes, weights, _COUNTS


@lru_cache(maxsize=8)
def _lattice_factor(x: bytes, g: float, lattice: str) -> Array:
    """Z at x = q D (the bytes of an array), kept because a fit asks for many radii and contrasts of one lattice."""
    vectors, constant, _ = _LATTICES[lattice]
    return np.asarray(_mean(np.frombuffer(x).copy(), g, vectors @ _SYMMETRY.T, constant, *_rules()))


def paracrystal(q: Array, dnn: float, d_factor: float, radius: Size, sld: float, sld_solvent: float, *, lattice: str) -> Array:
    """Intensity at a scale of 1, 1/cm.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    dnn : float
        Distance of nearest neighbours, angstrom.
    d_factor : float
        Its relative standard deviation, above 0.
    radius : float or Sizes
        Of the spheres, angstrom.
    sld, sld_solvent : float
        1e-6/angstrom^2.
    lattice : str
        "sc", "bcc" or "fcc".

    Examples
    --------
    >>> q = np.linspace(0.02, 0.06, 81)
    >>> curve = paracrystal(q, 220.0, 0.06, 40.0, 4.0, 1.0, lattice="bcc")
    >>> round(float(220.0 * q[curve.argmax()] / np.pi), 1)   # the first peak is (110), at q D = pi sqrt(6)
    2.5
    """
    _, constant, cell = _LATTICES[lattice]
    z = _lattice_factor((np.asarray(q, dtype=float) * dnn).tobytes(), max(d_factor, 1e-3), lattice)
    sizes = as_sizes(radius)
    volumes = 4 / 3 * np.pi * sizes.values**3
    filled = cell * volumes / (constant * dnn) ** 3
    alone = (volumes * ball(np.outer(q, sizes.values))) ** 2 @ (sizes.weights * filled) / (sizes.weights @ volumes)
    return np.asarray(TO_CM * (sld - sld_solvent) ** 2 * alone * z)


def _model(lattice: str, words: str) -> Model:
    return Model(
        f"{lattice}_paracrystal",
        f"spheres on a {words} lattice",
        "crystal",
        partial(paracrystal, lattice=lattice),
        (
            core("sld", 4.0, "of the spheres"),
            solvent(1.0),
            length("radius", 40.0, (10, 1000), "of the spheres"),
            extent("dnn", 220.0, (20, 5000), "distance of nearest neighbours", within=("radius", 2.0, 6.0)),
            number("d_factor", 0.06, (0.02, 0.7), (0.05, 0.2), "relative standard deviation of it", law="log-uniform"),
        ),
        "Matsuoka, Tanaka, Hashimoto & Ise, Phys. Rev. B 36, 1754 (1987), doi:10.1103/PhysRevB.36.1754; "
        "41, 3854 (1990), doi:10.1103/PhysRevB.41.3854",
        particle=False,
        candidate=False,
    )


MODELS = (
    _model("bcc", "body-centred cubic"),
    _model("fcc", "face-centred cubic"),
    _model("sc", "simple cubic"),
)
