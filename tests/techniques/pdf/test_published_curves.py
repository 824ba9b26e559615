"""Simulations against curves that other programs made, at the parameters that were found to reproduce them (scale 1)."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.hypothesis import Site
from whorl.core.units import u_from_b
from whorl.formats import read, read_structure
from whorl.techniques.pdf.phases import make_phase
from whorl.techniques.pdf.residual import PdfProblem
from whorl.techniques.pdf.simulate import simulate


def compare(reference, structure, settings, low, high):
    keep = (reference.x >= low) & (reference.x <= high)
    full = {"qmin": 0.0} | settings
    found = simulate(structure, settings=full, r=reference.x[reference.x > 0]).signal[-keep.size :]
    g = np.concatenate([np.zeros(keep.size - found.size), found])[keep]
    expected = reference.signal[keep]
    return float(g @ expected / (g @ g)), float(np.sqrt(np.sum((g - expected) ** 2) / np.sum(expected**2)))


@pytest.mark.parametrize(
    ("file", "a", "settings", "level"),
    [
        ("pdffit2_Ni_qmax25_qdamp0.04_U0.005.gr", 3.52, {"qmax": 25.0, "qdamp": 0.04, "u_iso": 0.005}, 0.017),
        ("srreal/Ni-fit.fgr", 3.52, {"u_iso": 0.00126651}, 0.01),
        ("morph/ni_qmax25.cgr", 3.524, {"qmax": 25.0, "u_iso": 0.005}, 0.015),
        ("morph/ni_qmax25_qdamp0.01.cgr", 3.524, {"qmax": 25.0, "u_iso": 0.005, "qdamp": 0.01}, 0.015),
        ("morph/ni_qmax25_psize35.cgr", 3.524, {"qmax": 25.0, "u_iso": 0.005, "diameter": 35.0}, 0.01),
    ],
)
def test_nickel(shared_data, structures, file, a, settings, level):
    nickel = type(structures.nickel)("Ni", cell=(a, a, a, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),))
    reference = read(shared_data / "pdf" / "ref" / file)
    scale, rw = compare(reference, nickel, settings, 1.5, min(30.0, reference.x[-1] - 1))
    assert scale == pytest.approx(1.0, abs=2e-3)
    assert rw < level


@pytest.mark.parametrize(("radiation", "letter"), [("x-ray", "X"), ("neutron", "N")])
def test_cadmoselite_of_diffpy(shared_data, misfit, blank, radiation, letter):
    folder = shared_data / "pdf" / "ref" / "srreal"
    reference = read(folder / f"CdSe_cadmoselite_{letter}.fgr")
    keep = (reference.x > 1.5) & (reference.x < min(20.0, reference.x[-1]))
    signal = blank(r_min=1.5, r_max=20.0, radiation=radiation, qmin=0.0, qmax=40.0, qdamp=0.0, qbroad=0.0)
    phase = make_phase(read_structure(folder / "CdSe_cadmoselite.cif"), 24.0, positions=False)
    fixed = {"U_Cd": u_from_b(0.5), "U_Se": u_from_b(0.5), "delta2": 0.0}
    problem = PdfProblem(signal, [phase], free_instrument=(), fixed=fixed, constant_weights=True)
    g = problem.evaluate(np.array([p.value for p in problem.parameters]), jacobian=False).basis[:, 0]
    expected = np.interp(signal.r, reference.x[keep], reference.signal[keep])
    inside = (signal.r > 1.6) & (signal.r < reference.x[keep][-1])
    assert misfit(g[inside], expected[inside]) < 0.02


@pytest.mark.parametrize(
    ("name", "qmin"),
    [
        ("BCC_h_2_k_9_l_9_atom_W_lc_2.6", 0.75),
        ("Decahedron_p_1_q_1_r_1_atom_Ta_lc_2.68", 0.75),
        ("FCC_h_3_k_6_l_7_atom_Zn_lc_2.42", 0.75),
        ("HCP_Size1_4_Size2_4_Size3_4_atom_Os_lc1_2.52_lc2_4.11516", 0.70),
        ("Icosahedron_shell_3_atom_V_lc_2.44", 0.75),
        ("SC_h_2_k_2_l_7_atom_Ti_lc_2.64", 0.70),
    ],
)
def test_clusters_of_deepstruc(shared_data, name, qmin):
    folder = shared_data / "pdf" / "deepstruc_sim"
    reference = read(folder / f"{name}.gr")
    settings = {"qmin": qmin, "qmax": 25.0, "u_iso": u_from_b(0.3)}
    scale, rw = compare(reference, read_structure(folder / f"{name}.xyz"), settings, 2.0, 29.0)
    assert scale == pytest.approx(1.0, abs=0.02)
    assert rw < 0.035


def test_a_published_debye_sum(shared_data):
    """DebyeCalculator's G(r) is half of the textbook's."""
    folder = shared_data / "pdf" / "ref" / "debyecalc"
    stem = "icsd_001504_cc_r6_lc_2.85_6_tetragonal"
    r, g = np.loadtxt(folder / f"{stem}_Gr.dat", delimiter=",", skiprows=1, unpack=True)
    cluster = read_structure(folder / f"{stem}.xyz")
    settings = {"qmin": 1.0, "qmax": 30.0, "qdamp": 0.04, "u_iso": u_from_b(0.3)}
    found = simulate(cluster, settings=settings, r=r[r > 0]).signal
    expected = 2 * g[r > 0]
    inside = r[r > 0] > 1.5
    assert float(np.sqrt(np.sum((found - expected)[inside] ** 2) / np.sum(expected[inside] ** 2))) < 0.04
