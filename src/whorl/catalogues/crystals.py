"""A catalogue of crystals read from data files of prototypes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from whorl.catalogues.base import Entry, select
from whorl.catalogues.prototypes import Member, read_members
from whorl.core.errors import CatalogueError
from whorl.core.hypothesis import Crystal

#: folder of the data files
DATA = Path(__file__).parent / "data"


class CrystalCatalogue:
    """The compounds of one or more data files.

    Parameters
    ----------
    name : str
        Name of the catalogue.
    files : sequence of path
        Data files as `prototypes` describes them.
    """

    def __init__(self, name: str, files: Sequence[Path]) -> None:
        self.name = name
        self.files = tuple(files)

    @cached_property
    def members(self) -> dict[str, Member]:
        """Compounds by key, in the order of the files."""
        found: dict[str, Member] = {}
        for path in self.files:
            for member in read_members(path):
                if member.key in found:
                    raise CatalogueError(f"{member.key} occurs twice", where=path.name, remedy="Give one of them `called`.")
                found[member.key] = member
        return found

    @cached_property
    def _rows(self) -> list[Entry]:
        return [
            Entry(
                key=member.key,
                catalogue=self.name,
                name=member.name,
                kind="crystal",
                formula=member.reduced_formula,
                family=member.family,
                elements=frozenset(member.contents),
                space_group=member.number,
                atoms=member.atoms,
                size=0.0,
                source=member.source,
            )
            for member in self.members.values()
        ]

    def entries(
        self,
        *,
        elements: Collection[str] | None = None,
        formula: str | None = None,
        space_group: int | None = None,
        family: str | None = None,
        size: tuple[float, float] | None = None,
    ) -> list[Entry]:
        """List the rows that pass every filter given (see `base.select`)."""
        return select(self._rows, elements=elements, formula=formula, space_group=space_group, family=family, size=size)

    def load(self, key: str) -> Crystal:
        """Give the crystal of a key.

        Raises
        ------
        CatalogueError
            If there is no such key.
        """
        if key not in self.members:
            raise CatalogueError(
                f"no entry {key!r}",
                where=f"catalogue {self.name}",
                remedy=f"List the keys with `whorl catalogue show {self.name}`.",
            )
        return self.members[key].crystal

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over the data files."""
        digest = sha256()
        for path in self.files:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()
