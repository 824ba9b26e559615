"""Spherical micelle: a core B and a corona A, and how the scatterers are shared between them.

The geometry of D. J. Beltran-Villegas et al., J. Am. Chem. Soc. 141, 14916 (2019), doi:10.1021/jacs.9b08028. The core radius is
distributed; the number of chains goes with the volume of the core.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.scatterers.placing import in_shell, shell_amplitude
from whorl.techniques.sas.solve import layers
from whorl.techniques.sas.solve.genes import Gene
from whorl.techniques.sas.solve.geometry import Geometry, Options, Placed, Values

Array = NDArray[np.float64]


def _columns(q: Array, values: Values, options: Options) -> Array:
    core, share = layers.sizes(values["core_radius"], values["width"], options)
    inside = values["composition"]
    amplitude = inside * shell_amplitude(q, 0 * core, core)
    amplitude += (1 - inside) * shell_amplitude(q, core, core + values["corona"])
    return layers.columns(q, amplitude, core**3, share, values, options)


def _place(rng: np.random.Generator, values: Values, options: Options, count: int) -> Placed:
    del options
    radius, inside = values["core_radius"], round(count * values["composition"])
    points = [in_shell(rng, inside, 0.0, radius), in_shell(rng, count - inside, radius, radius + values["corona"])]
    return Placed(np.vstack(points), ("B",) * inside + ("A",) * (count - inside))


def _derived(values: Values) -> dict[str, tuple[float, str]]:
    return {"outer_radius": (values["core_radius"] + values["corona"], "angstrom")}


GEOMETRY = Geometry(
    key="micelle",
    title="spherical micelle",
    genes=(
        Gene("core_radius", 10.0, 600.0, "angstrom", "radius of the core, mean", limits=(1.0, 1e5)),
        Gene("corona", 5.0, 400.0, "angstrom", "thickness of the corona", limits=(0.5, 1e4)),
        Gene("composition", 0.1, 0.95, "1", "part of the scatterers that lies in the core", "uniform", (0.0, 1.0)),
        layers.width_gene("the core radius"),
        layers.bead_gene(),
    ),
    columns=_columns,
    terms=layers.TERMS,
    place=_place,
    source="D. J. Beltran-Villegas et al., J. Am. Chem. Soc. 141, 14916 (2019), doi:10.1021/jacs.9b08028",
    derived=_derived,
    options=layers.OPTIONS,
    prefer=layers.PREFER,
)
