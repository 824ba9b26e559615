"""Faces of an answer for people and for other programs: pages, plots, tables, columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whorl.report.notation import format_su

if TYPE_CHECKING:
    from whorl.report.curves import write_curves
    from whorl.report.series import write_series_report
    from whorl.report.single import write_report
    from whorl.report.tables import TableWriter

__all__ = ["TableWriter", "format_su", "write_curves", "write_report", "write_series_report"]

_HOMES = {"TableWriter": "tables", "write_curves": "curves", "write_report": "single", "write_series_report": "series"}


def __getattr__(name: str) -> Any:
    """Load a part when it is asked for: a table needs no plots."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
