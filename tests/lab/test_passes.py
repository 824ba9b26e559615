"""Passes of different times and steps, merged; recorded scans as instruments."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.lab import Cost, Pass, Range, Record, ScanReplay
from whorl.lab.passes import merged, pass_of, times_of

X = np.round(np.arange(10.0, 60.0, 0.02), 6)
RATES = 20 + 300 * np.exp(-(((X - 30) / 0.3) ** 2)) + 100 * np.exp(-(((X - 45) / 0.3) ** 2))


@pytest.fixture
def scan() -> Measurement:
    counts = np.random.default_rng(5).poisson(RATES * 8.0).astype(float)
    return Measurement("powder", X, counts, settings={"wavelength": 1.5406, "counting_time": 8.0})


def test_asked_for_in_full_a_scan_comes_out_as_it_was(scan):
    replay = ScanReplay(scan, seed=3)
    first = replay.measure([Range(10.0, 60.0, 0.02, 3.0)])
    rest = replay.measure([Range(10.0, 60.0, 0.02, 5.0)])
    assert np.array_equal(first.counts + rest.counts, scan.signal)
    assert replay.measure([Range(20.0, 30.0, 0.02, 1.0)]).seconds.max() == 0.0  # nothing is left


def test_a_share_has_the_mean_and_the_scatter_of_a_shorter_scan(scan):
    part = ScanReplay(scan, seed=4).measure([Range(10.0, 60.0, 0.02, 0.8)])
    z = (part.counts - 0.8 * RATES) / np.sqrt(0.8 * RATES)
    assert abs(z.mean()) < 3 / np.sqrt(z.size)
    assert z.std() == pytest.approx(1.0, abs=3 / np.sqrt(2 * z.size))
    again = ScanReplay(scan, seed=4).measure([Range(10.0, 60.0, 0.02, 0.8)])
    assert np.array_equal(part.counts, again.counts)


def test_a_coarser_step_takes_every_other_point(scan):
    part = ScanReplay(scan).measure([Range(20.0, 21.0, 0.04, 1.0)])
    assert np.diff(part.x) == pytest.approx(0.04)
    assert part.x.size == 26


def test_rates_cannot_be_replayed(scan):
    with pytest.raises(PatternError, match="counts"):
        ScanReplay(Measurement("powder", X, scan.signal / 8.0))


def test_merged_passes_have_rates_and_the_sigma_of_the_time_each_point_was_given(scan):
    replay = ScanReplay(scan, seed=6)
    passes = [replay.measure([Range(10.0, 60.0, 0.02, 0.5)]), replay.measure([Range(29.0, 31.0, 0.02, 5.0)])]
    found = merged(passes, 0.02, scan.settings)
    assert found.x == pytest.approx(X)
    assert found.settings["intensity"] == "rate"
    assert "counting_time" not in found.settings
    inside = (X > 29.05) & (X < 30.95)
    outside = (X < 28.9) | (X > 31.1)
    for part in (inside, outside):
        z = ((found.signal - RATES) / found.sigma)[part]
        assert z.std() == pytest.approx(1.0, abs=3.5 / np.sqrt(2 * z.size))
        assert abs(z.mean()) < 3.5 / np.sqrt(z.size)
    assert times_of(found)[inside].mean() == pytest.approx(5.5, rel=0.03)
    assert times_of(found)[outside].mean() == pytest.approx(0.5, rel=0.03)


def test_points_of_no_counts_are_not_certain():
    found = merged([Pass(X[:50], np.zeros(50), np.full(50, 2.0))], 0.02)
    assert np.all(found.sigma > 0)


def test_points_that_nearly_coincide_are_one():
    record = Record(0.02)
    record.add(Pass(np.array([10.0, 10.02]), np.array([5.0, 7.0]), np.ones(2)))
    record.add(Pass(np.array([10.0005, 10.03]), np.array([3.0, 4.0]), np.ones(2)))
    x, counts, seconds = record.arrays()
    assert x.tolist() == [10.0, 10.02, 10.03]
    assert counts.tolist() == [8.0, 7.0, 4.0]
    assert seconds.tolist() == [2.0, 1.0, 1.0]
    assert record.total_seconds == 4.0


def test_processed_data_cannot_be_planned_with(scan):
    cleaned = Measurement("powder", X, scan.signal / scan.signal.max() * 100)
    with pytest.raises(PatternError, match="uncertainty"):
        pass_of(cleaned)
    assert pass_of(cleaned, 2.0).seconds.max() == 2.0


def test_what_ranges_cost():
    wanted = Range(20.0, 21.0, 0.1, 2.0)
    assert wanted.points == 11
    assert Cost(point=0.5, range=10.0).seconds(wanted) == pytest.approx(10 + 11 * 2.5)
    assert Cost(at_once=10).seconds(wanted) == pytest.approx(20 * 0.2)
    with pytest.raises(UsageError, match="lower end"):
        Range(21.0, 20.0, 0.1, 2.0)
