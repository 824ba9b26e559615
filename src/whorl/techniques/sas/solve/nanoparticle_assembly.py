"""Assembly of two kinds of nanoparticles: sizes, how densely they are packed, how much of either, mixed or segregated.

After C. M. Heil, A. Jayaraman, ACS Mater. Au 1, 140 (2021), doi:10.1021/acsmaterialsau.1c00015. A is the larger kind. The
structure is that of packed boxes (`whorl.physics.small_angle.scatterers.packing`), seen inside an assembly that is much larger
than the lowest q shows; amplitudes are those of spheres whose sizes are decoupled from their positions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.scatterers.mixture import mixture_intensity
from whorl.physics.small_angle.scatterers.packing import pack
from whorl.techniques.sas.solve import boxes
from whorl.techniques.sas.solve.genes import Gene
from whorl.techniques.sas.solve.geometry import Geometry, Options, Placed, Values

Array = NDArray[np.float64]


def _made(values: Values) -> tuple[float, float, float, float]:
    return (values["volume_fraction"], values["fraction_a"], values["size_ratio"], values["segregation"])


def _columns(q: Array, values: Values, options: Options) -> Array:
    del options
    diameter, made = values["diameter_a"], _made(values)
    phi, of_a, ratio, _ = made
    found = mixture_intensity(
        q * diameter,
        boxes.structure(q * diameter, made),
        diameters=(1.0, ratio),
        volume_fractions=(phi * of_a, phi * (1 - of_a)),
        contrasts=(1.0, values["contrast_b"]),
        width=values["width"],
    )
    return np.column_stack([np.maximum(found, 0.0), np.ones_like(q)])


def _place(rng: np.random.Generator, values: Values, options: Options, count: int) -> Placed:
    del options
    phi, of_a, ratio, segregation = _made(values)
    box = pack(rng, volume_fraction=phi, fraction_a=of_a, size_ratio=ratio, segregation=segregation, count=count)
    return Placed((box.positions - box.edge / 2) * values["diameter_a"], tuple("AB"[kind] for kind in box.kinds))


def _derived(values: Values) -> dict[str, tuple[float, str]]:
    return {"diameter_b": (values["diameter_a"] * values["size_ratio"], "angstrom")}


def _warn(genes: tuple[Gene, ...]) -> list[str]:
    span = {gene.name: (gene.low, gene.high) for gene in genes}
    out = [
        name
        for name, i in boxes.card().ranges.items()
        if not (i.low - 1e-9 <= span[name][0] and span[name][1] <= i.high + 1e-9)
    ]
    if not out:
        return []
    return [f"{', '.join(out)} may leave the ranges of the surrogate: boxes are then packed one by one, a second or two each"]


GEOMETRY = Geometry(
    key="nanoparticle-assembly",
    title="assembly of two kinds of nanoparticles",
    genes=(
        Gene("diameter_a", 30.0, 3000.0, "angstrom", "diameter of the larger kind A, mean", limits=(1.0, 1e6)),
        Gene("size_ratio", 0.5, 1.0, "1", "diameter of B over that of A", "uniform", (0.2, 1.0)),
        Gene("volume_fraction", 0.03, 0.47, "1", "of the particles in the assembly", "uniform", (0.001, 0.5)),
        Gene("fraction_a", 0.08, 0.92, "1", "share of A in the volume of the particles", "uniform", (0.02, 0.98)),
        Gene("segregation", 0.0, 0.95, "1", "0: mixed at random; 1: separate domains", "uniform", (0.0, 1.0)),
        Gene("contrast_b", 0.0, 2.0, "1", "contrast of B over that of A", "uniform", (-5.0, 5.0)),
        Gene("width", 0.0, 0.15, "1", "relative standard deviation of both diameters", "uniform", (0.0, 0.3)),
    ),
    columns=_columns,
    terms=("scale", "background"),
    place=_place,
    source="C. M. Heil, A. Jayaraman, ACS Mater. Au 1, 140 (2021), doi:10.1021/acsmaterialsau.1c00015",
    derived=_derived,
    warn=_warn,
)
