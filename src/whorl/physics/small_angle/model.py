r"""What a model of small-angle scattering is: a kernel, the table of its parameters, its source, and values to check it by.

A model is one file beside its siblings in ``models``: the equation and its source in the docstring, the kernel, the table.
Names of models and parameters are those of sasmodels where it has them, so that users and files need no translation.

A kernel of particles takes q, shape (n,), and every parameter by name, and gives `Averages`; each length whose parameter
``spreads`` may be a `Sizes`. A kernel of anything else (chains, networks, fractals) gives the intensity, shape (n,), 1/cm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Averages

Array = NDArray[np.float64]
Role = Literal["length", "contrast", "shape", "amount"]


@dataclass(frozen=True)
class ModelParameter:
    """One parameter of a model.

    Attributes
    ----------
    name : str
    default : float
    limits : (low, high)
        What is possible at all; finite.
    typical : (low, high)
        What simulated samples are drawn from, and where a fit may go unless it is told otherwise.
    unit : str
    law : str
        How it is drawn: "log-uniform" (lengths) or "uniform".
    role : str
        "length" goes with the size of the particle; "contrast" is a scattering length density, which a fit holds unless it is
        freed; "shape" is a number of any other kind; "amount" is a fraction of the sample (of a structure factor, say).
    spreads : bool
        Whether it may be distributed: a fit then has NAME_pd, the relative standard deviation.
    within : (name, low, high), optional
        The value lies between these multiples of another parameter: the length of a rod is at least twice its radius.
    free : bool
        Whether a fit frees it by default; of a contrast: where one curve tells it (a shell beside its core).
    meaning : str
        For tables and help.
    """

    name: str
    default: float
    limits: tuple[float, float]
    typical: tuple[float, float]
    unit: str = "angstrom"
    law: Literal["log-uniform", "uniform"] = "log-uniform"
    role: Role = "length"
    spreads: bool = False
    within: tuple[str, float, float] | None = None
    free: bool = True
    meaning: str = ""

    def draw(self, rng: np.random.Generator, others: Mapping[str, float]) -> float:
        """Draw a typical value, within what the ``others`` drawn before leave room for."""
        low, high = self.typical
        if self.within is not None:
            name, least, most = self.within
            low, high = max(low, least * others[name]), min(high, most * others[name])
            low, high = (low, high) if low < high else (least * others[name], min(most, 1.2 * least) * others[name])
        if self.law == "log-uniform":
            return float(np.exp(rng.uniform(np.log(low), np.log(high))))
        return float(rng.uniform(low, high))


@dataclass(frozen=True)
class Check:
    """An intensity that another program computes: parameters (others at their defaults), q (k,), I (k,), and the tolerance."""

    values: Mapping[str, float]
    q: tuple[float, ...]
    intensity: tuple[float, ...]
    tolerance: float = 1e-3
    source: str = ""


@dataclass(frozen=True)
class Model:
    """A model of small-angle scattering.

    Attributes
    ----------
    key : str
        Name in files and commands: "core_shell_sphere".
    title : str
        In words: "sphere with a shell".
    family : str
        Models of one family look alike or contain each other: "sphere", "rod", "disk", "ellipsoid", "layer", "chain",
        "network", "fractal", "general".
    kernel : callable
        See the head of this module.
    parameters : tuple of ModelParameter
        A parameter that another is ``within`` comes after it.
    source : str
        Reference of the equation.
    checks : tuple of Check
        From sasmodels or a closed form.
    particle : bool
        Whether the kernel gives `Averages`, so that sizes may spread and structure factors apply.
    candidate : bool
        Whether `identify` considers it: "rod" and "disk", but not "cylinder", which is either and is there for `refine`.
    """

    key: str
    title: str
    family: str
    kernel: Callable[..., Any]
    parameters: tuple[ModelParameter, ...]
    source: str
    checks: tuple[Check, ...] = ()
    particle: bool = True
    candidate: bool = True

    def __getitem__(self, name: str) -> ModelParameter:
        """Parameter of a name."""
        return next(p for p in self.parameters if p.name == name)

    @property
    def defaults(self) -> dict[str, float]:
        """Default value of every parameter."""
        return {p.name: p.default for p in self.parameters}

    def averages(self, q: Array, values: Mapping[str, Any]) -> Averages:
        """Averages of a model of particles; parameters not in ``values`` have their defaults."""
        found: Averages = self.kernel(q, **(self.defaults | dict(values)))
        return found

    def intensity(self, q: Array, values: Mapping[str, Any]) -> Array:
        """Intensity, shape (n,), 1/cm, at scale 1; parameters not in ``values`` have their defaults, lengths may be `Sizes`."""
        found = self.kernel(q, **(self.defaults | dict(values)))
        return np.asarray(found.intensity if isinstance(found, Averages) else found)

    def draw(self, rng: np.random.Generator) -> dict[str, float]:
        """Draw typical values of every parameter."""
        out: dict[str, float] = {}
        for parameter in self.parameters:
            out[parameter.name] = parameter.draw(rng, out)
        return out
