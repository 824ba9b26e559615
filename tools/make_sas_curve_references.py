"""Write the reference curves of ``tests/physics/small_angle/data/curves.json``, computed by sasmodels.

Run it where sasmodels is installed (``pip install 'whorl[sas]'``)::

    .venv/bin/python tools/make_sas_curve_references.py

Models that are no particles, structure factors, and particles with structure factors, each with its defaults and with other
parameters; particles are in ``make_sas_references.py``. Cubic paracrystals are there with a wide distribution of distances and
where the mesh of sasmodels has converged.
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
from sasmodels.direct_model import call_kernel

OUT = Path(__file__).resolve().parents[1] / "tests" / "physics" / "small_angle" / "data" / "curves.json"
Q = (0.003, 0.01, 0.03, 0.08, 0.2, 0.5)

#: model: parameters besides the defaults, and beyond
MODELS: dict[str, dict[str, float]] = {
    "lamellar": {"thickness": 33.0, "sld": 0.4, "sld_solvent": 6.2},
    "lamellar_hg": {"length_tail": 12.0, "length_head": 7.5, "sld": -0.3, "sld_head": 2.4, "sld_solvent": 6.4},
    "lamellar_stack_paracrystal": {"thickness": 28.0, "Nlayers": 7.4, "d_spacing": 71.0, "sigma_d": 0.13, "sld": 0.2},
    "lamellar_stack_caille": {"thickness": 31.0, "Nlayers": 12.0, "d_spacing": 88.0, "Caille_parameter": 0.31},
    "mono_gauss_coil": {"i_zero": 3.0, "rg": 41.0},
    "poly_gauss_coil": {"i_zero": 5.0, "rg": 62.0, "polydispersity": 1.3},
    "polymer_excl_volume": {"rg": 130.0, "porod_exp": 1.71},
    "flexible_cylinder": {"length": 4300.0, "kuhn_length": 260.0, "radius": 24.0, "sld": 0.6, "sld_solvent": 6.1},
    "star_polymer": {"rg_squared": 3600.0, "arms": 5.0},
    "dab": {"cor_length": 210.0},
    "lorentz": {"cor_length": 17.0},
    "teubner_strey": {"volfraction_a": 0.3, "sld_a": 0.1, "sld_b": 6.0, "d": 240.0, "xi": 110.0},
    "correlation_length": {
        "lorentz_scale": 2.0,
        "porod_scale": 3e-5,
        "cor_length": 31.0,
        "porod_exp": 2.7,
        "lorentz_exp": 1.8,
    },
    "fractal": {"volfraction": 0.02, "radius": 11.0, "fractal_dim": 1.7, "cor_length": 640.0, "sld_block": 3.0},
    "mass_fractal": {"radius": 7.0, "fractal_dim_mass": 2.3, "cutoff_length": 410.0},
    "surface_fractal": {"radius": 5.0, "fractal_dim_surf": 2.4, "cutoff_length": 9000.0},
    "mass_surface_fractal": {"fractal_dim_mass": 2.1, "fractal_dim_surf": 2.6, "rg_cluster": 900.0, "rg_primary": 33.0},
    "guinier_porod": {"rg": 21.0, "s": 0.4, "porod_exp": 3.6},
    "broad_peak": {
        "porod_scale": 4e-6,
        "porod_exp": 3.2,
        "peak_scale": 1.5,
        "correlation_length": 90.0,
        "peak_pos": 0.043,
        "width_exp": 2.6,
        "shape_exp": 1.1,
    },
    "power_law": {"power": 3.3},
}
#: models of other names in sasmodels
UNIFIED: dict[str, dict[str, float]] = {
    "unified": {"rg1": 44.0, "power1": 3.1, "B1": 2e-4, "G1": 120.0},
    "unified_2": {
        "rg1": 460.0,
        "power1": 2.2,
        "B1": 3e-3,
        "G1": 2e4,
        "rg2": 27.0,
        "power2": 3.9,
        "B2": 1e-5,
        "G2": 9.0,
    },
}
PARACRYSTALS: dict[str, tuple[dict[str, float], tuple[float, ...]]] = {
    "sc_paracrystal": (
        {"dnn": 180.0, "d_factor": 0.15, "radius": 55.0, "sld": 3.0, "sld_solvent": 1.0},
        (0.025, 0.0349, 0.05, 0.07),
    ),
    "bcc_paracrystal": (
        {"dnn": 180.0, "d_factor": 0.2, "radius": 60.0, "sld": 3.0, "sld_solvent": 1.0},
        (0.0427, 0.06, 0.08, 0.1),
    ),
    "fcc_paracrystal": (
        {"dnn": 180.0, "d_factor": 0.2, "radius": 60.0, "sld": 3.0, "sld_solvent": 1.0},
        (0.0427, 0.06, 0.08, 0.1),
    ),
}
STRUCTURE_FACTORS: dict[str, dict[str, float]] = {
    "hardsphere": {"radius_effective": 31.0, "volfraction": 0.43},
    "stickyhardsphere": {"radius_effective": 44.0, "volfraction": 0.28, "perturb": 0.02, "stickiness": 0.17},
    "hayter_msa": {
        "radius_effective": 31.0,
        "volfraction": 0.11,
        "charge": 27.0,
        "temperature": 298.0,
        "concentration_salt": 0.01,
        "dielectconst": 78.4,
    },
    "squarewell": {"radius_effective": 33.0, "volfraction": 0.07, "welldepth": 0.8, "wellwidth": 1.35},
}
#: (particles, structure factor, parameters, whether decoupled)
TOGETHER: tuple[tuple[str, str, dict[str, float], bool], ...] = (
    ("sphere", "hardsphere", {"radius": 50.0, "volfraction": 0.3, "radius_pd": 0.15}, True),
    ("sphere", "hardsphere", {"radius": 50.0, "volfraction": 0.3, "radius_pd": 0.15}, False),
    (
        "ellipsoid",
        "hayter_msa",
        {"radius_polar": 18.0, "radius_equatorial": 27.0, "volfraction": 0.04, "charge": 22.0},
        True,
    ),
)


def computed(name: str, values: dict[str, Any], q: tuple[float, ...] = Q) -> dict[str, Any]:
    """Compute a curve at scale 1 without a background."""
    kernel = load_model(name, platform="dll", dtype="double").make_kernel([np.array(q)])
    found = call_kernel(kernel, values | {"scale": 1.0, "background": 0.0})
    return {"values": values, "q": q, "intensity": [float(f"{x:.10g}") for x in np.asarray(found)]}


def main() -> None:
    """Write the file."""
    models: dict[str, Any] = {}
    for key, other in MODELS.items():
        table = load_model(key, platform="dll").info.parameters.kernel_parameters
        defaults = {p.id: p.default for p in table if p.type != "orientation"}
        models[key] = [computed(key, defaults), computed(key, defaults | other)]
    for level, (key, values) in enumerate(UNIFIED.items(), start=1):
        models[key] = [computed("unified_power_Rg", values | {"level": level})]
    for key, (values, q) in PARACRYSTALS.items():
        models[key] = [computed(key, values, q)]
    factors = {}
    for key, other in STRUCTURE_FACTORS.items():
        table = load_model(key, platform="dll").info.parameters.kernel_parameters
        defaults = {p.id: p.default for p in table}
        factors[key] = [computed(key, defaults), computed(key, other)]
    together = []
    for particle, factor, values, decoupled in TOGETHER:
        given = values | {"structure_factor_mode": int(decoupled), "radius_effective_mode": 1 if particle == "sphere" else 2}
        if "radius_pd" in given:
            given |= {"radius_pd_type": "gaussian", "radius_pd_n": 35, "radius_pd_nsigma": 3}
        row = computed(f"{particle}@{factor}", given)
        together.append({"particle": particle, "factor": factor, "decoupled": decoupled, **row, "values": values})
    record = {
        "origin": f"sasmodels {sasmodels.__version__}, double precision",
        "models": models,
        "structure_factors": factors,
        "together": together,
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
