"""Every model of sasmodels as a model of ours: ``"sasmodels:raspberry"`` (the extra ``sas``; it needs a C compiler).

What is not known of their parameters is taken from their type: lengths of the volume may go from a twentieth of the default to
twenty times it, scattering length densities are held but for shells, integers (numbers of shells) are held. Orientation and
magnetism are left out: the average over all orientations is what a curve shows.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import MissingExtraError, UsageError
from whorl.core.lazy import need
from whorl.physics.small_angle.averages import TO_CM, Averages, Sizes
from whorl.physics.small_angle.model import Model, ModelParameter

Array = NDArray[np.float64]

PREFIX = "sasmodels:"
_FAR, _FARTHER = 20.0, 1000.0
_UNITS = {"Ang": "angstrom", "1e-6/Ang^2": "1e-6/angstrom^2", "1/Ang": "1/angstrom", "": "1"}
#: shells and the like, whose contrast one curve tells beside that of the rest
_SHELLS = ("shell", "rim", "face", "tail", "head", "layer")
_INVERSE = "1/Ang"


@lru_cache(maxsize=64)
def adapt(name: str) -> Model:
    """Give a model of sasmodels.

    Parameters
    ----------
    name : str
        As sasmodels calls it, without the prefix.

    Raises
    ------
    MissingExtraError
        If sasmodels is not installed, or cannot compile.
    UsageError
        If it has no such model.
    """
    os.environ.setdefault("SAS_OPENCL", "none")
    core = need("sasmodels.core", extra="sas")
    known = core.list_models()
    if name not in known:
        from difflib import get_close_matches

        close = get_close_matches(name, known, n=1)
        raise UsageError(
            f"sasmodels has no model {name!r}",
            remedy=f"Did you mean {PREFIX}{close[0]}?" if close else "See its documentation.",
        )
    try:
        loaded = core.load_model(name, platform="dll")
    except Exception as error:
        raise MissingExtraError(
            f"sasmodels could not compile {name} ({error})", remedy="Install a C compiler: apt install gcc libc6-dev."
        ) from error
    info = loaded.info
    particle = str(info.category).startswith("shape:") or bool(info.have_Fq)
    beyond = _beyond(info)
    parameters = tuple(
        _parameter(p, there=p.name not in beyond)
        for p in info.parameters.call_parameters
        if p.name not in ("scale", "background") and _told(p)
    )
    return Model(
        PREFIX + name,
        str(info.title) or name,
        str(info.category).partition(":")[2] or "general",
        _Kernel(loaded, particle=particle),
        parameters,
        "sasmodels (P. Kienzle et al., SasView), the model's own page",
        particle=particle,
        candidate=False,
    )


class _Kernel:
    """A kernel of ours around one of theirs."""

    def __init__(self, loaded: Any, *, particle: bool) -> None:
        self._loaded, self._particle = loaded, particle
        self._q: Array | None = None
        self._made: Any = None

    def __call__(self, q: Array, **values: float | Sizes) -> Averages | Array:
        direct = need("sasmodels.direct_model", extra="sas")
        if self._q is None or self._q.shape != q.shape or not np.array_equal(self._q, q):
            self._q, self._made = q.copy(), self._loaded.make_kernel([q])
        spread = {name: v for name, v in values.items() if isinstance(v, Sizes)}
        fixed = {name: v for name, v in values.items() if not isinstance(v, Sizes)} | {"scale": 1.0, "background": 0.0}
        if not self._particle:
            return np.asarray(direct.call_kernel(self._made, fixed), dtype=np.float64).copy()
        total = np.zeros((2, q.size))
        volume = radius = 0.0
        for point in product(*(zip(s.values, s.weights, strict=True) for s in spread.values())):
            sizes = {name: float(value) for name, (value, _) in zip(spread, point, strict=True)}
            weight = float(np.prod([w for _, w in point]))
            f, f2, r, v = self._one(direct, fixed | sizes)
            total += weight * np.vstack([f, f2])
            volume += weight * v
            radius += weight * (r or float(np.cbrt(3 * v / (4 * np.pi))))
        return Averages(total[0], total[1], volume, radius)

    def _one(self, direct: Any, values: Mapping[str, float]) -> tuple[Array, Array, float, float]:
        f, f2, radius, volume, _ = direct.call_Fq(self._made, {**values, "radius_effective_mode": 1})
        squared = np.asarray(f2, dtype=np.float64) / TO_CM
        amplitude = np.sqrt(np.maximum(squared, 0.0)) if f is None else np.asarray(f, dtype=np.float64) / np.sqrt(TO_CM)
        return amplitude, squared, float(radius), float(volume)


def _told(p: Any) -> bool:
    return p.type not in ("orientation", "magnetic") and not p.name.startswith("up_")


def _beyond(info: Any) -> set[str]:
    """Names of what belongs to shells that are not there at the default number of shells."""
    defaults = {p.name: p.default for p in info.parameters.kernel_parameters}
    return {
        f"{p.id}{k}"
        for p in info.parameters.kernel_parameters
        if p.length > 1 and p.length_control
        for k in range(int(defaults.get(p.length_control, 1)) + 1, p.length + 1)
    }


def _parameter(p: Any, *, there: bool) -> ModelParameter:
    low, high = (float(np.clip(v, -1e6, 1e6)) for v in p.limits)
    default = float(p.default)
    length, contrast = p.units == "Ang", p.type == "sld"
    whole = p.name.startswith(("n", "level", "num")) and default == int(default) and p.units == ""
    if default > 0 and low >= 0 and not contrast:
        typical = (max(default / _FAR, low), min(default * _FAR, high))
        low = max(low, default / _FARTHER)
        law = "log-uniform"
    else:
        room = max(abs(default), 1.0) * (3 if contrast else 2)
        typical = (max(default - room, low), min(default + room, high))
        law = "uniform"
    free = there and not whole and (not contrast or any(word in p.name for word in _SHELLS))
    return ModelParameter(
        p.name,
        default,
        (low, high),
        typical,
        _UNITS.get(p.units, p.units),
        law,  # type: ignore[arg-type]
        "length" if length else "contrast" if contrast else "shape",
        spreads=bool(p.polydisperse) and length,
        free=free and p.units != _INVERSE,
        meaning=str(p.description or ""),
    )
