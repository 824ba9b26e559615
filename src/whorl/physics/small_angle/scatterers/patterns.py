r"""Patterns in two dimensions: particles of revolution whose axes prefer a direction.

The intensity of one particle depends on the cosine mu between its axis and q. With g_l(q) the Legendre coefficients of
|F(q, mu)|^2 and the averages <P_l> of the axes about their director n, the sample's is

.. math::
    I(\mathbf{q}) = \sum_{l\ \mathrm{even}} g_l(q)\, \langle P_l \rangle\, P_l(\mathbf{n} \cdot \hat{\mathbf{q}}), \qquad
    g_l = \frac{2 l + 1}{2} \int_{-1}^{1} |F(q, \mu)|^2 P_l(\mu)\, d\mu,

by the addition theorem of spherical harmonics; nothing else is approximated. The axes follow the distribution of Maier & Saupe,
exp(m (u n)^2) (Z. Naturforsch. A 14, 882 (1959), doi:10.1515/zna-1959-1005), whose order parameter is S = <P_2>: 0 without
order, 1 for parallel axes, negative for axes across the director.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import eval_legendre

from whorl.physics.small_angle.scatterers.mixture import sphere_form
from whorl.physics.small_angle.scatterers.placing import disk_form

Array = NDArray[np.float64]

#: orders l = 0, 2 ... of the expansion, and nodes of its integrals between 0 and 1
ORDERS = np.arange(0, 42, 2)
_NODES = 64
#: strongest field m of the table of order parameters
_STRONGEST = 200.0


@lru_cache(maxsize=1)
def _rule() -> tuple[Array, Array, Array]:
    """Nodes mu and weights of Gauss between 0 and 1, and (2 l + 1) P_l at the nodes times the weights, (orders, nodes)."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    mu, weights = 0.5 * (x + 1), 0.5 * w
    return mu, weights, (2 * ORDERS[:, None] + 1) * eval_legendre(ORDERS[:, None], mu) * weights


def ellipsoid_squared(q: Array, mu: Array, equatorial: float, polar: float) -> Array:
    """|F|^2 over V^2 of an ellipsoid of revolution, shape (m, k), for q (m,) and the cosine mu (k,) between axis and q."""
    radius = np.sqrt(equatorial**2 * (1 - mu**2) + (polar * mu) ** 2)
    return np.asarray(sphere_form(np.outer(q, radius)) ** 2)


def cylinder_squared(q: Array, mu: Array, radius: float, length: float) -> Array:
    """|F|^2 over V^2 of a cylinder, shape (m, k)."""
    along = np.sinc(np.outer(q, mu) * length / (2 * np.pi))
    across = disk_form(np.outer(q, np.sqrt(np.maximum(1 - mu**2, 0.0))) * radius)
    return np.asarray((along * across) ** 2)


def nodes() -> Array:
    """Cosines at which |F|^2 is needed, shape (k,)."""
    return _rule()[0]


def coefficients(squared: Array) -> Array:
    """Legendre coefficients g_l, shape (m, orders), of |F|^2 at `nodes`, shape (m, k)."""
    return np.asarray(squared @ _rule()[2].T)


def order_averages(order: float) -> Array:
    """<P_l> for l in `ORDERS`, shape (orders,), of the Maier-Saupe distribution with the order parameter <P_2>.

    Raises
    ------
    ValueError
        If the order parameter is not between -0.49 and 0.99.

    Examples
    --------
    >>> order_averages(0.5)[:2].round(4)
    array([1. , 0.5])
    >>> bool(np.abs(order_averages(0.0)[1:]).max() < 1e-9)
    True
    """
    strengths, known = _orders()
    if not known[0] <= order <= known[-1]:
        raise ValueError(f"order parameter {order:g}")
    return _averages(float(np.interp(order, known, strengths)), order)


def _averages(strength: float, order: float) -> Array:
    mu, weights, _ = _rule()
    density = _density(strength, mu) * weights
    found = eval_legendre(ORDERS[:, None], mu) @ density / density.sum()
    found[1] = order  # the table is interpolated: the second moment is exact
    return np.asarray(found)


def _density(strength: float, mu: Array) -> Array:
    return np.asarray(np.exp(strength * (mu**2 - (1.0 if strength > 0 else 0.0))))


@lru_cache(maxsize=1)
def _orders() -> tuple[Array, Array]:
    """Table of field strengths and order parameters, both increasing."""
    mu, weights, _ = _rule()
    half = np.linspace(0, np.sqrt(_STRONGEST), 400) ** 2
    strengths = np.concatenate([-half[:0:-1], half])
    p2 = 1.5 * mu**2 - 0.5
    densities = np.array([_density(s, mu) * weights for s in strengths])
    return strengths, densities @ p2 / densities.sum(axis=1)


def oriented_intensity(moments: Array, order: float, angle: Array) -> Array:
    """Intensity at points (q, angle), shape (n,).

    Parameters
    ----------
    moments : array, shape (n, orders)
        g_l at the q of each point.
    order : float
        Order parameter.
    angle : array, shape (n,)
        Between q and the director, radian; the director lies in the plane of the detector.

    Examples
    --------
    >>> q = np.array([0.02, 0.02])
    >>> g = coefficients(ellipsoid_squared(q, nodes(), 50.0, 150.0))
    >>> along, across = oriented_intensity(g, 0.8, np.array([0.0, np.pi / 2]))
    >>> bool(across > along)
    True
    """
    return np.asarray(np.einsum("no,o,no->n", moments, order_averages(order), _even(np.cos(angle))))


def _even(x: Array) -> Array:
    """P_l(x) for l in `ORDERS`, shape (n, orders), by recurrence."""
    out = np.empty((x.size, ORDERS.size))
    before, now = np.ones_like(x), x
    out[:, 0] = before
    for order in range(1, int(ORDERS[-1])):
        before, now = now, ((2 * order + 1) * x * now - order * before) / (order + 1)
        if order % 2:
            out[:, (order + 1) // 2] = now
    return out


def draw_axes(rng: np.random.Generator, order: float, count: int) -> Array:
    """Axes drawn from the distribution about z, unit vectors of shape (count, 3)."""
    strengths, known = _orders()
    strength = float(np.interp(order, known, strengths))
    mu = np.linspace(0, 1, 4001)
    share = np.cumsum(_density(strength, mu))
    cosine = np.interp(rng.random(count), share / share[-1], mu) * rng.choice([-1.0, 1.0], count)
    angle = rng.uniform(0, 2 * np.pi, count)
    sine = np.sqrt(1 - cosine**2)
    return np.column_stack([sine * np.cos(angle), sine * np.sin(angle), cosine])


def scattered(positions: Array, vectors: Array) -> Array:
    """|sum exp(i q r)|^2 / n^2 of scatterers (n, 3) at vectors q (m, 3): shape (m,); for checks."""
    phase = vectors @ positions.T
    return np.asarray((np.cos(phase).sum(axis=1) ** 2 + np.sin(phase).sum(axis=1) ** 2) / len(positions) ** 2)
