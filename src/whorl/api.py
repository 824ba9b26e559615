"""The functions of the Python API: the same recipes and the same calls as the command line."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from whorl.core.hypothesis import Hypothesis
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.core.workspace import Workspace
from whorl.formats import read, read_structure, write_measurement, write_structure
from whorl.lab import Advice, Cost, advise
from whorl.tasks import hypotheses, recipes
from whorl.tasks import simulate as _simulate
from whorl.tasks.batch import run_files
from whorl.tasks.series import shared
from whorl.tasks.single import run_one
from whorl.techniques.protocol import Progress

Source = str | os.PathLike[str] | Measurement
Place = Workspace | str | os.PathLike[str] | None | bool
Names = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None

__all__ = [
    "identify",
    "identify_many",
    "quantify",
    "read",
    "read_structure",
    "refine",
    "refine_many",
    "simulate",
    "suggest_measurement",
    "write_measurement",
    "write_structure",
]


def identify(
    source: Source,
    *,
    catalogues: Names = None,
    only: bool = False,
    elements: Collection[str] | str | None = None,
    top: int = 5,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    also: Sequence[str] = (),
    workspace: Place = None,
    cached: bool = True,
    progress: Progress | None = None,
) -> Verdict:
    """Find the structures that explain a measurement.

    Parameters
    ----------
    source : path or Measurement
        One curve.
    catalogues : name or folder, or several, optional
        Searched together with the built-in catalogues.
    only : bool
        Search nothing but ``catalogues``.
    elements : collection of str, or text, optional
        Elements the sample may hold: ``["Li", "Co", "O"]``, ``"Li,Co,O"``.
    top : int
        Candidates returned.
    range : (low, high), optional
        Part of the axis to fit (angstrom for a pair distribution function).
    settings : mapping, optional
        Overrides of what the file states of the instrument (``qmin``, ``qmax``, ``qdamp``, ``qbroad`` in 1/angstrom,
        ``radiation``).
    also : sequence of str
        Entries refined in any case, alone and as further phases: ``"compounds/NiO-rock-salt"``.
    workspace : Workspace, folder, None or False
        Where the input and the answer are kept: the user's own by default; False keeps nothing.
    cached : bool
        Give the answer that the workspace has, if it has one.
    progress : callable, optional
        Called with (stage, done, total).

    Returns
    -------
    Verdict

    Raises
    ------
    WhorlError
        If the measurement, a catalogue or a parameter cannot be used; it says what, where, and what to do.

    Examples
    --------
    >>> import tempfile
    >>> nickel = simulate("Ni (fcc)", qmax=25.0, x=np.arange(1, 1501) * 0.01)
    >>> verdict = identify(nickel, catalogues="elements", only=True, elements=["Ni", "Cu"], workspace=False)
    >>> verdict.candidates[0].name
    'Ni (fcc)'
    """
    recipe = recipes.Identify(
        elements=recipes.known_elements(elements),
        catalogues=_names(catalogues),
        only=only,
        top=top,
        range=recipes.checked_range(range),
        settings=dict(settings or {}),
        also=tuple(also),
    )
    return run_one(recipe, source, workspace=_workspace(workspace), resume=cached, progress=progress)


def identify_many(
    files: Sequence[str | os.PathLike[str]],
    *,
    catalogues: Names = None,
    only: bool = False,
    elements: Collection[str] | str | None = None,
    top: int = 5,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    also: Sequence[str] = (),
    series: bool = False,
    workspace: Place = None,
    cached: bool = True,
    workers: int | None = None,
) -> Iterator[Verdict]:
    """Identify many files in processes; verdicts come as they finish (see `identify`).

    A file that cannot be used gives a verdict with ``status == "error"``. Finished ones are kept: the same call, made again
    after a stop, goes on where it was. In a script, call it under ``if __name__ == "__main__":``.

    Parameters
    ----------
    files : sequence of path
        The frames of a series are verdicts of their own, named ``file#frame``.
    series : bool
        The files are frames of one experiment: what explains one of them takes part in all others.
    workers : int, optional
        Processes; as many as there are cores by default.
    """
    recipe = recipes.Identify(
        elements=recipes.known_elements(elements),
        catalogues=_names(catalogues),
        only=only,
        top=top,
        range=recipes.checked_range(range),
        settings=dict(settings or {}),
        also=tuple(also),
    )
    place = _workspace(workspace)
    if series:
        recipe = shared(recipe, run_files(recipe, files, workspace=place, workers=workers, resume=cached))
    return run_files(recipe, files, workspace=place, workers=workers, resume=cached)


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


def refine(
    source: Source,
    structures: Hypothesis | str | os.PathLike[str] | Sequence[Hypothesis | str | os.PathLike[str]],
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    fixed: Mapping[str, float] | None = None,
    size: bool | None = None,
    shape: str | None = None,
    workspace: Place = None,
    cached: bool = True,
    progress: Progress | None = None,
) -> Verdict:
    """Refine structures against a measurement by least squares.

    Parameters
    ----------
    source : path or Measurement
        One curve.
    structures : Crystal, Cluster, path or catalogue entry, or several
        Several are the phases of one mixture.
    range, settings, workspace, cached, progress
        As in `identify`.
    fixed : mapping, optional
        Parameters to hold, by name: ``{"delta2": 0.0}``.
    size : bool, optional
        Crystals are particles of finite size (True), bulk (False), or what the data decide.
    shape : str, optional
        Shape of the particles: ``"sphere"``, ``"spheroid"`` or ``"lognormal"`` spheres.

    Returns
    -------
    Verdict
        With one candidate.

    Raises
    ------
    WhorlError
        If the measurement, a structure or a parameter cannot be used.

    Examples
    --------
    >>> nickel = simulate("Ni (fcc)", qmax=25.0, x=np.arange(1, 1501) * 0.01)
    >>> fit = refine(nickel, "Ni (fcc)", size=False, workspace=False)
    >>> fit.candidates[0].rw < 0.01
    True
    """
    recipe = _refinement(structures, range, settings, fixed, size, shape)
    return run_one(recipe, source, workspace=_workspace(workspace), resume=cached, progress=progress)


def refine_many(
    files: Sequence[str | os.PathLike[str]],
    structures: Hypothesis | str | os.PathLike[str] | Sequence[Hypothesis | str | os.PathLike[str]],
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    fixed: Mapping[str, float] | None = None,
    size: bool | None = None,
    shape: str | None = None,
    workspace: Place = None,
    cached: bool = True,
    workers: int | None = None,
) -> Iterator[Verdict]:
    """Refine the same structures against many files in processes (see `refine` and `identify_many`)."""
    recipe = _refinement(structures, range, settings, fixed, size, shape)
    return run_files(recipe, files, workspace=_workspace(workspace), workers=workers, resume=cached)


def simulate(
    structure: Hypothesis | str | os.PathLike[str],
    technique: str = "pdf",
    *,
    x: ArrayLike | None = None,
    **settings: Any,
) -> Measurement:
    """Simulate the measurement that a structure would give.

    Parameters
    ----------
    structure : Crystal, Cluster, path or catalogue entry
        ``"Ni.cif"``, ``"Ni (fcc)"``, ``"compounds/CdSe-wurtzite"``.
    technique : str
    x : array, shape (n,), optional
        Axis in the technique's unit.
    **settings
        Instrument and sample: ``qmin``, ``qmax``, ``qdamp``, ``qbroad`` (1/angstrom), ``radiation``, ``u_iso`` (angstrom^2),
        ``delta1`` (angstrom), ``delta2`` (angstrom^2), ``diameter`` (angstrom), ...

    Raises
    ------
    WhorlError
        If the structure or a setting cannot be used.

    Examples
    --------
    >>> g = simulate("Ni (fcc)", qmax=25.0)
    >>> g.kind, g.x.size
    ('gr', 3000)
    """
    axis = None if x is None else np.asarray(x, dtype=np.float64)
    return _simulate.simulate(_structure(structure), technique=technique, settings=settings, x=axis)


def suggest_measurement(
    source: Source | Sequence[Source],
    *,
    catalogues: Names = None,
    only: bool = False,
    elements: Collection[str] | str | None = None,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    seconds: float | None = None,
    cost: Cost | None = None,
    budget: float | None = None,
    limits: tuple[float, float] | None = None,
    smallest: float = 0.04,
    least: float = 0.05,
    workspace: Place = None,
    progress: Progress | None = None,
) -> Advice:
    """Identify a powder pattern as it is so far, and say which ranges to measure next, or that it is enough.

    Parameters
    ----------
    source : path or Measurement, or several
        Counts, or rates with sigma; several are passes on one sample and add up.
    catalogues, only, elements, range, settings, workspace, progress
        As in `identify`.
    seconds : float, optional
        Time that a point was counted, where the files do not say.
    cost : whorl.lab.Cost, optional
        What counting takes beside the counting itself.
    budget : float, optional
        Seconds that are left; ten times what was counted by default.
    limits : (low, high), optional
        Angles that the instrument can reach: measuring beyond what was measured is weighed too.
    smallest : float
        Line that must not be overlooked, as part of the strongest.
    least : float
        Expected information below which all the time left is not worth it, nats.

    Returns
    -------
    whorl.lab.Advice
        ``verdict`` and ``plan``, with ``plan.stop``, ``plan.reason`` and ``plan.ranges``.

    Raises
    ------
    WhorlError
        If the measurements, a catalogue or a parameter cannot be used.

    Examples
    --------
    >>> scan = simulate("NiO (rock salt)", "pd", x=np.arange(30.0, 70.0, 0.05), wavelength="Cu")
    >>> counts = np.random.default_rng(1).poisson(4000 * scan.signal / scan.signal.max() + 40.0).astype(float)
    >>> scan = Measurement("powder", scan.x, counts, settings={"wavelength": 1.540593, "counting_time": 2.0})
    >>> advice = suggest_measurement(scan, elements=["Ni", "O"], catalogues="compounds", only=True, workspace=False)
    >>> advice.verdict.candidates[0].formula, advice.plan.stop
    ('NiO', True)
    """
    given = [source] if isinstance(source, str | os.PathLike | Measurement) else list(source)
    recipe = recipes.Identify(
        elements=recipes.known_elements(elements),
        catalogues=_names(catalogues),
        only=only,
        range=recipes.checked_range(range),
        settings=dict(settings or {}),
    )
    return advise(
        [one if isinstance(one, Measurement) else read(one) for one in given],
        recipe,
        seconds=seconds,
        cost=cost,
        budget=budget,
        limits=limits,
        smallest=smallest,
        least=least,
        workspace=_workspace(workspace),
        progress=progress,
    )


def _refinement(
    structures: Hypothesis | str | os.PathLike[str] | Sequence[Hypothesis | str | os.PathLike[str]],
    range: tuple[float, float] | None,
    settings: Mapping[str, Any] | None,
    fixed: Mapping[str, float] | None,
    size: bool | None,
    shape: str | None,
) -> recipes.Refine:
    given = [structures] if isinstance(structures, str | os.PathLike | Hypothesis) else list(structures)
    return recipes.Refine(
        structures=tuple(_structure(s) for s in given),
        sources=tuple(s.name if isinstance(s, Hypothesis) else os.fspath(s) for s in given),
        range=recipes.checked_range(range),
        settings=dict(settings or {}),
        fixed=dict(fixed or {}),
        size=size,
        shape=shape,
    )


def _structure(given: Hypothesis | str | os.PathLike[str]) -> Hypothesis:
    return given if isinstance(given, Hypothesis) else hypotheses.find(os.fspath(given))


def _names(given: Names) -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, str | os.PathLike):
        return (os.fspath(given),)
    return tuple(os.fspath(name) for name in given)


def _workspace(place: Place) -> Workspace | None:
    if place is False:
        return None
    if isinstance(place, Workspace):
        return place
    return Workspace.open(None if place is None or place is True else Path(place))
