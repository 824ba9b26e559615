"""Retrieve, then verify: single phases, mixtures, and what a first good fit settles."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues import Selection, open_catalogue
from whorl.core.measurement import Measurement
from whorl.tasks.identify import identify
from whorl.techniques.pdf.simulate import simulate
from whorl.techniques.pdf.technique import PDF

R = np.arange(1, 2501) * 0.01


def simulated(*parts, noise=0.0, seed=3, stated=("qmin", "qmax"), join=None, **settings):
    """One structure, or a mixture by the shares of the atoms, which ``join`` puts together."""
    settings = {"qmin": 0.8, "qmax": 21.0, "qdamp": 0.03, "u_iso": 0.006} | settings
    curves = [share * simulate(structure, settings=settings | more, r=R).signal for structure, share, more in parts]
    total = curves[0]
    if join:
        structures, shares, _ = zip(*parts, strict=True)
        total = join(R, structures, shares, [g / x for g, x in zip(curves, shares, strict=True)])
    rng = np.random.default_rng(seed)
    q = np.arange(1, 160) * np.pi / 25.0
    wave = np.sin(np.outer(R, q[q < 21.0])) @ rng.normal(size=int((q < 21.0).sum()))
    total = total + noise * np.sqrt(np.mean(total**2) / np.mean(wave**2)) * wave
    return Measurement("gr", R, total, settings={k: settings[k] for k in stated} | {"radiation": "x-ray"}, path="test")


@pytest.fixture(scope="module")
def elements():
    return open_catalogue("elements")


@pytest.fixture(scope="module")
def compounds():
    """A small part of the compounds, so that the tests are quick."""
    families = {"rock salt", "spinel", "rutile", "corundum", "fluorite", "wurtzite", "zincblende", "perovskite"}
    return Selection(open_catalogue("compounds"), lambda e: e.family in families)


def test_two_phases_are_found_with_their_amounts(elements, compounds, join):
    si, nio = elements.load("Si-diamond"), compounds.load("NiO-rock-salt")
    measured = simulated((nio, 0.5, {}), (si, 0.5, {}), noise=0.05, join=join)
    verdict = identify(measured, catalogues=[elements, compounds])
    best = verdict.best
    assert {p.formula for p in best.phases} == {"NiO", "Si"}
    assert set(best.family.split(" + ")) == {"rock salt", "diamond"}
    assert best.rw < 0.12
    assert verdict.none_probability < 0.2
    weight = {"NiO": (58.69 + 16.0) / 2, "Si": 28.09}  # of an atom
    for p in best.phases:
        assert p.weight_fraction.value == pytest.approx(weight[p.formula] / sum(weight.values()), abs=0.02)


@pytest.mark.slow
def test_three_phases(elements, compounds, join):
    parts = [(compounds.load("SrTiO3-perovskite"), 0.4, {}), (elements.load("Si-diamond"), 0.3, {})]
    parts.append((compounds.load("TiO2-rutile"), 0.3, {}))
    verdict = identify(simulated(*parts, noise=0.02, join=join), catalogues=[elements, compounds])
    assert set(verdict.best.family.split(" + ")) == {"perovskite", "diamond", "rutile"}


@pytest.mark.parametrize("key", ["NiO-rock-salt", "Al2O3-corundum", "ZnO-wurtzite"])
def test_one_phase_stays_one(compounds, elements, key):
    verdict = identify(simulated((compounds.load(key), 1.0, {}), noise=0.1), catalogues=[elements, compounds])
    assert len(verdict.best.phases) == 1
    assert verdict.best.family == compounds.entries(formula=key.split("-")[0])[0].family


def test_an_unknown_qmin_and_qmax_are_settled():
    shapes = Selection(open_catalogue("nanoparticles"), lambda e: e.atoms <= 80)
    cluster = shapes.load(next(e.key for e in shapes.entries() if e.family == "decahedron" and e.atoms > 50))
    measured = simulated((cluster, 1.0, {"element": "Au", "bond": 2.88, "qmin": 1.7, "qmax": 17.3}), stated=())
    verdict = identify(measured, catalogues=[shapes], elements={"Au"})
    assert verdict.best.name == cluster.name
    assert verdict.best.rw < 0.05
    said = [line for line in verdict.assumptions if line.startswith(("Qmin", "Qmax"))]
    assert len(said) == 2
    numbers = sorted(float(line.split()[1]) for line in said)
    assert numbers[0] == pytest.approx(1.7, abs=0.1)
    assert numbers[1] == pytest.approx(17.3, abs=0.25)


def test_ligand_peaks_cost_points_not_the_answer(elements):
    gold = elements.load("Au-fcc")
    measured = simulated((gold, 1.0, {"diameter": 28.0}))
    extra = sum(h * np.exp(-0.5 * ((R - c) / 0.1) ** 2) for c, h in ((1.8, 0.9), (2.3, 1.2)))
    spoilt = Measurement("gr", R, measured.signal + extra * np.max(measured.signal) * 0.6, settings=measured.settings)
    signal = PDF.prepare(spoilt)
    verdict = identify(spoilt, catalogues=[elements], elements={"Au"})
    assert verdict.best.family == "fcc"
    assert verdict.best.parameters["a"].value == pytest.approx(gold.cell[0], rel=2e-3)
    settled = PDF.settle(signal, _fit(signal, gold))
    assert settled.caution is not None
    assert settled.caution[settled.r > 5].min() == 1.0
    assert settled.caution[(settled.r > 1.7) & (settled.r < 2.4)].min() < 0.5


def _fit(signal, structure):
    from whorl.fitting.solve import solve

    (problem, start), *_ = PDF.trials(signal, [structure], start={"diameter": 30.0}, effort="quick")
    return solve(problem, start=start)


def test_a_part_of_a_catalogue(elements):
    part = Selection(elements, lambda e: e.family == "bcc")
    assert {e.family for e in part.entries()} == {"bcc"}
    assert part.entries(elements={"Ni"}) == []
    assert part.load("Fe-bcc").name == elements.load("Fe-bcc").name
    assert part.content_hash != elements.content_hash


def test_a_metal_of_no_crystal_is_found_among_the_clusters():
    """Mercury particles: no catalogue holds a crystal of mercury that could be a further phase."""
    clusters = Selection(open_catalogue("nanoparticles"), lambda e: e.family == "icosahedron" and e.atoms < 200)
    shape = clusters.load(next(e.key for e in clusters.entries() if e.atoms == 55))
    measured = simulated((shape, 1.0, {"element": "Hg", "bond": 3.0}), noise=0.1)
    verdict = identify(measured, catalogues=[clusters, open_catalogue("elements")], elements={"Hg"})
    assert verdict.best.structures[0].elements == {"Hg"}
    assert verdict.best.family == "icosahedron"
