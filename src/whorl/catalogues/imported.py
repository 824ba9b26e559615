"""A collection that was imported: its structures are records in one file, its sources are not needed again."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from pathlib import Path

from whorl.catalogues import settling, store
from whorl.catalogues.base import Entry, select
from whorl.catalogues.records import from_record
from whorl.core.errors import CatalogueError
from whorl.core.hypothesis import Cluster, Crystal

#: name of the file of records in the folder of the catalogue
STORE = "imported.sqlite"


class ImportedCatalogue:
    """The structures that were imported under a name.

    Parameters
    ----------
    name : str
        Name of the catalogue.
    folder : Path
        Where its file of records is.

    Raises
    ------
    CatalogueError
        If that file is missing, damaged, or of another version of whorl.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._reader = store.Reader(folder / STORE, name)
        try:
            layout, settled = self._reader.meta("layout"), self._reader.meta("settled")
            if layout == store.LAYOUT and settled != "yes":  # a kill came between the last structure and the end
                self._reader.close()
                with store.connect(folder / STORE) as connection:
                    settling.settle(connection)
        except sqlite3.Error as error:
            raise self._damaged(error) from error
        if layout != store.LAYOUT:
            raise CatalogueError(
                "it was imported by another version of whorl",
                where=f"catalogue {name}",
                remedy=f"Forget it with `whorl catalogue remove {name}` and import it again.",
            )

    def entries(
        self,
        *,
        elements: Collection[str] | None = None,
        formula: str | None = None,
        space_group: int | None = None,
        family: str | None = None,
        size: tuple[float, float] | None = None,
    ) -> list[Entry]:
        """List the rows that pass every filter given (see `base.select`), in the order of their keys."""
        try:
            rows = self._reader.entries()
        except sqlite3.Error as error:
            raise self._damaged(error) from error
        return select(rows, elements=elements, formula=formula, space_group=space_group, family=family, size=size)

    def load(self, key: str) -> Crystal | Cluster:
        """Give the structure of a key.

        Raises
        ------
        CatalogueError
            If there is no such key.
        """
        try:
            found = self._reader.structure(key)
        except sqlite3.Error as error:
            raise self._damaged(error) from error
        if found is None:
            raise CatalogueError(
                f"no entry {key!r}",
                where=f"catalogue {self.name}",
                remedy=f"List the keys with `whorl catalogue show {self.name}`.",
            )
        return from_record(*found)

    @property
    def counts(self) -> tuple[int, int]:
        """Number of entries, and of what could not be imported."""
        with self._reader.open() as connection:
            (entries,) = connection.execute("SELECT COUNT(*) FROM entry").fetchone()
            (skipped,) = connection.execute("SELECT COUNT(*) FROM file WHERE problem != ''").fetchone()
            return int(entries), int(skipped)

    @property
    def skipped(self) -> tuple[store.Skipped, ...]:
        """What could not be imported, with the reason."""
        with self._reader.open() as connection:
            return store.list_skipped(connection)

    @property
    def notes(self) -> dict[str, str]:
        """What had to be decided to read an entry, by its key."""
        with self._reader.open() as connection:
            return dict(connection.execute("SELECT path, notes FROM file WHERE notes != '' ORDER BY path"))

    @property
    def content_hash(self) -> str:
        """SHA-256 over the names and contents of what was imported."""
        return self._reader.meta("content_hash")

    def _damaged(self, error: sqlite3.Error) -> CatalogueError:
        return CatalogueError(
            f"its file cannot be used ({error})",
            where=f"catalogue {self.name}, {self.folder / STORE}",
            remedy=f"Forget it with `whorl catalogue remove {self.name}` and import it again.",
        )
