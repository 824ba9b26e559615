"""A series as columns: for every frame its coordinate, best phase, Rw, probability of none, and parameters with sigma."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.verdict import Verdict
from whorl.report.colours import PALETTE
from whorl.report.notation import pretty_label, pretty_unit
from whorl.report.vector import new_figure, plain, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

#: shapes that tell phases apart without colour
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
#: names in the table for frames without a phase
NONE, FAILED = "none of these", "no answer"


@dataclass(frozen=True)
class Column:
    """One parameter over the frames: values and sigmas, shape (frames,), NaN where a frame has none; unit in whorl's words."""

    values: Array
    sigmas: Array
    unit: str = "1"


@dataclass(frozen=True)
class SeriesTable:
    """A series by columns.

    ``coordinate`` (frames,) with its ``label``; ``phases`` best candidate of each frame (`NONE` or `FAILED` where there is
    none); ``columns`` by parameter name, Rw and probability of none first.
    """

    coordinate: Array
    label: str
    phases: tuple[str, ...]
    columns: dict[str, Column] = field(default_factory=dict)

    @property
    def ranking(self) -> list[str]:
        """Phases, the most frequent first, without frames that have none."""
        counts = Counter(p for p in self.phases if p not in {NONE, FAILED})
        return [name for name, _ in counts.most_common()]

    def role(self, phase: str) -> str:
        """Palette entry of a phase."""
        ranking = self.ranking
        return f"phase-{ranking.index(phase) + 1}" if phase in ranking[: len(MARKERS)] else "phase-other"

    def runs(self) -> list[tuple[int, int, str]]:
        """Stretches of frames with one best phase: (first, last, phase)."""
        found: list[tuple[int, int, str]] = []
        for i, phase in enumerate(self.phases):
            if found and found[-1][2] == phase:
                found[-1] = (found[-1][0], i, phase)
            else:
                found.append((i, i, phase))
        return found


def series_table(verdicts: Sequence[Verdict], coordinate: Array | None = None, label: str = "frame") -> SeriesTable:
    """Collect a series of verdicts into columns.

    Parameters
    ----------
    verdicts : sequence of Verdict
        One per frame.
    coordinate : array, shape (frames,), optional
        What changed from frame to frame; the frame number when not given.
    label : str
        Name and unit of the coordinate, such as ``"temperature (kelvin)"``.

    Raises
    ------
    UsageError
        If there is not one coordinate per verdict.

    Examples
    --------
    >>> t = series_table([Verdict(whorl="0", task="identify", file="a.gr")])
    >>> t.phases, t.coordinate.tolist()
    (('none of these',), [0.0])
    """
    n = len(verdicts)
    position = np.arange(n, dtype=np.float64) if coordinate is None else np.asarray(coordinate, dtype=np.float64)
    if position.shape != (n,):
        raise UsageError(f"{position.size} coordinates for {n} frames", remedy="Give one coordinate per frame.")
    columns: dict[str, Column] = {name: _empty(n) for name in ("Rw", "none of these")}
    phases = []
    for i, verdict in enumerate(verdicts):
        best = verdict.best
        phases.append(FAILED if verdict.error is not None else NONE if best is None or verdict.is_none else best.name)
        if verdict.none_probability is not None:
            columns["none of these"].values[i] = verdict.none_probability
        if best is None:
            continue
        columns["Rw"].values[i] = best.rw
        for name, quantity in best.parameters.items():
            column = columns.setdefault(name, _empty(n, quantity.unit))
            column.values[i] = quantity.value
            column.sigmas[i] = np.nan if quantity.sigma is None else quantity.sigma
        if len(best.phases) > 1:
            for phase in best.phases:
                column = columns.setdefault(f"fraction of {phase.name}", _empty(n))
                column.values[i] = phase.weight_fraction.value
                column.sigmas[i] = np.nan if phase.weight_fraction.sigma is None else phase.weight_fraction.sigma
    return SeriesTable(position, label, tuple(phases), columns)


def _empty(n: int, unit: str = "1") -> Column:
    return Column(np.full(n, np.nan), np.full(n, np.nan), unit)


def varying(table: SeriesTable) -> list[str]:
    """Columns worth a plot: with at least two values, and refined or changing."""
    found = []
    for name, column in table.columns.items():
        values = column.values[np.isfinite(column.values)]
        if values.size >= 2 and (np.ptp(values) > 0 or np.isfinite(column.sigmas).any()):
            found.append(name)
    return found


def parameter_figure(table: SeriesTable, names: Sequence[str] | None = None, *, width: float = 10.0) -> Figure:
    """Draw parameters against the coordinate, one small panel each, points coloured and shaped by best phase.

    Parameters
    ----------
    table : SeriesTable
    names : sequence of str, optional
        Columns to draw; all that vary when not given, at most 16.
    width : float
        Inches; each panel is 1.75 high.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> a = Column(np.array([1, 2, 3.0]), np.full(3, 0.1), "angstrom")
    >>> t = SeriesTable(np.arange(3.0), "frame", ("A", "A", "B"), {"a": a})
    >>> len(parameter_figure(t).axes)
    1
    """
    chosen = [n for n in (varying(table) if names is None else names) if n in table.columns][:16]
    across = 2 if len(chosen) > 1 else 1
    down = max(1, -(-len(chosen) // across))
    height = 1.75 * down + 0.45
    with styled():
        figure = new_figure(width, height)
        for k, name in enumerate(chosen):
            row, column = divmod(k, across)
            left, wide = 0.62 / width + column * 0.505, (0.48 if across == 2 else 0.985) - 0.62 / width
            axes = figure.add_axes((left, (0.5 + 1.75 * (down - 1 - row)) / height, wide, 1.3 / height))
            _panel(axes, table, name)
            if k + across >= len(chosen):
                axes.set_xlabel(plain(pretty_label(table.label)))
            else:
                axes.set_xticklabels([])
        return figure


def _panel(axes: Axes, table: SeriesTable, name: str) -> None:
    column = table.columns[name]
    ranking = table.ranking
    size = 4.0 if len(table.phases) <= 120 else 2.2
    for phase in dict.fromkeys(table.phases):
        chosen = np.array([p == phase for p in table.phases]) & np.isfinite(column.values)
        if not chosen.any():
            continue
        marker = MARKERS[ranking.index(phase)] if phase in ranking[: len(MARKERS)] else "x"
        axes.errorbar(
            table.coordinate[chosen],
            column.values[chosen],
            yerr=np.nan_to_num(column.sigmas[chosen]) if np.isfinite(column.sigmas[chosen]).any() else None,
            fmt=marker,
            ms=size,
            lw=0,
            elinewidth=0.8,
            color=PALETTE[table.role(phase)],
        )
    span = float(np.ptp(table.coordinate)) or 1.0
    axes.set_xlim(float(table.coordinate.min()) - 0.02 * span, float(table.coordinate.max()) + 0.02 * span)
    axes.locator_params(axis="y", nbins=4)
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    axes.tick_params(length=3.5, width=0.8)
    unit = pretty_unit(column.unit)
    axes.set_title(plain(f"{name} ({unit})" if unit else name), loc="left", fontsize=9.5, pad=4)
