r"""The dimensionless Kratky plot, (q Rg)^2 I / I(0) over q Rg: how compact a particle is.

For a compact particle whose curve is near Guinier's law the maximum is 3/e = 1.104 at q Rg = sqrt 3; a chain rises to a plateau
(2 for a Gaussian one); between them lie extended, flexible and partly unfolded particles (Durand et al., J. Struct. Biol. 169,
45 (2010), doi:10.1016/j.jsb.2009.08.009; Receveur-Brechot & Durand, Curr. Protein Pept. Sci. 13, 55 (2012),
doi:10.2174/138920312799277901).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.curves.uncertain import Absent, Uncertain

Array = NDArray[np.float64]

_LOW, _HIGH = 1.0, 5.0
_BINS = 24


@dataclass(frozen=True)
class Kratky:
    """The dimensionless Kratky plot.

    Attributes
    ----------
    x, y, sigma : array, shape (n,)
        q Rg, (q Rg)^2 I / I(0), and its uncertainty from the intensity alone.
    position, height : Uncertain
        Of the maximum; without one (a plateau, or a rise to the end), of the highest point.
    peaked : bool
        Whether there is a maximum, from which the plot falls by more than its noise.
    tail : Uncertain
        Mean height between q Rg = 4 and 6 over that of the maximum; NaN where the curve does not reach there.
    """

    x: Array
    y: Array
    sigma: Array
    position: Uncertain
    height: Uncertain
    peaked: bool
    tail: Uncertain


def kratky(q: Array, intensity: Array, sigma: Array, rg: Uncertain, i0: Uncertain) -> Kratky:
    """Describe the dimensionless Kratky plot of a curve whose Rg and I(0) are known.

    Raises
    ------
    Absent
        If the curve ends before the maximum of a compact particle would come.

    Examples
    --------
    >>> q = np.linspace(0.005, 0.3, 200)
    >>> curve = np.exp(-((q * 20) ** 2) / 3)
    >>> found = kratky(q, curve, 0.01 * curve + 1e-4, Uncertain(20.0, 0.1), Uncertain(1.0, 0.01))
    >>> round(found.position.value, 1), round(found.height.value, 2), found.peaked
    (1.7, 1.1, True)
    """
    x = q * rg.value
    if x[-1] < 2.5:
        raise Absent("the curve ends before q Rg = 2.5")
    y = x**2 * intensity / i0.value
    noise = x**2 * sigma / i0.value
    edges = np.linspace(_LOW, min(_HIGH, float(x[-1])), _BINS + 1)
    means, errors, centres = [], [], []
    for low, high in pairwise(edges):
        part = (x >= low) & (x < high)
        if part.any():
            w = 1 / noise[part] ** 2
            means.append(float(w @ y[part] / w.sum()))
            errors.append(float(w.sum() ** -0.5))
            centres.append(float(w @ x[part] / w.sum()))
    m, e, c = np.array(means), np.array(errors), np.array(centres)
    if m.size < 6:
        raise Absent("too few points between q Rg = 1 and 5")
    top = int(np.argmax(m - e))  # a noisy last point is no maximum
    after = m[top + 1 :] + 2 * e[top + 1 :] < m[top] - 2 * e[top]
    peaked = bool(0 < top < m.size - 2 and after.any())
    position, height = _vertex(c, m, e, top) if peaked else (Uncertain(float(c[top]), float(edges[1] - edges[0])), None)
    height = height or Uncertain(float(m[top]), float(e[top]))
    relative = float(np.hypot(2 * rg.sigma / rg.value, i0.sigma / i0.value))
    height = height.widened(height.value * relative)
    position = position.widened(position.value * rg.sigma / rg.value)
    far = (x >= 4) & (x <= 6)
    tail = Uncertain(float("nan"), float("nan"))
    if far.sum() > 2 and x[-1] > 4.5:
        w = 1 / noise[far] ** 2
        level = Uncertain(float(w @ y[far] / w.sum()), float(w.sum() ** -0.5)).times(1 / height.value)
        tail = level.widened(level.value * height.sigma / height.value)
    return Kratky(x, y, noise, position, height, peaked, tail)


def _vertex(x: Array, y: Array, sigma: Array, top: int) -> tuple[Uncertain, Uncertain]:
    """Maximum of a cubic through the points about the highest."""
    part = slice(max(top - 4, 0), top + 6)
    u = x[part] - x[top]
    a = np.stack([np.ones(u.size), u, u**2, u**3], axis=1) / sigma[part, None]
    covariance = np.linalg.inv(a.T @ a)
    p = covariance @ (a.T @ (y[part] / sigma[part]))
    covariance *= max(float(np.sum((y[part] / sigma[part] - a @ p) ** 2)) / max(u.size - 4, 1), 1.0)
    off = 0.0
    for _ in range(20):  # Newton's steps to where the derivative is zero
        bend = 2 * p[2] + 6 * p[3] * off
        if bend >= 0 or not u[0] <= off <= u[-1]:
            return Uncertain(float(x[top]), float(x[1] - x[0])), Uncertain(float(y[top]), float(sigma[top]))
        off -= float((p[1] + 2 * p[2] * off + 3 * p[3] * off**2) / bend)
    by_off = -np.array([0.0, 1.0, 2 * off, 3 * off**2]) / (2 * p[2] + 6 * p[3] * off)
    by_height = np.array([1.0, off, off**2, off**3])
    return (
        Uncertain(float(x[top] + off), float(np.sqrt(by_off @ covariance @ by_off))),
        Uncertain(float(by_height @ p), float(np.sqrt(by_height @ covariance @ by_height))),
    )


def foldedness(found: Kratky) -> str:
    """Say what the plot looks like.

    Examples
    --------
    >>> empty = np.zeros(0)
    >>> foldedness(Kratky(empty, empty, empty, Uncertain(1.75, 0.05), Uncertain(1.1, 0.03), True, Uncertain(0.15, 0.02)))
    'compact: the maximum is where that of a globular particle is (1.10 at q Rg = 1.73)'
    """
    where = f"{found.height.value:.2f} at q Rg = {found.position.value:.2f}"
    if not found.peaked:
        return f"no maximum up to q Rg = {found.x[-1]:.1f}: a chain, an unfolded or strongly elongated particle"
    room = 3 * found.height.sigma + 0.08, 3 * found.position.sigma + 0.2
    if abs(found.height.value - 1.104) < room[0] and abs(found.position.value - 1.732) < room[1]:
        return "compact: the maximum is where that of a globular particle is (1.10 at q Rg = 1.73)"
    if found.tail.value > 0.8:
        return f"a maximum of {where} and little fall behind it: flexible or partly unfolded"
    if found.height.value > 1.104:
        return (
            f"a maximum of {where}, beyond that of a globular particle (1.10 at 1.73): elongated, flexible or of several sizes"
        )
    return f"a maximum of {where}, below that of a globular particle (1.10 at 1.73): hollow, flat or interacting"
