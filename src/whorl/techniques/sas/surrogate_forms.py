r"""How curves of a slow model become one family of dimensionless curves, which a small network can hold.

A form takes parameters apart into a length L, which stretches q, a factor A, which holds contrast and volume, and features:
dimensionless numbers that the shape of the curve depends on. A network gives ln G(x; features) on a `MasterGrid`, and

.. math::
    I(q) = A\, G(qL)\, t(q),

where t is what is known exactly and cheap (the form factor of the spheres in a crystal of them), 1 as a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import TO_CM
from whorl.physics.small_angle.master_curves import MasterGrid
from whorl.physics.small_angle.models.fractal import ball
from whorl.physics.small_angle.sizes import distribute

Array = NDArray[np.float64]
Columns = Mapping[str, Array]


@dataclass(frozen=True)
class Scaled:
    """Parameters of m particles taken apart.

    Attributes
    ----------
    features : array, shape (m, k)
    length, factor : array, shape (m,)
    times : callable, optional
        Gives t(q), shape (m, n), for q, shape (n,).
    """

    features: Array
    length: Array
    factor: Array
    times: Callable[[Array], Array] | None = None


@dataclass(frozen=True)
class Feature:
    """A dimensionless number that shapes the curve: its name, what it is, the ends it is trained between, how it is drawn."""

    name: str
    meaning: str
    low: float
    high: float
    law: str = "log-uniform"

    def unit(self, value: Array) -> Array:
        """Map the range to -1...1, logarithmically where the law is."""
        low, high = (np.log(self.low), np.log(self.high)) if self.law == "log-uniform" else (self.low, self.high)
        at = np.log(np.maximum(value, 1e-300)) if self.law == "log-uniform" else value
        return np.asarray(2 * (at - low) / (high - low) - 1)

    def value(self, unit: Array) -> Array:
        """Inverse of `unit`."""
        if self.law == "log-uniform":
            low, high = np.log(self.low), np.log(self.high)
            return np.asarray(np.exp(low + (unit + 1) / 2 * (high - low)))
        return np.asarray(self.low + (unit + 1) / 2 * (self.high - self.low))


@dataclass(frozen=True)
class SurrogateForm:
    """What is needed to use, and to train, the surrogate of one model.

    Attributes
    ----------
    model : str
        Key of the exact model.
    features : tuple of Feature
    grid : MasterGrid
        Table of a curve.
    spreads : tuple of str
        Parameters with a distribution of their own.
    read : callable
        Parameters and relative standard deviations, arrays of shape (m,), to `Scaled`.
    parameters : callable
        Features, shape (k,), to parameters and relative standard deviations of one particle: the inverse, up to length and
        contrast.
    shape : str
        Of the distributions.
    tail : float
        Power with which G falls beyond the table.
    ends : callable, optional
        Tells for features, shape (m, k), whether it does, shape (m,); by default none is computed beyond the table.
    """

    model: str
    features: tuple[Feature, ...]
    grid: MasterGrid
    spreads: tuple[str, ...]
    read: Callable[[Columns, Columns], Scaled]
    parameters: Callable[[Array], tuple[dict[str, float], dict[str, float]]]
    shape: str = "lognormal"
    tail: float = 4.0
    ends: Callable[[Array], NDArray[np.bool_]] | None = None

    @property
    def name(self) -> str:
        """Name of the model's card."""
        return f"sas-surrogate-{self.model.replace('_', '-')}"


def _contrast(values: Columns) -> Array:
    return np.asarray(TO_CM * (values["sld"] - values["sld_solvent"]) ** 2)


def _cylinder(values: Columns, widths: Columns) -> Scaled:
    radius, length = values["radius"], values["length"]
    ratio = length / radius
    features = np.stack([ratio, widths["radius"], widths["length"]], axis=-1)
    return Scaled(features, radius, _contrast(values) * radius**3)


def _cylinder_parameters(features: Array) -> tuple[dict[str, float], dict[str, float]]:
    ratio, radius_pd, length_pd = (float(v) for v in features)
    values = {"sld": 1.0, "sld_solvent": 0.0, "radius": 1.0, "length": ratio}
    return values, {"radius": radius_pd, "length": length_pd}


CYLINDER = SurrogateForm(
    "cylinder",
    (
        Feature("length_ratio", "length / radius", 0.2, 100.0),
        Feature("radius_pd", "relative standard deviation of the radius", 0.04, 0.4),
        Feature("length_pd", "relative standard deviation of the length", 0.08, 0.5),
    ),
    MasterGrid(0.002, 40.0, 5.0, 380),
    ("radius", "length"),
    _cylinder,
    _cylinder_parameters,
    # the spreads have blurred all oscillations there, but those of the faces of disks: Porod's law holds within 0.7 %
    ends=lambda features: np.asarray(features[:, 0] >= 1.0),
)


#: spheres of a cubic lattice in the cube of the distance of nearest neighbours
_SPHERES = {"sc": 1.0, "bcc": 3 * np.sqrt(3) / 4, "fcc": np.sqrt(2)}


def _paracrystal(lattice: str) -> SurrogateForm:
    """Form of spheres on a paracrystalline lattice: Z depends on q D and the disorder alone, the spheres are known exactly."""

    def read(values: Columns, widths: Columns) -> Scaled:
        def times(q: Array) -> Array:
            radius, distance, width = values["radius"], values["dnn"], widths["radius"]
            out = np.empty((radius.size, q.size))
            for i in range(radius.size):
                sizes = distribute(float(radius[i]), float(width[i]))
                volumes = 4 / 3 * np.pi * sizes.values**3
                filled = _SPHERES[lattice] * volumes / distance[i] ** 3
                out[i] = (volumes * ball(np.outer(q, sizes.values))) ** 2 @ (sizes.weights * filled) / (sizes.weights @ volumes)
            return out

        return Scaled(values["d_factor"][:, None], values["dnn"], _contrast(values), times)

    def parameters(features: Array) -> tuple[dict[str, float], dict[str, float]]:
        values = {"sld": 1.0, "sld_solvent": 0.0, "radius": 0.01, "dnn": 1.0, "d_factor": float(features[0])}
        return values, {}

    return SurrogateForm(
        f"{lattice}_paracrystal",
        (Feature("d_factor", "relative standard deviation of the distance of neighbours", 0.06, 0.4),),
        MasterGrid(0.03, 100.0, 1e4, 3000),
        ("radius",),
        read,
        parameters,
        tail=0.0,  # disorder has blurred the lattice: Z = 1
        ends=lambda features: np.ones(len(features), dtype=np.bool_),
    )


#: forms by key of the model
FORMS: dict[str, SurrogateForm] = {form.model: form for form in (CYLINDER, *map(_paracrystal, _SPHERES))}
