"""`quantify` and `quantify_by_references`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from whorl.api.given import Place, Source, workspace_of
from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict


def quantify(
    source: Source | Sequence[str | os.PathLike[str]],
    model: str | os.PathLike[str] | None = None,
    *,
    method: str | None = None,
    range: tuple[float, float] | None = None,
    contrast: float | None = None,
    kernel: str = "sphere",
    settings: Mapping[str, Any] | None = None,
    level: float = 0.9,
    workers: int = 2,
) -> Iterator[Verdict]:
    """Quantify: the phases of a trained model, or, without one, a small-angle curve as it is; with intervals.

    Verdicts come in the order of the files and of the frames of each, a few milliseconds each; a file that cannot be used gives
    one with ``status == "error"``. Nothing is kept.

    Parameters
    ----------
    source : Measurement, path, or several paths
        Single patterns or series.
    model : str or path
        Name of a model, or the folder that ``whorl train pd-quantify`` wrote; of small-angle curves the name of a form factor
        ("sphere", "sphere@hardsphere"); without it small-angle curves are described.
    method : str, optional
        Of small-angle curves: "all" (the default of single curves), or some of "guinier", "porod", "kratky", "invariant",
        "unified", "distances", "sizes", "peaks", with commas. Frames of a series are described by "guinier,porod,invariant".
    range : (low, high), optional
        Of small-angle curves: q to use, 1/angstrom.
    contrast : float, optional
        Difference of scattering length densities, 1e-6/angstrom^2, for volume fractions from absolute intensities.
    kernel : str
        Model of the particles whose sizes are distributed.
    settings : mapping, optional
        Overrides of what the file states of the instrument.
    level : float
        Probability that an interval holds the truth: of a trained model 0.5, 0.683, 0.8, 0.9, 0.95 or 0.99.
    workers : int
        Threads.

    Examples
    --------
    >>> import numpy as np
    >>> q = np.linspace(0.005, 0.3, 200)
    >>> m = Measurement("sas", q, np.exp(-((q * 20) ** 2) / 3), 0.01 * np.exp(-((q * 20) ** 2) / 3) + 1e-4)
    >>> (verdict,) = quantify(m, method="guinier")
    >>> bool(abs(verdict.parameters["guinier:rg"].value - 20) < 0.5)
    True

    Raises
    ------
    WhorlError
        If the model, the level or, given as a `Measurement`, the data cannot be used.
    """
    if model is None:
        from whorl.tasks import quantify_curve as curves

        more: dict[str, Any] = {"range": range, "contrast": contrast, "kernel": kernel, "settings": settings, "level": level}
        if isinstance(source, Measurement):
            named = method or ("all" if source.frames == 1 else "")
            return curves.quantify_curve_series(source, named, **more)
        listed = [source] if isinstance(source, str | os.PathLike) else list(source)
        return curves.quantify_curve_files(listed, method or "", **more)
    if method is None and contrast is None and isinstance(model, str):
        from whorl.tasks import quantify_form_factor as form_factors

        if form_factors.is_form_factor(model):
            given: dict[str, Any] = {"range": range, "settings": settings, "level": level}
            if isinstance(source, Measurement):
                return form_factors.quantify_form_factor_series(source, model, **given)
            paths = [source] if isinstance(source, str | os.PathLike) else list(source)
            return form_factors.quantify_form_factor_files(paths, model, **given)
    if method is not None or contrast is not None or range is not None:
        raise UsageError("method, range and contrast are for small-angle curves without a model", remedy="Leave them out.")
    from whorl.tasks import quantify as task

    if isinstance(source, Measurement):
        return task.quantify_series(source, os.fspath(model), settings=settings, level=level, workers=workers)
    files = [source] if isinstance(source, str | os.PathLike) else list(source)
    return task.quantify_files(files, os.fspath(model), settings=settings, level=level, workers=workers)


def quantify_by_references(
    source: Source,
    references: str | os.PathLike[str],
    *,
    ratios: str | os.PathLike[str] | None = None,
    standard: tuple[str, float] | None = None,
    exclude: Sequence[str] = (),
    only: Sequence[str] = (),
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    level: float = 0.9,
    workspace: Place = None,
    cached: bool = True,
) -> Verdict:
    """Quantify the phases of a powder pattern by measured patterns of pure ones.

    Parameters
    ----------
    source : path or Measurement
        One pattern.
    references : path
        Table of patterns (``two_theta`` and a column for each) or a folder of pattern files.
    ratios : path, optional
        Table of the reference intensity ratios; by default the CSV beside the patterns.
    standard : (str, float), optional
        Reference or group that was weighed in, and its weight fraction in the mixture as measured.
    exclude, only : sequence of str
        References or groups to leave out, or the only ones to take.
    range, settings, workspace, cached
        As in `identify`.
    level : float
        Probability that an interval holds the truth.

    Returns
    -------
    Verdict
        ``parameters`` holds the weight fraction of each group, the phases of the candidate the references behind them.

    Raises
    ------
    WhorlError
        If the pattern, the library or the standard cannot be used.
    """
    from whorl.tasks.quantify_recipes import ByReferences
    from whorl.tasks.single import run_one

    recipe = ByReferences(
        os.fspath(references), None if ratios is None else os.fspath(ratios), standard, tuple(exclude), tuple(only), range,
        dict(settings or {}), level,
    )  # fmt: skip
    return run_one(recipe, source, workspace=workspace_of(workspace), resume=cached)
