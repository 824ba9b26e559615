"""PDFgui, PDFfit and DISCUS structures (``.stru``): a header of keywords, ``atoms``, then rows; always the whole cell.

PDFfit gives six lines per atom (symbol, fractional x y z, occupancy; uncertainties; U11 U22 U33; ...), DISCUS one (symbol, x y
z, B_iso). A cell of 1, 1, 1 angstrom means a molecule in cartesian angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whorl.core.errors import StructureError
from whorl.core.hypothesis import Cluster, Crystal, Site
from whorl.core.units import u_from_b
from whorl.formats import files
from whorl.formats.base import StructureFile
from whorl.formats.elements import element_of
from whorl.formats.text import lines_of

Cell = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Stru:
    """The reader of PDFfit and DISCUS structures."""

    key: str = "stru"
    suffixes: tuple[str, ...] = (".stru", ".str", ".rstr")

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the keywords ``cell`` and ``atoms`` at the beginning of lines."""
        text = "\n" + head.decode("latin-1").lower().replace("\r", "\n")
        score = 0.5 if "\ncell " in text and "\natoms" in text else 0.0
        return score + (0.4 if path.suffix.lower() in self.suffixes else 0.0)

    def read(self, path: str, *, max_bytes: int = files.MAX_BYTES) -> StructureFile:
        """Read the structure."""
        data = files.content(path, StructureError, max_bytes=max_bytes)
        lines = lines_of(data, path, StructureError)
        start = next((i for i, line in enumerate(lines) if line.strip().lower() == "atoms"), None)
        if start is None:
            raise StructureError("no line 'atoms'", where=path, remedy="Give a PDFgui structure, a CIF or an XYZ file.")
        words = {w[0].lower(): " ".join(w[1:]) for w in (line.split() for line in lines[:start]) if w}
        cell = _six(words.get("cell", ""), path)
        repeat = _repeat(words.get("ncell", ""))
        six_lines = words.get("format", "").lower().startswith("pdffit")
        notes: list[str] = []
        sites = _sites(lines, start + 1, path, pdffit=six_lines, notes=notes)
        if not sites:
            raise StructureError("no atoms", where=path, remedy="Give a structure with atoms.")
        name = Path(path).stem
        if cell == (1.0, 1.0, 1.0, 90.0, 90.0, 90.0):
            symbols = tuple(s.element for s in sites)
            return StructureFile(
                Cluster(name, source=path, symbols=symbols, positions=np.array([s.position for s in sites])),
                (*notes, "cell of 1 angstrom: a molecule"),
            )
        if repeat != (1, 1, 1):
            cell = (cell[0] * repeat[0], cell[1] * repeat[1], cell[2] * repeat[2], *cell[3:])
            sites = [_scaled(s, repeat) for s in sites]
        return StructureFile(Crystal(name, source=path, cell=cell, space_group="P 1", sites=tuple(sites)), tuple(notes))


READER = Stru()


def _six(text: str, path: str) -> Cell:
    try:
        a, b, c, alpha, beta, gamma = (float(v) for v in text.replace(",", " ").split()[:6])
    except ValueError as error:
        raise StructureError(
            "the line 'cell' needs six numbers", where=path, remedy="Give a, b, c and three angles."
        ) from error
    return a, b, c, alpha, beta, gamma


def _repeat(text: str) -> tuple[int, int, int]:
    try:
        a, b, c = (max(int(v), 1) for v in text.replace(",", " ").split()[:3])
    except ValueError:
        return 1, 1, 1
    return a, b, c


def _scaled(site: Site, repeat: tuple[int, int, int]) -> Site:
    x, y, z = (v / n for v, n in zip(site.position, repeat, strict=True))
    return Site(site.element, (x, y, z), site.occupancy, site.u_iso, site.label)


def _sites(lines: list[str], start: int, path: str, *, pdffit: bool, notes: list[str]) -> list[Site]:
    sites: list[Site] = []
    empty = 0
    index = start
    while index < len(lines):
        words = lines[index].replace(",", " ").split()
        if not words:
            index += 1
            continue
        where = f"{path}, line {index + 1}"
        element = element_of(words[0])
        try:
            x, y, z = (float(v) for v in words[1:4])
            last = float(words[4]) if len(words) > 4 else None
            u = _u_pdffit(lines, index) if pdffit else (u_from_b(last) if last is not None and last > 0 else None)
        except (ValueError, IndexError) as error:
            raise StructureError(f"{lines[index].strip()[:40]!r} is not an atom", where=where, remedy="Correct it.") from error
        if element is None:
            raise StructureError(f"unknown element {words[0][:20]!r}", where=where, remedy="Use chemical symbols.")
        occupancy = last if pdffit and last is not None else 1.0
        if occupancy > 0:
            sites.append(Site(element, (x, y, z), occupancy, u, words[0]))
        else:
            empty += 1
        index += 6 if pdffit else 1
    if empty:
        notes.append(f"{empty} atoms of occupancy 0 were left out")
    return sites


def _u_pdffit(lines: list[str], index: int) -> float | None:
    """Mean of U11, U22, U33 on the third line of an atom."""
    u = [float(v) for v in lines[index + 2].split()[:3]]
    mean = sum(u) / 3
    return mean if mean > 0 else None
