"""Amorphous humps beside a crystalline pattern: broad Gaussian peaks whose places a user names; place and width refine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.fitting.problem import LinearTerm, Parameter

Array = NDArray[np.float64]

#: full width at half maximum: start, limits, degrees of 2 theta; and how far a hump may move
_WIDTH, _WIDTHS, _REACH = 8.0, (1.5, 40.0), 6.0
_SHAPE = 4 * np.log(2)


def places(text: str) -> tuple[float, ...]:
    """Read the places of humps, degrees of 2 theta.

    Raises
    ------
    UsageError
        If they are no numbers.

    Examples
    --------
    >>> places("21.5; 43"), places("")
    ((21.5, 43.0), ())
    """
    try:
        return tuple(float(word) for word in text.replace(",", ";").split(";") if word.strip())
    except ValueError:
        raise UsageError(f"humps = {text}", remedy='Give degrees of 2 theta: --set "humps=21.5;43".') from None


class Humps:
    """Broad peaks of unit area.

    Parameters
    ----------
    x : array, shape (n,)
        2 theta, degrees.
    centres : sequence of float
        Where they are, degrees; k of them.

    Attributes
    ----------
    parameters : tuple of Parameter
        Place and width of each.
    linear : tuple of LinearTerm
        Their areas.

    Raises
    ------
    UsageError
        If a hump lies outside the pattern.
    """

    def __init__(self, x: Array, centres: Sequence[float]) -> None:
        self._x = x
        found = []
        for number, centre in enumerate(centres, 1):
            if not x[0] <= centre <= x[-1]:
                raise UsageError(
                    f"a hump at {centre:g} degrees lies outside the pattern", remedy=f"It goes from {x[0]:g} to {x[-1]:g}."
                )
            found.append(Parameter(f"hump{number}_position", centre, centre - _REACH, centre + _REACH, "degree"))
            found.append(Parameter(f"hump{number}_width", _WIDTH, *_WIDTHS, "degree"))
        self.parameters = tuple(found)
        self.linear = tuple(LinearTerm(f"hump{number}_area", unit="counts degree") for number in range(1, len(centres) + 1))

    def columns(self, values: Array) -> Array:
        """Humps at unit area, shape (n, k)."""
        return (
            np.column_stack([self._one(c, w) for c, w in values.reshape(-1, 2)]) if values.size else np.zeros((self._x.size, 0))
        )

    def slopes(self, values: Array, areas: Array) -> Array:
        """Derivatives of the sum of the humps with their areas by places and widths, shape (2 k, n)."""
        out = np.zeros((values.size, self._x.size))
        for k, ((centre, width), area) in enumerate(zip(values.reshape(-1, 2), areas, strict=True)):
            curve, off = area * self._one(centre, width), self._x - centre
            out[2 * k] = curve * 2 * _SHAPE * off / width**2
            out[2 * k + 1] = curve * (2 * _SHAPE * off**2 / width**3 - 1 / width)
        return out

    def _one(self, centre: float, width: float) -> Array:
        return np.asarray(np.sqrt(_SHAPE / np.pi) / width * np.exp(-_SHAPE * ((self._x - centre) / width) ** 2))
