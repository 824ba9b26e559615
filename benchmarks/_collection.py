"""Collections of CIFs as large dumps of databases look: invented compounds in known prototypes, and all that goes wrong.

Every structure is a built-in compound whose elements were replaced by similar ones, whose cell was scaled by the covalent radii
and stretched within its crystal system, and whose free coordinates were moved a little. It is written in one of five styles: as
whorl writes, as the Crystallography Open Database writes (uncertainties, comments, names, sometimes latin-1 or CR LF), the
space-group symbol alone, all atoms listed in P 1, or all atoms and no word about symmetry. Some files hold two structures, some
structures come again under another name, one in twenty files is broken in one of a dozen ways.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.random import Generator

from whorl.catalogues import compounds
from whorl.catalogues.prototypes import Member
from whorl.core.hypothesis import Crystal
from whorl.formats.cif_write import cif_text

#: elements that replace one another
ALIKE = (
    "Li Na K Rb Cs Ag", "Be Mg Ca Sr Ba Eu", "Ti V Cr Mn Fe Co Ni Cu Zn", "Zr Nb Mo Ru Rh Pd Cd Hf Ta W Re Os Ir Pt",
    "Al Ga In Sc Tl", "Si Ge Sn Pb", "Y La Ce Pr Nd Sm Gd Tb Dy Ho Er Tm Yb Lu", "F Cl Br I", "O S Se Te", "N P As Sb Bi",
    "B C",
)  # fmt: skip
STYLES = ("whorl", "database", "symbol", "listed", "silent")
_SHARES = (0.3, 0.3, 0.1, 0.2, 0.1)
#: parts of a collection: broken files, structures that come again, structures without a full site, files of two structures
BROKEN, AGAIN, PARTIAL, TWO = 0.05, 0.03, 0.02, 0.02
FAULTS = (
    "empty", "cut", "no atoms", "nan", "no position", "no cell", "flat cell", "huge cell", "element", "binary", "overlap",
    "quote",
)  # fmt: skip


@dataclass
class Collection:
    """What was written: file names in the collection (keys of the mappings) and what they hold.

    Attributes
    ----------
    family : dict of str to str
        Prototype of each sound structure, by ``file`` or ``file#block``.
    formula : dict of str to str
        Reduced formula of each sound structure.
    again : dict of str to str
        Structure that comes again -> the one it repeats.
    broken : dict of str to str
        File -> what is wrong with it.
    """

    family: dict[str, str] = field(default_factory=dict)
    formula: dict[str, str] = field(default_factory=dict)
    again: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def make_collection(target: Path, n: int, seed: int) -> Collection:
    """Write a collection of ``n`` structures, broken files beside them.

    Parameters
    ----------
    target : Path
        A folder (made where it is missing), or a file that ends in ``.zip``, ``.tar.gz`` or ``.json`` (a list of objects with
        ``material_id`` and ``cif``; binary junk and latin-1 cannot be in it).
    n : int
        Structures, those that come again included.
    seed : int

    Returns
    -------
    Collection
    """
    found = Collection()
    files = _files(n, np.random.default_rng(seed), found, text_only=target.suffix == ".json")
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files:
                archive.writestr(name, data)
    elif target.name.endswith(".tar.gz"):
        with tarfile.open(target, "w:gz", compresslevel=5) as archive:
            for name, data in files:
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    elif target.suffix == ".json":
        rows = [{"material_id": name, "cif": data.decode()} for name, data in files]
        target.write_text(json.dumps(rows), encoding="utf-8")
    else:
        for name, data in files:
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return found


def invent(rng: Generator, members: list[Member], taken: set[tuple[str, str]]) -> Member:
    """Give a compound that is not among ``taken`` (prototype and occupants); after some draws, one that is."""
    for _ in range(50):
        member = members[rng.integers(len(members))]
        invented = _stretched(_substituted(member, rng), rng)
        what = (member.family, repr([occupants for *_, occupants in invented.sites]))
        if what not in taken:
            break
    taken.add(what)
    return invented


def _files(n: int, rng: Generator, found: Collection, *, text_only: bool) -> Iterator[tuple[str, bytes]]:
    members = list(compounds.catalogue().members.values())
    taken: set[tuple[str, str]] = set()
    kept: list[tuple[str, Member]] = []
    number = made = 0
    while made < n:
        number += 1
        name = _name(number, text_only=text_only)
        if rng.random() < BROKEN / (1 - BROKEN):
            fault = FAULTS[rng.integers(len(FAULTS))]
            if not (text_only and fault == "binary"):
                found.broken[name] = fault
                yield name, _broken(invent(rng, members, taken).crystal, fault, rng)
                number += 1
                name = _name(number, text_only=text_only)
        blocks = []
        two = made + 2 <= n and rng.random() < TWO
        for label in ("a", "b") if two else ("",):
            key = f"{name}#{label}" if two else name
            if kept and rng.random() < AGAIN:
                first, member = kept[rng.integers(len(kept))]
                member = replace(member, cell=_scaled(member.cell, 1 + float(rng.uniform(-5e-4, 5e-4))))
                found.again[key] = first
            else:
                member = invent(rng, members, taken)
                if rng.random() < PARTIAL:
                    member = _thinned(member)
                kept.append((key, member))
            found.family[key], found.formula[key] = member.family, member.reduced_formula
            blocks.append(_written(member, label or str(number), str(rng.choice(STYLES, p=_SHARES)), rng))
            made += 1
        text = "\n".join(blocks)
        yield name, _encoded(text, rng, text_only=text_only)


def _name(number: int, *, text_only: bool) -> str:
    if text_only:
        return f"mp-{number}"
    text = str(1_000_000 + number)
    return f"{text[0]}/{text[1:3]}/{text[3:5]}/{text}.cif"


def _substituted(member: Member, rng: Generator) -> Member:
    """Replace each element by one that is alike, and scale the cell by the covalent radii."""
    from ase.data import atomic_numbers, covalent_radii

    new: dict[str, str] = {}
    for element in member.contents:
        group = next((words.split() for words in ALIKE if element in words.split()), [element])
        free = [e for e in group if e not in new.values() and (e == element or e not in member.contents)]
        new[element] = str(rng.choice(free)) if free else element
    radius = {e: float(covalent_radii[atomic_numbers[e]]) for e in (*new, *new.values())}
    total = sum(member.contents.values())
    before = sum(n * radius[e] for e, n in member.contents.items()) / total
    after = sum(n * radius[new[e]] for e, n in member.contents.items()) / total
    sites = tuple((m, letter, xyz, tuple((new[e], occ) for e, occ in who)) for m, letter, xyz, who in member.sites)
    formula = "".join(f"{new[e]}{count:g}" for e, count in member.contents.items())
    scale = (after / before) * float(rng.uniform(0.97, 1.03))
    return replace(member, sites=sites, formula=formula, cell=_scaled(member.cell, scale), name=formula, source="invented")


def _stretched(member: Member, rng: Generator) -> Member:
    """Stretch the free lengths and move the free angles and coordinates a little."""
    a, b, c, alpha, beta, gamma = member.cell
    fa, fb, fc = (float(f) for f in rng.uniform(0.985, 1.015, 3))
    da, db, dc = (float(d) for d in rng.uniform(-1.0, 1.0, 3))
    number = member.number
    if number >= 195:
        cell = (a * fa, b * fa, c * fa, alpha, beta, gamma)
    elif number >= 75:
        cell = (a * fa, b * fa, c * fc, alpha, beta, gamma)
    elif number >= 16:
        cell = (a * fa, b * fb, c * fc, alpha, beta, gamma)
    elif number >= 3:
        cell = (a * fa, b * fb, c * fc, alpha, beta + db, gamma)
    else:
        cell = (a * fa, b * fb, c * fc, alpha + da, beta + db, gamma + dc)
    free = {name: value + float(rng.normal(0.0, 0.004)) for name, value in member.free.items()}
    return replace(member, cell=cell, free=free)


def _scaled(
    cell: tuple[float, float, float, float, float, float], factor: float
) -> tuple[float, float, float, float, float, float]:
    return (cell[0] * factor, cell[1] * factor, cell[2] * factor, *cell[3:])


def _thinned(member: Member) -> Member:
    """Make every site partly empty."""
    sites = tuple((m, letter, xyz, tuple((e, occ * 0.9) for e, occ in who)) for m, letter, xyz, who in member.sites)
    return replace(member, sites=sites)


def _written(member: Member, block: str, style: str, rng: Generator) -> str:
    crystal = replace(member.crystal, name=block)
    if style == "whorl":
        return cif_text(crystal)
    if style in ("listed", "silent"):
        whole = crystal.expansion
        sites = [(crystal.sites[int(i)], tuple(x)) for i, x in zip(whole.site, whole.position, strict=True)]
        symmetry = ["_symmetry_space_group_name_H-M   'P 1'", "_symmetry_Int_Tables_number   1"] if style == "listed" else []
        if style == "listed":
            symmetry += ["loop_", "_symmetry_equiv_pos_site_id", "_symmetry_equiv_pos_as_xyz", "1  'x, y, z'"]
        rows = [
            f"{s.element} {s.element}{k} {x[0]:.8f} {x[1]:.8f} {x[2]:.8f} {s.occupancy:.4g}" for k, (s, x) in enumerate(sites)
        ]
        head = ["# generated", f"data_{block}", *_cell_rows(crystal, "{:.8f}"), *symmetry, "loop_", "_atom_site_type_symbol"]
        return "\n".join([*head, "_atom_site_label", *_TAGS, *rows]) + "\n"
    fine = style == "database"
    number = "{:.5f}(2)" if fine else "{:.6f}"
    sites = [(s, tuple(float(v) for v in s.position)) for s in crystal.sites]
    rows = [f"{s.label} " + " ".join(_esd(v, fine=fine) for v in x) + f" {s.occupancy:.5g}" for s, x in sites]
    head = [f"data_{block}", f"_symmetry_space_group_name_H-M   '{member.space_group}'"]
    if fine:
        comment = "#" * 70 + "\n# This file belongs to no database. Nothing in it was measured.\n" + "#" * 70
        title = ";\n A compound that nobody made, described with the words of a journal\n;"
        authors = str(rng.choice(["'Mustermann, E.'", "'M\u00fcller, J. and Garc\u00eda, P.'"]))
        head = [comment, head[0], "loop_", "_publ_author_name", authors, "_publ_section_title", title, *head[1:]]
        head += [f"_symmetry_Int_Tables_number {member.number}", "loop_", "_symmetry_equiv_pos_as_xyz", *_operations(crystal)]
    return "\n".join([*head, *_cell_rows(crystal, number), "loop_", "_atom_site_label", *_TAGS, *rows]) + "\n"


_TAGS = tuple(f"_atom_site_{tag}" for tag in ("fract_x", "fract_y", "fract_z", "occupancy"))


def _operations(crystal: Crystal) -> list[str]:
    text = cif_text(crystal).split("_space_group_symop_operation_xyz\n")[1]
    return [f"  {line.strip(chr(39))}" for line in text.split("loop_")[0].splitlines() if "," in line]


def _cell_rows(crystal: Crystal, number: str) -> list[str]:
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    rows = [f"_cell_{n}   {number.format(v)}" for n, v in zip(names[:3], crystal.cell[:3], strict=True)]
    return rows + [f"_cell_{n}   {v:.4f}" for n, v in zip(names[3:], crystal.cell[3:], strict=True)]


def _esd(value: float, *, fine: bool) -> str:
    """Write a coordinate with its uncertainty, special values without."""
    special = any(abs(value * k - round(value * k)) < 1e-9 for k in (3, 8))
    return f"{value:.5f}(3)" if fine and not special else f"{value:.6f}"


def _eight(position: tuple[float, ...]) -> str:
    return " ".join(f"{value:.8f}" for value in position)


def _encoded(text: str, rng: Generator, *, text_only: bool) -> bytes:
    if text_only:
        return text.encode()
    if rng.random() < 0.1:
        text = text.replace("\n", "\r\n")
    return text.encode("latin-1" if rng.random() < 0.5 else "utf-8")


def _broken(crystal: Crystal, fault: str, rng: Generator) -> bytes:
    text = cif_text(crystal)
    head, _, sites = text.partition("loop_\n_atom_site_label\n")
    lines = sites.splitlines()
    tags = [line for line in lines if line.startswith("_")]
    rows = [line.split() for line in lines[len(tags) :]]
    if fault == "empty":
        return b""
    if fault == "binary":
        return rng.bytes(3000)
    if fault == "cut":
        return text[: len(head) + 30].encode()
    if fault == "no atoms":
        return head.encode()
    if fault == "quote":
        return text.replace("_cell_length_b", "_cell_length_b '").encode()
    if fault == "no cell":
        return text.replace("_cell_length_c", "_cell_length_q").encode()
    if fault == "flat cell":
        return _with_cell(text, "angle_gamma", "359.0").encode()
    if fault == "huge cell":
        return _with_cell(text, "length_a", "1e6").encode()
    if fault == "nan":
        rows[0][2] = "nan"
    elif fault == "no position":
        rows = [[*row[:2], "?", "?", "?", *row[5:]] for row in rows]
    elif fault == "element":
        rows[0][:2] = ["Qq1", "Qq"]
    else:
        rows.append(["Xe99", "Xe", *rows[0][2:5], "1.0", "?", "Uiso"])
    return "\n".join([f"{head}loop_\n_atom_site_label", *tags, *(" ".join(row) for row in rows)]).encode() + b"\n"


def _with_cell(text: str, name: str, value: str) -> str:
    lines = [f"_cell_{name}   {value}" if line.startswith(f"_cell_{name} ") else line for line in text.splitlines()]
    return "\n".join(lines) + "\n"
