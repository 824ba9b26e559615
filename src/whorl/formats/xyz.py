"""XYZ: count, comment, one row of symbol and coordinates (angstrom) per atom; extended XYZ with a lattice too.

A fifth column is never an occupancy: programs write tags, charges and forces there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import StructureError
from whorl.core.hypothesis import Cluster, Crystal, Site
from whorl.formats import files
from whorl.formats.base import StructureFile
from whorl.formats.cell import parameters_of
from whorl.formats.elements import element_of
from whorl.formats.text import lines_of

_LATTICE = re.compile(r"\blattice\s*=\s*[\"{']([^\"}']*)[\"}']", re.IGNORECASE)
_PBC = re.compile(r"\bpbc\s*=\s*[\"{']?([TF01truefals ,]+)", re.IGNORECASE)
_PROPERTIES = re.compile(r"\bproperties\s*=\s*[\"{']?([\w:]+)", re.IGNORECASE)
_REMEDY = "Write rows of symbol, x, y, z."


@dataclass(frozen=True)
class Xyz:
    """The XYZ reader."""

    key: str = "xyz"
    suffixes: tuple[str, ...] = (".xyz", ".extxyz")

    def sniff(self, head: bytes, path: Path) -> float:
        """Score a count on the first line and an atom below it."""
        lines = head[:4000].decode("latin-1").replace("\r", "\n").split("\n")
        counted = lines[0].strip().isdigit() and any(_looks_like_atom(line) for line in lines[1:4])
        return (0.6 if counted else 0.0) + (0.35 if path.suffix.lower() in self.suffixes else 0.0)

    def read(self, path: str, *, max_bytes: int = files.MAX_BYTES) -> StructureFile:
        """Read the first frame."""
        data = files.content(path, StructureError, max_bytes=max_bytes)
        lines = lines_of(data, path, StructureError)
        while lines and not lines[-1].strip():
            lines.pop()
        if not lines:
            raise StructureError("the file holds nothing but white space", where=path, remedy="Export it again.")
        notes: list[str] = []
        first, count, comment = _layout(lines, path, notes)
        symbol_at, position_at = _columns(comment)
        symbols: list[str] = []
        positions = np.zeros((count, 3))
        for k in range(count):
            index = first + k
            if index >= len(lines) or not lines[index].strip():
                raise StructureError(
                    f"{k} atoms where the first line says {count}",
                    where=f"{path}, line {min(index, len(lines) - 1) + 1}",
                    remedy="The file may be cut off: export it again, or correct the count.",
                )
            symbol, positions[k] = _atom(lines[index], symbol_at, position_at, f"{path}, line {index + 1}")
            symbols.append(symbol)
        rest = [line for line in lines[first + count :] if line.strip()]
        if rest:
            frames = rest[0].strip().isdigit()
            notes.append(
                "the file has several frames; the first was read" if frames else f"{len(rest)} lines after the atoms ignored"
            )
        return StructureFile(_structure(path, symbols, positions, comment, notes), tuple(notes))


READER = Xyz()


def _layout(lines: list[str], path: str, notes: list[str]) -> tuple[int, int, str]:
    """Find the first atom's line, the number of atoms and the comment."""
    head = lines[0].strip()
    if not (head.isascii() and head.isdigit()):
        if _looks_like_atom(head):
            notes.append("the count of atoms is missing; all rows were read")
            count = next((i for i, line in enumerate(lines) if not line.strip()), len(lines))
            return 0, count, ""
        raise StructureError(
            f"the first line is {head[:40]!r}, not the number of atoms",
            where=f"{path}, line 1",
            remedy="Write the count there.",
        )
    count = int(head[:12])
    if count < 1:
        raise StructureError("no atoms", where=f"{path}, line 1", remedy="Give a file with atoms.")
    if count > len(lines):
        raise StructureError(
            f"the first line says {count} atoms, the file has {len(lines)} lines",
            where=f"{path}, line 1",
            remedy="The file may be cut off: export it again, or correct the count.",
        )
    last = lines[count + 1] if len(lines) > count + 1 else ""
    if len(lines) > 1 and _looks_like_atom(lines[1]) and not _looks_like_atom(last):
        notes.append("the comment line is missing")
        return 1, count, ""
    return 2, count, lines[1] if len(lines) > 1 else ""


def _columns(comment: str) -> tuple[int, int]:
    """Columns of symbol and x from extended XYZ's ``Properties=species:S:1:pos:R:3``."""
    match = _PROPERTIES.search(comment)
    if match is None:
        return 0, 1
    parts = match[1].split(":")
    at, found = 0, {"species": 0, "pos": 1}
    for name, _, width in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        found[name.lower()] = at
        at += int(width) if width.isdigit() and len(width) < 4 else 1
    return found["species"], found["pos"]


def _looks_like_atom(line: str) -> bool:
    words = line.replace(",", " ").split()
    if len(words) < 4 or element_of(words[0]) is None:
        return False
    try:
        for word in words[1:4]:
            float(word)
    except ValueError:
        return False
    return True


def _atom(line: str, symbol_at: int, position_at: int, where: str) -> tuple[str, NDArray[np.float64]]:
    words = line.replace(",", " ").split()
    if len(words) < max(symbol_at, position_at + 2) + 1:
        raise StructureError(f"{line.strip()[:40]!r} is not an atom", where=where, remedy=_REMEDY)
    symbol = element_of(words[symbol_at])
    if symbol is None:
        raise StructureError(f"unknown element {words[symbol_at][:20]!r}", where=where, remedy="Use chemical symbols.")
    try:
        position = np.array([float(w.replace("D", "e").replace("*^", "e")) for w in words[position_at : position_at + 3]])
    except ValueError as error:
        raise StructureError(f"{line.strip()[:40]!r} is not an atom", where=where, remedy=_REMEDY) from error
    if not np.all(np.isfinite(position)) or np.abs(position).max() > 1e9:
        raise StructureError("coordinates are not finite", where=where, remedy="Correct the line.")
    return symbol, position


def _structure(
    path: str, symbols: list[str], positions: NDArray[np.float64], comment: str, notes: list[str]
) -> Crystal | Cluster:
    name = Path(path).stem
    lattice = _LATTICE.search(comment)
    pbc = _PBC.search(comment)
    flags = [w.upper()[0] in "T1" for w in re.split(r"[ ,]+", pbc[1].strip()) if w] if pbc else [True]
    if lattice is None or not any(flags):
        return Cluster(name, source=path, symbols=tuple(symbols), positions=positions)
    try:
        vectors = np.array([float(v) for v in lattice[1].split()]).reshape(3, 3)
        fractional = positions @ np.linalg.inv(vectors)
        cell = parameters_of(vectors)
    except (ValueError, np.linalg.LinAlgError) as error:
        raise StructureError(
            "the lattice is not three independent vectors", where=f"{path}, line 2", remedy="Give nine numbers."
        ) from error
    if not all(flags):
        notes.append("periodic in some directions only; read as a crystal")
    sites = tuple(Site(s, (float(x), float(y), float(z))) for s, (x, y, z) in zip(symbols, fractional, strict=True))
    return Crystal(name, source=path, cell=cell, space_group="P 1", sites=sites)
