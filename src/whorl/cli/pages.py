"""Reports of a batch: a page per input, written where the input was worked on, and one page over all of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import WhorlError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.report import write_report, write_series_report
from whorl.report.storage import safe_stem
from whorl.tasks.inputs import Item, load

_MOST_MEASURED = 2000  # longer series show the fitted curves, which are at hand


@dataclass(frozen=True)
class PageWriter:
    """Writes the page of a verdict; sent to the workers.

    Inputs whose pages would have one name, and frames of a series, get a folder each, so that workers never write one file.

    Parameters
    ----------
    folder : Path
    own : mapping of str to str
        Name of an input to its folder within ``folder``.
    """

    folder: Path
    own: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, verdict: Verdict, measurement: Measurement) -> None:
        """Write the page."""
        write_report(verdict, self.home(verdict.file), measurement=measurement)

    def home(self, name: str) -> Path:
        """Folder of the page of an input."""
        return self.folder / self.own[name] if name in self.own else self.folder

    def page(self, verdict: Verdict) -> Path | None:
        """Path of a page that was written for a verdict."""
        home = self.home(verdict.file)
        for data in sorted(home.glob(f"{glob_safe(_stem(verdict.file))}*.verdict.json")):
            try:
                found = json.loads(data.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            page = home / data.name.replace(".verdict.json", ".html")
            if (found.get("file"), found.get("task")) == (verdict.file, verdict.task) and page.exists():
                return page
        return None


def page_writer(folder: Path, items: Sequence[Item]) -> PageWriter:
    """Make the writer of a batch's pages."""
    stems = Counter(_stem(item.name).casefold() for item in items)
    own: dict[str, str] = {}
    taken: set[str] = set()
    for item in items:
        if stems[_stem(item.name).casefold()] == 1:
            continue
        base = safe_stem(item.name)
        name, number = base, 1
        while name.casefold() in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name.casefold())
        own[item.name] = name
    return PageWriter(folder, own)


def write_index(
    writer: PageWriter,
    items: Sequence[Item],
    verdicts: Sequence[Verdict],
    command: str,
    *,
    given: tuple[str, NDArray[np.float64] | None] | None = None,
) -> Path:
    """Write the page over all inputs, in their order: waterfall, table, links to the pages.

    Parameters
    ----------
    writer : PageWriter
    items : sequence of Item
    verdicts : sequence of Verdict
        One per item, in the same order.
    command : str
        The command that repeats the batch.
    given : (label, values), optional
        What changes over the inputs; found by `coordinate` otherwise.
    """
    label, values = coordinate(items) if given is None else given
    measurements = _measurements(items) if len(items) <= _MOST_MEASURED else None
    links = {i: page for i, verdict in enumerate(verdicts) if (page := writer.page(verdict)) is not None}
    return write_series_report(
        verdicts,
        writer.folder,
        measurements=measurements,
        coordinate=values,
        coordinate_label=label,
        title=_title(items),
        stem="index",
        links=links,
        command=command,
    )


def coordinate(items: Sequence[Item]) -> tuple[str, NDArray[np.float64] | None]:
    """Give what changes over a batch: a coordinate of the series, or the temperature in the headers; else the number."""
    settings = []
    for item in items:
        try:
            settings.append(load(item).settings)
        except WhorlError:
            settings.append({})
    for name, unit in (("temperature", "kelvin"), ("time", ""), ("voltage", ""), ("pressure", "")):
        values = [s.get(name) for s in settings]
        if all(isinstance(v, int | float) for v in values) and len(set(values)) > 1:
            return f"{name} ({unit})" if unit else name, np.array(values, dtype=np.float64)
    return ("frame" if items and items[0].frame is not None else "number", None)


def _measurements(items: Sequence[Item]) -> list[Measurement] | None:
    """What was measured, for the picture of the whole series; ``None`` where one of them cannot be read."""
    try:
        return [load(item) for item in items]
    except WhorlError:
        return None


def glob_safe(stem: str) -> str:
    """Make a stem match itself only (`safe_stem` leaves no other special character)."""
    return stem.replace("[", "[[]")


def _stem(name: str) -> str:
    return safe_stem(Path(name.replace("\\", "/")).stem)


def _title(items: Sequence[Item]) -> str:
    folders = {str(Path(item.path).resolve().parent) for item in items}
    if len({item.path for item in items}) == 1:
        return f"{Path(items[0].path).name}, {len(items)} frames"
    return f"{Path(folders.pop()).name}, {len(items)} files" if len(folders) == 1 else f"{len(items)} files"
