"""Catalogues: searchable sets of hypotheses, built in or a folder of yours."""

from __future__ import annotations

from whorl.catalogues.base import Catalogue, Entry, describe, select
from whorl.catalogues.folder import AddReport, FolderCatalogue, Skipped
from whorl.catalogues.registry import Listed, add_folder, builtin_catalogues, list_catalogues, open_catalogue, remove

__all__ = [
    "AddReport",
    "Catalogue",
    "Entry",
    "FolderCatalogue",
    "Listed",
    "Skipped",
    "add_folder",
    "builtin_catalogues",
    "describe",
    "list_catalogues",
    "open_catalogue",
    "remove",
    "select",
]
