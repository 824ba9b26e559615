r"""Models by name, as users write them: ``"sphere"``, ``"sphere@hardsphere"`` (particles that keep apart), ``"sphere+rod"``.

What stands between plus signs is a term, with an amount of its own; what stands behind @ is the structure factor of a term.
Parameters of several terms have the number of the term before their name (``"2:radius"``). A length that spreads has its
relative standard deviation beside it (``"radius_pd"``), zero when it is not named.

With a structure factor the intensity of a term is phi P(q) [1 + beta(q) (S(q) - 1)], the decoupling of Kotlarchyk & Chen
(J. Chem. Phys. 79, 2461 (1983), doi:10.1063/1.446055). The radius of the structure factor is that of the particles times
``radius_ratio``; its volume fraction is a parameter of its own, so that data on a relative scale can be described.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.physics.small_angle.averages import Averages
from whorl.physics.small_angle.from_sasmodels import PREFIX
from whorl.physics.small_angle.model import Model, ModelParameter
from whorl.physics.small_angle.models import all_models, find_model
from whorl.physics.small_angle.sizes import distribute

if TYPE_CHECKING:
    from whorl.physics.small_angle.structure_factors import StructureFactor

Array = NDArray[np.float64]

#: what follows the name of a length that spreads: its relative standard deviation
SPREAD = "_pd"
#: models of several parts that people meet, beside the single ones: dense and charged suspensions, two kinds of particles
_TOGETHER = ("sphere@hardsphere", "sphere@hayter_msa", "prolate_ellipsoid@hayter_msa", "sphere+rod", "sphere+sphere")
_RATIO = ModelParameter(
    "radius_ratio",
    1.0,
    (0.5, 4.0),
    (1.0, 1.3),
    "1",
    role="shape",
    free=False,
    meaning="radius of interaction over that of the particle",
)


@dataclass(frozen=True)
class Term:
    """One kind of particle, or one continuum, with its interaction.

    Attributes
    ----------
    model : Model
    interaction : StructureFactor, optional
    """

    model: Model
    interaction: StructureFactor | None = None

    @cached_property
    def parameters(self) -> tuple[ModelParameter, ...]:
        """Those of the model, then those of the structure factor."""
        own = self.model.parameters
        return own if self.interaction is None else (*own, _RATIO, *self.interaction.parameters)

    @property
    def spreading(self) -> tuple[str, ...]:
        """Names of the lengths that may be distributed."""
        return tuple(p.name for p in self.model.parameters if p.spreads)

    def intensity(self, q: Array, values: Mapping[str, float], distribution: str = "lognormal") -> Array:
        """Intensity at a volume fraction of 1, shape (n,), 1/cm.

        Parameters
        ----------
        q : array, shape (n,)
            1/angstrom.
        values : mapping
            By name, ``NAME_pd`` among them; defaults where there is none.
        distribution : str
            Of the lengths that spread (`whorl.physics.small_angle.sizes.distribute`).
        """
        given: dict[str, Any] = {p.name: values.get(p.name, p.default) for p in self.model.parameters}
        for p in self.model.parameters:
            if p.within is not None:  # a fit may step outside: the model stays what it is called
                low, high = (f * given[p.within[0]] for f in p.within[1:])
                given[p.name] = min(max(given[p.name], low), high)
        for name in self.spreading:
            width = values.get(name + SPREAD, 0.0)
            if width > 0:
                given[name] = distribute(given[name], width, distribution)
        found = self.model.kernel(q, **given)
        if not isinstance(found, Averages):
            return np.asarray(found)
        if self.interaction is None:
            return found.intensity
        more = {p.name: values.get(p.name, p.default) for p in self.interaction.parameters}
        apart = self.interaction.kernel(q, found.radius * values.get(_RATIO.name, _RATIO.default), **more)
        return np.asarray(found.intensity * (1 + found.beta * (apart - 1)))


@dataclass(frozen=True)
class Composite:
    """A model by name: one term or several.

    Examples
    --------
    >>> [p.name for p in compose("sphere").parameters]
    ['sld', 'sld_solvent', 'radius']
    """

    key: str
    terms: tuple[Term, ...] = field(default=())

    @property
    def title(self) -> str:
        """In words."""
        return " and ".join(t.model.title + ("" if t.interaction is None else f", {t.interaction.title}") for t in self.terms)

    @property
    def family(self) -> str:
        """Of its terms, in their order."""
        return " + ".join(t.model.family for t in self.terms)

    @property
    def sources(self) -> tuple[str, ...]:
        """References of its parts."""
        return tuple(dict.fromkeys(t.model.source for t in self.terms))

    def prefix(self, number: int) -> str:
        """What stands before the names of the parameters of a term (the first is 0)."""
        return "" if len(self.terms) == 1 else f"{number + 1}:"

    @cached_property
    def parameters(self) -> tuple[ModelParameter, ...]:
        """Of all terms, with their prefixes, without the spreads."""
        return tuple(
            replace(p, name=before + p.name, within=None if p.within is None else (before + p.within[0], *p.within[1:]))
            for n, term in enumerate(self.terms)
            for before in (self.prefix(n),)
            for p in term.parameters
        )

    @cached_property
    def spreading(self) -> tuple[str, ...]:
        """Names of the lengths that may be distributed."""
        return tuple(self.prefix(n) + name for n, term in enumerate(self.terms) for name in term.spreading)

    def basis(self, q: Array, values: Mapping[str, float], distribution: str = "lognormal") -> Array:
        """Intensity of each term at a volume fraction of 1, shape (n, terms), 1/cm (arguments as for `Term.intensity`)."""
        columns = []
        for n, term in enumerate(self.terms):
            before = self.prefix(n)
            own = {k[len(before) :]: v for k, v in values.items() if k.startswith(before)}
            columns.append(term.intensity(q, own, distribution))
        return np.column_stack(columns)

    def draw(self, rng: np.random.Generator) -> dict[str, float]:
        """Draw typical values of every parameter, the spreads not among them."""
        return {
            self.prefix(n) + name: value
            for n, term in enumerate(self.terms)
            for name, value in _drawn(term.parameters, rng).items()
        }


def _drawn(parameters: tuple[ModelParameter, ...], rng: np.random.Generator) -> dict[str, float]:
    out: dict[str, float] = {}
    for parameter in parameters:
        out[parameter.name] = parameter.draw(rng, out)
    return out


def is_model(text: str) -> bool:
    """Tell whether a text is meant as the name of a model.

    Examples
    --------
    >>> is_model("sphere"), is_model("sphere@hardspheer"), is_model("Ni (fcc)")
    (True, True, False)
    """
    first = re.split(r"[@+]", text)[0].strip()
    return first.startswith(PREFIX) or any(model.key == first for model in all_models())


@lru_cache(maxsize=256)
def compose(name: str) -> Composite:
    """Give the model of a name.

    Raises
    ------
    UsageError
        If a part of the name is no model or no structure factor, or what should interact is no particle.

    Examples
    --------
    >>> compose("sphere+sphere").spreading
    ('1:radius', '2:radius')
    """
    return Composite(name, tuple(_term(part.strip(), name) for part in name.split("+")))


def _term(text: str, whole: str) -> Term:
    particle, at, interaction = text.partition("@")
    model = find_model(particle)
    if not at:
        return Term(model)
    if not model.particle:
        raise UsageError(
            f"{particle} is no particle, and has no structure factor", where=whole, remedy="Leave out what follows the @."
        )
    from whorl.physics.small_angle.structure_factors import find_structure_factor

    return Term(model, find_structure_factor(interaction))


@lru_cache(maxsize=1)
def candidates() -> tuple[str, ...]:
    """Names of the models that `identify` considers.

    Examples
    --------
    >>> {"sphere", "sphere+sphere"} <= set(candidates())
    True
    """
    return (*(model.key for model in all_models() if model.candidate), *_TOGETHER)
