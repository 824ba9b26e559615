"""Write the reference curves of ``tests/physics/data``: crystals by PDFfit2, clusters by the direct Debye double sum.

Run it after ``make peers``::

    .venv/bin/python tools/make_reference_curves.py

Each file states what made it and every parameter, so that a test needs nothing else. PDFfit2 calculates on a step of 0.01
angstrom up to 100 angstrom, far enough for the end of its range not to be felt; every fifth point up to 20 is stored.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from _harness import peer  # noqa: E402 - the folder is on the path since the line above
from _recipes import DIAMOND, FCC, crystal, moved  # noqa: E402

OUT = ROOT / "tests" / "physics" / "data"
FACTORS = ROOT / "src" / "whorl" / "physics" / "data" / "form_factors.json"
R_STORED = (0.5, 20.0)
XRAY = {"radiation": "X", "q_max": 25.0, "q_damp": 0.04}
NEUTRON = {"radiation": "N", "q_max": 25.0, "q_damp": 0.04}


def rutile() -> dict[str, Any]:
    """Give rutile TiO2 with different displacements of Ti and O."""
    x = 0.3053
    oxygen = [[x, x, 0.0], [-x, -x, 0.0], [0.5 - x, 0.5 + x, 0.5], [0.5 + x, 0.5 - x, 0.5]]
    structure = crystal([4.594, 4.594, 2.959], [("Ti", [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]), ("O", oxygen)])
    return structure | {"u_iso": [0.005] * 2 + [0.008] * 4}


def wurtzite() -> dict[str, Any]:
    """Give wurtzite CdSe."""
    up, down = [1 / 3, 2 / 3], [2 / 3, 1 / 3]
    sites = [("Cd", [[*up, 0.0], [*down, 0.5]]), ("Se", [[*up, 0.377], [*down, 0.877]])]
    return crystal([4.30, 4.30, 7.01, 90.0, 90.0, 120.0], sites) | {"u_iso": [0.010, 0.010, 0.014, 0.014]}


def perovskite() -> dict[str, Any]:
    """Give LaMnO3-like Pbnm (No. 62): La 4c, Mn 4b, O1 4c, O2 8d."""

    def in_mirror(x: float, y: float) -> list[list[float]]:
        return [[x, y, 0.25], [-x, -y, 0.75], [0.5 - x, 0.5 + y, 0.25], [0.5 + x, 0.5 - y, 0.75]]

    def general(x: float, y: float, z: float) -> list[list[float]]:
        half = [[x, y, z], [-x, -y, 0.5 + z], [0.5 - x, 0.5 + y, 0.5 - z], [0.5 + x, 0.5 - y, -z]]
        return half + [[-a, -b, -c] for a, b, c in half]

    manganese = [[0.5, 0.0, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5], [0.0, 0.5, 0.0]]
    sites = [("La", in_mirror(-0.008, 0.049)), ("Mn", manganese), ("O", in_mirror(0.074, 0.487) + general(0.726, 0.306, 0.039))]
    return crystal([5.537, 5.747, 7.693], sites) | {"u_iso": [0.004] * 4 + [0.003] * 4 + [0.006] * 12}


def crystals() -> dict[str, tuple[str, dict[str, Any], dict[str, Any]]]:
    """Give, by file name, what the curve shows, the structure and the settings."""
    nickel = crystal([3.52], [("Ni", FCC)])
    salt = crystal([5.62], [("Na", FCC), ("Cl", moved(FCC, 0.5, 0.0, 0.0))]) | {"u_iso": [0.015] * 4 + [0.012] * 4}
    vacant = salt | {"occupancy": [0.9] * 4 + [1.0] * 4}
    silicon = crystal([5.431], [("Si", DIAMOND)], 0.006)
    aniso = rutile() | {
        "u_aniso": [[0.0087, 0.0087, 0.0055, 0.0, 0.0, 0.0]] * 2 + [[0.0217, 0.0217, 0.0077, 0.0, 0.0, 0.0]] * 4
    }
    del aniso["u_iso"]
    return {
        "ni": ("fcc Ni, the plain case", nickel, XRAY),
        "ni_delta2": ("Ni, correlated motion delta2", nickel, XRAY | {"delta2": 2.0}),
        "ni_qmax15": ("Ni, Qmax 15: strong termination ripples", nickel, XRAY | {"q_max": 15.0}),
        "ni_delta1": ("Ni, correlated motion delta1", nickel, XRAY | {"delta1": 0.7}),
        "ni_q_broad": ("Ni, peaks broadened with r by Qbroad", nickel, XRAY | {"q_broad": 0.02}),
        "ni_sphere35": ("Ni, sphere of 35 angstrom diameter", nickel, XRAY | {"sp_diameter": 35.0}),
        "si": ("diamond Si", silicon, XRAY),
        "nacl_x": ("rock salt NaCl, X-ray", salt, XRAY),
        "nacl_n": ("rock salt NaCl, neutron", salt, NEUTRON),
        "nacl_vacancies_x": ("rock salt with 10 % Na vacancies, X-ray", vacant, XRAY),
        "cdse_x": ("wurtzite CdSe, X-ray", wurtzite(), XRAY),
        "cdse_n": ("wurtzite CdSe, neutron", wurtzite(), NEUTRON),
        "tio2_x": ("rutile TiO2, X-ray", rutile(), XRAY),
        "tio2_n": ("rutile TiO2, neutron (Ti scatters with negative length)", rutile(), NEUTRON),
        "tio2_aniso_n": ("rutile TiO2 with anisotropic displacements, neutron", aniso, NEUTRON),
        "lamno3_n": ("LaMnO3-like Pbnm, neutron (Mn scatters with negative length)", perovskite(), NEUTRON),
    }


def form_factor(symbol: str, q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give f0(Q) of Waasmaier and Kirfel (1995) from the shipped table."""
    row = json.loads(FACTORS.read_text(encoding="utf-8"))["coefficients"][symbol]
    s2 = (q[:, None] / (4.0 * np.pi)) ** 2
    f: NDArray[np.float64] = row["c"] + np.sum(row["a"] * np.exp(-np.array(row["b"]) * s2), axis=1)
    return f


def clusters() -> dict[str, tuple[str, list[str], NDArray[np.float64], dict[str, Any]]]:
    """Give, by file name, what the curve shows, elements, positions and displacements."""
    rng = np.random.default_rng(13)
    golden = (1.0 + 5.0**0.5) / 2.0
    corners = [[0.0, a, b * golden] for a in (1.0, -1.0) for b in (1.0, -1.0)]
    shell = 1.44 * np.array([np.roll(corner, k) for k in range(3) for corner in corners])  # edges of 2.88 angstrom
    thirteen = np.vstack([[0.0, 0.0, 0.0], shell])
    distances = np.linalg.norm(shell[:, None] - shell, axis=-1)
    edges = [(shell[i] + shell[j]) for i in range(12) for j in range(i) if abs(distances[i, j] - 2.88) < 0.01]
    fifty_five = np.vstack([thirteen, 2.0 * shell, edges]) + rng.normal(0.0, 0.05, (55, 3))
    grid = np.array([[x, y, z] for x in range(4) for y in range(4) for z in range(4)], dtype=float)
    ions = ["Na" if site.sum() % 2 == 0 else "Cl" for site in grid]
    return {
        "cluster_au13": ("13-atom Au icosahedron, edge 2.88 angstrom", ["Au"] * 13, thirteen, {"u_iso": 0.004}),
        "cluster_au55": ("55-atom Au icosahedron, every atom displaced at random", ["Au"] * 55, fifty_five, {"u_iso": 0.004}),
        "cluster_au55_delta2": ("the same with delta2", ["Au"] * 55, fifty_five, {"u_iso": 0.008, "delta2": 3.0}),
        "cluster_nacl64": ("NaCl cube of 4 x 4 x 4 ions, neutral form factors", ions, 2.81 * grid, {"u_iso": 0.01}),
    }


def write(name: str, record: dict[str, Any]) -> None:
    """Write one file; long lists on one line each."""

    def plain(value: Any) -> Any:
        return np.asarray(value, dtype=float).tolist() if isinstance(value, np.ndarray) else value

    lines = ",\n".join(f' "{key}": {json.dumps(plain(value), default=plain)}' for key, value in record.items())
    path = OUT / f"{name}.json"
    path.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size / 1024:.1f} kB")


def write_crystal(name: str, what: str, structure: dict[str, Any], settings: dict[str, Any]) -> None:
    """Calculate and write one crystal, with and without the termination at Qmax."""
    question = {"structure": structure, **settings, "r_min": 0.01, "r_max": 100.0, "r_step": 0.01}
    answer, smooth = peer("pdffit2_gr.py", question), peer("pdffit2_gr.py", question | {"q_max": 0.0})
    if answer is None or smooth is None:
        raise SystemExit("the reference curves need PDFfit2: make peers")
    r, g, g_smooth = (np.array(values)[4::5] for values in (answer["r"], answer["g"], smooth["g"]))
    kept = (r > R_STORED[0] - 1e-6) & (r < R_STORED[1] + 1e-6)
    record = {
        "what": what,
        "made_by": "PDFfit2 1.5.2 through tools/make_reference_curves.py",
        "units": "r, delta1, sp_diameter: angstrom; u, delta2: angstrom^2; q: 1/angstrom; g: 1/angstrom^2; fractional xyz",
        "settings": {"q_broad": 0.0, "delta1": 0.0, "delta2": 0.0, "sp_diameter": 0.0, "scale": 1.0} | settings,
        "scattering_lengths": answer["scattering_lengths"],
        "structure": structure,
        "r": np.round(r[kept], 2),
        "g": np.round(g[kept], 7),
        "g_no_termination": np.round(g_smooth[kept], 7),
    }
    write(f"pdffit2_{name}", record)


def write_cluster(name: str, what: str, elements: list[str], positions: NDArray[np.float64], motion: dict[str, Any]) -> None:
    """Calculate and write one cluster: I, S, F at 50 Q, and G(r) by quadrature of F on a fine Q grid."""
    q = np.linspace(0.5, 25.0, 50)
    q_fine = np.linspace(0.8, 25.0, 2421)
    r = np.linspace(0.5, 15.0, 146)
    cluster = {"elements": elements, "positions": positions, **motion}
    factors, fine_factors = ({symbol: form_factor(symbol, x) for symbol in sorted(set(elements))} for x in (q, q_fine))
    answer = peer("direct_debye.py", cluster | {"q": q, "form_factors": factors})
    fine = peer("direct_debye.py", cluster | {"q": q_fine, "form_factors": fine_factors})
    if answer is None or fine is None:
        raise SystemExit("the reference curves need the interpreter of the peers: make peers")
    g = 2.0 / np.pi * np.trapezoid(np.array(fine["f"]) * np.sin(q_fine * r[:, None]), q_fine, axis=1)
    record = {
        "what": what,
        "made_by": "the double sum of benchmarks/peers/direct_debye.py through tools/make_reference_curves.py",
        "units": "positions, r: angstrom; u, delta2: angstrom^2; q, f: 1/angstrom; i: electrons^2; g: 1/angstrom^2",
        **cluster,
        "form_factors": {symbol: np.round(values, 9) for symbol, values in factors.items()},
        "q": q,
        "i": answer["i"],
        "s": answer["s"],
        "f": answer["f"],
        "g_settings": {"q_min": 0.8, "q_max": 25.0, "q_step": 0.01, "q_damp": 0.0, "rule": "trapezoid"},
        "r": np.round(r, 2),
        "g": np.round(g, 9),
    }
    write(name, record)


def main() -> None:
    """Write all curves."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (what, structure, settings) in crystals().items():
        write_crystal(name, what, structure, settings)
    for name, (what, elements, positions, motion) in clusters().items():
        write_cluster(name, what, elements, positions, motion)


if __name__ == "__main__":
    main()
