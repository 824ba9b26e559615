"""How much misfits testify, and what counts as a runner-up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.fitting.evidence import Support, Temper
from whorl.tasks.trying import Tried, diverse
from whorl.tasks.weighing import beyond_noise, fraction, misfits, noise_of, weighed
from whorl.techniques.protocol import Noise, Suggestion
from whorl.trust.probability import Calibration

X = np.linspace(0, 6, 120)
DATA = np.sin(X)
STATED = Calibration(Temper(0.03, 0.2))
SIGNAL = SimpleNamespace(testifying=None)


@dataclass
class Fit:
    """What weighing asks of a fit."""

    rw: float
    calculated: np.ndarray
    support: Support
    problem: object = field(default_factory=lambda: SimpleNamespace(observed=DATA, weights=np.ones_like(X)))
    evidence: float = 0.0
    free_parameters: int = 3


def suggestion(name, kind="crystal", family=None):
    start = {}
    common = {"elements": frozenset({"Ni"}), "source": "", "load": lambda: None, "start": start}
    return Suggestion(key=name, name=name, kind=kind, family=name if family is None else family, merit=0.0, prior=0.0, **common)


def tried(name, rw, curve=None, **more):
    """A candidate of a family of its own whose misfit is ``rw``."""
    wave = DATA + rw * np.sqrt(np.mean(DATA**2)) * np.sqrt(2) * np.sin(40 * X) if curve is None else curve
    return Tried((suggestion(name, **more),), Fit(rw, wave, Support(150.0, rw, 0.0, np.zeros(1))), 0.0, {})


def technique(level, *, measured):
    return SimpleNamespace(noise=lambda signal, fit: Noise(level, measured=measured))


@given(st.floats(0.01, 1.0), st.floats(0, 2.0), st.floats(0.05, 1.0))
def test_the_fraction_grows_with_noise_and_stays_a_fraction(rw, share, stated):
    for measured in (False, True):
        found = fraction(stated, rw, Noise(share * rw, measured=measured))
        assert stated <= found <= 1 + 1e-12
        assert found >= fraction(stated, rw, Noise(0.5 * share * rw, measured=measured)) - 1e-12


def test_noise_that_was_seen_is_believed_more():
    seen, guessed = (fraction(0.2, 0.1, Noise(0.09, measured=m)) for m in (True, False))
    assert seen > 0.8
    assert guessed < 0.5


def test_the_same_two_fits_differ_more_where_the_misfit_is_noise():
    pair = [tried("a", 0.10), tried("b", 0.12)]
    gaps = []
    for level in (0.0, 0.10):
        one, other = weighed(technique(level, measured=True), SIGNAL, pair, STATED)
        assert one.name == "a"
        gaps.append(one.fit.evidence - other.fit.evidence)
    assert gaps[1] > 4 * gaps[0] > 0


def test_relatives_that_evidence_does_not_tell_apart_are_ordered_by_misfit():
    worse = tried("x", 0.1001, family="same")
    better = tried("y", 0.1000, family="same")
    handicapped = replace(better, prior=-0.5)
    ranked = weighed(technique(0.0, measured=False), SIGNAL, [worse, handicapped], STATED)
    assert [t.name for t in ranked] == ["y", "x"]


def test_a_variant_of_the_first_is_no_runner_up():
    first = tried("truth", 0.10)
    variant = tried("superstructure", 0.102, curve=first.fit.calculated + 0.01 * np.cos(X))
    wrong = tried("wrong", 0.30)
    assert misfits(technique(0.0, measured=False), None, [first, variant, wrong], 0.03) == pytest.approx((0.10, 0.30))
    assert misfits(technique(0.0, measured=False), None, [first, variant], 0.03) == pytest.approx((0.10, 1.0))


def test_under_much_noise_small_differences_count():
    first = tried("truth", 0.50)
    other = tried("another shape", 0.51, curve=first.fit.calculated + 0.1 * np.cos(X))
    rank = [first, other]
    assert misfits(technique(0.0, measured=False), None, rank, 0.03)[1] == 1.0
    assert misfits(technique(0.5, measured=True), None, rank, 0.03)[1] < 0.2


def test_noise_is_taken_out_of_both_misfits():
    ranked = [tried("truth", 0.10), tried("wrong", 0.30)]
    first, other = misfits(technique(0.06, measured=True), None, ranked, 0.03)
    assert first == pytest.approx(0.08, rel=1e-4)
    assert other == pytest.approx(beyond_noise(0.30, 0.06))


def test_noise_is_pooled_over_fits_that_are_as_good():
    levels = {"a": 0.08, "b": 0.02, "c": 0.09, "poor": 0.0}
    kit = SimpleNamespace(noise=lambda signal, fit: Noise(levels[fit.name], measured=False))
    ranked = [tried(name, rw) for name, rw in (("a", 0.10), ("b", 0.105), ("c", 0.101), ("poor", 0.3))]
    for t in ranked:
        t.fit.name = t.name
    assert noise_of(kit, None, ranked).level == 0.08


def test_one_kind_does_not_crowd_out_the_other():
    clusters = [suggestion(f"cluster {n}", kind="cluster") for n in range(60)]
    crystal = suggestion("its crystal")
    assert crystal in diverse([*clusters, crystal], 32, 5)
    assert len(diverse([*clusters, crystal], 32, 5)) == 32


def test_one_kind_alone_takes_all_places_and_families_stay_diverse():
    crystals = [suggestion(f"spinel {n}", family="spinel") for n in range(9)] + [suggestion(f"other {n}") for n in range(4)]
    chosen = diverse(crystals, 8, 2)
    assert [s.name for s in chosen] == [
        "spinel 0",
        "spinel 1",
        "other 0",
        "other 1",
        "other 2",
        "other 3",
        "spinel 2",
        "spinel 3",
    ]
