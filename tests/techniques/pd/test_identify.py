"""Phases of simulated mixtures are found, what is not there is not claimed, and what is missing is said."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues import Selection, open_catalogue
from whorl.core.measurement import Measurement
from whorl.formats import read, read_structure
from whorl.tasks.identify import identify
from whorl.tasks.refine import refine
from whorl.techniques.pd.index import lines, load_index
from whorl.techniques.pd.match import Matcher
from whorl.techniques.pd.prepare import prepare
from whorl.techniques.pd.simulate import simulate

X = np.arange(12.0, 90.0, 0.02)
SETTINGS = {"wavelength": "Cu", "w": 0.008, "y": 0.025, "axial": 0.03, "displacement": 0.06}


@pytest.fixture(scope="module")
def compounds():
    return open_catalogue("compounds")


def mixture(catalogue, shares, *, seed=5, top=8000.0, level=150.0, **more):
    """Counts of a mixture; shares of the summed intensity by key."""
    rng = np.random.default_rng(seed)
    total = np.zeros(X.size)
    for key, share in shares.items():
        y = simulate(catalogue.load(key), settings=SETTINGS | {"zoom": 1.003, "strain": 0.0005} | more, two_theta=X).signal
        total += share * y / y.sum()
    counts = rng.poisson(level * (1 + np.exp(-(X - 12) / 15)) + total / total.max() * top).astype(float)
    return Measurement("powder", X, counts, settings={"wavelength": 1.540593, "intensity": "counts"})


def names(verdict):
    return {p.formula for p in verdict.best.phases}


def test_one_phase(compounds):
    verdict = identify(mixture(compounds, {"Al2O3-corundum": 1.0}), catalogues=[compounds])
    assert names(verdict) == {"Al2O3"}
    assert verdict.none_probability < 0.1
    assert verdict.best.structures[0].cell[0] == pytest.approx(1.003 * compounds.load("Al2O3-corundum").cell[0], rel=3e-4)


def test_three_phases_with_fractions(compounds):
    """Weight fractions from the intensities put in: the same as a refinement of the true phases gives, to 3 %."""
    keys = ["TiO2-rutile", "Al2O3-corundum", "CaF2-fluorite"]
    measurement = mixture(compounds, dict(zip(keys, (0.5, 0.3, 0.2), strict=True)))
    verdict = identify(measurement, catalogues=[compounds], elements={"Ti", "Al", "Ca", "F", "O"})
    assert names(verdict) == {"TiO2", "Al2O3", "CaF2"}
    true = refine(measurement, [compounds.load(k) for k in keys]).best
    found = {p.formula: p.weight_fraction.value for p in verdict.best.phases}
    for phase in true.phases:
        assert found[phase.formula] == pytest.approx(phase.weight_fraction.value, abs=0.03)


def test_a_missing_phase_leaves_its_peaks(compounds):
    measurement = mixture(compounds, {"TiO2-rutile": 0.6, "CaF2-fluorite": 0.4})
    best = refine(measurement, [compounds.load("TiO2-rutile")]).best
    assert best.remainder is not None
    places = [q.value for q in best.remainder.features]
    assert any(abs(p - 28.2) < 0.3 for p in places)  # fluorite 111
    assert any("unknown phase" in note for note in best.notes)


def test_none_of_these(compounds):
    family = "corundum"
    measurement = mixture(compounds, {"Al2O3-corundum": 1.0})
    others = Selection(compounds, lambda e: e.family != family and "Al" not in e.elements and "O" not in e.elements)
    assert identify(measurement, catalogues=[others]).is_none


@pytest.mark.parametrize("hump", [False, True])
def test_nothing_is_found_in_noise(compounds, hump):
    rng = np.random.default_rng(3)
    y = np.full(X.size, 400.0) + (1500 * np.exp(-0.5 * ((X - 25) / 5) ** 2) if hump else 0.0)
    measurement = Measurement("powder", X, rng.poisson(y).astype(float), settings={"wavelength": 1.540593})
    assert identify(measurement, catalogues=[compounds]).is_none


def test_a_cobalt_pattern_is_found_with_its_wavelength(compounds):
    rng = np.random.default_rng(4)
    y = simulate(compounds.load("Fe2O3-hematite"), settings={"wavelength": "Co", "w": 0.01}, two_theta=X).signal
    m = Measurement("powder", X, rng.poisson(100 + 5000 * y / y.max()).astype(float), settings={"wavelength": 1.788965})
    verdict = identify(m, catalogues=[compounds], elements={"Fe", "O"})
    assert verdict.best.name.startswith("Fe2O3 (hematite")


def test_lines_of_rock_salt(compounds):
    """MgO, a = 4.2117: 111, 200, 220, 311, 222; 200 is the strongest seen."""
    found = lines(compounds.load("MgO-rock-salt"))
    a = compounds.load("MgO-rock-salt").cell[0]
    assert found.inverse_d2[:5] * a**2 == pytest.approx([3, 4, 8, 11, 12], rel=1e-5)
    assert np.argmax(found.intensity[0] / found.inverse_d2) == 1


def test_first_look_finds_shifted_lines(compounds):
    index = load_index(compounds)
    keys = ["MgO-rock-salt", "TiO2-rutile", "CaF2-fluorite", "Al2O3-corundum"]
    signal = prepare(mixture(compounds, {"TiO2-rutile": 1.0}))
    matcher = Matcher(signal.x, signal.y - signal.background, 1 / np.sqrt(signal.weights), signal.fwhm, signal.instrument)
    match = matcher.match([index.lines[k] for k in keys], np.full(4, 0.015))
    assert int(np.argmax(match.excess)) == 1
    assert match.found[1] > 0.8
    # cells 1.003 times as large: ln(1/d) less by 0.003; the displacement takes a little more
    assert -0.006 < match.shift[1] < -0.002


@pytest.mark.parametrize(
    ("file", "cell"), [("CWCombined__PBSO4.XRA", (8.4825, 5.400, 6.962)), ("CWCombined__PBSO4.CWN", (8.4795, 5.3975, 6.959))]
)
def test_lead_sulphate(shared_data, file, cell):
    """Round-robin sample: GSAS-II gives 8.4794, 5.3981, 6.9593 from the X-ray data with symmetrical peaks."""
    folder = shared_data / "pd/gsas2_tutorials"
    settings = {"wavelength": 1.912} if file.endswith("CWN") else {}
    best = refine(
        read(folder / file, kind="powder"), [read_structure(folder / "PythonScript__PbSO4-Wyckoff.cif")], settings=settings
    ).best
    assert [best.parameters[n].value for n in "abc"] == pytest.approx(cell, abs=2e-3)
    assert best.rw < 0.1
    assert best.parameters["x_Pb"].value == pytest.approx(0.188, abs=0.002)


def test_weighed_mixture(shared_data, compounds):
    """TiO2 (40.0 %) and ZnO (60.1 %), weighed; fractions to 5 %."""
    file = shared_data / "pd/dara/precursor_mixture/TiO2_0p4009-ZnO_0p6010--8min.xrdml"
    verdict = identify(read(file), catalogues=[compounds], elements={"Ti", "Zn", "O"})
    found = {p.formula: p.weight_fraction.value for p in verdict.best.phases}
    assert set(found) == {"TiO2", "ZnO"}
    assert found["TiO2"] == pytest.approx(0.40, abs=0.05)
    assert verdict.none_probability < 0.2
