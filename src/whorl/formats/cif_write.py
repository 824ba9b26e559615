"""Write a crystal as CIF: cell, symbol, number, operations, sites with occupancy and U_iso."""

from __future__ import annotations

import os
import re

from whorl.core.errors import StructureError
from whorl.core.hypothesis import Crystal
from whorl.formats.atomic import write_text


def cif_text(crystal: Crystal) -> str:
    """Write a crystal in the Crystallographic Information Format (IUCr core dictionary).

    Numbers are written so that reading gives the same ones back; an unknown U_iso is "?".

    Examples
    --------
    >>> from whorl.core.hypothesis import Site
    >>> ni = Crystal("Ni", cell=(3.52, 3.52, 3.52, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0), label="Ni1"),))
    >>> print(cif_text(ni).splitlines()[0], [line for line in cif_text(ni).splitlines() if "H-M" in line])
    data_Ni ["_space_group_name_H-M_alt   'F m -3 m'"]
    """
    name = re.sub(r"[^!-~]|['\"#$_\[\];]", "-", crystal.name)[:70].strip("-") or "structure"
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    rows = [f"data_{name}", f"_chemical_formula_sum   {_quoted(_formula(crystal))}"]
    rows += [f"_cell_{n}   {float(v)!r}" for n, v in zip(names, crystal.cell, strict=True)]
    rows.append(f"_cell_volume   {crystal.volume:.6f}")
    rows += space_group_rows(crystal)
    rows += ["loop_", "_atom_site_label", "_atom_site_type_symbol"]
    rows += [f"_atom_site_fract_{axis}" for axis in "xyz"]
    rows += ["_atom_site_occupancy", "_atom_site_U_iso_or_equiv", "_atom_site_adp_type"]
    used: set[str] = set()
    for k, site in enumerate(crystal.sites, 1):
        label = re.sub(r"[^A-Za-z0-9()*+\-]", "", site.label) or f"{site.element}{k}"
        label = label if label not in used and label[0].isalpha() else f"{site.element}_{k}"
        used.add(label)
        u = "?" if site.u_iso is None else f"{float(site.u_iso)!r}"
        position = " ".join(f"{float(v)!r}" for v in site.position)
        rows.append(f"{label} {site.element} {position} {float(site.occupancy)!r} {u} Uiso")
    return "\n".join(rows) + "\n"


def space_group_rows(crystal: Crystal) -> list[str]:
    """Symbol, number and operations of a crystal's space group, as lines of a CIF."""
    import gemmi

    group = gemmi.find_spacegroup_by_number(1)
    if crystal.operations is None or crystal.space_group_number != 1:
        group = _group(crystal)
    rows = [
        f"_space_group_name_H-M_alt   '{group.xhm()}'",
        f"_space_group_name_Hall   {_quoted(group.hall)}" if crystal.operations is None else "_space_group_name_Hall   ?",
        f"_space_group_IT_number   {group.number}",
        "loop_",
        "_space_group_symop_operation_xyz",
    ]
    return rows + [f"'{triplet}'" for triplet in _triplets(crystal)]


def write(crystal: Crystal, path: str | os.PathLike[str]) -> None:
    """Write a crystal as CIF, atomically."""
    write_text(path, cif_text(crystal), StructureError)


def _group(crystal: Crystal):  # type: ignore[no-untyped-def]  # noqa: ANN202 - gemmi is imported late
    import gemmi

    ops = gemmi.GroupOps([gemmi.Op(t) for t in _triplets(crystal)])
    found = gemmi.find_spacegroup_by_ops(ops)
    return found if found is not None else gemmi.find_spacegroup_by_number(crystal.space_group_number)


def _triplets(crystal: Crystal) -> list[str]:
    import gemmi

    triplets = []
    for rotation, translation in zip(*crystal.symmetry, strict=True):
        op = gemmi.Op("x,y,z")
        op.rot = [[round(v * op.DEN) for v in row] for row in rotation]
        op.tran = [round(v * op.DEN) for v in translation]
        triplets.append(op.wrap().triplet())
    return triplets


def _formula(crystal: Crystal) -> str:
    return " ".join(f"{el}{n:g}" for el, n in crystal.contents.items())


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"
