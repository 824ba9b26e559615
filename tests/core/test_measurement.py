"""A measurement is well-formed from the moment it exists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from whorl.core.errors import PatternError
from whorl.core.measurement import KINDS, Measurement

X = np.array([1.0, 1.1, 1.2])


def series(frames=3):
    signal = np.arange(frames * 3, dtype=float).reshape(frames, 3)
    return Measurement("gr", X, signal, sigma=signal + 1, coordinates={"time": np.arange(frames) * 60.0}, path="s.h5")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "xyz"}, "unknown kind"),
        ({"x": X[:1], "signal": X[:1]}, r"1 point\(s\)"),
        ({"x": np.zeros((2, 2))}, r"4 point\(s\)"),
        ({"signal": np.zeros(4)}, r"signal of shape \(4,\) on an axis of 3"),
        ({"signal": np.zeros((1, 2, 3))}, "signal of shape"),
        ({"sigma": np.ones(2)}, "sigma and signal"),
        ({"mask": np.ones(2, bool)}, "mask and axis"),
        ({"x": np.array([1, np.nan, 2])}, "axis holds NaN"),
        ({"x": np.array([1, np.inf, 2])}, "axis holds NaN"),
        ({"x": np.array([0.5, 0.54, 0.53])}, r"r is not increasing \(0.53 after 0.54\)"),
        ({"x": np.array([0.5, 0.5, 0.6])}, r"not increasing \(0.5 after 0.5\)"),
        ({"signal": np.array([0, np.nan, 1])}, "signal holds NaN"),
        ({"resolution": np.ones(2)}, "the resolution is not one number"),
        ({"resolution": -X}, "the resolution is not one number"),
    ],
)
def test_bad_measurements_say_what_is_wrong(change, words):
    good = {"kind": "gr", "x": X, "signal": np.zeros(3), "path": "Pt.gr"}
    with pytest.raises(PatternError, match=words) as caught:
        Measurement(**(good | change))
    assert caught.value.where == "Pt.gr"
    assert caught.value.remedy


def test_masked_points_may_be_nan():
    m = Measurement("gr", X, np.array([np.nan, 1, 2]), mask=np.array([False, True, True]))
    assert m.used.tolist() == [False, True, True]


def test_frames_carry_their_coordinates():
    m = series()
    frame = m.frame(-1)
    assert (m.frames, frame.frames) == (3, 1)
    assert frame.signal.tolist() == [6, 7, 8]
    assert frame.sigma.tolist() == [7, 8, 9]
    assert frame.settings == {"time": 120.0}
    assert frame.coordinates == {}
    assert frame.frame(0) is frame
    for bad in (3, -4):
        with pytest.raises(PatternError, match=f"frame {bad} of 3"):
            m.frame(bad)
    with pytest.raises(PatternError, match="frame 1 of a single curve"):
        frame.frame(1)


def test_settings_are_overridden_in_a_copy():
    m = Measurement("gr", X, X, settings={"qmax": 22.0, "qmin": 0.8})
    assert m.with_settings(qmax=25.0).settings == {"qmax": 25.0, "qmin": 0.8}
    assert m.settings["qmax"] == 22.0


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        ("gr", "angstrom"),
        ("fq", "1/angstrom"),
        ("sq", "1/angstrom"),
        ("iq", "1/angstrom"),
        ("sas", "1/angstrom"),
        ("powder", "degree"),
        ("tof", "microsecond"),
        ("peaks", "angstrom"),
    ],
)
def test_each_kind_has_its_axis(kind, unit):
    assert Measurement(kind, X, X).axis.unit == unit
    assert set(KINDS) == {"gr", "fq", "sq", "iq", "sas", "powder", "tof", "peaks"}


@given(nps.arrays(np.float64, st.integers(2, 50), elements=st.floats(-1e6, 1e6), unique=True))
def test_arrays_become_contiguous_float64(values):
    x = np.sort(values)
    m = Measurement("fq", x[::1], x.astype(np.float64)[::-1])
    assert m.signal.dtype == np.float64
    assert m.signal.flags.c_contiguous
    assert m.step == np.median(np.diff(x))
    assert m.signal.tolist() == x[::-1].tolist()
