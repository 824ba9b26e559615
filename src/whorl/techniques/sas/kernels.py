"""Models of particles as kernels of a size distribution: the intensity of one shape at every size, at unit contrast."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.physics.small_angle.curves.size_inversion import sphere_kernel
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models import find_model

Array = NDArray[np.float64]

_POINTS = 3000


def size_kernel(key: str) -> tuple[Callable[[Array, Array], Array], str]:
    """Give the kernel of a model, and in words what its size is.

    The size is the first length of the model; the others go with it, in the proportions of their defaults, so that
    I(q; s p) = s^3 I(s q; p) and one curve gives every size.

    Raises
    ------
    UsageError
        If there is no such model, or it is none of particles.

    Examples
    --------
    >>> kernel, words = size_kernel("sphere")
    >>> words, bool(abs(kernel(np.array([1e-4]), np.array([50.0]))[0, 0] - 52.36) < 0.01)
    ('radius of the sphere', True)
    """
    if key == "sphere":
        return sphere_kernel, "radius of the sphere"
    model = find_model(key)
    lengths = [p for p in model.parameters if p.role == "length"]
    if not model.particle or not lengths:
        raise UsageError(f"{key} has no size to distribute", remedy="Use a model of particles, such as sphere or ellipsoid.")
    return _scaled(model, lengths[0].name), f"{lengths[0].name} of {model.title}, its other lengths in proportion"


def _scaled(model: Model, size: str) -> Callable[[Array, Array], Array]:
    values = model.defaults
    for parameter in model.parameters:
        if parameter.role == "contrast":
            values[parameter.name] = 0.0 if "solvent" in parameter.name else 1.0
    unit = values[size]
    known: dict[tuple[float, float], tuple[Array, Array]] = {}

    def kernel(q: Array, sizes: Array) -> Array:
        low, high = float(q.min() * sizes.min()) / unit, float(q.max() * sizes.max()) / unit
        if (low, high) not in known:
            grid = np.geomspace(0.999 * low, 1.001 * high, _POINTS)
            known.clear()
            known[low, high] = grid, model.intensity(grid, values)
        grid, curve = known[low, high]
        at = np.outer(q, sizes / unit)
        return np.asarray((sizes / unit) ** 3 * np.interp(np.log(at), np.log(grid), curve))

    return kernel
