"""G(r) of crystals against curves of PDFfit2 (data/README.md), which divides a peak by r and not by its distance."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.crystals import pair_table
from whorl.physics.envelopes import sphere
from whorl.physics.peaks import peak_sum, widths
from whorl.physics.symmetry import metric_tensor
from whorl.physics.transforms import SineGrid

ISOTROPIC = [
    "cdse_n", "cdse_x", "lamno3_n", "nacl_n", "nacl_x", "nacl_vacancies_x", "ni", "ni_delta1", "ni_delta2", "ni_q_broad",
    "ni_qmax15", "ni_sphere35", "si", "tio2_n", "tio2_x",
]  # fmt: skip
DR = 0.01


def curve(ref, r_max, *, divide_by_r):
    """G(r) without termination on DR, 2 DR ..., from the physics alone."""
    s, k = ref["structure"], ref["settings"]
    elements = s["elements"]
    kinds = sorted(set(elements))
    label = np.array([kinds.index(e) for e in elements])
    n = len(elements)
    occupancy = np.array(s.get("occupancies", s.get("occupancy", [1.0] * n)), float)
    metric = metric_tensor(np.array(s["lattice"], float))
    table = pair_table(
        metric,
        np.array(s["positions"]),
        np.arange(n),
        np.array([np.eye(3)] * n),
        occupancy,
        [np.zeros((3, 0))] * n,
        label,
        r_max,
        [],
    )
    b = np.array([ref["scattering_lengths"][e] for e in elements])
    mean = occupancy @ b / occupancy.sum()
    d, _ = table.distances(metric, np.zeros(0))
    u = s["u_iso"] * np.ones(n)
    width = widths(d, u[table.site_i] + u[table.site_j], delta1=k["delta1"], delta2=k["delta2"], qbroad=k["q_broad"])
    weight = table.weight * b[table.site_i] * b[table.site_j] / mean**2
    none = np.zeros((d.size, 0))
    count = int(r_max / DR)
    channel = np.zeros(d.size, np.int64)
    r = np.arange(1, count) * DR
    g = peak_sum(d, weight * d if divide_by_r else weight, width.variance, channel, none, none, DR, count, 1)[0, 0]
    density = occupancy.sum() / np.sqrt(np.linalg.det(metric))
    g = (g / r if divide_by_r else g) - 4 * np.pi * density * r
    if k["sp_diameter"]:
        g *= sphere(r, k["sp_diameter"])[0]
    return r, k["scale"] * g * np.exp(-0.5 * (k["q_damp"] * r) ** 2)


def misfit(found, expected):
    return np.sqrt(np.sum((found - expected) ** 2) / np.sum(expected**2))


@pytest.mark.parametrize("name", ISOTROPIC)
def test_sum_of_peaks_is_that_of_pdffit2(reference, name):
    ref = reference(f"pdffit2_{name}")
    r, g = curve(ref, 22.0, divide_by_r=True)
    pick = np.round(ref["r"] / DR).astype(int) - 1
    assert r[pick] == pytest.approx(ref["r"])
    assert misfit(g[pick], ref["g_no_termination"]) < 2e-5


def low_pass(g, r, at, qmax):
    """Convolve G on r > 0 with sin(Qmax x) / (pi x): at the given points, and its mirror image."""
    kernel = [np.sinc(qmax / np.pi * (at[:, None] + sign * r)) * (qmax / np.pi) * DR for sign in (-1, 1)]
    return kernel[0] @ g, kernel[1] @ g


@pytest.mark.parametrize("name", ISOTROPIC)
def test_termination(reference, name):
    """PDFfit2 leaves out the mirror image of the ripples, which the transform of an experiment has."""
    ref = reference(f"pdffit2_{name}")
    qmax = ref["settings"]["q_max"]
    r, g = curve(ref, 40.0, divide_by_r=True)
    one_sided, mirror = low_pass(g, r, ref["r"], qmax)
    # PDFfit2 computes only a few ripples beyond the range: what is left is that end
    assert misfit(one_sided, ref["g"]) < (1e-3 if qmax > 20 else 4e-3)
    grid = SineGrid(DR, r.size + 1)
    cut = grid.to_r(grid.to_q(g) * grid.band(0.0, qmax))
    assert cut[np.round(ref["r"] / DR).astype(int) - 1] == pytest.approx(one_sided - mirror, abs=4e-3 * np.max(ref["g"]))


@pytest.mark.parametrize("name", ["ni", "cdse_x", "tio2_x"])
def test_the_two_conventions_differ_by_a_known_amount(reference, name):
    ref = reference(f"pdffit2_{name}")
    _, exact = curve(ref, 22.0, divide_by_r=False)
    pick = np.round(ref["r"] / DR).astype(int) - 1
    assert 0.003 < misfit(exact[pick], ref["g_no_termination"]) < 0.03
