"""Catalogues: searchable sets of hypotheses, built in, a folder of yours, or imported from a collection."""

from __future__ import annotations

from whorl.catalogues.base import Catalogue, Entry, Selection, describe, holds, select
from whorl.catalogues.folder import AddReport, FolderCatalogue
from whorl.catalogues.imported import ImportedCatalogue
from whorl.catalogues.importing import ImportedRow, ImportReport
from whorl.catalogues.registry import (
    Listed,
    add_folder,
    builtin_catalogues,
    import_structures,
    list_catalogues,
    open_catalogue,
    remove,
)
from whorl.catalogues.store import Skipped

__all__ = [
    "AddReport",
    "Catalogue",
    "Entry",
    "FolderCatalogue",
    "ImportReport",
    "ImportedCatalogue",
    "ImportedRow",
    "Listed",
    "Selection",
    "Skipped",
    "add_folder",
    "builtin_catalogues",
    "describe",
    "holds",
    "import_structures",
    "list_catalogues",
    "open_catalogue",
    "remove",
    "select",
]
