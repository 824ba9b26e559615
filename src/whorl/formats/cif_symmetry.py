"""The symmetry of a CIF: its list of operations first, then the Hall symbol, the Hermann-Mauguin symbol, the number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Operations = tuple[tuple[tuple[tuple[float, ...], ...], tuple[float, ...]], ...]
Cell = tuple[float, float, float, float, float, float]

_SUPERSPACE = "_space_group_symop_ssg_operation_algebraic"
_LISTS = (
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_symmetry_equiv.pos_as_xyz",
    "_symmetry_equiv_pos.as_xyz",
    "_space_group_symop_magn_operation_xyz",
    "_space_group_symop_magn_operation.xyz",
    _SUPERSPACE,
)
_NAMES = (
    "_space_group_name_h-m_alt",
    "_space_group.name_h-m_alt",
    "_symmetry_space_group_name_h-m",
    "_symmetry.space_group_name_h-m",
    "_space_group_name_h-m_full",
    "_space_group_name_h-m",
)
_HALLS = ("_space_group_name_hall", "_symmetry_space_group_name_hall", "_space_group.name_hall")
_NUMBERS = ("_space_group_it_number", "_symmetry_int_tables_number", "_space_group.it_number", "_symmetry.int_tables_number")
#: what databases write behind a symbol, and gemmi's way of saying it
_CHOICES = {" S": ":1", " Z": ":2", " H": ":H", " R": ":R", ":h": ":H", ":r": ":R", "S": ":1", "Z": ":2"}


def of(block: Any, cell: Cell, positions: NDArray[np.float64], notes: list[str]) -> tuple[str, Operations | None]:
    """Give the space group in gemmi's extended symbol, and the operations when no symbol stands for the list in the file.

    Parameters
    ----------
    block : gemmi.cif.Block
    cell : 6 floats
    positions : array, shape (n, 3)
        Fractional coordinates of the listed sites; they tell a full cell from independent sites when the symmetry is in doubt.
    notes : list of str
        Gets what had to be decided.
    """
    import gemmi

    named = _named(block, cell, positions, notes)
    listed = _listed(block, notes)
    if not listed:
        if named is None:
            notes.append("the file states no symmetry; read as P 1")
            return "P 1", None
        return named.xhm(), None
    group = gemmi.GroupOps([gemmi.Op(op.triplet()) for op in listed])
    found = gemmi.find_spacegroup_by_ops(group)
    if len(listed) == 1 and named is not None and named.number != 1:
        if _is_full_cell(named, positions):
            notes.append(f"the symbol says {named.hm} but all atoms of the cell are listed; read as P 1")
            return "P 1", None
        notes.append(f"the only listed operation is the identity; the symbol {named.hm} was believed")
        return named.xhm(), None
    if found is not None:
        if named is not None and named.number != found.number:
            notes.append(f"the symbol says {named.hm}, the listed operations make {found.hm}; the operations were believed")
        return found.xhm(), None
    if named is not None and len(list(named.operations())) == len(listed) and _same(named, listed):
        return named.xhm(), None
    notes.append("the listed operations are no standard setting; they were used as they are")
    operations = tuple(
        (tuple(tuple(v / op.DEN for v in row) for row in op.rot), tuple(v / op.DEN for v in op.tran)) for op in listed
    )
    return (named.xhm() if named is not None else "P 1"), operations


def _listed(block: Any, notes: list[str]) -> list[Any]:
    import gemmi

    for tag in _LISTS:
        values = [str(gemmi.cif.as_string(v)).strip() for v in block.find_values(tag)]
        if tag == _SUPERSPACE and values:
            notes.append("a modulated structure; the average structure was read")
            values = [v.replace("x1", "x").replace("x2", "y").replace("x3", "z") for v in values]
        if not values:
            continue
        found: dict[str, Any] = {}
        broken = 0
        for value in values:
            text = ",".join(value.lower().split(",")[:3]).replace(" ", "")
            try:
                op = gemmi.Op(text).wrap()
            except (RuntimeError, ValueError):
                broken += 1
                continue
            if abs(op.det_rot()) != op.DEN**3:
                broken += 1
                continue
            found.setdefault(op.triplet(), op)
        if broken:
            notes.append(f"{broken} symmetry operations are not understood; the space-group symbol was used")
            return []
        return list(found.values())
    return []


def _named(block: Any, cell: Cell, positions: NDArray[np.float64], notes: list[str]) -> Any:
    import gemmi

    for tag in _HALLS:
        hall = _text(block, tag)
        if hall:
            try:
                group = gemmi.find_spacegroup_by_ops(gemmi.symops_from_hall(hall))
            except (RuntimeError, ValueError):
                group = None
            if group is not None:
                return group
    for tag in _NAMES:
        name = _text(block, tag)
        if name:
            group = _by_name(name, cell)
            if group is not None:
                return _choice(name, group, positions, notes)
    for tag in _NUMBERS:
        text = _text(block, tag)
        if text.isdigit() and 1 <= int(text[:4]) <= 230:
            return _choice(text, gemmi.find_spacegroup_by_number(int(text)), positions, notes)
    return None


def _text(block: Any, tag: str) -> str:
    import gemmi

    value = block.find_value(tag)
    text = "" if value is None else str(gemmi.cif.as_string(value)).strip()
    return "" if text in ("?", ".") else text


def _by_name(name: str, cell: Cell) -> Any:
    import gemmi

    tidy = " ".join(name.replace("_", "").replace("~", "").split())
    tries = [tidy]
    for end, choice in _CHOICES.items():
        if tidy.endswith(end):
            tries.append(tidy[: -len(end)].strip() + choice)
    tries += [t.replace(" ", "") for t in tries]
    for text in tries:
        group = gemmi.find_spacegroup_by_name(text, cell[3], cell[5])
        if group is not None:
            return group
    return None


def _choice(name: str, group: Any, positions: NDArray[np.float64], notes: list[str]) -> Any:
    """Decide the origin when the symbol leaves it open: the choice that puts the sites on more special positions."""
    import gemmi

    if group.ext not in ("1", "2") or ":" in name or name.rstrip().endswith((" S", " Z")):
        return group
    both = [g for g in (gemmi.find_spacegroup_by_name(f"{group.hm}:{k}") for k in "21") if g is not None]
    best = min(both, key=lambda g: _atoms(g, positions)) if len(both) == 2 else group
    notes.append(f"the origin of {group.hm} is not stated; choice {best.ext} was taken")
    return best


def _images(group: Any, position: NDArray[np.float64]) -> NDArray[np.float64]:
    ops = list(group.operations())
    rotations = np.array([op.rot for op in ops], dtype=float) / ops[0].DEN
    translations = np.array([op.tran for op in ops], dtype=float) / ops[0].DEN
    images: NDArray[np.float64] = rotations @ position + translations
    return images - np.floor(images)


def _atoms(group: Any, positions: NDArray[np.float64]) -> int:
    total = 0
    for position in positions[:50]:
        images = _images(group, position)
        delta = images - images[0]
        total += round(len(images) / max(int(np.sum(np.abs(delta - np.round(delta)).max(axis=1) < 2e-3)), 1))
    return total


def _is_full_cell(group: Any, positions: NDArray[np.float64]) -> bool:
    """Say whether other listed sites are images of the first ones, as in a file that lists the whole cell."""
    for i, position in enumerate(positions[:20]):
        images = _images(group, position)
        for j, other in enumerate(positions):
            own = other - position
            if i == j or np.abs(own - np.round(own)).max() < 2e-3:
                continue
            delta = images - other
            if np.any(np.abs(delta - np.round(delta)).max(axis=1) < 2e-3):
                return True
    return False


def _same(group: Any, listed: list[Any]) -> bool:
    return {op.wrap().triplet() for op in group.operations()} == {op.triplet() for op in listed}
