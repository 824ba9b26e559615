"""`simulate` and `suggest_measurement`."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from whorl.api.given import Given, Names, Place, Source, names, workspace_of
from whorl.api.given import structure as structure_of
from whorl.core.measurement import Measurement
from whorl.formats import read
from whorl.lab import Advice, Cost, advise
from whorl.tasks import recipes
from whorl.tasks import simulate as _simulate
from whorl.tasks.recipe_parts import checked_range, known_elements
from whorl.techniques.protocol import Progress


def simulate(
    structure: Given,
    technique: str = "pdf",
    *,
    x: ArrayLike | None = None,
    settings: Mapping[str, Any] | None = None,
    **more: Any,
) -> Measurement:
    """Simulate the measurement that a structure would give.

    Parameters
    ----------
    structure : Crystal, Cluster, path or catalogue entry
        ``"Ni.cif"``, ``"Ni (fcc)"``, ``"compounds/CdSe-wurtzite"``.
    technique : str
    x : array, shape (n,), optional
        Axis in the technique's unit.
    settings : mapping, optional
    **more
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
    return _simulate.simulate(structure_of(structure), technique=technique, settings={**(settings or {}), **more}, x=axis)


def suggest_measurement(
    source: Source | Sequence[Source],
    *,
    catalogues: Names = None,
    only: bool = False,
    elements: Collection[str] | str | None = None,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    proposer: str | os.PathLike[str] = "",
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
    catalogues, only, elements, range, settings, proposer, workspace, progress
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
        elements=known_elements(elements),
        catalogues=names(catalogues),
        only=only,
        range=checked_range(range),
        settings=dict(settings or {}),
        proposer=os.fspath(proposer),
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
        workspace=workspace_of(workspace),
        progress=progress,
    )
