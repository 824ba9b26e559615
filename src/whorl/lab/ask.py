"""From files to a plan: passes on one sample are merged, identified, and the next ranges follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.core.workspace import Workspace
from whorl.lab.adaptive import Plan, suggest_measurement
from whorl.lab.passes import Cost, Record, pass_of
from whorl.tasks.recipes import Identify
from whorl.tasks.single import run_one
from whorl.techniques.protocol import Progress


@dataclass(frozen=True)
class Advice:
    """The answer so far, and what to measure next."""

    verdict: Verdict
    plan: Plan


def advise(
    passes: Sequence[Measurement],
    recipe: Identify,
    *,
    seconds: float | None = None,
    cost: Cost | None = None,
    budget: float | None = None,
    limits: tuple[float, float] | None = None,
    smallest: float = 0.04,
    least: float = 0.05,
    workspace: Workspace | None = None,
    progress: Progress | None = None,
) -> Advice:
    """Merge passes, identify, and plan.

    Parameters
    ----------
    passes : sequence of Measurement
        Powder patterns of one sample on one instrument: counts, or rates with sigma; ranges, steps and times may differ.
    recipe : Identify
        How to identify.
    seconds : float, optional
        Time that a point of the passes was counted; that of the files by default.
    cost, budget, limits, smallest, least
        As in `whorl.lab.adaptive.suggest_measurement`.
    workspace : Workspace, optional
        Keeps the identification.
    progress : callable, optional
        Called with (stage, done, total).

    Raises
    ------
    WhorlError
        If a pass cannot be used, or they do not belong together.
    """
    if not passes:
        raise UsageError("no pass is given", remedy="Name at least one file.")
    for one in passes:
        if one.kind != "powder":
            raise PatternError("this is no powder pattern", where=one.path, remedy="Give counts over the scattering angle.")
        for name in ("wavelength", "radiation"):
            if one.settings.get(name) != passes[0].settings.get(name):
                raise PatternError(f"the passes differ in {name}", where=one.path, remedy="Give passes of one instrument.")
    record = Record(min(one.step for one in passes), dict(passes[0].settings), passes[0].path)
    for one in passes:
        record.add(pass_of(one, seconds))
    measurement = record.measurement()
    verdict = run_one(recipe, measurement, workspace=workspace, progress=progress)
    plan = suggest_measurement(
        measurement,
        verdict,
        seconds=record.arrays()[2],
        cost=cost,
        budget=budget,
        smallest=smallest,
        least=least,
        finest=record.step,
        limits=limits,
    )
    return Advice(verdict, plan)
