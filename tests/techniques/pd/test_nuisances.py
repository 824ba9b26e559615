"""What powder experiments vary: the draws have the declared ranges, the counts the declared height and noise."""

from __future__ import annotations

import numpy as np

from whorl.techniques.pd.nuisances import NUISANCES, Nuisances


def test_draws_are_within_their_ranges_and_repeatable():
    drawn = [NUISANCES.draw(np.random.default_rng(s), phases=3) for s in range(300)]
    assert drawn[0] == NUISANCES.draw(np.random.default_rng(0), phases=3)
    for name, limits in (("counts", NUISANCES.counts), ("background", NUISANCES.background)):
        values = np.array([d[name] for d in drawn])
        assert limits[0] <= values.min()
        assert values.max() <= limits[1]
        assert abs(np.median(np.log(values)) - np.mean(np.log(limits))) < 0.5  # log-uniform
    sizes = np.concatenate([d["size"] for d in drawn])
    assert NUISANCES.size[0] <= sizes.min() < 1.2 * NUISANCES.size[0]
    strained = np.mean([max(d["strain"]) > 0 for d in drawn])
    assert abs(strained - NUISANCES.strained) < 0.1


def test_corrupted_patterns_are_counts_of_the_drawn_height():
    """Above the background stand the counts asked for, and the noise is that of counting: chi squared 1 within 10 %."""
    x = np.arange(10.0, 90.0, 0.02)
    clean = np.exp(-0.5 * ((x - 40) / 0.5) ** 2)
    rng = np.random.default_rng(4)
    drawn = Nuisances().draw(rng)
    y = NUISANCES.corrupt(x, clean, drawn, rng)
    expected = clean * drawn["counts"] + NUISANCES.background_of(x, drawn)
    assert np.all(y == np.round(y))
    assert abs(np.mean((y - expected) ** 2 / expected) - 1) < 0.1


def test_backgrounds_stay_positive():
    x = np.linspace(3.0, 16.0, 400)
    rng = np.random.default_rng(9)
    wild = Nuisances(slope=2.0)
    assert all(NUISANCES.background_of(x, wild.draw(rng)).min() > 0 for _ in range(100))
