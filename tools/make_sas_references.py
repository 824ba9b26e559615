"""Write the reference values of particles in ``tests/physics/small_angle/data/particles.json``, computed by sasmodels.

Run it where sasmodels is installed (``pip install 'whorl[sas]'``)::

    .venv/bin/python tools/make_sas_references.py

Every model of particles of whorl is computed with its defaults, with other parameters, and with each of its lengths
distributed: the averages <F> and <F^2>, the mean volume, and the effective radius in the mode of the outer volume. The file
says all that a test needs. The defaults of the ellipsoid with three axes are left out: there the quadrature of sasmodels 1.1.0,
which takes its points for the polar angle from the two shorter axes, is 3 % off at q = 0.2.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("SAS_OPENCL", "none")

import sasmodels
from sasmodels.core import load_model
from sasmodels.direct_model import call_Fq

OUT = Path(__file__).resolve().parents[1] / "tests" / "physics" / "small_angle" / "data" / "particles.json"
Q = (0.002, 0.01, 0.03, 0.07, 0.12, 0.2)
SHAPES = ("lognormal", "gaussian", "schulz", "rectangle", "boltzmann")

#: model: (name in sasmodels, mode of the effective radius, other parameters)
MODELS: dict[str, tuple[str, int, dict[str, float]]] = {
    "sphere": ("sphere", 1, {"sld": 4.1, "sld_solvent": -0.5, "radius": 137.0}),
    "fuzzy_sphere": ("fuzzy_sphere", 1, {"sld": 1.3, "sld_solvent": 6.2, "radius": 94.0, "fuzziness": 17.0}),
    "core_shell_sphere": (
        "core_shell_sphere",
        1,
        {"sld_core": 3.0, "sld_shell": -1.5, "sld_solvent": 2.0, "radius": 81.0, "thickness": 27.0},
    ),
    "core_two_shell_sphere": (
        "core_multi_shell",
        1,
        {
            "sld_core": 6.1,
            "sld1": 0.4,
            "sld2": 3.3,
            "sld_solvent": 1.0,
            "radius": 63.0,
            "thickness1": 21.0,
            "thickness2": 34.0,
        },
    ),
    "vesicle": (
        "vesicle",
        1,
        {"sld": 0.3, "sld_solvent": 6.0, "radius": 172.0, "thickness": 41.0, "volfraction": 0.03},
    ),
    "cylinder": ("cylinder", 2, {"sld": 5.0, "sld_solvent": 9.4, "radius": 53.0, "length": 271.0}),
    "rod": ("cylinder", 2, {"sld": 5.0, "sld_solvent": 9.4, "radius": 17.0, "length": 690.0}),
    "disk": ("cylinder", 2, {"sld": 2.0, "sld_solvent": 6.3, "radius": 161.0, "length": 33.0}),
    "hollow_cylinder": (
        "hollow_cylinder",
        2,
        {"sld": 3.0, "sld_solvent": 0.2, "radius": 44.0, "thickness": 23.0, "length": 187.0},
    ),
    "tube": (
        "hollow_cylinder",
        2,
        {"sld": 3.0, "sld_solvent": 0.2, "radius": 31.0, "thickness": 14.0, "length": 510.0},
    ),
    "ring": (
        "hollow_cylinder",
        2,
        {"sld": 3.0, "sld_solvent": 0.2, "radius": 120.0, "thickness": 60.0, "length": 25.0},
    ),
    "core_shell_cylinder": (
        "core_shell_cylinder",
        2,
        {"sld_core": 1.0, "sld_shell": 4.0, "sld_solvent": 2.5, "radius": 43.0, "thickness": 18.0, "length": 205.0},
    ),
    "core_shell_rod": (
        "core_shell_cylinder",
        2,
        {"sld_core": 1.0, "sld_shell": 4.0, "sld_solvent": 2.0, "radius": 26.0, "thickness": 12.0, "length": 480.0},
    ),
    "core_shell_disk": (
        "core_shell_cylinder",
        2,
        {"sld_core": 5.0, "sld_shell": -1.0, "sld_solvent": 2.0, "radius": 130.0, "thickness": 9.0, "length": 28.0},
    ),
    "core_shell_bicelle": (
        "core_shell_bicelle",
        2,
        {
            "sld_core": 1.0,
            "sld_face": 5.0,
            "sld_rim": 3.0,
            "sld_solvent": 6.0,
            "radius": 92.0,
            "thick_rim": 14.0,
            "thick_face": 11.0,
            "length": 37.0,
        },
    ),
    "ellipsoid": (
        "ellipsoid",
        2,
        {"sld": 2.0, "sld_solvent": 5.0, "radius_polar": 97.0, "radius_equatorial": 61.0},
    ),
    "prolate_ellipsoid": (
        "ellipsoid",
        2,
        {"sld": 2.0, "sld_solvent": 5.0, "radius_polar": 231.0, "radius_equatorial": 39.0},
    ),
    "oblate_ellipsoid": (
        "ellipsoid",
        2,
        {"sld": 2.0, "sld_solvent": 5.0, "radius_polar": 28.0, "radius_equatorial": 142.0},
    ),
    "triaxial_ellipsoid": (
        "triaxial_ellipsoid",
        2,
        {
            "sld": 2.0,
            "sld_solvent": 5.0,
            "radius_equat_minor": 27.0,
            "radius_equat_major": 58.0,
            "radius_polar": 101.0,
        },
    ),
    "core_shell_ellipsoid": (
        "core_shell_ellipsoid",
        2,
        {
            "sld_core": 5.0,
            "sld_shell": 1.0,
            "sld_solvent": 3.0,
            "radius_equat_core": 66.0,
            "x_core": 0.4,
            "thick_shell": 17.0,
            "x_polar_shell": 1.3,
        },
    ),
    "parallelepiped": (
        "parallelepiped",
        2,
        {"sld": 2.0, "sld_solvent": 5.0, "length_a": 41.0, "length_b": 87.0, "length_c": 163.0},
    ),
}


def lengths(name: str) -> list[str]:
    """Give the parameters of a model of sasmodels that are lengths."""
    model = load_model(name, platform="dll", dtype="double").info.parameters
    return [p.id for p in model.call_parameters if p.polydisperse and p.units == "Ang"]


def reference(name: str, mode: int, values: dict[str, float], spread: dict[str, Any] | None = None) -> dict[str, Any]:
    """Compute the averages of one set of parameters."""
    kernel = load_model(name, platform="dll", dtype="double").make_kernel([np.array(Q)])
    given: dict[str, Any] = dict(values) | ({"n": 2} if name == "core_multi_shell" else {})
    if spread:
        key = spread["name"]
        given |= {f"{key}_pd": spread["width"], f"{key}_pd_type": spread["shape"], f"{key}_pd_n": spread["points"]}
        given |= {f"{key}_pd_nsigma": 1.73205 if spread["shape"] == "rectangle" else 3}
    f, f2, radius, volume, _ = call_Fq(kernel, given | {"radius_effective_mode": mode})
    return {
        "values": values,
        "spread": spread,
        "f": [float(f"{x:.9g}") for x in np.asarray(f) * 1e2],
        "f2": [float(f"{x:.9g}") for x in np.asarray(f2) * 1e4],
        "radius": float(f"{radius:.9g}"),
        "volume": float(f"{volume:.9g}"),
    }


def main() -> None:
    """Write the file."""
    table: dict[str, Any] = {}
    for key, (name, mode, other) in MODELS.items():
        model = load_model(name, platform="dll", dtype="double").info.parameters
        defaults = {p.id: p.default for p in model.call_parameters if p.id in other}
        if name == "core_multi_shell":
            defaults = dict(other) | {"sld1": 1.7, "sld2": 1.7, "thickness1": 40.0, "thickness2": 40.0}
            defaults |= {"sld_core": 1.0, "radius": 200.0, "sld_solvent": 6.4}
        sets = [] if key == "triaxial_ellipsoid" else [reference(name, mode, defaults)]
        sets.append(reference(name, mode, other))
        for k, length in enumerate(one for one in other if one in lengths(name)):
            spread = {"name": length, "width": 0.08 + 0.03 * k, "shape": SHAPES[(k + len(table)) % 5], "points": 35}
            sets.append(reference(name, mode, other, spread))
        table[key] = sets
    record = {"origin": f"sasmodels {sasmodels.__version__}, double precision", "q": Q, "models": table}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
