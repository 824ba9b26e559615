"""Where structures are imported from: a folder, an archive, a JSON export of CIF texts, a CIF; recognised by content."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from whorl.catalogues.archive import Limits, Piece, nested, read_tar, read_zip, unpacked
from whorl.core.errors import CatalogueError

CIF_SUFFIXES = (".cif", ".mcif")
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
_ENDINGS = re.compile(r"(\.tar)?\.(zip|tar|tgz|tbz2?|txz|gz|bz2|xz)$|\.(json|jsonl|ndjson|cif)(\.(gz|bz2|xz))?$", re.IGNORECASE)
#: names under which exports keep an identifier, a CIF text, a list of rows
_IDS = ("material_id", "task_id", "entry_id", "mp_id", "cod_id", "id", "_id", "name", "formula")
_CIFS = ("cif", "cif_string", "cif_text", "conventional_cif", "primitive_cif", "symmetrized_cif", "computed_cif")
_ROWS = ("data", "response", "results", "entries", "materials", "docs", "structures")


@dataclass(frozen=True)
class Source:
    """Something to import from: what its entries are called by, where it is, what it is."""

    label: str
    path: Path
    kind: str

    def pieces(self, limits: Limits) -> Iterator[Piece]:
        """Give the CIF texts in it, and what was refused with the reason."""
        if self.kind == "folder":
            files = _files(self.path, limits)
        elif self.kind == "zip":
            files = read_zip(self.path, _wanted, limits)
        elif self.kind == "tar":
            files = read_tar(self.path, _wanted, limits)
        else:
            files = iter([_single(self.path, self.kind, limits)])
        for piece in files:
            if piece.data is not None and piece.name.lower().endswith(JSON_SUFFIXES):
                yield from texts_of_json(piece, alone=self.kind == "json")
            else:
                yield piece


def open_sources(paths: Sequence[str | Path]) -> list[Source]:
    """Find out what sources are; those of equal names are numbered, so that their entries have keys of their own.

    Raises
    ------
    CatalogueError
        If one of them cannot be read.
    """
    found: list[Source] = []
    for path in paths:
        source = open_source(path)
        if any(source.path == other.path for other in found):
            continue
        alike = sum(source.label == re.sub(r"~\d+$", "", other.label) for other in found)
        found.append(replace(source, label=f"{source.label}~{alike + 1}") if alike else source)
    return found


def expected(sources: Sequence[Source]) -> int | None:
    """Count the texts in sources, where that can be known without reading them."""
    total = 0
    for source in sources:
        if source.kind == "zip":
            with suppress(BadZipFile, OSError), ZipFile(source.path) as archive:
                total += sum(_wanted(name) for name in archive.namelist())
        elif source.kind == "folder":
            total += sum(_wanted(name) for _, _, names in os.walk(source.path) for name in names)
        elif source.kind == "cif":
            total += 1
        else:
            return None
    return total


def open_source(path: str | Path) -> Source:
    """Find out what a source is.

    Raises
    ------
    CatalogueError
        If there is no such file or folder, or it cannot be read.
    """
    place = Path(path).expanduser()
    if not place.exists():
        raise CatalogueError(
            "no such file or folder", where=str(path), remedy="Give a folder, an archive, a JSON file or a CIF."
        )
    place = place.resolve()
    label = _ENDINGS.sub("", place.name) or place.name
    if place.is_dir():
        return Source(label, place, "folder")
    if not place.is_file():
        raise CatalogueError("this is no file and no folder", where=str(path), remedy="Give a folder, an archive or a file.")
    try:
        with place.open("rb") as raw:
            if raw.read(4) in (b"PK\x03\x04", b"PK\x05\x06"):
                return Source(label, place, "zip")
            raw.seek(0)
            with closing(unpacked(raw)) as stream:
                head = stream.read(512)
    except OSError as error:
        raise CatalogueError(f"it cannot be read ({error.strerror})", where=str(path), remedy="Check the file.") from error
    except Exception as error:
        what = f"a damaged archive ({error})"
        raise CatalogueError(what, where=str(path), remedy="Download or pack it again.") from error
    if head[257:262] == b"ustar" or (head and not head.strip(b"\0")):
        return Source(label, place, "tar")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{"):
        return Source(label, place, "json")
    return Source(label, place, "cif")


def texts_of_json(piece: Piece, *, alone: bool) -> Iterator[Piece]:
    r"""Give the CIF texts of a JSON export by their identifiers.

    Understood are a list of objects, one object per line, and an object of identifier -> CIF text or object; the rows may stand
    under a word such as "data". An object names its CIF as "cif", or holds a structure as pymatgen writes it.

    Parameters
    ----------
    piece : Piece
        The JSON text.
    alone : bool
        True when the file is the whole source, and its name need not be repeated in those of its entries.

    Examples
    --------
    >>> found = texts_of_json(Piece("mp.json", b'[{"material_id": "mp-23", "cif": "data_Ni"}, {"id": "mp-7"}]'), alone=True)
    >>> [(one.name, one.data, one.reason) for one in found]
    [('mp-23', b'data_Ni', ''), ('mp-7', None, 'no CIF text and no structure in this row')]
    """
    prefix = "" if alone else f"{piece.name}/"
    assert piece.data is not None
    text = piece.data.decode("utf-8-sig", "replace")
    try:
        rows = _rows(json.loads(text))
    except (ValueError, RecursionError):
        try:
            rows = [row for line in text.splitlines() if line.strip() for row in _rows([json.loads(line)])]
        except (ValueError, RecursionError) as error:
            yield Piece(piece.name, reason=f"no valid JSON ({error})" if alone else "")
            return
    found = [_piece_of(prefix + (name or f"row {number}"), row) for number, (name, row) in enumerate(rows, 1)]
    if any(one.data is not None for one in found):
        yield from found
    else:  # some other kind of JSON file
        yield Piece(piece.name, reason="no CIF text and no structure in it" if alone else "")


def _piece_of(key: str, row: Any) -> Piece:
    try:
        cif = _cif_of(row)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        return Piece(key, reason=f"its structure is not understood ({type(error).__name__}: {error})")
    if cif is None:
        return Piece(key, reason="no CIF text and no structure in this row")
    return Piece(key, cif.encode("utf-8", "replace"))


def _rows(content: Any) -> list[tuple[str, Any]]:
    """Give identifier and content of each row."""
    if isinstance(content, dict):
        inner = next((content[word] for word in _ROWS if isinstance(content.get(word), (list, dict))), None)
        if _cif_of_any(content):
            return [(_identifier(content), content)]
        return _rows(inner) if inner is not None else [(str(key), row) for key, row in content.items()]
    if isinstance(content, list):
        return [(_identifier(row), row) for row in content]
    raise ValueError("neither a list nor an object")


def _cif_of_any(row: dict[str, Any]) -> bool:
    return any(isinstance(row.get(word), str) for word in _CIFS) or "lattice" in row or isinstance(row.get("structure"), dict)


def _identifier(row: Any) -> str:
    if not isinstance(row, dict):
        return ""
    return next((str(row[word]) for word in _IDS if isinstance(row.get(word), (str, int)) and str(row[word])), "")


def _cif_of(row: Any) -> str | None:
    if isinstance(row, str):
        return row if "data_" in row.lower() else None
    if not isinstance(row, dict):
        return None
    found = next((row[word] for word in _CIFS if isinstance(row.get(word), str)), None)
    if found is not None:
        return str(found)
    structure = row.get("structure", row)
    if isinstance(structure, str):
        return _cif_of(structure)
    return _written(structure) if isinstance(structure, dict) and {"lattice", "sites"} <= structure.keys() else None


def _written(structure: dict[str, Any]) -> str:
    """Write a structure in the words of pymatgen (lattice matrix, sites with species and abc) as a CIF in P 1."""
    import numpy as np

    matrix = np.array(structure["lattice"]["matrix"], dtype=float)
    lengths = np.linalg.norm(matrix, axis=1)
    cosines = [matrix[i] @ matrix[j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))]
    angles = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    rows = ["data_structure", "_space_group_name_H-M_alt 'P 1'"]
    rows += [f"_cell_{name} {value:.8f}" for name, value in zip(names, (*lengths, *angles), strict=True)]
    rows += ["loop_", *(f"_atom_site_{tag}" for tag in ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy"))]
    for number, site in enumerate(structure["sites"], 1):
        x, y, z = (float(v) for v in site["abc"])
        for species in site["species"]:
            element = re.sub(r"[^A-Za-z]", "", str(species["element"]))[:2]
            rows.append(f"{element}{number} {element} {x:.8f} {y:.8f} {z:.8f} {float(species.get('occu', 1.0)):.6g}")
    return "\n".join(rows) + "\n"


def _wanted(name: str) -> bool:
    tail = re.split(r"[/\\]", name)[-1]
    return not tail.startswith(".") and "__MACOSX" not in name and tail.lower().endswith(CIF_SUFFIXES + JSON_SUFFIXES)


def _files(folder: Path, limits: Limits) -> Iterator[Piece]:
    """Give the files of a folder and those below, in the order of their paths; links that lead out of it are refused."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            shown = path.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()
            if name.startswith(".") or not _wanted(name):
                yield Piece(shown, reason="" if name.startswith(".") else nested(name))
            elif path.is_symlink() and not path.resolve().is_relative_to(folder):
                yield Piece(shown, reason="it is a link that leads out of the folder")
            else:
                yield _read(path, shown, limits.entry_bytes)


def _read(path: Path, shown: str, most: int) -> Piece:
    try:
        if not path.is_file():
            return Piece(shown, reason="it is no plain file, or a link to nothing")
        with path.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        return Piece(shown, reason=f"it cannot be read ({error.strerror})")
    return Piece(shown, reason=f"it is larger than {most >> 20} MB") if len(data) > most else Piece(shown, data)


def _single(path: Path, kind: str, limits: Limits) -> Piece:
    """Read a file that is a source by itself, compressed or not."""
    most = 4 * limits.entry_bytes if kind == "json" else limits.entry_bytes
    name = path.name if kind == "cif" else f"{path.name}.json"
    try:
        with path.open("rb") as raw, closing(unpacked(raw)) as stream:
            data = stream.read(most + 1)
    except Exception as error:  # noqa: BLE001 - whatever a damaged stream raises
        return Piece(path.name, reason=f"it cannot be read ({error})")
    if len(data) > most:
        return Piece(path.name, reason=f"it holds more than {most >> 20} MB; split it, or write one object per line")
    return Piece(name, data)
