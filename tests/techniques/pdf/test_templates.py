"""Templates against the technique's own simulation."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues.registry import open_catalogue
from whorl.techniques.pdf.signatures import signature
from whorl.techniques.pdf.simulate import simulate
from whorl.techniques.pdf.templates import CLOSED, OPEN, REFERENCE_BOND, template


def alike(a, b):
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@pytest.mark.parametrize(("key", "radiation"), [("Ni-fcc", "x-ray"), ("Ni-fcc", "neutron"), ("Si-diamond", "x-ray")])
@pytest.mark.parametrize("qmax", [12.0, 17.3, 26.0])
def test_of_a_crystal_with_its_band_cut(key, radiation, qmax):
    crystal = open_catalogue("elements").load(key)
    r = CLOSED.r[: CLOSED.count]
    settings = {"qmax": qmax, "qdamp": 0.0, "qbroad": 0.0, "u_iso": 0.006, "delta2": 1.5, "radiation": radiation}
    exact = simulate(crystal, settings=settings, r=np.arange(1, 2001) * 0.01)
    mine = template(signature(crystal), radiation).astype(np.float64) @ CLOSED.band(0.0, qmax)
    window = r < 13.5  # beyond, the template knows no more peaks
    assert alike(mine[window], np.interp(r[window], exact.x, exact.signal)) > 0.99


@pytest.mark.parametrize("qmin", [0.3, 1.0, 1.8])
def test_of_an_open_cluster_with_its_band_cut(structures, qmin):
    cluster = structures.open_icosahedron
    settings = {"qmin": qmin, "qmax": 20.0, "qdamp": 0.0, "qbroad": 0.0, "u_iso": 0.006, "delta2": 1.5}
    settings |= {"element": "Au", "bond": REFERENCE_BOND}
    exact = simulate(cluster, settings=settings, r=np.arange(1, 2501) * 0.01)
    r = OPEN.r[: OPEN.count]
    mine = template(signature(cluster), "x-ray").astype(np.float64) @ OPEN.band(qmin, 20.0)
    assert alike(mine, np.interp(r, exact.x, exact.signal)) > 0.98


def test_an_element_without_scattering_has_none(structures):
    from dataclasses import replace

    s = replace(signature(structures.nickel), symbols=("Po",))
    assert template(s, "x-ray") is not None
    assert template(s, "neutron") is None
