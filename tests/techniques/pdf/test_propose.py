"""Retrieval: does the truth come near the top, whatever the experiment did to it."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues.registry import builtin_catalogues
from whorl.core.errors import CatalogueError
from whorl.core.measurement import Measurement
from whorl.techniques.copies import without_copies
from whorl.techniques.pdf.index import load_index
from whorl.techniques.pdf.metals import bond_length, metals_by_bond
from whorl.techniques.pdf.nuisances import NUISANCES
from whorl.techniques.pdf.prepare import prepare
from whorl.techniques.pdf.propose import Row, _scale_spread, log_correlation
from whorl.techniques.pdf.simulate import simulate
from whorl.techniques.pdf.technique import PDF

R = np.arange(1, 3001) * 0.01
METALS = ("Au", "Pt", "Ag", "Ni", "Co", "Pd")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("index")


@pytest.fixture(scope="module")
def rows(home):
    """All entries of the built-in catalogues with their templates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHORL_HOME", str(home))
        out = []
        for catalogue in builtin_catalogues():
            index = load_index(catalogue, "x-ray")
            out += [Row(catalogue, e, index) for e in catalogue.entries() if e.key in index.place]
    return without_copies(out, lambda r: r.density)


def experiment(row, seed, *, clean=False, **more):
    """A simulated measurement of an entry with everything that a real one varies."""
    rng = np.random.default_rng(seed)
    drawn = NUISANCES.draw(rng)
    settings = {k: drawn[k] for k in ("qmin", "qmax", "qdamp", "qbroad", "u_iso", "delta2", "zoom")} | more
    if row.open:
        settings["element"] = METALS[seed % len(METALS)]
        settings["bond"] = bond_length(settings["element"])
    measured = simulate(row.catalogue.load(row.entry.key), settings=settings, r=R)
    signal = measured.signal if clean else NUISANCES.corrupt(R, measured.signal, drawn, rng)
    stated = {"qmin": settings["qmin"], "qmax": settings["qmax"], "composition": measured.settings["composition"]}
    return prepare(Measurement("gr", R, signal, settings=stated))


def admissible(rows, elements):
    return [r for r in rows if r.entry.elements <= elements]


@pytest.mark.parametrize("zoom", [0.97, 1.0, 1.03])
@pytest.mark.parametrize("symbol", ["Ni", "Si", "Fe", "Mg"])
def test_a_changed_scale_does_not_matter(rows, symbol, zoom):
    row = next(r for r in rows if r.entry.catalogue == "elements" and r.entry.elements == {symbol})
    signal = experiment(row, 3, clean=True, zoom=zoom, qmin=0.6, qmax=22.0, qdamp=0.03, u_iso=0.006)
    crystals = [r for r in rows if r.entry.kind == "crystal"]
    found = log_correlation(signal, admissible(crystals, row.entry.elements), elements=row.entry.elements)
    assert found[0].row.entry.name == row.entry.name
    assert found[0].zoom == pytest.approx(zoom, abs=0.006)
    assert found[0].misfit < 0.45


def test_a_particle_is_seen_to_be_one(rows, structures):
    pt = next(r for r in rows if r.entry.catalogue == "elements" and r.entry.elements == {"Pt"})
    sizes = []
    for diameter in (18.0, None):
        signal = experiment(pt, 1, clean=True, diameter=diameter, qmin=0.6, qmax=22.0, qdamp=0.01, zoom=1.0, u_iso=0.006)
        sizes.append(log_correlation(signal, [pt])[0].diameter)
    assert 12.0 < sizes[0] < 30.0
    assert sizes[1] is None or sizes[1] > 60.0


def test_an_open_cluster_finds_its_bond_without_its_element(rows):
    row = next(r for r in rows if r.open and 40 < r.entry.atoms < 80)
    signal = experiment(row, 0, clean=True, zoom=1.0, qmin=0.8, qmax=22.0, qdamp=0.03)
    signal = prepare(signal.measurement, settings={"composition": ""})
    (found,) = log_correlation(signal, [row])
    assert found.zoom == pytest.approx(bond_length("Au"), rel=0.01)
    assert found.element is None


def test_merit_is_sorted_and_every_row_is_there(rows):
    signal = experiment(rows[0], 4)
    some = rows[:200:3] + [r for r in rows if r.entry.kind == "cluster"][:20]
    found = log_correlation(signal, some)
    merits = [p.merit for p in found]
    assert merits == sorted(merits, reverse=True)
    assert {(p.row.entry.catalogue, p.row.entry.key) for p in found} == {(r.entry.catalogue, r.entry.key) for r in some}
    assert all(0 < p.misfit <= 1 for p in found)


def test_bonds_of_metals():
    assert bond_length("Au") == pytest.approx(2.885, abs=0.01)
    assert bond_length("Fe") == pytest.approx(2.485, abs=0.01)
    assert bond_length("Zn") == pytest.approx(2.66, abs=0.01)


def test_metals_of_a_bond_length():
    assert metals_by_bond(2.75)[:2] == ["Pd", "Pt"]
    assert metals_by_bond(2.49)[:3] == ["Ni", "Fe", "Co"]
    assert "Si" not in metals_by_bond(2.35)
    for element in ("Au", "Pt", "Cu", "Ru"):
        assert element in metals_by_bond(0.985 * (bond_length(element) or 0))  # as a small particle has it


def test_the_scale_of_crystals_is_known_and_that_of_open_clusters_is_not(rows):
    crystal = next(r for r in rows if r.entry.kind == "crystal")
    cluster = next(r for r in rows if r.open)
    assert _scale_spread(crystal, None) <= 0.01
    assert np.isinf(_scale_spread(cluster, None))
    assert 0.01 < _scale_spread(cluster, bond_length("Pt")) < 0.05


def test_nothing_to_search_is_an_error(rows, structures):
    signal = experiment(rows[0], 4)
    with pytest.raises(CatalogueError, match="hold no structure made of Xe"):
        PDF.propose(signal, [c for c in builtin_catalogues() if c.name == "compounds"], elements=frozenset({"Xe"}))


def test_entries_that_the_radiation_is_not_tabulated_for_are_passed_over(rows, home, monkeypatch):
    monkeypatch.setenv("WHORL_HOME", str(home))
    signal = experiment(rows[0], 4)
    both = frozenset({"Po", "Pb"})
    for radiation, expected in (("x-ray", {"Pb", "Po"}), ("neutron", {"Pb"})):
        stated = prepare(signal.measurement, settings={"radiation": radiation})
        found = PDF.propose(stated, [c for c in builtin_catalogues() if c.name == "elements"], elements=both)
        assert set().union(*(s.elements for s in found.suggestions)) == expected


def test_suggestions_load_what_they_name(rows, home, monkeypatch):
    monkeypatch.setenv("WHORL_HOME", str(home))
    pt = next(r for r in rows if r.entry.catalogue == "elements" and r.entry.elements == {"Pt"})
    found = PDF.propose(experiment(pt, 2, clean=True), builtin_catalogues(), elements=frozenset({"Pt"}))
    first = next(s for s in found.suggestions if s.kind == "crystal")
    assert first.key == f"elements/{pt.entry.key}"
    assert first.load().formula == "Pt"
    open_ones = [s for s in found.suggestions if s.key.startswith("nanoparticles")]
    assert open_ones
    assert all(s.elements == {"Pt"} for s in open_ones[:5])


def ranks(rows, count, seed, *, known):
    """Place of the first entry of the true family, in experiments with everything that spoils a measurement."""
    out = []
    for n, index in enumerate(np.random.default_rng(seed).choice(len(rows), count, replace=False)):
        row = rows[int(index)]
        signal = experiment(row, n)
        some, elements = rows, None
        if known:
            elements = row.entry.elements or frozenset({METALS[n % len(METALS)]})
            some = admissible(rows, elements)
        else:
            signal = prepare(signal.measurement, settings={"composition": ""})
        out.append([p.row.entry.family for p in log_correlation(signal, some, elements=elements)].index(row.entry.family))
    return np.array(out)


@pytest.mark.slow
def test_with_known_elements_the_true_family_is_among_the_first_ten(rows):
    found = ranks(rows, 40, 2024, known=True)
    assert np.mean(found < 10) >= 0.95
    assert np.mean(found < 1) >= 0.8


@pytest.mark.slow
def test_with_unknown_elements_the_true_family_is_among_the_first_ten(rows):
    found = ranks(rows, 20, 7, known=False)
    assert np.mean(found < 10) >= 0.85
    assert np.mean(found < 1) >= 0.5
