"""The catalogue of models of small-angle scattering that `identify` considers: shapes, chains, networks, and some together."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256

from whorl.catalogues.base import Entry
from whorl.core.errors import CatalogueError
from whorl.core.hypothesis import FormFactor
from whorl.physics.small_angle.composite import candidates, compose


class ParticleCatalogue:
    """Models by name; the key of an entry is what `whorl.physics.small_angle.composite.compose` takes.

    Examples
    --------
    >>> ParticleCatalogue().load("sphere").model
    'sphere'
    """

    name = "particles"
    kinds = frozenset({"form_factor"})

    def entries(
        self,
        *,
        elements: Collection[str] | None = None,
        formula: str | None = None,
        space_group: int | None = None,
        family: str | None = None,
        size: tuple[float, float] | None = None,
    ) -> list[Entry]:
        """List the models, of a family if one is given; models have no elements, formula, space group or size."""
        del elements, size
        if formula is not None or space_group is not None:
            return []
        wanted = None if family is None else family.strip().casefold()
        found = [_entry(key) for key in candidates()]
        return [entry for entry in found if wanted is None or entry.family.casefold() == wanted]

    def load(self, key: str) -> FormFactor:
        """Give the hypothesis of a model."""
        if key not in candidates():
            raise CatalogueError(f"no entry {key!r}", where=self.name, remedy="List them with: whorl catalogue show particles.")
        model = compose(key)
        return FormFactor(key, family=model.family, source="; ".join(model.sources), model=key)

    @property
    def content_hash(self) -> str:
        """SHA-256 over the names of the models."""
        return sha256("\n".join(candidates()).encode()).hexdigest()


def catalogue() -> ParticleCatalogue:
    """Give the catalogue "particles"."""
    return ParticleCatalogue()


def _entry(key: str) -> Entry:
    model = compose(key)
    return Entry(
        key=key,
        catalogue=ParticleCatalogue.name,
        name=key,
        kind=FormFactor.kind,
        formula="",
        family=model.family,
        elements=frozenset(),
        space_group=None,
        atoms=0,
        size=0.0,
        source="; ".join(model.sources),
    )
