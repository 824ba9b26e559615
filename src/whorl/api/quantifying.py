"""`quantify`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from whorl.api.given import Source
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict


def quantify(
    source: Source | Sequence[str | os.PathLike[str]],
    model: str | os.PathLike[str],
    *,
    settings: Mapping[str, Any] | None = None,
    level: float = 0.9,
    workers: int = 2,
) -> Iterator[Verdict]:
    """Quantify the phases of a trained model: weight fractions, cells, crystallite sizes, with intervals.

    Verdicts come in the order of the files and of the frames of each, a few milliseconds each; a file that cannot be used gives
    one with ``status == "error"``. Nothing is kept.

    Parameters
    ----------
    source : Measurement, path, or several paths
        Single patterns or series.
    model : str or path
        Name of a model, or the folder that ``whorl train pd-quantify`` wrote.
    settings : mapping, optional
        Overrides of what the file states of the instrument.
    level : float
        Probability that an interval holds the truth: 0.5, 0.683, 0.8, 0.9, 0.95 or 0.99.
    workers : int
        Threads.

    Raises
    ------
    WhorlError
        If the model, the level or, given as a `Measurement`, the data cannot be used.
    """
    from whorl.tasks import quantify as task

    if isinstance(source, Measurement):
        return task.quantify_series(source, os.fspath(model), settings=settings, level=level, workers=workers)
    files = [source] if isinstance(source, str | os.PathLike) else list(source)
    return task.quantify_files(files, os.fspath(model), settings=settings, level=level, workers=workers)
