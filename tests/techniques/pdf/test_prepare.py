"""From a measurement to the signal that is fitted."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.formats import read
from whorl.physics.transforms import SineGrid
from whorl.techniques.pdf.prepare import infer_qmax, prepare, signal_end
from whorl.techniques.pdf.simulate import simulate

R = np.arange(1, 3001) * 0.01


@pytest.fixture(scope="module")
def nickel_gr(structures):
    return simulate(structures.nickel, settings={"qmax": 22.0, "qmin": 0.7, "qdamp": 0.03}, r=R)


def bare(gr, **changes):
    fields = {"x": gr.x, "signal": gr.signal, "settings": {}} | changes
    return Measurement("gr", **fields)


def test_points_are_taken_as_measured(nickel_gr):
    signal = prepare(nickel_gr, range=(2.0, 20.0))
    assert signal.range == pytest.approx((2.0, 20.0))
    assert np.array_equal(signal.g, nickel_gr.signal[199:2000])
    assert np.array_equal(signal.weights, np.ones(1801))
    assert not signal.absolute
    assert signal.independent_points == pytest.approx(18 * 22 / np.pi)


def test_default_range(nickel_gr):
    assert prepare(nickel_gr).range == pytest.approx((1.5, 30.0))
    short = bare(nickel_gr, x=R[199:1500], signal=nickel_gr.signal[199:1500])
    assert prepare(short).range == pytest.approx((2.0, 15.0))


def test_mask_is_respected(nickel_gr):
    mask = np.ones(R.size, dtype=bool)
    mask[500:600] = False
    signal = prepare(bare(nickel_gr, mask=mask), range=(2.0, 20.0))
    assert signal.r.size == 1801 - 100
    assert not np.any((signal.r > 5.015) & (signal.r < 5.995))


def test_masked_points_may_hold_anything(nickel_gr):
    mask = np.ones(R.size, dtype=bool)
    mask[500:503] = False
    spoilt = np.where(mask, nickel_gr.signal, np.nan)
    signal = prepare(bare(nickel_gr, signal=spoilt, mask=mask))
    assert signal.instrument.qmax == pytest.approx(22.0, rel=0.05)  # read off in spite of the gap
    assert np.all(np.isfinite(signal.g))
    q = np.arange(1.0, 20.0, 0.01)
    keep = np.ones(q.size, dtype=bool)
    keep[300] = False
    f = np.sin(2.5 * q)
    whole, gap = (
        prepare(Measurement("fq", q, values, mask=flags)) for values, flags in ((f, None), (np.where(keep, f, np.nan), keep))
    )
    assert gap.g == pytest.approx(whole.g, abs=1e-3)


def test_too_little_to_use(nickel_gr):
    with pytest.raises(PatternError, match=r"only 1 points between 1\.5 and 1\.5"):
        prepare(bare(nickel_gr, x=R[:150], signal=nickel_gr.signal[:150]))
    with pytest.raises(PatternError, match="only 0 points"):
        prepare(bare(nickel_gr, mask=np.zeros(R.size, dtype=bool)))
    q = np.arange(1.0, 20.0, 0.01)
    with pytest.raises(PatternError, match="only 0 points"):
        prepare(Measurement("fq", q, q, mask=np.zeros(q.size, dtype=bool)))


@pytest.mark.parametrize(
    ("wanted", "error", "text"),
    [
        ((20.0, 2.0), UsageError, "upside down"),
        ((5.0, 5.0), UsageError, "upside down"),
        ((np.nan, 5.0), UsageError, "upside down"),
        ((40.0, 50.0), PatternError, "lies outside the data"),
        ((10.0, 40.0), PatternError, r"reaches beyond the data .* Use --range 10:30"),
        ((0.0, 20.0), PatternError, r"reaches beyond the data .* Use --range 0\.01:20"),
        ((5.0, 5.1), PatternError, "only 11 points"),
    ],
)
def test_ranges_that_cannot_be(nickel_gr, wanted, error, text):
    with pytest.raises(error, match=text):
        prepare(nickel_gr, range=wanted)


def test_the_user_overrules_the_file_and_both_are_told(nickel_gr):
    signal = prepare(nickel_gr, settings={"qmax": 20.0, "radiation": "neutron"})
    assert signal.instrument.qmax == 20.0
    assert signal.instrument.radiation == "neutron"
    assert signal.instrument.qdamp == 0.03
    text = "\n".join(signal.assumptions)
    assert "qmax: 20.0 (given; the file says 22.0)" in text
    assert "qdamp: 0.03 (file)" in text
    assert {"qmax", "qdamp", "qmin", "radiation"} <= signal.known


def test_what_is_not_stated_is_assumed_and_told(nickel_gr):
    signal = prepare(bare(nickel_gr))
    text = "\n".join(signal.assumptions)
    for word in ("Qmin 0.5", "radiation: X-ray", "Qdamp refined", "Qbroad refined from 0", "read off the spectrum"):
        assert word in text
    assert signal.instrument.qmax == pytest.approx(22.0, rel=0.05)
    assert "qdamp" not in signal.known


@pytest.mark.parametrize(
    ("name", "value"), [("qmax", 0.0), ("qmax", -1.0), ("qdamp", 3.0), ("radiation", "muon"), ("qmin", 30.0)]
)
def test_impossible_settings(nickel_gr, name, value):
    with pytest.raises(UsageError, match=name):
        prepare(nickel_gr, settings={name: value})


def test_unknown_setting(nickel_gr):
    with pytest.raises(UsageError, match=r"unknown setting 'qmaximum'.*Settings are radiation"):
        prepare(nickel_gr, settings={"qmaximum": 20.0})


def test_a_series_is_refused(nickel_gr):
    with pytest.raises(PatternError, match=r"2 frames where one is expected.*frame\(i\)"):
        prepare(bare(nickel_gr, signal=np.stack([nickel_gr.signal] * 2)))


def test_weights_are_those_of_the_file(nickel_gr):
    sigma = 0.1 + 0.01 * R
    signal = prepare(bare(nickel_gr, sigma=sigma), range=(2.0, 20.0))
    assert signal.absolute
    assert signal.weights == pytest.approx(1 / sigma[199:2000] ** 2)


def test_a_few_tiny_uncertainties_do_not_own_the_fit(nickel_gr):
    sigma = np.full(R.size, 0.2)
    sigma[300:310] = 0.0
    signal = prepare(bare(nickel_gr, sigma=sigma), range=(2.0, 20.0))
    assert signal.weights.max() == pytest.approx(100 / 0.2**2)


@pytest.mark.parametrize("sigma", [np.zeros(R.size), np.full(R.size, -1.0), np.full(R.size, np.inf)])
def test_uncertainties_that_are_none_are_left_out(nickel_gr, sigma):
    signal = prepare(bare(nickel_gr, sigma=sigma))
    assert not signal.absolute
    assert np.all(signal.weights == 1)


def test_a_coarse_step_is_warned_of(structures):
    r = np.arange(1, 101) * 0.2
    g = simulate(structures.nickel, settings={"qmax": 25.0}, r=r)
    assert any("coarser than pi/Qmax" in w for w in prepare(g).warnings)
    assert not prepare(simulate(structures.nickel, settings={"qmax": 15.0}, r=r)).warnings


def test_composition_is_a_hint(nickel_gr):
    assert prepare(nickel_gr, settings={"composition": "Sr Fe2 As2"}).elements_hint == {"Sr", "Fe", "As"}
    odd = prepare(nickel_gr, settings={"composition": "sample 7"})
    assert odd.elements_hint == frozenset()
    assert any("not understood and ignored" in w for w in odd.warnings)


@pytest.mark.parametrize("kind", ["fq", "sq"])
def test_f_and_s_of_q_become_the_g_that_they_came_from(structures, misfit, kind):
    """Simulated G(r), its F(Q), and back: the same curve inside the band."""
    wide = simulate(
        structures.icosahedron, settings={"qmin": 0.8, "qmax": 22.0, "u_iso": 0.006, "qdamp": 0.05}, r=np.arange(1, 6001) * 0.01
    )
    grid = SineGrid(0.01, 6001)
    f = grid.to_q(wide.signal)
    inside = (grid.q > 0.7) & (grid.q < 22.5)
    q, f = grid.q[inside], f[inside]
    measured = Measurement(kind, q, f if kind == "fq" else 1 + f / q, settings={"qmin": 0.8, "qmax": 22.0})
    signal = prepare(measured, range=(1.5, 20.0))
    assert signal.instrument.qmax == 22.0
    assert misfit(signal.g, np.interp(signal.r, wide.x, wide.signal)) < 0.02
    assert any("G(r) computed from" in a for a in signal.assumptions)


def test_the_band_of_f_is_that_of_the_file_when_nothing_is_stated():
    q = np.arange(1.0, 20.005, 0.01)
    signal = prepare(Measurement("fq", q, np.sin(2.5 * q) * np.exp(-0.004 * q**2)))
    assert signal.instrument.qmin == pytest.approx(1.0)
    assert signal.instrument.qmax == pytest.approx(20.0)
    peak = signal.r[np.argmax(signal.g)]
    assert peak == pytest.approx(2.5, abs=0.02)


def test_uncertainties_of_f_are_not_those_of_g():
    q = np.arange(1.0, 20.0, 0.01)
    signal = prepare(Measurement("fq", q, np.sin(2.5 * q), sigma=np.full(q.size, 0.1)))
    assert not signal.absolute


def test_i_of_q_is_refused_with_a_way_out():
    q = np.arange(1.0, 20.0, 0.01)
    with pytest.raises(PatternError, match=r"not normalised.*Reduce it"):
        prepare(Measurement("iq", q, np.ones(q.size)))


@pytest.mark.parametrize("qmax", [12.0, 17.0, 22.0, 26.0, 30.0])
@pytest.mark.parametrize("name", ["nickel", "arsenide", "octahedron"])
def test_qmax_is_read_off_a_simulation(structures, name, qmax):
    r = np.arange(1, 3001) * 0.01
    g = simulate(getattr(structures, name), settings={"qmax": qmax, "u_iso": 0.004, "qdamp": 0.03}, r=r).signal
    noisy = g + 1e-4 * np.max(g) * np.random.default_rng(1).normal(size=r.size)
    found = infer_qmax(r, noisy)
    assert found == pytest.approx(qmax, rel=0.05)


def test_qmax_is_not_invented():
    r = np.arange(1, 3001) * 0.01
    assert infer_qmax(r, np.random.default_rng(0).normal(size=r.size)) is None
    assert infer_qmax(r, np.exp(-0.5 * ((r - 10) / 0.05) ** 2)) is None  # fades without an edge
    assert infer_qmax(r[:100], np.sin(r[:100])) is None
    assert infer_qmax(r**1.2, np.sin(9 * r)) is None
    assert infer_qmax(r, np.zeros(r.size)) is None


def test_qmax_is_read_off_measured_files(shared_data):
    """Wherever an edge is found, it is the Qmax of the header."""
    seen = 0
    for path in sorted((shared_data / "pdf" / "exp").glob("*.gr")):
        measurement = read(path)
        stated = measurement.settings.get("qmax")
        found = infer_qmax(measurement.x, measurement.signal) if measurement.kind == "gr" and stated else None
        if found is not None:
            assert found == pytest.approx(stated, rel=0.05), path.name
            seen += 1
    assert seen >= 4


def test_a_signal_that_ends_early(structures):
    r = np.arange(1, 3001) * 0.01
    g = simulate(structures.icosahedron, settings={"qmax": 22.0, "qmin": 0.8}, r=r)
    signal = prepare(g)
    assert 10.0 <= signal.range[1] < 16.0  # the cluster is 11 angstrom across
    assert any("above the noise" in a for a in signal.assumptions)
    assert prepare(g, range=(1.5, 30.0)).range[1] == pytest.approx(30.0)
    assert signal_end(r, np.zeros(r.size), 1.5, 30.0) == 30.0


def test_thinning_keeps_the_information(nickel_gr, misfit):
    signal = prepare(nickel_gr)
    thin = signal.thinned(4.0)
    step = thin.r[1] - thin.r[0]
    assert np.pi / 22 / 5 < step <= np.pi / 22 / 4 + 1e-9
    assert set(thin.g) <= set(signal.g)
    assert thin.independent_points == signal.independent_points
    assert thin.thinned(4.0).r.size == thin.r.size
