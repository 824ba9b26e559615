"""Refinements of measured files reach what PDFfit2 reaches: the values are of ``benchmarks/pdffit2_measured.py``."""

from __future__ import annotations

import pytest

from whorl.fitting.solve import solve
from whorl.formats import read, read_structure
from whorl.techniques.pdf.technique import PDF


def refine(path, structure, *, fit_range, size=False, settings=None, fixed=None):
    signal = PDF.prepare(read(path), range=fit_range, settings=settings)
    fits = [
        solve(problem, start=first)
        for problem, first in PDF.trials(signal, [structure], start={"size": size}, effort="full", fixed=fixed)
    ]
    fit = PDF.choose(fits)
    return fit, PDF.findings(fit)


@pytest.mark.parametrize(
    ("fit_range", "a", "tolerance", "rw"),
    [((1.5, 20.0), 3.5251, 0.0005, 0.024), ((1.5, 50.0), 3.5248, 0.0005, 0.033)],
)
def test_nickel(shared_data, structures, fit_range, a, tolerance, rw):
    fit, found = refine(shared_data / "pdf/exp/Ni_bulk.gr", structures.nickel, fit_range=fit_range)
    assert found.parameters["a"].value == pytest.approx(a, abs=tolerance)
    assert fit.rw <= rw
    assert fit.converged
    assert 0 < found.parameters["a"].sigma < 0.002
    if fit_range[1] == 50.0:
        assert found.parameters["U_Ni"].value == pytest.approx(0.0059, abs=0.0003)
        assert found.parameters["qdamp"].value == pytest.approx(0.0453, abs=0.003)
        assert found.parameters["scale"].value == pytest.approx(0.436, abs=0.01)


def test_silicon(shared_data, structures):
    fit, found = refine(shared_data / "pdf/exp/mix_Si.gr", structures.silicon, fit_range=(1.5, 30.0))
    assert found.parameters["a"].value == pytest.approx(5.4295, abs=0.0010)
    assert fit.rw <= 0.085


def test_platinum_particles(shared_data, structures):
    stated = {"qdamp": 0.03, "qbroad": 0.0}  # as in the fit compared with
    fit, found = refine(
        shared_data / "pdf/exp/Pt_np_S1.gr", structures.platinum, fit_range=(1.5, 30.0), size=True, settings=stated
    )
    assert found.parameters["diameter"].value == pytest.approx(32.0, abs=2.0)
    assert found.parameters["a"].value == pytest.approx(3.9328, abs=0.003)
    assert fit.rw <= 0.127
    free, wider = refine(shared_data / "pdf/exp/Pt_np_S1.gr", structures.platinum, fit_range=(1.5, 30.0), size=True)
    assert free.rw < fit.rw
    # what the resolution takes, the size does not: its uncertainty says so
    assert wider.parameters["diameter"].sigma > 3 * found.parameters["diameter"].sigma


def test_cadmium_selenide(shared_data, structures):
    fit, found = refine(shared_data / "pdf/exp/CdSe_bulk.gr", structures.wurtzite, fit_range=(1.5, 20.0))
    assert found.parameters["a"].value == pytest.approx(4.30, abs=0.01)
    assert found.parameters["c"].value == pytest.approx(7.01, abs=0.02)
    assert fit.rw < 0.16


@pytest.mark.parametrize(
    ("kelvin", "a", "c"),
    [(150, 3.925, 12.30), (246, 3.928, 12.33)],
)
def test_strontium_iron_arsenide(shared_data, kelvin, a, c):
    structure = read_structure(shared_data / "pdf/structures/SrFe2As2_tetragonal.cif")
    fit, found = refine(shared_data / f"pdf/exp/SrFe2As2_Tseries/SrFe2As2_{kelvin}K.gr", structure, fit_range=(1.5, 30.0))
    assert found.parameters["a"].value == pytest.approx(a, abs=0.003)
    assert found.parameters["c"].value == pytest.approx(c, abs=0.01)
    assert found.parameters["z_As1"].value == pytest.approx(0.3607, abs=0.001)
    assert fit.rw < 0.115


def test_neutrons_see_the_same_nickel(shared_data, structures):
    fit, found = refine(
        shared_data / "pdf/exp/Ni_q27_neutron.gr",
        structures.nickel,
        fit_range=(1.5, 20.0),
        settings={"radiation": "neutron", "qmax": 27.0},
    )
    assert found.parameters["a"].value == pytest.approx(3.5267, abs=0.001)
    assert fit.rw < 0.06


def test_a_bulk_calibrant_is_not_called_a_particle(shared_data, structures):
    _, found = refine(shared_data / "pdf/exp/Ni_bulk.gr", structures.nickel, fit_range=(1.5, 30.0), size=None)
    assert "diameter" not in found.parameters


def test_the_orthorhombic_distortion_is_seen_when_it_is_there(shared_data):
    structure = read_structure(shared_data / "pdf/structures/SrFe2As2_orthorhombic.cif")
    parted = {}
    for kelvin in (150, 246):
        _, found = refine(shared_data / f"pdf/exp/SrFe2As2_Tseries/SrFe2As2_{kelvin}K.gr", structure, fit_range=(1.5, 30.0))
        a, b = found.parameters["a"], found.parameters["b"]
        parted[kelvin] = abs(a.value - b.value) / (a.sigma**2 + b.sigma**2) ** 0.5
    assert parted[150] > 10
    assert parted[246] < 3
