"""Structures from small-angle curves by genes: the geometries that are known, and the problem that a curve poses with one.

To add a geometry, write its file with ``GEOMETRY`` and name it in `_FILES`.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

from whorl.core.errors import UsageError
from whorl.techniques.sas.solve.geometry import Geometry
from whorl.techniques.sas.solve.problem import SolveProblem, problems

__all__ = ["KEYS", "Geometry", "SolveProblem", "find_geometry", "problems"]

_FILES = {
    "micelle": "micelle",
    "vesicle": "vesicle",
    "fibril": "fibril",
    "nanoparticle-assembly": "nanoparticle_assembly",
}
#: names of the built-in geometries
KEYS = tuple(_FILES)


def find_geometry(name: str) -> Geometry:
    """Give a built-in geometry by its name, or one of a TOML file by its path.

    Raises
    ------
    UsageError
        If there is none of that name.
    StructureError
        If the file is no geometry.

    Examples
    --------
    >>> find_geometry("vesicle").genes[0].name
    'core_radius'
    """
    if name in _FILES:
        found: Geometry = import_module(f"whorl.techniques.sas.solve.{_FILES[name]}").GEOMETRY
        return found
    if name.lower().endswith(".toml"):
        from whorl.techniques.sas.solve.custom import read_geometry

        return read_geometry(name)
    close = get_close_matches(name, KEYS, n=1)
    remedy = f"Did you mean {close[0]!r}?" if close else f"Use one of {', '.join(KEYS)}, or a TOML file."
    raise UsageError(f"no geometry {name!r}", where="--geometry", remedy=remedy)
