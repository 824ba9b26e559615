"""Fibril: a long straight cylinder of a core B and a shell A, and how the scatterers are shared between them.

After M. G. Wessels, A. Jayaraman, Macromolecules 54, 783 (2021), doi:10.1021/acs.macromol.0c02265. The intensity is that of a
thin rod times that of the cross-section (`whorl.physics.small_angle.scatterers.placing.rod_factor`), which needs a length of
many radii. The core radius is distributed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.scatterers.placing import in_tube, ring_amplitude, rod_factor
from whorl.techniques.sas.solve import layers
from whorl.techniques.sas.solve.genes import Gene
from whorl.techniques.sas.solve.geometry import Geometry, Options, Placed, Values

Array = NDArray[np.float64]


def _columns(q: Array, values: Values, options: Options) -> Array:
    core, share = layers.sizes(values["core_radius"], values["width"], options)
    inside = values["composition"]
    section = inside * ring_amplitude(q, 0 * core, core)
    section += (1 - inside) * ring_amplitude(q, core, core + values["shell"])
    found = layers.columns(q, section, core**2, share, values, options)
    found[:, 0] *= rod_factor(q, values["length"])
    return found


def _place(rng: np.random.Generator, values: Values, options: Options, count: int) -> Placed:
    del options
    radius, inside, length = values["core_radius"], round(count * values["composition"]), values["length"]
    outside = in_tube(rng, count - inside, radius, radius + values["shell"], length)
    points = [in_tube(rng, inside, 0.0, radius, length), outside]
    return Placed(np.vstack(points), ("B",) * inside + ("A",) * (count - inside))


def _derived(values: Values) -> dict[str, tuple[float, str]]:
    return {"outer_radius": (values["core_radius"] + values["shell"], "angstrom")}


GEOMETRY = Geometry(
    key="fibril",
    title="straight fibril",
    genes=(
        Gene("core_radius", 5.0, 300.0, "angstrom", "radius of the core, mean", limits=(1.0, 1e5)),
        Gene("shell", 3.0, 200.0, "angstrom", "thickness of the shell", limits=(0.5, 1e4)),
        Gene("length", 200.0, 20000.0, "angstrom", "length", limits=(10.0, 1e7)),
        Gene("composition", 0.1, 0.95, "1", "part of the scatterers that lies in the core", "uniform", (0.0, 1.0)),
        layers.width_gene("the core radius"),
        layers.bead_gene(),
    ),
    columns=_columns,
    terms=layers.TERMS,
    place=_place,
    source="M. G. Wessels, A. Jayaraman, Macromolecules 54, 783 (2021), doi:10.1021/acs.macromol.0c02265",
    derived=_derived,
    options=layers.OPTIONS,
    prefer=layers.PREFER,
)
