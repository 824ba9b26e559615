"""What a phase has beside its geometry: the particle's envelope, correlated motion, and how phases hang together.

A core-shell particle is two phases of one centre: a sphere, and a shell around it whose hole is that sphere. Pairs of a core
atom and a shell atom have no common lattice; their distances are spread evenly and leave no peak in G(r).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.fitting.problem import Parameter
from whorl.physics import envelopes

Array = NDArray[np.float64]

SIZE_LIMITS = (6.0, 600.0)
THICKNESS_LIMITS = (1.0, 100.0)
#: envelopes of a finite crystal, with the parameter each has beside its diameter (equatorial, median, outer)
SHAPES = {"sphere": None, "spheroid": "polar_diameter", "lognormal": "size_spread", "shell": "thickness"}
#: parameters of a phase beside its geometry, in this order: diameter, second of the shape, delta1, delta2
EXTRA = 4
DIAMETER, SECOND, DELTA1, DELTA2 = range(EXTRA)


@dataclass(frozen=True)
class PhaseOptions:
    """What else of a phase varies.

    ``size``: start of the particle's diameter (angstrom), ``None`` for a bulk crystal; ``shape``: a key of `SHAPES`;
    ``aspect``: start of polar over equatorial diameter of a spheroid; ``motion``: the parameter of correlated motion that
    is refined, ``"delta2"``, ``"delta1"`` or none.

    ``thickness``: start of the thickness of a shell (angstrom). ``core``: number of the phase, a sphere, that fills the
    shell's hole: the shell's outer diameter then is the core's plus twice the thickness. ``by_volume``: the amount of the
    shell beside its core follows from their volumes and densities, instead of a scale of its own.
    """

    size: float | None = None
    size_free: bool = False
    shape: str = "sphere"
    aspect: float = 1.0
    motion: str | None = "delta2"
    motion_start: float = 1.5
    prefix: str = ""
    thickness: float = 8.0
    core: int | None = None
    by_volume: bool = False


def check_cores(options: Sequence[PhaseOptions]) -> None:
    """See that every core is there and can be one.

    Raises
    ------
    UsageError
        If a core is no other phase of finite spherical size, or only a shell without a core is sized by volume.
    """
    for number, option in enumerate(options):
        if option.core is None:
            if option.by_volume:
                raise UsageError("the amount by volume of a phase without a core", remedy="Name the phase of the core.")
            continue
        known = 0 <= option.core < len(options) and option.core != number
        core = options[option.core] if known else None
        if option.shape != "shell" or option.size is None or core is None or core.shape != "sphere" or core.size is None:
            raise UsageError(
                f"phase {number + 1} is no shell around a sphere",
                remedy="Give the core a finite size and the shape sphere, and the phase around it a size and the shape shell.",
            )


def envelope(option: PhaseOptions, r: Array, size: float, second: float) -> tuple[Array, Array, Array]:
    """gamma(r) of a phase and its derivatives by diameter and by the shape's second parameter, each of the shape of ``r``.

    Examples
    --------
    >>> r = np.array([0.0, 10.0, 20.0])
    >>> envelope(PhaseOptions(size=20.0, shape="shell"), r, 20.0, 10.0)[0].tolist()  # so thick that there is no hole
    [1.0, 0.3125, 0.0]
    """
    if option.size is None:
        return np.ones_like(r), np.zeros_like(r), np.zeros_like(r)
    if option.shape == "spheroid":
        return envelopes.spheroid(r, size, second)
    if option.shape == "lognormal":
        return envelopes.lognormal_spheres(r, size, second)
    if option.shape == "shell":
        value, by_inner, by_outer = envelopes.shell(r, max(size - 2 * second, 0.0), size)
        return value, by_inner + by_outer, -2 * by_inner
    gamma, slope = envelopes.sphere(r, size)
    return gamma, slope, np.zeros_like(r)


def own_parameters(option: PhaseOptions) -> list[Parameter]:
    """Parameters of a phase beside its geometry, `EXTRA` of them, without the phase's prefix."""
    start = float(np.clip(option.size or 50.0, *SIZE_LIMITS))
    out = [Parameter("diameter", start, *SIZE_LIMITS, "angstrom")]
    if option.shape == "lognormal":
        out.append(Parameter("size_spread", 0.2, 0.02, 0.8, "1", 0.2, 0.15))
    elif option.shape == "shell":
        out.append(Parameter("thickness", float(np.clip(option.thickness, *THICKNESS_LIMITS)), *THICKNESS_LIMITS, "angstrom"))
    else:
        polar = float(np.clip(start * option.aspect, *SIZE_LIMITS))
        out.append(Parameter("polar_diameter", polar, *SIZE_LIMITS, "angstrom"))
    for name, unit, high, spread in (("delta1", "angstrom", 2.0, 0.8), ("delta2", "angstrom^2", 8.0, 2.0)):
        value = option.motion_start if option.motion == name else 0.0
        out.append(Parameter(name, min(value, high), 0.0, high, unit, 1.5 if name == "delta2" else 0.5, spread))
    return [replace(p, name=option.prefix + p.name) for p in out]


def held(option: PhaseOptions, name: str) -> bool:
    """Tell whether a parameter of a phase keeps its value (or follows from others) under these options."""
    bare = name.removeprefix(option.prefix)
    if bare in {"delta1", "delta2"}:
        return bare != option.motion
    if bare in {"polar_diameter", "size_spread", "thickness"}:
        return not option.size_free or bare != SHAPES[option.shape]
    return bare == "diameter" and (not option.size_free or option.core is not None)
