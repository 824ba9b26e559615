"""A small-angle curve as a file gives it: its columns, its settings, its title."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SasCurve:
    """One curve as a file gives it, q in 1/angstrom.

    Parameters
    ----------
    q, intensity : array, shape (n,)
    sigma : array, shape (n,), optional
        Standard uncertainty of the intensity.
    resolution : array, shape (n,), optional
        Standard deviation of q, 1/angstrom.
    good : array of bool, shape (n,), optional
        Points that the file does not mark as unusable.
    settings : mapping
        What the file says of this curve.
    title : str
    """

    q: Array
    intensity: Array
    sigma: Array | None = None
    resolution: Array | None = None
    good: NDArray[np.bool_] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""

    def take(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> SasCurve:
        """Give the chosen points."""
        return replace(
            self,
            q=self.q[keep],
            intensity=self.intensity[keep],
            sigma=None if self.sigma is None else self.sigma[keep],
            resolution=None if self.resolution is None else self.resolution[keep],
            good=None if self.good is None else self.good[keep],
        )
