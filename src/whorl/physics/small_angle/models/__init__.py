"""Models of small-angle scattering by key. To add one: a file beside its siblings with ``MODEL`` or ``MODELS``, a line here."""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from functools import lru_cache

from whorl.core.errors import UsageError
from whorl.physics.small_angle.from_sasmodels import PREFIX, adapt
from whorl.physics.small_angle.model import Model

#: files that hold models, in the order of the tables
_FILES = (
    "sphere",
    "core_shell_sphere",
    "cylinder",
    "hollow_cylinder",
    "core_shell_cylinder",
    "ellipsoid",
    "core_shell_ellipsoid",
    "parallelepiped",
    "lamellar",
    "lamellar_hg",
    "lamellar_stack_paracrystal",
    "lamellar_stack_caille",
    "gauss_coil",
    "polymer_excl_volume",
    "flexible_cylinder",
    "star_polymer",
    "dab",
    "lorentz",
    "teubner_strey",
    "correlation_length",
    "fractal",
    "mass_fractal",
    "surface_fractal",
    "mass_surface_fractal",
    "guinier_porod",
    "broad_peak",
    "power_law",
    "unified",
    "paracrystal",
    "hexagonal_cylinders",
)


@lru_cache(maxsize=1)
def _all() -> dict[str, Model]:
    out: dict[str, Model] = {}
    for name in _FILES:
        module = importlib.import_module(f"{__name__}.{name}")
        found: tuple[Model, ...] = getattr(module, "MODELS", ()) or (module.MODEL,)
        out |= {model.key: model for model in found}
    return out


def all_models() -> tuple[Model, ...]:
    """Give every model.

    Examples
    --------
    >>> all_models()[0].key
    'sphere'
    """
    return tuple(_all().values())


def find_model(key: str) -> Model:
    """Give the model of a key; ``"sasmodels:NAME"`` is one of sasmodels.

    Raises
    ------
    UsageError
        If there is none.

    Examples
    --------
    >>> find_model("sphere")["radius"].spreads
    True
    """
    if key.startswith(PREFIX):
        return adapt(key.removeprefix(PREFIX))
    models = _all()
    if key not in models:
        close = get_close_matches(key, models, n=1)
        raise UsageError(
            f"no model {key!r}", remedy=f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(models)}."
        )
    return models[key]
