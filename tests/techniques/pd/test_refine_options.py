"""What a user may ask of a refinement beside the defaults, end to end on simulated counts with known truth."""

from __future__ import annotations

import numpy as np
import pytest

from whorl import export, refine, write_measurement
from whorl.core.errors import UsageError
from whorl.core.hypothesis import Crystal, Site
from whorl.core.measurement import Measurement
from whorl.formats import instrument_settings
from whorl.techniques.pd.instrument import PdInstrument
from whorl.techniques.pd.phase import PhaseOptions, PowderPhase
from whorl.techniques.pd.prepare import prepare
from whorl.techniques.pd.residual import PdProblem

X = np.arange(15.0, 110.0, 0.02)
LAB = {"wavelength": 1.540593, "wavelength2": 1.544427, "intensity": "counts", "divergence_slit": "fixed", "overflow": 0.0}
FIXED = {"zero": 0.0, "displacement": 0.0, "u": 0.0, "y": 0.02, "axial": 0.02, "w": 0.006}


def nickelate(mixing: float) -> Crystal:
    """LiNiO2 with a part of lithium and nickel exchanged."""
    return Crystal(
        "LiNiO2",
        cell=(2.878, 2.878, 14.19, 90, 90, 120),
        space_group="R -3 m:H",
        sites=tuple(
            Site(element, (0, 0, z), occupancy, u, label)
            for element, z, occupancy, u, label in (
                ("Li", 0.5, 1 - mixing, 0.012, "Li1"),
                ("Ni", 0.5, mixing, 0.012, "Ni2"),
                ("Ni", 0.0, 1 - mixing, 0.005, "Ni1"),
                ("Li", 0.0, mixing, 0.005, "Li2"),
                ("O", 0.2588, 1.0, 0.009, "O1"),
            )
            if occupancy
        ),
    )


def counts_of(crystal, options, truth, seed, *, top=20_000.0, **instrument):
    """Poisson counts of a phase whose parameters are ``truth`` where it names them."""
    signal = prepare(Measurement("powder", X, np.ones(X.size), settings=LAB), settings=FIXED | instrument)
    phase = PowderPhase(crystal, signal.instrument, signal.range, options)
    problem = PdProblem(signal, [phase])
    values = np.array([truth.get(p.name, p.value) for p in problem.parameters])
    curve = problem.evaluate(values, jacobian=False).basis[:, 0]
    expected = curve * top / curve.max() + 150 + 200 * np.exp(-(X - 15) / 25)
    return Measurement("powder", X, np.random.default_rng(seed).poisson(expected).astype(float), settings=LAB)


def parameters(verdict):
    return verdict.candidates[0].parameters


def test_lithium_nickel_mixing_by_ties():
    """One number, the exchanged part, refines through four occupancies tied to it."""
    scan = counts_of(nickelate(0.08), PhaseOptions(displacements="none"), {"inverse_size": 1e-3}, 3)
    ties = ["occ_Li1 = 1 - occ_Ni2", "occ_Ni1 = 1 - occ_Ni2", "occ_Li2 = occ_Ni2"]
    free = ["occ_Ni2", "occ_Li1", "occ_Ni1", "occ_Li2"]
    verdict = refine(scan, nickelate(0.02), free=free, ties=ties, settings=FIXED, workspace=False)
    found = parameters(verdict)
    assert found["occ_Ni2"].value == pytest.approx(0.08, abs=4 * max(found["occ_Ni2"].sigma, 0.001))
    assert found["occ_Ni2"].sigma < 0.01
    assert found["occ_Li1"].value == pytest.approx(1 - found["occ_Ni2"].value)
    structure = verdict.candidates[0].structures[0]
    assert structure.sites[1].occupancy == pytest.approx(found["occ_Ni2"].value)


def test_flat_plates_by_march_dollase():
    options = PhaseOptions(displacements="none", march=(0, 0, 1))
    scan = counts_of(nickelate(0.0), options, {"march": 0.75, "inverse_size": 1e-3}, 4)
    verdict = refine(scan, nickelate(0.0), settings=FIXED | {"texture": "001"}, workspace=False)
    found = parameters(verdict)
    assert found["march"].value == pytest.approx(0.75, abs=0.02)
    assert not any(name.startswith("texture") for name in found)
    plain = refine(scan, nickelate(0.0), settings=FIXED | {"texture": "none"}, workspace=False)
    assert plain.candidates[0].rw > 1.5 * verdict.candidates[0].rw


def test_lognormal_sizes_against_one_size():
    """Spheres of one size have Gaussian peaks: the distribution finds that, and fits better than Lorentzian peaks."""
    options = PhaseOptions(displacements="none", lognormal=True)
    scan = counts_of(nickelate(0.0), options, {"size_spread": 0.12, "inverse_size": 1 / 150}, 5)
    verdict = refine(scan, nickelate(0.0), settings=FIXED, shape="lognormal", workspace=False)
    found = parameters(verdict)
    assert found["size_spread"].value == pytest.approx(0.12, abs=0.08)
    assert found["size"].value == pytest.approx(150, rel=0.03)
    assert found["mean_diameter"].value == pytest.approx(4 / 3 * 150 / (1 + 0.12**2) ** 3, rel=0.06)
    one = refine(scan, nickelate(0.0), settings=FIXED, workspace=False)
    assert one.candidates[0].rw > 1.1 * verdict.candidates[0].rw


def test_a_transparent_sample():
    scan = counts_of(nickelate(0.0), PhaseOptions(displacements="none"), {"inverse_size": 1e-3}, 6, transparency=0.4)
    settings = {k: v for k, v in FIXED.items() if k != "displacement"}
    verdict = refine(scan, nickelate(0.0), free=["transparency"], settings=settings, workspace=False)
    found = parameters(verdict)
    assert found["transparency"].value == pytest.approx(0.4, abs=4 * found["transparency"].sigma)
    assert found["a"].value == pytest.approx(2.878, abs=2e-4)


def test_a_restrained_bond_is_kept():
    """Pulled to 1.90 with a tenth of a milliangstrom, the bond goes there, against the data."""
    scan = counts_of(nickelate(0.0), PhaseOptions(displacements="none"), {"inverse_size": 1e-3}, 7)
    verdict = refine(scan, nickelate(0.0), restraints=["Ni1-O1 = 1.90 +- 0.0001"], settings=FIXED, workspace=False)
    z = verdict.candidates[0].structures[0].sites[-1].position[2]
    a, c = (parameters(verdict)[n].value for n in "ac")
    bond = np.sqrt(a**2 / 3 + ((1 / 3 - z) * c) ** 2)
    assert bond == pytest.approx(1.90, abs=2e-3)


def test_no_size():
    scan = counts_of(nickelate(0.0), PhaseOptions(displacements="none"), {"inverse_size": 1e-3}, 8)
    verdict = refine(scan, nickelate(0.0), size=False, settings=FIXED, workspace=False)
    assert "inverse_size" not in parameters(verdict)


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"free": ["occ_Xe1"]}, "no site 'Xe1'"),
        ({"free": ["colour"]}, "'colour' cannot be freed"),
        ({"shape": "spheroid"}, "none of a powder's crystallites"),
        ({"ties": ["c = 2*q"]}, "no parameter that refines is named 'q'"),
        ({"settings": {"texture": "flat"}}, "texture = flat is not possible"),
    ],
)
def test_what_cannot_be_asked(asked, match):
    scan = counts_of(nickelate(0.0), PhaseOptions(displacements="none"), {}, 9)
    with pytest.raises(UsageError, match=match):
        refine(scan, nickelate(0.0), workspace=False, **({"settings": FIXED} | asked))


def test_texture_as_users_write_it():
    i = PdInstrument(wavelength=1.54, texture="1:0,0,-1; 2:none")
    assert i.texture_of(1) == (0, 0, -1)
    assert i.texture_of(2) == "none"
    assert i.texture_of(3) == "harmonics"


def test_amorphous_humps_have_their_areas():
    """Two humps over the background of a crystal: places within half a degree, areas within a tenth."""
    scan = counts_of(nickelate(0.0), PhaseOptions(displacements="none"), {"inverse_size": 1e-3}, 10, top=5000.0)
    rng = np.random.default_rng(11)
    truth = ((24.0, 7.0, 4000.0), (47.0, 11.0, 2500.0))
    extra = sum(
        area * np.sqrt(4 * np.log(2) / np.pi) / width * np.exp(-4 * np.log(2) * ((X - place) / width) ** 2)
        for place, width, area in truth
    )
    both = Measurement("powder", X, scan.signal + rng.poisson(extra), settings=LAB)
    verdict = refine(both, nickelate(0.0), settings=FIXED | {"humps": "22;45"}, workspace=False)
    found = parameters(verdict)
    for number, (place, width, area) in enumerate(truth, 1):
        assert found[f"hump{number}_position"].value == pytest.approx(place, abs=0.5)
        assert found[f"hump{number}_width"].value == pytest.approx(width, rel=0.12)
        assert found[f"hump{number}_area"].value == pytest.approx(area, rel=0.12)
    assert any("the humps hold" in note for note in verdict.candidates[0].notes)


def test_a_second_line_that_is_not_there():
    """Of a file that states K-alpha 1 alone the data decide: taken for a doublet, the cell would be 8e-4 too large."""
    alone = {"wavelength": 1.540593, "intensity": "counts", "divergence_slit": "fixed", "overflow": 0.0}
    for ratio in (0.0, 0.5):
        scan = counts_of(nickelate(0.0), PhaseOptions(displacements="none"), {"inverse_size": 1e-3}, 12, line_ratio=ratio)
        scan = Measurement("powder", scan.x, scan.signal, settings=alone)
        verdict = refine(
            scan, nickelate(0.0), settings={k: v for k, v in FIXED.items() if k != "displacement"}, workspace=False
        )
        found = parameters(verdict)
        assert found["line_ratio"].value == pytest.approx(ratio, abs=0.03)
        assert found["a"].value == pytest.approx(2.878, abs=2e-4)


def test_an_export_has_the_lines_that_were_found(tmp_path):
    """Where the data show no second line, other programs are not told of one."""
    scan = counts_of(nickelate(0.0), PhaseOptions(displacements="none"), {"inverse_size": 1e-3}, 13, line_ratio=0.0)
    alone = {"wavelength": 1.540593, "intensity": "counts", "divergence_slit": "fixed", "overflow": 0.0}
    write_measurement(Measurement("powder", scan.x, scan.signal, settings=alone), tmp_path / "scan.nxs")
    settings = {k: v for k, v in FIXED.items() if k != "displacement"}
    verdict = refine(tmp_path / "scan.nxs", nickelate(0.0), settings=settings, workspace=tmp_path / "w")
    ratio = parameters(verdict)["line_ratio"].value
    export(verdict, tmp_path / "out", workspace=tmp_path / "w")
    stated = instrument_settings(next((tmp_path / "out" / "gsas2").glob("*.instprm")))
    assert stated["wavelength"] == pytest.approx(1.540593)
    assert stated.get("line_ratio", 0.0) == pytest.approx(ratio, abs=1e-6)


def test_humps_outside_the_pattern():
    scan = counts_of(nickelate(0.0), PhaseOptions(displacements="none"), {}, 9)
    with pytest.raises(UsageError, match="outside the pattern"):
        refine(scan, nickelate(0.0), settings=FIXED | {"humps": "5"}, workspace=False)
