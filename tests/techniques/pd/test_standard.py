"""The instrument from a standard: its widths come out, and a sample measured with them has its own size."""

from __future__ import annotations

import numpy as np
import pytest

from whorl import refine, simulate
from whorl.core.errors import UsageError
from whorl.core.hypothesis import Crystal, Site
from whorl.core.measurement import Measurement
from whorl.techniques.pd.instrument import SETTINGS
from whorl.techniques.pd.standard import instrument_of

LAB6 = Crystal(
    "LaB6",
    cell=(4.156826,) * 3 + (90,) * 3,
    space_group="P m -3 m",
    sites=(Site("La", (0, 0, 0), 1.0, 0.005), Site("B", (0.1993, 0.5, 0.5), 1.0, 0.004)),
)
CERIA = Crystal(
    "CeO2",
    cell=(5.411,) * 3 + (90,) * 3,
    space_group="F m -3 m",
    sites=(Site("Ce", (0, 0, 0), 1.0, 0.004), Site("O", (0.25, 0.25, 0.25), 1.0, 0.006)),
)
X = np.arange(18.0, 140.0, 0.015)
TRUTH = {"wavelength": "Cu", "u": 0.004, "w": 0.0025, "x": 0.012, "y": 0.035, "axial": 0.02, "divergence_slit": "fixed"}


def scan(crystal, seed, **sample):
    clean = simulate(crystal, "pd", x=X, settings=TRUTH | sample)
    counts = np.random.default_rng(seed).poisson(clean.signal / clean.signal.max() * 40_000 + 100).astype(float)
    kept = {"wavelength": 1.540593, "wavelength2": 1.544427, "intensity": "counts", "divergence_slit": "fixed"}
    return Measurement("powder", X, counts, settings=kept)


def test_a_sample_has_its_own_size_with_the_instrument_of_a_standard():
    standard = refine(scan(LAB6, 1), LAB6, settings={"overflow": 0.0}, fixed={"a": 4.156826}, workspace=False)
    settings = instrument_of(standard)
    assert set(settings) <= set(SETTINGS)
    tan = np.tan(np.radians([15.0, 30.0, 60.0]))
    cos = np.cos(np.radians([15.0, 30.0, 60.0]))
    lorentz = settings["x"] / cos + settings["y"] * tan
    assert lorentz == pytest.approx(TRUTH["x"] / cos + TRUTH["y"] * tan, rel=0.12)
    sample = refine(scan(CERIA, 2, size=250.0), CERIA, settings=settings | {"overflow": 0.0}, workspace=False)
    found = sample.candidates[0].parameters
    assert found["size"].value == pytest.approx(250, rel=0.05)
    assert "u" not in found


def test_a_mixture_is_no_standard():
    verdict = refine(scan(LAB6, 3), [LAB6, CERIA], settings={"overflow": 0.0}, workspace=False)
    with pytest.raises(UsageError, match="one phase"):
        instrument_of(verdict)
