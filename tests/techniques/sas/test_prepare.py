"""Small-angle curves made ready: points, uncertainties, smearing, and what is odd."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.techniques.sas.prepare import prepare

Q = np.geomspace(0.004, 0.4, 200)


def curve(q=Q, *, scale=10.0, background=0.02, noise=0.01, seed=1, **settings):
    rng = np.random.default_rng(seed)
    clean = scale * np.exp(-((q * 40) ** 2) / 3) + scale * 1e-3 / (1 + (q * 40) ** 4) + background
    sigma = noise * clean + 1e-4 * scale
    return Measurement("sas", q, clean + sigma * rng.normal(size=q.size), sigma, settings=settings)


def test_stated_uncertainties_and_resolution_are_used():
    m = curve(slit_length=0.03)
    signal = prepare(Measurement("sas", m.x, m.signal, m.sigma, resolution=0.05 * m.x, settings=m.settings))
    assert signal.absolute
    assert signal.sigma == pytest.approx(m.sigma)
    assert signal.dq == pytest.approx(0.05 * m.x)
    assert signal.smearing.q.size > m.x.size
    assert any(t.startswith("dq/q: 0.05") for t in signal.assumptions)
    assert any(t.startswith("slit_length: 0.03") for t in signal.assumptions)


def test_smearing_can_be_switched_off_and_given():
    m = curve()
    m = Measurement("sas", m.x, m.signal, m.sigma, resolution=0.05 * m.x)
    assert np.array_equal(prepare(m, settings={"smearing": "off"}).smearing.q, m.x)
    assert prepare(m, settings={"dq": 0.1}).dq == pytest.approx(0.1 * m.x)
    assert prepare(m, settings={"dq": 0}).dq is None


def test_uncertainties_come_from_the_scatter_where_the_file_has_none():
    m = curve(noise=0.03)
    signal = prepare(Measurement("sas", m.x, m.signal))
    assert not signal.absolute
    assert np.median(signal.sigma / m.sigma) == pytest.approx(1, abs=0.3)
    assert any("from the scatter" in t for t in signal.assumptions)


def test_thinning_keeps_the_curve_and_its_information():
    signal = prepare(curve())
    few = signal.thinned(50)
    assert few.x.size <= 50
    assert np.sum(1 / few.sigma**2) == pytest.approx(np.sum(1 / signal.sigma**2))
    clean = np.interp(few.x, signal.x, curve(noise=0.0).signal)
    assert np.max(np.abs(few.y - clean) / few.sigma) < 4


def test_negative_intensities_are_data():
    m = curve(background=-0.005)
    assert prepare(m).y.min() < 0


@pytest.mark.parametrize(
    ("m", "options", "error", "words"),
    [
        (curve(Q[:7]), {}, PatternError, "7 points"),
        (Measurement("sas", Q, -np.ones(Q.size)), {}, PatternError, "no intensity is positive"),
        (curve(), {"range": (0.3, 0.1)}, UsageError, "upside down"),
        (curve(), {"range": (0.5, 0.9)}, PatternError, "0 points"),
        (curve(), {"settings": {"qdamp": 1}}, UsageError, "unknown setting 'qdamp'"),
        (curve(), {"settings": {"dq": -1}}, UsageError, "dq = -1 is not possible"),
        (Measurement("gr", Q, Q), {}, PatternError, "no single small-angle curve"),
    ],
)
def test_what_cannot_be_used_is_refused(m, options, error, words):
    with pytest.raises(error, match=words):
        prepare(m, **options)


def test_doubtful_curves_are_told():
    def warnings(m):
        return " ".join(prepare(m).warnings)

    assert "only 8 points" in warnings(curve(Q[::25]))
    assert "hardly rises above its background" in warnings(curve(scale=0.01, background=1.0, noise=0.02))
    assert "beyond about 1 the atomic structure" in warnings(curve(10 * Q))
    gap = np.concatenate([Q[:60], Q[100:]])
    assert "there is a gap from q = 0.0157" in warnings(curve(gap))
    assert "negative" in warnings(curve(background=-0.05, noise=0.0))
    assert warnings(curve()) == ""


def test_points_in_the_shadow_of_the_beam_stop_are_left_out():
    m = curve()
    shadowed = m.signal.copy()
    shadowed[:3] *= (0.001, 0.02, 0.2)
    signal = prepare(Measurement("sas", m.x, shadowed, m.sigma))
    assert signal.x[0] == m.x[3]
    assert "first 3 points" in signal.warnings[0]
    assert prepare(Measurement("sas", m.x, shadowed, m.sigma), range=(0.001, 1)).x[0] == m.x[0]
