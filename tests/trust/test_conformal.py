"""Conformal intervals: the finite-sample rule, coverage whatever the errors' law, classes of difficulty."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.trust.conformal import LEVELS, Conformal, coverage, split_quantile


def test_the_rank_is_that_of_the_theorem():
    """n = 9, level 0.9: the 9th of 9; n = 8: more than there are."""
    assert split_quantile(np.arange(9.0), 0.9) == 8.0
    assert split_quantile(np.arange(8.0), 0.9) == np.inf


def test_intervals_cover_errors_of_any_law():
    """Heavy tails whose width the stated sigma gets wrong by a class: 90 % overall and in each class."""
    rng = np.random.default_rng(20)

    def draw(count):
        sigma = np.exp(rng.uniform(-3, 0, count))
        wrong = np.where(sigma > 0.3, 5.0, 0.5)  # sigma itself is no good guide
        return rng.standard_t(3, count) * sigma * wrong, sigma

    error, sigma = draw(4000)
    found = Conformal.calibrate(np.abs(error) / sigma, sigma)
    assert len(found.factors) == 4
    error, sigma = draw(4000)
    half = found.factor(sigma, 0.9) * sigma
    assert coverage(error, half)[0] == pytest.approx(0.9, abs=0.015)
    for chosen in (sigma < 0.1, sigma > 0.5):
        assert coverage(error[chosen], half[chosen])[0] == pytest.approx(0.9, abs=0.04)


def test_levels_nest_and_unknown_ones_are_refused():
    rng = np.random.default_rng(21)
    found = Conformal.calibrate(np.abs(rng.normal(size=900)), rng.uniform(size=900))
    table = np.array(found.factors)
    assert np.all(np.diff(table, axis=1) >= 0)
    assert found.levels == LEVELS
    with pytest.raises(UsageError, match="not calibrated"):
        found.factor(np.zeros(1), 0.77)


def test_too_few_cases_give_no_interval_and_survive_json():
    import json

    few = Conformal.calibrate(np.arange(5.0), np.arange(5.0))
    assert few.factor(np.array([2.0]), 0.9)[0] == np.inf
    again = Conformal.from_dict(json.loads(json.dumps(few.to_dict())))
    assert again == few
