"""whorl: measured scattering data in; ranked, refined, calibrated structures out.

>>> import whorl
>>> verdict = whorl.identify("Pt.gr")            # doctest: +SKIP
>>> verdict.candidates[0].name                   # doctest: +SKIP
'Pt (fcc)'

Nothing heavy is imported before a name of the API is used; the types stand in ``__init__.pyi``.
"""

from __future__ import annotations

__version__ = "0.1.0"

#: name of the API -> module that holds it
_HOMES = {
    "denoise": "whorl.api",
    "denoise_frame": "whorl.api",
    "emulate": "whorl.api",
    "export": "whorl.api",
    "identify": "whorl.api",
    "identify_many": "whorl.api",
    "quantify": "whorl.api",
    "quantify_by_references": "whorl.api",
    "read": "whorl.api",
    "read_structure": "whorl.api",
    "refine": "whorl.api",
    "refine_many": "whorl.api",
    "refine_series": "whorl.api",
    "simulate": "whorl.api",
    "solve": "whorl.api",
    "solve_pattern": "whorl.api",
    "suggest_measurement": "whorl.api",
    "write_measurement": "whorl.api",
    "write_structure": "whorl.api",
    "Cluster": "whorl.core.hypothesis",
    "Crystal": "whorl.core.hypothesis",
    "Site": "whorl.core.hypothesis",
    "Measurement": "whorl.core.measurement",
    "Verdict": "whorl.core.verdict",
    "WhorlError": "whorl.core.errors",
    "Workspace": "whorl.core.workspace",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - the keys are texts


def __getattr__(name: str) -> object:
    """Import a name of the API when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'whorl' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
