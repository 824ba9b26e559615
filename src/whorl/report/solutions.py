"""The distribution of solutions of `solve`: a section of the report with histograms, and files for other programs."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whorl.core.atomic import write_atomic
from whorl.core.hypothesis import Cluster
from whorl.core.verdict import Solutions, StructureFile, Verdict
from whorl.formats.xyz_write import xyz_text
from whorl.report.colours import PALETTE
from whorl.report.markup import Child, Markup, table, tag
from whorl.report.notation import MISSING, format_interval, format_su, pretty_unit
from whorl.report.sections import section, wide
from whorl.report.storage import safe_stem
from whorl.report.vector import new_figure, quiet_axes, styled, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACROSS, _BINS = 4, 18


def solutions(verdict: Verdict) -> Markup | None:
    """Section on all solutions that explain the data about as well."""
    found = verdict.solutions
    if found is None or not found.rows:
        return None
    level = next((q.level for q in verdict.parameters.values()), 0.9)
    rows: list[list[Child]] = [
        [
            name,
            format_su(q.value, q.sigma),
            MISSING if q.interval is None else format_interval(*q.interval),
            pretty_unit(q.unit) or MISSING,
        ]
        for name, q in verdict.parameters.items()
    ]
    values = table(
        "Best solution and the interval of the ensemble", ["Gene", "Best", f"{level:.0%} interval", "Unit"], rows,
        numeric=frozenset({1, 2}), class_="fit", hide_caption=True,
    )  # fmt: skip
    text = f"Histograms of {len(found.rows)} solutions for {', '.join(found.names)}."
    drawing = to_svg(histograms(found, verdict), "Distribution of solutions", text, "ens")
    lead = (
        f"{len(found.rows)} solutions drawn with their probability, all of which explain the data about as well: Rw "
        f"{min(found.misfit):.4f} to {max(found.misfit):.4f}. The line marks the best."
    )
    return section("solutions", "All solutions", tag("p", lead), values, tag("figure", wide(drawing, "Histograms")))


def histograms(found: Solutions, verdict: Verdict) -> Figure:
    """One small histogram for each gene."""
    columns = np.array(found.rows).T
    down = -(-len(found.names) // _ACROSS)
    with styled():
        figure = new_figure(8.0, 1.5 * down + 0.2)
        for k, (name, unit, values) in enumerate(zip(found.names, found.units, columns, strict=True)):
            axes = figure.add_subplot(down, _ACROSS, k + 1)
            axes.hist(values, bins=_BINS, color=PALETTE["data"])
            if name in verdict.parameters:
                axes.axvline(verdict.parameters[name].value, color=PALETTE["fit"])
            quiet_axes(axes)
            axes.set_yticks([])
            axes.set_xlabel(name if unit == "1" else f"{name} ({pretty_unit(unit)})")
        figure.tight_layout()
    return figure


def write_solutions(verdict: Verdict, folder: str | Path) -> Verdict:
    """Write the scatterers of a verdict (.xyz) and its ensemble (.csv), and give the verdict that names them.

    Raises
    ------
    WhorlError
        If a file cannot be written.
    """
    best = verdict.best
    if best is None:
        return verdict
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stem = safe_stem(Path(verdict.file.replace("\\", "/")).stem) or "solution"
    files: list[StructureFile] = []
    for number, structure in enumerate(best.structures, 1):
        if isinstance(structure, Cluster):
            path = folder / f"{stem}-{number}.xyz"
            write_atomic(path, xyz_text(structure))
            meaning = "scatterers: O for kind A, C for kind B"
            files.append(StructureFile(path=str(path), name=structure.name, atoms=len(structure.symbols), meaning=meaning))
    if verdict.solutions is not None:
        write_atomic(folder / f"{stem}-solutions.csv", ensemble_text(verdict.solutions))
    return verdict.model_copy(update={"structures": files})


def ensemble_text(found: Solutions) -> str:
    r"""Ensemble as CSV, units in the head.

    Examples
    --------
    >>> ensemble_text(Solutions(names=["radius"], units=["angstrom"], rows=[[50.0]], misfit=[0.01]))
    'radius (angstrom),rw\r\n50.0,0.01\r\n'
    """
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([*(n if u == "1" else f"{n} ({u})" for n, u in zip(found.names, found.units, strict=True)), "rw"])
    writer.writerows([*row, misfit] for row, misfit in zip(found.rows, found.misfit, strict=True))
    return stream.getvalue()
