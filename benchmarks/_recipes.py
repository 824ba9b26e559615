"""The measured PDFs that serve as yardsticks, each with the model, the range and the free parameters of one refinement.

A recipe is a payload for ``peers/pdffit2_fit.py`` except for the data, which `with_data` adds from the folder of measured
files. A benchmark that fits the same file with whorl takes the structure, range, start values and parameter names from here,
so that both fit the same thing. Structures list every atom of the cell, in P1, positions fractional, lengths in angstrom.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Recipe = dict[str, Any]

FCC = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
BCC = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]


def moved(points: list[list[float]], *by: float) -> list[list[float]]:
    """Give the points shifted by a vector."""
    return [[x + step for x, step in zip(point, by, strict=True)] for point in points]


DIAMOND = FCC + moved(FCC, 0.25, 0.25, 0.25)


def crystal(lattice: Iterable[float], sites: list[tuple[str, list[list[float]]]], u_iso: float = 0.005) -> dict[str, Any]:
    """Give a structure from the lattice and the positions of each site; one, two or three lengths mean right angles."""
    lengths = list(lattice)
    if len(lengths) < 6:
        a, b, c = {1: lengths * 3, 2: [lengths[0], *lengths], 3: lengths}[len(lengths)]
        lengths = [a, b, c, 90.0, 90.0, 90.0]
    elements = [element for element, positions in sites for _ in positions]
    positions = np.array([position for _, positions in sites for position in positions]) % 1.0
    return {"lattice": lengths, "elements": elements, "positions": positions, "u_iso": u_iso}


def free(value: float, *drives: str, **formulas: str) -> dict[str, Any]:
    """Give a free parameter: its start and the PDFfit2 variables that equal it (`formulas`: z_3="1-@" drives z(3))."""
    linked = {name.replace("_", "(") + ")": formula for name, formula in formulas.items()}
    return {"value": value, "drives": dict.fromkeys(drives, "@") | linked}


def lattice(value: float, *axes: int) -> dict[str, Any]:
    """Give a lattice parameter shared by the axes 1 (a), 2 (b), 3 (c)."""
    return free(value, *(f"lat({axis})" for axis in axes))


def u_iso(value: float, structure: dict[str, Any], element: str) -> dict[str, Any]:
    """Give the isotropic displacement of all atoms of an element; hexagonal axes need U12 = U/2."""
    atoms = [n for n, symbol in enumerate(structure["elements"], start=1) if symbol == element]
    oblique = {f"u12_{n}": "0.5*@" for n in atoms} if structure["lattice"][5] == 120.0 else {}
    return free(value, *(f"u{axis}{axis}({n})" for n in atoms for axis in (1, 2, 3)), **oblique)


def recipe(file: str, structure: dict[str, Any], model: dict[str, Any], **settings: Any) -> Recipe:
    """Join the parts: X-ray unless `settings` says otherwise; its own parameters are added to the model's."""
    more = settings.pop("parameters", {})
    return {"file": file, "structure": structure, "radiation": "X", **settings, "parameters": model | more}


def cubic(file: str, element: str, a: float, positions: list[list[float]], **settings: Any) -> Recipe:
    """Give the recipe of a cubic element: a, u_iso, scale and delta2 free, and what `settings["parameters"]` adds."""
    structure = crystal([a], [(element, positions)])
    parameters = {
        "a": lattice(a, 1, 2, 3),
        "u_iso": u_iso(0.006, structure, element),
        "scale": free(0.5, "pscale"),
        "delta2": free(2.0, "delta2"),
    }
    return recipe(file, structure, parameters, **settings)


def wurtzite(file: str, **settings: Any) -> Recipe:
    """Give the recipe of wurtzite CdSe: a, c, z(Se), two u_iso, scale, delta2."""
    up, down = [1 / 3, 2 / 3], [2 / 3, 1 / 3]
    sites = [("Cd", [[*up, 0.0], [*down, 0.5]]), ("Se", [[*up, 0.377], [*down, 0.877]])]
    structure = crystal([4.30, 4.30, 7.01, 90.0, 90.0, 120.0], sites, 0.01)
    parameters = {
        "a": lattice(4.30, 1, 2),
        "c": lattice(7.01, 3),
        "z_Se": free(0.377, "z(3)", z_4="0.5+@"),
        "u_Cd": u_iso(0.01, structure, "Cd"),
        "u_Se": u_iso(0.01, structure, "Se"),
        "scale": free(0.5, "pscale"),
        "delta2": free(3.0, "delta2"),
    }
    return recipe(file, structure, parameters, **settings)


def zincblende(file: str, **settings: Any) -> Recipe:
    """Give the recipe of zincblende CdSe: a, two u_iso, scale, delta2."""
    structure = crystal([6.07], [("Cd", FCC), ("Se", DIAMOND[4:])], 0.01)
    parameters = {
        "a": lattice(6.07, 1, 2, 3),
        "u_Cd": u_iso(0.01, structure, "Cd"),
        "u_Se": u_iso(0.01, structure, "Se"),
        "scale": free(0.5, "pscale"),
        "delta2": free(3.0, "delta2"),
    }
    return recipe(file, structure, parameters, **settings)


def sr_fe2_as2(file: str, *, orthorhombic: bool, **settings: Any) -> Recipe:
    """Give the recipe of SrFe2As2, tetragonal I4/mmm or orthorhombic Fmmm (a and b free, along the diagonals)."""
    z = 0.3604
    if orthorhombic:
        centres = FCC
        iron = moved(centres, 0.25, 0.25, 0.25) + moved(centres, 0.25, 0.25, 0.75)
        cell = {"a": lattice(5.57, 1), "b": lattice(5.53, 2)}
        lengths = [5.57, 5.53, 12.30]
    else:
        centres = BCC
        iron = moved(centres, 0.0, 0.5, 0.25) + moved(centres, 0.5, 0.0, 0.25)
        cell = {"a": lattice(3.925, 1, 2)}
        lengths = [3.925, 12.37]
    arsenic = moved(centres, 0.0, 0.0, z) + moved(centres, 0.0, 0.0, -z)
    structure = crystal(lengths, [("Sr", centres), ("Fe", iron), ("As", arsenic)])
    first = len(centres) + len(iron) + 1
    heights = {first + n: f"{centre[2]}+@" for n, centre in enumerate(centres)}
    heights |= {first + len(centres) + n: f"{centre[2] or 1.0}-@" for n, centre in enumerate(centres)}
    parameters = {
        **cell,
        "c": lattice(lengths[-1], 3),
        "z_As": free(z, **{f"z_{n}": formula for n, formula in heights.items()}),
        "u_Sr": u_iso(0.006, structure, "Sr"),
        "u_Fe": u_iso(0.006, structure, "Fe"),
        "u_As": u_iso(0.006, structure, "As"),
        "scale": free(0.5, "pscale"),
        "delta2": free(2.5, "delta2"),
        "q_damp": free(0.04, "qdamp"),
        "q_broad": free(0.01, "qbroad"),
    }
    return recipe(file, structure, parameters, **settings)


def recipes() -> dict[str, Recipe]:
    """Give all recipes by name."""
    damping, broadening, sphere = free(0.04, "qdamp"), free(0.01, "qbroad"), free(25.0, "spdiameter")
    instrument = {"q_damp": damping, "q_broad": broadening}
    nickel = {"q_max": 25.0, "parameters": instrument}
    mixture = {"q_max": 25.0, "fit_range": (1.5, 30.0), "fixed": {"qdamp": 0.05}}
    neutron = {"radiation": "N", "q_max": 27.0, "fit_range": (1.5, 20.0), "parameters": {"q_damp": damping}}
    bulk = {"q_max": 19.0, "fit_range": (1.5, 20.0), "parameters": instrument}
    stiff = {"q_max": 19.0, "fit_range": (1.5, 20.0), "fixed": {"qdamp": 0.05}}
    dots = {"q_max": 19.0, "fit_range": (1.5, 20.0), "fixed": {"qdamp": 0.03}, "parameters": {"diameter": sphere}}
    platinum = {"q_max": 22.0, "fit_range": (1.5, 30.0), "fixed": {"qdamp": 0.03}, "parameters": {"diameter": sphere}}
    iron_arsenide = {"q_max": 25.0, "fit_range": (1.5, 30.0)}
    cold, warm = (f"pdf/exp/SrFe2As2_Tseries/SrFe2As2_{kelvin}K.gr" for kelvin in (150, 246))
    return {
        "Ni 1.5-20": cubic("pdf/exp/Ni_bulk.gr", "Ni", 3.52, FCC, fit_range=(1.5, 20.0), **nickel),
        "Ni 1.5-50": cubic("pdf/exp/Ni_bulk.gr", "Ni", 3.52, FCC, fit_range=(1.5, 50.0), **nickel),
        "Ni neutron q27": cubic("pdf/exp/Ni_q27_neutron.gr", "Ni", 3.52, FCC, **neutron),
        "Ni neutron with dG": cubic("pdf/exp/Ni_neutron_pdfgui.gr", "Ni", 3.52, FCC, **neutron),
        "Ni of the mixture": cubic("pdf/exp/mix_Ni.gr", "Ni", 3.52, FCC, **mixture),
        "Si": cubic("pdf/exp/mix_Si.gr", "Si", 5.43, DIAMOND, **mixture),
        "Pt S1 sphere": cubic("pdf/exp/Pt_np_S1.gr", "Pt", 3.92, FCC, **platinum),
        "CdSe bulk wurtzite": wurtzite("pdf/exp/CdSe_bulk.gr", **bulk),
        "CdSe bulk zincblende": zincblende("pdf/exp/CdSe_bulk.gr", **stiff),
        "CdSe-3 wurtzite": wurtzite("pdf/exp/CdSe_3.gr", **dots),
        "CdSe-3 zincblende": zincblende("pdf/exp/CdSe_3.gr", **dots),
        "SrFe2As2 150 K I4/mmm": sr_fe2_as2(cold, orthorhombic=False, **iron_arsenide),
        "SrFe2As2 150 K Fmmm": sr_fe2_as2(cold, orthorhombic=True, **iron_arsenide),
        "SrFe2As2 246 K I4/mmm": sr_fe2_as2(warm, orthorhombic=False, **iron_arsenide),
        "SrFe2As2 246 K Fmmm": sr_fe2_as2(warm, orthorhombic=True, **iron_arsenide),
    }


def read_columns(path: Path) -> NDArray[np.float64]:
    """Read the longest numeric block of a ``.gr`` file, shape (columns, points): r, G and, if every row has them, dr and dG."""
    blocks: list[list[list[float]]] = [[]]
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = [float(word) for word in line.split()]
        except ValueError:
            row = []
        if len(row) >= 2:
            blocks[-1].append(row)
        elif blocks[-1]:
            blocks.append([])
    block = max(blocks, key=len)
    return np.array([row[: min(map(len, block))] for row in block]).T


def with_data(plan: Recipe, data: Path) -> Recipe:
    """Add the measured curve of a recipe: ``r``, ``g``, and ``dg`` where the file has uncertainties."""
    columns = read_columns(data / plan["file"])
    measured: dict[str, Any] = {"r": columns[0], "g": columns[1]}
    if len(columns) >= 4 and np.all(columns[3, 1:] > 0):
        measured["dg"] = columns[3]
    return plan | measured
