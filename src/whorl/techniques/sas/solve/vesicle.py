"""Vesicle: a hollow core, an inner layer A, a layer B, an outer layer A, and how the scatterers are shared among them.

The geometry of Z. Ye, Z. Wu, A. Jayaraman, JACS Au 1, 1925 (2021), doi:10.1021/jacsau.1c00305: the number of chains follows
from the volume of B, the part ``composition`` of every chain's scatterers lies in B, the part ``split`` of the others in the
inner layer. The core radius is distributed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.scatterers.placing import in_shell, shell_amplitude
from whorl.techniques.sas.solve import layers
from whorl.techniques.sas.solve.genes import Gene
from whorl.techniques.sas.solve.geometry import Geometry, Options, Placed, Values

Array = NDArray[np.float64]


def _radii(core: Array, values: Values) -> list[Array]:
    found = [core]
    for name in ("inner_a", "layer_b", "outer_a"):
        found.append(found[-1] + values[name])
    return found


def _columns(q: Array, values: Values, options: Options) -> Array:
    core, share = layers.sizes(values["core_radius"], values["width"], options)
    r = _radii(core, values)
    parts = layers.shares(values, values["composition"])
    amplitude = sum(part * shell_amplitude(q, r[k], r[k + 1]) for k, part in enumerate(parts))
    return layers.columns(q, np.asarray(amplitude), r[2] ** 3 - r[1] ** 3, share, values, options)


def _place(rng: np.random.Generator, values: Values, options: Options, count: int) -> Placed:
    del options
    r = [float(x[0]) for x in _radii(np.array([values["core_radius"]]), values)]
    numbers = [round(count * part) for part in layers.shares(values, values["composition"])]
    points = [in_shell(rng, n, r[k], r[k + 1]) for k, n in enumerate(numbers)]
    return Placed(np.vstack(points), ("A",) * numbers[0] + ("B",) * numbers[1] + ("A",) * numbers[2])


def _derived(values: Values) -> dict[str, tuple[float, str]]:
    wall = values["inner_a"] + values["layer_b"] + values["outer_a"]
    return {"wall": (wall, "angstrom"), "outer_radius": (values["core_radius"] + wall, "angstrom")}


GEOMETRY = Geometry(
    key="vesicle",
    title="vesicle of three layers",
    genes=(
        Gene("core_radius", 30.0, 600.0, "angstrom", "radius of the solvent-filled core, mean", limits=(1.0, 1e5)),
        Gene("inner_a", 20.0, 300.0, "angstrom", "thickness of the inner layer A", limits=(0.5, 1e4)),
        Gene("layer_b", 20.0, 300.0, "angstrom", "thickness of the layer B", limits=(0.5, 1e4)),
        Gene("outer_a", 20.0, 300.0, "angstrom", "thickness of the outer layer A", limits=(0.5, 1e4)),
        Gene("composition", 0.3, 0.9, "1", "part of the scatterers that lies in B", "uniform", (0.0, 1.0)),
        Gene("split", 0.05, 0.6, "1", "part of A's scatterers that lies in the inner layer", "uniform", (0.0, 1.0)),
        layers.width_gene("the core radius"),
        layers.bead_gene(),
    ),
    columns=_columns,
    terms=layers.TERMS,
    place=_place,
    source="Z. Ye, Z. Wu, A. Jayaraman, JACS Au 1, 1925 (2021), doi:10.1021/jacsau.1c00305",
    derived=_derived,
    options=layers.OPTIONS,
    prefer=layers.PREFER,
)
