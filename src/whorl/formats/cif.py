"""CIF: cell, symmetry, sites with occupancies and displacement parameters, read through gemmi.

The first block with atoms is read. B = 8 pi^2 U; U_eq of an anisotropic site is one third of the trace of the orthogonalised U
tensor (Fischer, Tillmanns, Acta Cryst. C 44, 775 (1988), doi:10.1107/S0108270187012745).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import StructureError
from whorl.core.hypothesis import Crystal, Site, element_counts
from whorl.core.units import u_from_b
from whorl.formats import cif_symmetry, files
from whorl.formats.base import StructureFile
from whorl.formats.cell import vectors_of
from whorl.formats.elements import element_of, is_vacancy
from whorl.formats.text import decode

Cell = tuple[float, float, float, float, float, float]
_X = ("_atom_site_fract_x", "_atom_site.fract_x")
_NO_ATOMS = "Give a CIF with _atom_site_fract_x, _y and _z."


@dataclass(frozen=True)
class Cif:
    """The CIF reader."""

    key: str = "cif"
    suffixes: tuple[str, ...] = (".cif", ".mcif", ".rtv")

    def sniff(self, head: bytes, path: Path) -> float:
        """Score ``data_`` and CIF tags."""
        text = b"\n" + head.lower().replace(b"\r", b"\n")
        score = 0.6 if b"\ndata_" in text and b"\n_" in text.replace(b"\n ", b"\n") else 0.0
        return score + (0.35 if path.suffix.lower() in self.suffixes else 0.0)

    def read(self, path: str, *, max_bytes: int = files.MAX_BYTES) -> StructureFile:
        """Read the first structure of the file."""
        text = _text_of(files.content(path, StructureError, max_bytes=max_bytes), path)
        notes: list[str] = []
        document = document_of(text, path, notes)
        block = _first_with_atoms(document, path, notes)
        return _structure(block, text, Path(path).stem, path, notes)


READER = Cif()


@dataclass(frozen=True)
class Block:
    """A data block that holds atoms: its name, what the compound is called in it, and the structure or why there is none."""

    name: str
    title: str
    found: StructureFile | StructureError


def read_blocks(data: bytes, where: str) -> list[Block]:
    r"""Read every structure of a CIF; one that cannot be read stops no other.

    Parameters
    ----------
    data : bytes
        Content of the file.
    where : str
        What to call it in errors, and the source of its structures.

    Returns
    -------
    list of Block
        In the order of the file, blocks without atoms left out.

    Raises
    ------
    StructureError
        If there is no structure to begin with: no text, no data block, no atoms.

    Examples
    --------
    >>> text = "data_{}\n_cell_length_a 3\n_cell_length_b 3\n_cell_length_c {}\n_atom_site_label Po1\n" + "".join(
    ...     f"_atom_site_fract_{axis} 0\n" for axis in "xyz")
    >>> good, bad = read_blocks((text.format("a", 3) + text.format("b", "?")).encode(), "two.cif")
    >>> good.name, good.found.structure.formula, bad.found.what
    ('a', 'Po', 'no unit cell (_cell_length_c missing)')
    """
    text = _text_of(data, where)
    notes: list[str] = []
    try:
        document = document_of(text, where, notes)
    except StructureError:
        pieces = _pieces(text)
        if len(pieces) < 2:
            raise
        blocks = [block for name, piece in pieces for block in _blocks_of_piece(name, piece, where)]
    else:
        blocks = [_block(block, text, where, notes) for block in document if _has_atoms(block)]
    if not blocks:
        raise StructureError("a CIF without atoms", where=where, remedy=_NO_ATOMS)
    return blocks


def _blocks_of_piece(name: str, piece: str, where: str) -> list[Block]:
    notes = ["another data block of the file is damaged"]
    try:
        document = document_of(piece, where, notes)
    except StructureError as own:
        return [Block(name, "", own)]
    return [_block(block, piece, where, notes) for block in document if _has_atoms(block)]


def _pieces(text: str) -> list[tuple[str, str]]:
    """Cut a text before each data block; give the names too."""
    starts = list(re.finditer(r"(?im)^[ \t]*data_(\S*)", text))
    ends = [*(match.start() for match in starts[1:]), len(text)][: len(starts)]
    return [(match[1], text[match.start() : end]) for match, end in zip(starts, ends, strict=True)]


def _block(block: Any, text: str, where: str, notes: list[str]) -> Block:
    title = _value(block, "_chemical_name_mineral", "_chemical_name_common") or ""
    found: StructureFile | StructureError
    try:
        found = _structure(block, text, str(block.name), where, list(notes))
    except StructureError as error:
        found = error
    return Block(str(block.name), " ".join(title.strip("'\";\n").split()), found)


def _structure(block: Any, text: str, name: str, path: str, notes: list[str]) -> StructureFile:
    cell = _cell(block, path)
    sites = _sites(block, text, cell, path, notes)
    positions = np.array([s.position for s in sites])
    group, operations = cif_symmetry.of(block, cell, positions, notes)
    crystal = Crystal(name, source=path, cell=cell, space_group=group, sites=tuple(sites), operations=operations)
    return StructureFile(crystal, tuple(notes))


def _text_of(data: bytes, path: str) -> str:
    text = decode(data, path, StructureError)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise StructureError("the file holds nothing but white space", where=path, remedy="Export it again.")
    return text


def _has_atoms(block: Any) -> bool:
    return any(len(block.find_values(tag)) for tag in _X)


def document_of(text: str, path: str, notes: list[str]) -> Any:
    r"""Parse a CIF (ends of lines already ``\n``) to a `gemmi.cif.Document`.

    Raises
    ------
    StructureError
        If it has no data block or breaks the syntax; names the line.
    """
    import gemmi

    start = re.search(r"(?im)^[ \t]*data_", text)
    if start is None:
        raise StructureError("no data block, so this is not a CIF", where=path, remedy="A CIF begins with a line data_NAME.")
    lost = text[: start.start()]
    if any(line.strip() and not line.lstrip().startswith("#") for line in lost.split("\n")):
        notes.append("what stands before the first data block was ignored")
        text = "\n" * lost.count("\n") + text[start.start() :]
    try:
        return gemmi.cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        match = re.search(r":(\d+):(\d+)\(?\d*\)?:?\s*(.*)", str(error).split("\n")[0])
        where = f"{path}, line {match[1]}" if match else path
        what = match[3] if match and match[3] else str(error).split("\n")[0][:100]
        raise StructureError(
            f"this is not a valid CIF ({what})", where=where, remedy="Correct it, or export it again."
        ) from error


def _first_with_atoms(document: Any, path: str, notes: list[str]) -> Any:
    found = [block for block in document if _has_atoms(block)]
    if not found:
        raise StructureError("a CIF without atoms", where=path, remedy=_NO_ATOMS)
    if len(found) > 1:
        notes.append(f"{len(found)} structures in the file; the first, {found[0].name!r}, was read")
    return found[0]


def number(text: str | None) -> float | None:
    """Read a CIF number ("0.3333(2)", "1/3"), ``None`` for "?", "." and what is no number.

    Examples
    --------
    >>> number("5.4310(2)"), number("1/4"), number("?")
    (5.431, 0.25, None)
    """
    if text is None:
        return None
    text = text.strip().strip("'\"")
    try:
        if "/" in text:
            top, bottom = text.split("/")
            return float(top) / float(bottom)
        value = float(re.sub(r"\(\d*\)$", "", text))
    except (ValueError, ZeroDivisionError):
        return None
    return value if isfinite(value) else None


def _value(block: Any, *tags: str) -> str | None:
    for tag in tags:
        value = block.find_value(tag)
        if value is not None and value.strip() not in ("?", "."):
            return str(value)
    return None


def _cell(block: Any, path: str) -> Cell:
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    values = [number(_value(block, f"_cell_{n}", f"_cell.{n}")) for n in names]
    for i in (3, 4, 5):  # an angle that is not given is 90 degrees by the CIF dictionary
        values[i] = 90.0 if values[i] is None and _value(block, f"_cell_{names[i]}") is None else values[i]
    missing = [n for n, v in zip(names, values, strict=True) if v is None]
    if missing:
        raise StructureError(
            f"no unit cell ({', '.join('_cell_' + n for n in missing)} missing)",
            where=path,
            remedy="Add the six cell parameters.",
        )
    a, b, c, alpha, beta, gamma = (float(v) for v in values if v is not None)
    return a, b, c, alpha, beta, gamma


def _columns(block: Any) -> dict[str, list[str]]:
    """Give the columns of the loop of atoms by the end of their tags, lower case."""
    column = next(c for c in (block.find_loop(tag) for tag in _X) if len(c))
    loop = column.get_loop()
    if loop is None:
        return {}
    return {re.sub(r"^_atom_site[_.]", "", tag.lower()): list(block.find_loop(tag)) for tag in loop.tags}


def _single(block: Any) -> dict[str, list[str]]:
    """Give the pairs of a CIF that lists its only atom without a loop."""
    names = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy", "u_iso_or_equiv", "b_iso_or_equiv")
    found = {n: _value(block, f"_atom_site_{n}", f"_atom_site_{n[0].upper()}{n[1:]}") for n in names}
    return {n: [v] for n, v in found.items() if v is not None}


def _sites(block: Any, text: str, cell: Cell, path: str, notes: list[str]) -> list[Site]:
    looped = any(len(block.find_loop(tag)) for tag in _X)
    columns = _columns(block) if looped else _single(block)
    count = len(columns.get("fract_x", []))
    hint = _hint(block)
    aniso = _anisotropic(block, cell)
    sites: list[Site] = []
    dropped: dict[str, list[str]] = {}

    def cell_of(name: str, k: int) -> str | None:
        values = columns.get(name)
        return values[k].strip().strip("'\"") if values is not None and k < len(values) else None

    for k in range(count):
        label = cell_of("label", k) or cell_of("type_symbol", k) or f"atom {k + 1}"
        symbol = cell_of("type_symbol", k)
        symbol = label if symbol in (None, "?", ".", "") else symbol
        position = [number(cell_of(f"fract_{axis}", k)) for axis in "xyz"]
        word = _no_number([cell_of(f"fract_{axis}", k) for axis in "xyz"]) if None in position else ""
        if word:
            where = _line(text, label, path)
            raise StructureError(f"coordinate {word!r} is no number ({label})", where=where, remedy="Correct it.")
        occupancy = number(cell_of("occupancy", k))
        occupancy = 1.0 if occupancy is None else occupancy
        reason = _why_dropped(str(symbol), cell_of("calc_flag", k), position, occupancy)
        if reason:
            dropped.setdefault(reason, []).append(label)
            continue
        element = element_of(str(symbol), hint)
        if element is None:
            raise StructureError(
                f"unknown element {symbol!r}",
                where=_line(text, label, path),
                remedy="Use chemical symbols in _atom_site_type_symbol.",
            )
        if str(symbol).lower().startswith(("wat", "h2o")):
            notes.append(f"{label}: water, read as its oxygen")
        if 1 < occupancy <= 1.05:
            notes.append(f"{label}: occupancy {occupancy:g} was set to 1")
            occupancy = 1.0
        u = _u_iso(columns, k, aniso.get(label))
        x, y, z = (float(v) for v in position if v is not None)
        sites.append(Site(element, (x, y, z), occupancy, u, label))
    notes += [
        f"{reason}: {', '.join(names[:6])}{' ...' if len(names) > 6 else ''} left out" for reason, names in dropped.items()
    ]
    if not sites:
        raise StructureError("a CIF without usable atoms", where=path, remedy=_NO_ATOMS)
    return sites


def _no_number(written: list[str | None]) -> str:
    """Give the first coordinate that is neither a number nor said to be unknown; empty when there is none."""
    return next((word for word in written if word not in (None, "", "?", ".") and number(word) is None), None) or ""


def _why_dropped(symbol: str, flag: str | None, position: list[float | None], occupancy: float) -> str:
    if any(v is None for v in position):
        return "no position"
    if occupancy == 0:
        return "occupancy 0"
    if is_vacancy(symbol):
        return "vacancy"
    return "dummy atom" if (flag or "").lower().startswith("dum") else ""


def _hint(block: Any) -> frozenset[str]:
    text = _value(block, "_chemical_formula_sum") or ""
    try:
        return frozenset(element_counts(text.strip().strip("'\"")))
    except StructureError:
        return frozenset()


def _u_iso(columns: dict[str, list[str]], k: int, aniso: float | None) -> float | None:
    for name, factor in (
        ("u_iso_or_equiv", 1.0),
        ("u_equiv_geom_mean", 1.0),
        ("b_iso_or_equiv", 0.0),
        ("b_equiv_geom_mean", 0.0),
    ):
        value = number(columns[name][k]) if name in columns else None
        if value is not None and value > 0:
            return value if factor else u_from_b(value)
    return aniso


def _anisotropic(block: Any, cell: Cell) -> dict[str, float]:
    """Give U_eq (angstrom^2) of each label with anisotropic parameters."""
    for letter in "UB":
        tags = [f"{letter}_{ij}" for ij in ("11", "22", "33", "12", "13", "23")]
        table = block.find("_atom_site_aniso_", ["label", *tags])
        if not len(table):
            continue
        found: dict[str, float] = {}
        for row in table:
            values = [number(row[i]) for i in range(1, 7)]
            if all(v is not None for v in values):
                u11, u22, u33, u12, u13, u23 = (float(v) for v in values if v is not None)
                u = np.array([[u11, u12, u13], [u12, u22, u23], [u13, u23, u33]])
                value = _equivalent(u, cell)
                value = value if letter == "U" else u_from_b(value)
                if value > 0:
                    found[row[0].strip("'\"")] = value
        return found
    return {}


def _equivalent(u: NDArray[np.float64], cell: Cell) -> float:
    """U_eq = 1/3 sum_ij U_ij a*_i a*_j a_i . a_j."""
    vectors = vectors_of(cell)
    try:
        reciprocal = np.linalg.norm(np.linalg.inv(vectors), axis=0)
    except np.linalg.LinAlgError:
        return 0.0
    metric = vectors @ vectors.T
    return float(np.sum(u * np.outer(reciprocal, reciprocal) * metric) / 3)


def _line(text: str, label: str, path: str) -> str:
    """Name the line whose row begins with the label, or the file alone."""
    inside = False
    for i, line in enumerate(text.split("\n"), 1):
        words = line.split()
        inside = inside or any(w.lower().startswith(_X) for w in words)
        if inside and label in (w.strip("'\"") for w in words[:2]):
            return f"{path}, line {i}"
    return path
