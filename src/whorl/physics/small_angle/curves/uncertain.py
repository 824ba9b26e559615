"""A number with its standard uncertainty, and why a quantity cannot be had."""

from __future__ import annotations

from math import hypot
from typing import NamedTuple


class Uncertain(NamedTuple):
    """A value and its standard uncertainty, in the same unit.

    Examples
    --------
    >>> Uncertain(3.0, 0.1).times(2.0)
    Uncertain(value=6.0, sigma=0.2)
    """

    value: float
    sigma: float

    def times(self, factor: float) -> Uncertain:
        """Multiply by a number without uncertainty."""
        return Uncertain(self.value * factor, self.sigma * abs(factor))

    def widened(self, more: float) -> Uncertain:
        """Add an independent uncertainty, such as that of the choice of a range."""
        return Uncertain(self.value, hypot(self.sigma, more))


class Absent(Exception):  # noqa: N818 - not an error of the user: a curve that does not hold the quantity
    """The curve does not hold the quantity; the text says why."""
