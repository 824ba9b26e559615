"""Drawn experiments: windows in their ranges, noise of the size that is said, smearing, subtraction, artefacts, seeds."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.techniques.sas.nuisances import GRIDS, NUISANCES, Nuisances, grid_of

Q = np.geomspace(8e-4, 1.0, 400)
CLEAN = 1 / (1 + (50 * Q) ** 2) ** 2
PLAIN = Nuisances(
    smeared=0.0, slits=0.0, counting=0.0, quiet=0.0, sigma_stated=1.0, sigma_error=0.0, no_background=1.0, subtracted=0.0,
    aggregates=0.0, beam_stop=0.0, gap=0.0, noise=(0.02, 0.02),
)  # fmt: skip


def measure(seed, nuisances=NUISANCES, **changes):
    rng = np.random.default_rng(seed)
    return nuisances.measure(Q, CLEAN, nuisances.draw(rng) | changes, rng)


def test_windows_grids_and_points():
    rng = np.random.default_rng(1)
    drawn = [NUISANCES.draw(rng) for _ in range(400)]
    low, high = (np.array([d[name] for d in drawn]) for name in ("qmin", "qmax"))
    assert low.min() >= 0.0008
    assert high.max() <= 1.0
    decades = np.log10(high / low)
    assert decades.min() >= 0.8 - 1e-9
    assert decades.max() <= 3.2
    for d in drawn:
        q = grid_of(d)
        assert np.all(np.diff(q) > 0)
        assert (q[0], q[-1]) == pytest.approx((d["qmin"], d["qmax"]))
    assert {d["grid"] for d in drawn} == set(GRIDS)


def test_same_seed_same_curve():
    one, two = measure(7), measure(7)
    assert all(np.array_equal(a, b) for a, b in zip(one[:2], two[:2], strict=True))


def test_noise_is_what_is_stated():
    """20 curves of 2 % noise: the scatter in units of sigma has unit variance (4000 points: 1 +- 0.022)."""
    z = np.concatenate([((c.intensity - c.expected) / c.sigma) for c in (measure(s, PLAIN, points=200) for s in range(20))])
    assert abs(z.std() - 1) < 0.07
    assert abs(z.mean()) < 0.07


def test_noise_of_counts_grows_where_little_is_counted():
    rng = np.random.default_rng(3)
    drawn = PLAIN.draw(rng) | {"counting": True, "noise": 0.02, "qmin": 0.005, "qmax": 0.5, "grid": "linear", "floor": 1e-3}
    curve = PLAIN.measure(Q, CLEAN, drawn, rng)
    relative = curve.true_sigma / curve.expected
    assert relative[-1] > 20 * relative[0]


def test_smearing_fills_minima_and_leaves_power_laws():
    fringes = np.exp(-2 * np.log(Q)) * (1.02 + np.cos(200 * Q))
    changes = {"qmin": 0.02, "qmax": 0.2, "points": 300, "grid": "linear"}
    rng = np.random.default_rng(4)
    sharp, soft = (
        PLAIN.measure(Q, fringes, PLAIN.draw(rng) | changes | {"resolution": width}, rng).expected for width in (0.0, 0.1)
    )
    x = np.linspace(0.02, 0.2, 300)
    assert np.ptp((soft * x**2)[200:]) < 0.05 * np.ptp((sharp * x**2)[200:])


def test_subtraction_leaves_noise_and_negative_points():
    rng = np.random.default_rng(5)
    drawn = PLAIN.draw(rng) | {"background": 0.7, "subtracted": 0.0, "qmin": 0.005, "qmax": 0.8, "points": 300}
    curve = PLAIN.measure(Q, CLEAN, drawn, rng)
    assert (curve.intensity[-50:] < 0).sum() > 5
    assert abs(np.mean((curve.intensity - curve.expected)[-100:] / curve.sigma[-100:])) < 0.4


@pytest.mark.parametrize(
    ("changes", "place"),
    [({"beam_stop": 3}, slice(0, 3)), ({"gap": (0.4, 0.1)}, None), ({"aggregates": (4.0, 0.5)}, slice(0, 3))],
)
def test_artefacts(changes, place):
    window = {"qmin": 0.005, "qmax": 0.5, "points": 200, "grid": "logarithmic"}
    good, bad = measure(6, PLAIN, **window), measure(6, PLAIN, **window | changes)
    if place is None:
        assert 170 <= bad.q.size <= 185
    else:
        ratio = bad.intensity[place] / good.intensity[place]
        assert np.all(ratio > 2) if "aggregates" in changes else np.all(ratio < 0.95)
        assert bad.intensity[100] == pytest.approx(good.intensity[100], rel=0.15)
