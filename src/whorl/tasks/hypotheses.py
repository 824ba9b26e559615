"""Structures as the user names them, and as a kept run holds them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from whorl.catalogues import Catalogue, Entry, builtin_catalogues, list_catalogues, open_catalogue
from whorl.catalogues.records import from_record, to_record
from whorl.core.errors import CatalogueError, StructureError
from whorl.core.hypothesis import FormFactor, Hypothesis
from whorl.physics.small_angle.composite import compose, is_model
from whorl.physics.small_angle.models import all_models


def find(text: str) -> Hypothesis:
    """Find a structure by the path of its file, or by the name or key of a catalogue entry, or a model by its name.

    Parameters
    ----------
    text : str
        ``"Ni.cif"``, ``"Ni (fcc)"``, ``"compounds/CdSe-wurtzite"``, ``"sphere@hardsphere"``. A file wins over an entry.

    Raises
    ------
    StructureError
        If the file cannot be read, or nothing has that name.
    CatalogueError
        If entries of several catalogues have it.

    Examples
    --------
    >>> find("Ni (fcc)").formula
    'Ni'
    """
    path = Path(text).expanduser()
    if path.exists():
        from whorl.formats import read_structure

        return read_structure(path)
    if is_model(text):
        model = compose(text)
        return FormFactor(text, family=model.family, source="; ".join(model.sources), model=text)
    head, _, key = text.partition("/")
    if key and head in _names():
        catalogue = open_catalogue(head)
        return catalogue.load(_only([(catalogue, e) for e in catalogue.entries()], key, text).key)
    rows = [(catalogue, entry) for catalogue in _all() for entry in catalogue.entries()]
    entry = _only(rows, text, text)
    return next(catalogue for catalogue, e in rows if e is entry).load(entry.key)


def _names() -> list[str]:
    return [listed.name for listed in list_catalogues()]


def _all() -> list[Catalogue]:
    found = builtin_catalogues(None)
    for listed in list_catalogues():
        if listed.folder is not None and listed.folder.is_dir():
            found.append(open_catalogue(listed.name))
    return found


def _only(rows: Sequence[tuple[Catalogue, Entry]], wanted: str, text: str) -> Entry:
    """Give the one entry of that name or key: as written, else with case ignored."""
    for fold in (str, str.casefold):
        want = fold(wanted)
        found = [entry for _, entry in rows if want in (fold(entry.key), fold(entry.name))]
        found = [entry for entry in found if not entry.alias_of] or found
        if len(found) > 1:
            names = ", ".join(f"{entry.catalogue}/{entry.key}" for entry in found[:6])
            raise CatalogueError(f"{text!r} is the name of {len(found)} entries", remedy=f"Choose one: {names}.")
        if found:
            return found[0]
    known = [*(name for _, entry in rows for name in (entry.name, entry.key)), *(model.key for model in all_models())]
    close = get_close_matches(wanted, known, n=3, cutoff=0.5)
    hint = (
        f"Did you mean {' or '.join(repr(name) for name in close)}?"
        if close
        else "List the entries with: whorl catalogue show NAME."
    )
    raise StructureError("no such file and no catalogue entry of that name", where=text, remedy=hint)


def dump(structures: Sequence[Hypothesis]) -> bytes:
    """Write structures so that `load` gives the same numbers.

    Examples
    --------
    >>> load(dump((find("Ni (fcc)"), find("sphere")))) == (find("Ni (fcc)"), find("sphere"))
    True
    """
    rows = []
    for structure in structures:
        if isinstance(structure, FormFactor):
            words = {"name": structure.name, "family": structure.family, "source": structure.source}
            rows.append(
                [words | {"kind": structure.kind, "model": structure.model, "parameters": dict(structure.parameters)}, ""]
            )
            continue
        text, raw = to_record(structure)
        rows.append([json.loads(text), base64.b64encode(raw).decode()])
    return json.dumps(rows, ensure_ascii=False, allow_nan=False).encode()


def load(data: bytes) -> tuple[Hypothesis, ...]:
    """Read what `dump` wrote."""
    return tuple(_loaded(record, raw) for record, raw in json.loads(data))


def _loaded(record: dict[str, Any], raw: str) -> Hypothesis:
    if record["kind"] == FormFactor.kind:
        return FormFactor(**{name: value for name, value in record.items() if name != "kind"})
    return from_record(json.dumps(record), base64.b64decode(raw))


def digest(structure: Hypothesis) -> str:
    """SHA-256 of a structure's content."""
    return hashlib.sha256(dump((structure,))).hexdigest()
