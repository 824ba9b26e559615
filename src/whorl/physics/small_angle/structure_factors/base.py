r"""What a structure factor is: S(q) of spheres of an effective radius, the table of its parameters, its source, its checks.

S(q) = 1 + 4 pi n int (g(r) - 1) r^2 sin(qr)/(qr) dr says how particles keep each other at a distance; it multiplies the form
factor (`whorl.physics.small_angle.interacting`). ``volfraction`` is that of the spheres of the effective radius.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import Check, ModelParameter

Array = NDArray[np.float64]

VOLFRACTION = ModelParameter(
    "volfraction", 0.2, (0.0, 0.74), (0.02, 0.5), "1", "uniform", "amount", meaning="part of the volume that the spheres fill"
)


@dataclass(frozen=True)
class StructureFactor:
    """A structure factor.

    Attributes
    ----------
    key : str
        Name in files and commands, that of sasmodels: "hardsphere".
    title : str
        In words.
    kernel : callable
        ``kernel(q, radius_effective, **values) -> S``, q of shape (n,), 1/angstrom, radius in angstrom, S of shape (n,).
    parameters : tuple of ModelParameter
        Without ``radius_effective``, which the particles give unless it is freed.
    source : str
        Reference of the equation.
    checks : tuple of Check
        Values that another program computes; ``values`` holds ``radius_effective``, ``intensity`` is S.
    """

    key: str
    title: str
    kernel: Callable[..., Array]
    parameters: tuple[ModelParameter, ...]
    source: str
    checks: tuple[Check, ...] = ()

    def __getitem__(self, name: str) -> ModelParameter:
        """Parameter of a name."""
        return next(p for p in self.parameters if p.name == name)

    @property
    def defaults(self) -> dict[str, float]:
        """Default value of every parameter."""
        return {p.name: p.default for p in self.parameters}

    def values(self, q: Array, radius_effective: float, values: Mapping[str, float] | None = None) -> Array:
        """S(q), shape (n,); parameters not in ``values`` have their defaults."""
        return self.kernel(q, radius_effective, **(self.defaults | dict(values or {})))

    def draw(self, rng: np.random.Generator) -> dict[str, float]:
        """Draw typical values of every parameter."""
        out: dict[str, float] = {}
        for parameter in self.parameters:
            out[parameter.name] = parameter.draw(rng, out)
        return out
