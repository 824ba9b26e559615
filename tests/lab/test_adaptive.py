"""Plans: where candidates differ, for how long, and when to stop; a whole session with a replayed scan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.core.hypothesis import Crystal, Site
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate, Curve, FitQuality, Verdict
from whorl.lab import Cost, Range, ScanReplay, adapt, suggest_measurement
from whorl.lab.adaptive import _levelled
from whorl.lab.beyond import predicted
from whorl.lab.passes import merged
from whorl.tasks.simulate import simulate

X = np.round(np.arange(10.0, 70.0, 0.03), 6)
FULL = 10.0  # seconds a point of the recorded scan
COMMON, OWN = (20.0, 33.0, 48.0), {"A": (40.0,), "B": (60.0,)}


def pattern(own: Sequence[float]) -> np.ndarray:
    lines = sum(60.0 * np.exp(-(((X - p) / 0.15) ** 2)) for p in COMMON)
    return 15.0 + lines + sum(6.0 * np.exp(-(((X - p) / 0.15) ** 2)) for p in own)


def scan(seed: int = 2) -> Measurement:
    counts = np.random.default_rng(seed).poisson(pattern(OWN["A"]) * FULL).astype(float)
    return Measurement("powder", X, counts, settings={"wavelength": 1.5406, "counting_time": FULL})


def verdict_on(measurement: Measurement, chances: tuple[float, float] | None = None, *, none: float = 0.02) -> Verdict:
    """The two candidates with their curves; by their likelihoods where no probabilities are given."""
    x = measurement.x
    curves = {name: np.interp(x, X, pattern(own)) for name, own in OWN.items()}
    if chances is None:
        misfit = {n: -0.5 * 0.2 * np.sum(((measurement.signal - c) / measurement.sigma) ** 2) for n, c in curves.items()}
        odds = np.exp(np.clip(misfit["B"] - misfit["A"], -30, 30))
        chances = (1 / (1 + odds), odds / (1 + odds))
    order = sorted(zip(chances, curves, strict=True), reverse=True)
    found = []
    for rank, (chance, name) in enumerate(order, 1):
        quality = FitQuality(
            range=(float(x[0]), float(x[-1])),
            points=x.size,
            independent_points=480.0,
            free_parameters=3,
            reduced_chi_squared=1.0,
            residual_autocorrelation=0.0,
            largest_residual_at=20.0,
        )
        curve = Curve(x, measurement.signal, curves[name], "2theta (degree)", "intensity")
        more = {"kind": "crystal", "formula": name, "rw": 0.1, "evidence": 0.0, "parameters": {}, "entries": [f"t/{name}"]}
        found.append(
            Candidate(rank=rank, group=rank, name=name, probability=chance * (1 - none), quality=quality, curve=curve, **more)
        )
    return Verdict(whorl="0", task="identify", file="a.xy", technique="pd", none_probability=none, candidates=found)


@pytest.fixture
def first_pass() -> Measurement:
    return merged([ScanReplay(scan(), seed=1).measure([Range(10.0, 70.0, 0.03, 0.3)])], 0.03, {"wavelength": 1.5406})


def test_time_goes_where_the_alternatives_differ(first_pass):
    plan = suggest_measurement(first_pass, verdict_on(first_pass, (0.6, 0.4)), smallest=0.9)
    assert not plan.stop
    assert plan.reason == "to tell A from B"
    assert all(any(r.low < place < r.high for place in (40.0, 60.0)) for r in plan.ranges)
    assert not any(r.low < place < r.high for place in COMMON for r in plan.ranges)
    assert plan.gain > 0.1
    assert plan.seconds == pytest.approx(sum(Cost().seconds(r) for r in plan.ranges))
    assert plan.seconds < 1.2 * 0.3 * X.size  # no more than was spent, up to rounding
    assert plan.as_dict()["ranges"][0]["seconds"] == plan.ranges[0].seconds


def test_it_stops_where_the_answer_is_settled_and_nothing_could_be_overlooked(first_pass):
    plan = suggest_measurement(first_pass, verdict_on(first_pass, (0.9999, 0.0001)), smallest=0.9)
    assert plan.stop
    assert plan.ranges == ()
    assert "settled" in plan.reason


def test_it_goes_on_for_fainter_lines_than_could_be_seen(first_pass):
    plan = suggest_measurement(first_pass, verdict_on(first_pass, (0.9999, 0.0001)), smallest=0.05)
    assert not plan.stop
    assert plan.reason == "to see whether a line is there that no candidate explains"
    covered = sum(r.high - r.low for r in plan.ranges)
    assert covered > 30.0  # it may be anywhere


def test_alternatives_that_no_counting_tells_apart_end_it(first_pass):
    verdict = verdict_on(first_pass, (0.5, 0.5))
    same = verdict.candidates[0].curve
    alike = [c.model_copy(update={"curve": same}) for c in verdict.candidates]
    plan = suggest_measurement(first_pass, verdict.model_copy(update={"candidates": alike}), smallest=0.9)
    assert plan.stop
    assert "too much alike" in plan.reason


def test_what_ranges_cost_is_taken_off_the_time_they_get(first_pass):
    verdict = verdict_on(first_pass, (0.6, 0.4))
    cheap = suggest_measurement(first_pass, verdict, smallest=0.9)
    cost = Cost(range=200.0)
    dear = suggest_measurement(first_pass, verdict, smallest=0.9, cost=cost)
    assert dear.seconds == pytest.approx(sum(cost.seconds(r) for r in dear.ranges))
    assert dear.seconds < 1.2 * 0.3 * X.size
    assert sum(r.points * r.seconds for r in dear.ranges) < sum(r.points * r.seconds for r in cheap.ranges) - 100
    assert dear.gain < cheap.gain


def test_single_gaps_between_ranges_are_filled_and_times_go_in_factors_of_two():
    seconds = np.array([0.0, 4.0, 1.0, 4.5, 0.0, 1.0, 0.0, 0.0])
    assert _levelled(seconds).tolist() == [0.0, 4.0, 4.0, 4.0, 1.0, 1.0, 0.0, 0.0]


def test_a_short_budget_is_kept(first_pass):
    plan = suggest_measurement(first_pass, verdict_on(first_pass, (0.5, 0.5)), smallest=0.9, budget=60.0, least=1e-4)
    assert plan.seconds <= 70.0


def test_a_finer_step_is_asked_for_where_peaks_are_not_resolved(first_pass):
    coarse = merged([ScanReplay(scan(), seed=1).measure([Range(10.0, 70.0, 0.12, 1.2)])], 0.03)
    plan = suggest_measurement(coarse, verdict_on(coarse, (0.5, 0.5)), smallest=0.9, finest=0.03)
    assert {r.step for r in plan.ranges} == {0.03}


def test_counts_and_rates_give_the_same_plan():
    counts = scan()
    rates = merged([ScanReplay(counts).measure([Range(10.0, 70.0, 0.03, FULL)])], 0.03)
    one = suggest_measurement(rates, verdict_on(rates, (0.6, 0.4)), smallest=0.9, least=1e-6, seconds=FULL)
    scaled = verdict_on(rates, (0.6, 0.4))
    for c in scaled.candidates:
        object.__setattr__(c.curve, "calculated", c.curve.calculated * FULL)
    other = suggest_measurement(counts, scaled, smallest=0.9, least=1e-6)
    assert other.stop == one.stop
    assert other.within_reach == pytest.approx(one.within_reach, rel=1e-6)


def test_what_cannot_be_used_is_refused(first_pass):
    verdict = verdict_on(first_pass, (0.5, 0.5))
    with pytest.raises(UsageError, match="curves"):
        suggest_measurement(first_pass, Verdict(whorl="0", task="identify", file="a"))
    with pytest.raises(UsageError, match="smallest"):
        suggest_measurement(first_pass, verdict, smallest=2.0)


def test_a_session_ends_with_the_right_answer_in_a_part_of_the_time():
    calls: list[tuple[str, ...]] = []

    def identify(measurement: Measurement, known: Sequence[str]) -> Verdict:
        calls.append(tuple(known))
        return verdict_on(measurement)

    instrument = ScanReplay(scan(), seed=8)
    trail = adapt(instrument, identify, seconds=0.02 * FULL, budget=instrument.full_seconds, smallest=0.3)
    assert trail.verdict.best.name == "A"
    assert trail.verdict.best.probability > 0.9
    assert trail.counting < 0.3 * instrument.full_seconds
    assert trail.steps[-1].plan.stop
    assert len(calls) == len(trail.steps)
    assert calls[0] == ()
    assert all("t/A" in known for known in calls[1:])
    again = adapt(ScanReplay(scan(), seed=8), identify, seconds=0.02 * FULL, budget=instrument.full_seconds, smallest=0.3)
    assert np.array_equal(again.measurement.signal, trail.measurement.signal)


def test_a_session_keeps_its_turns_and_its_budget():
    instrument = ScanReplay(scan(), seed=8)
    unsure = lambda m, known: verdict_on(m, (0.5, 0.5))  # noqa: E731
    trail = adapt(instrument, unsure, seconds=0.01 * FULL, turns=2)
    assert len(trail.steps) == 2
    assert "2 turns" in trail.steps[-1].plan.reason
    short = adapt(ScanReplay(scan(), seed=8), unsure, seconds=0.1 * FULL, budget=0.1 * FULL * X.size)
    assert len(short.steps) == 1
    assert "used up" in short.steps[0].plan.reason


def rock_salt(name: str, a: float, metal: str = "Ni") -> Crystal:
    sites = (Site(metal, (0, 0, 0)), Site("O", (0.5, 0.5, 0.5)))
    return Crystal(name, family="rock salt", source="test", cell=(a, a, a, 90, 90, 90), space_group="225", sites=sites)


def test_beyond_the_range_the_structures_say_what_will_be_seen():
    nickel = rock_salt("NiO", 4.177)
    x = np.arange(15.0, 90.0, 0.1)
    truth = simulate(nickel, technique="pd", settings={"wavelength": 1.540593, "w": 0.04}, x=x).signal * 3.0
    inside = x < 55
    candidate = verdict_on(merged([ScanReplay(scan()).measure([Range(10.0, 70.0, 0.03, 1.0)])], 0.03)).candidates[0]
    candidate = candidate.model_copy(update={"structures": (nickel,)})
    settings = {"wavelength": 1.540593}
    found = predicted(candidate, "pd", settings, x[inside], truth[inside], x[~inside], 0.1)
    for low, high in ((61.0, 64.5), (73.5, 77.5), (77.5, 81.5)):  # 220, 311, 222
        part = (x[~inside] > low) & (x[~inside] < high)
        assert found[part].sum() == pytest.approx(truth[~inside][part].sum(), rel=0.15)


def test_an_extension_is_planned_where_candidates_differ_only_beyond():
    low = 52.0
    counts = scan()
    first = merged([ScanReplay(counts, seed=1).measure([Range(10.0, low, 0.03, 3.0)])], 0.03, {"wavelength": 1.540593})
    verdict = verdict_on(first, (0.5, 0.5))
    common = verdict.candidates[0].curve
    both = [
        c.model_copy(update={"curve": common, "structures": (rock_salt(c.name, a),)})
        for c, a in zip(verdict.candidates, (4.177, 4.30), strict=True)
    ]
    verdict = verdict.model_copy(update={"candidates": both})
    assert suggest_measurement(first, verdict, smallest=0.9).stop
    plan = suggest_measurement(first, verdict, smallest=0.9, limits=(10.0, 80.0))
    assert not plan.stop
    assert all(r.low > low - 1.0 for r in plan.ranges)
    assert max(r.high for r in plan.ranges) <= 80.0 + 1e-3
