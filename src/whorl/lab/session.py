"""Counting and identification in turn: a closed loop between an instrument and `identify`, until nothing is worth more time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.lab.adaptive import Plan, suggest_measurement
from whorl.lab.passes import Cost, Pass, Range, Record


class Instrument(Protocol):
    """What can count ranges."""

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the axis that can be reached."""
        ...

    @property
    def step(self) -> float:
        """Finest step."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """What is known of the instrument, under the names of `Measurement.settings`."""
        ...

    def measure(self, ranges: Sequence[Range]) -> Pass:
        """Count ranges."""
        ...


@dataclass(frozen=True)
class Step:
    """One turn: the time used so far (counting, and with all that comes with it), the answer, and what follows from it."""

    counting: float
    seconds: float
    verdict: Verdict
    plan: Plan


@dataclass(frozen=True)
class Trail:
    """All turns of a session, and the measurement at its end."""

    steps: tuple[Step, ...]
    measurement: Measurement

    @property
    def verdict(self) -> Verdict:
        """The last answer."""
        return self.steps[-1].verdict

    @property
    def counting(self) -> float:
        """Counting time, s."""
        return self.steps[-1].counting


def adapt(
    instrument: Instrument,
    identify: Callable[[Measurement, Sequence[str]], Verdict],
    *,
    seconds: float,
    step: float | None = None,
    first: tuple[float, float] | None = None,
    budget: float | None = None,
    turns: int = 6,
    cost: Cost | None = None,
    smallest: float = 0.04,
    least: float = 0.05,
) -> Trail:
    """Measure until the answer is settled.

    A first pass over the whole axis or a part of it, then in turn an identification and the ranges that `suggest_measurement`
    names.

    Parameters
    ----------
    instrument : Instrument
    identify : callable
        Gives the verdict of a measurement; its second argument are the entries of the candidates so far, which take part.
    seconds : float
        Time of a point in the first pass.
    step : float, optional
        Of the first pass; the finest by default.
    first : (low, high), optional
        Range of the first pass; all that can be reached by default. Extending it is weighed beside counting longer.
    budget : float, optional
        Time in all, s.
    turns : int
        Identifications at most.
    cost, smallest, least
        As in `suggest_measurement`.

    Returns
    -------
    Trail
    """
    cost = cost or Cost()
    record = Record(instrument.step, instrument.settings)
    wanted = [Range(*(first or instrument.limits), step or instrument.step, seconds)]
    known: tuple[str, ...] = ()
    steps: list[Step] = []
    used = 0.0
    while True:
        record.add(instrument.measure(wanted))
        used += sum(cost.seconds(r) for r in wanted)
        measurement = record.measurement()
        verdict = identify(measurement, known)
        known = tuple(dict.fromkeys([*known, *(key for c in verdict.candidates[:2] for key in c.entries)]))
        left = None if budget is None else budget - used
        if left is not None and left <= 0:
            plan = Plan(True, "the time is used up")
        else:
            plan = suggest_measurement(
                measurement,
                verdict,
                seconds=record.arrays()[2],
                cost=cost,
                budget=left,
                smallest=smallest,
                least=least,
                finest=instrument.step,
                limits=None if first is None else instrument.limits,
            )
        if not plan.stop and len(steps) + 1 >= turns:
            plan = Plan(True, f"{turns} turns are done", within_reach=plan.within_reach, unseen=plan.unseen)
        steps.append(Step(record.total_seconds, used, verdict, plan))
        if plan.stop:
            return Trail(tuple(steps), measurement)
        wanted = list(plan.ranges)
