"""Trials, the choice between them, copies in catalogues, and words about a fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.catalogues.base import Entry
from whorl.core.errors import UsageError
from whorl.fitting.solve import solve
from whorl.techniques.copies import without_copies
from whorl.techniques.pdf.explain import weight_fractions
from whorl.techniques.pdf.index import Index
from whorl.techniques.pdf.prepare import prepare
from whorl.techniques.pdf.propose import Row
from whorl.techniques.pdf.signatures import signature
from whorl.techniques.pdf.simulate import simulate
from whorl.techniques.pdf.technique import PDF, shortened

R = np.arange(1, 3001) * 0.01


def measured(structure, **settings):
    full = {"qmin": 0.8, "qmax": 22.0, "qdamp": 0.03, "u_iso": 0.006} | settings
    g = simulate(structure, settings=full, r=R)
    noise = np.random.default_rng(0).normal(0, 0.02 * np.max(g.signal), R.size)
    return replace(g, signal=g.signal + noise)


def names(problem):
    return [p.name for p in problem.parameters]


def test_full_trials_of_a_crystal_are_bulk_and_particle(structures):
    signal = prepare(measured(structures.nickel))
    bulk, particle = (p for p, _ in PDF.trials(signal, [structures.nickel]))
    assert "diameter" not in names(bulk)
    assert "diameter" in names(particle)
    assert [len(PDF.trials(signal, [structures.nickel], start={"size": s})) for s in (True, False, None)] == [1, 1, 2]


def test_a_cluster_has_one_trial(structures):
    signal = prepare(measured(structures.icosahedron))
    assert len(PDF.trials(signal, [structures.icosahedron])) == 1


def test_quick_trials_are_short_thin_and_hold_positions(structures):
    signal = prepare(measured(structures.arsenide))
    ((problem, _),) = PDF.trials(signal, [structures.arsenide], effort="quick")
    assert problem.x[-1] <= 18.0
    assert problem.x.size < 0.2 * signal.r.size
    assert "z_As" not in names(problem)


def test_stated_resolution_is_not_refined(structures):
    stated = prepare(measured(structures.nickel))
    assert not {"qdamp", "qbroad"} & set(names(PDF.trials(stated, [structures.nickel])[0][0]))
    bare = prepare(replace(measured(structures.nickel), settings={"qmax": 22.0}))
    assert {"qdamp", "qbroad"} <= set(names(PDF.trials(bare, [structures.nickel])[0][0]))


def test_named_start_values(structures):
    signal = prepare(measured(structures.nickel))
    _, first = PDF.trials(signal, [structures.nickel], start={"values": {"a": 3.55, "U_Ni": 99.0}})[0]
    assert first[0] == 3.55
    assert first[1] == pytest.approx(0.08)  # clipped to its bounds


def test_fixing_what_there_is_not(structures):
    signal = prepare(measured(structures.nickel))
    with pytest.raises(UsageError, match=r"no parameter 'b' to fix.*delta1"):
        PDF.trials(signal, [structures.nickel], fixed={"b": 3.0})
    with pytest.raises(UsageError, match=r"no parameter 'a' to fix.*1:a"):
        PDF.trials(signal, [structures.nickel, structures.silicon], fixed={"a": 3.0})


@pytest.mark.parametrize(("diameter", "particle"), [(None, False), (28.0, True), (400.0, False)])
def test_a_size_is_found_only_where_the_data_show_it(structures, diameter, particle):
    data = measured(structures.nickel, **({"diameter": diameter} if diameter else {}))
    for settings in (data.settings, {"qmax": 22.0, "qmin": 0.8}):
        signal = prepare(replace(data, settings=settings))
        fit = PDF.choose([solve(p, start=s) for p, s in PDF.trials(signal, [structures.nickel])])
        found = PDF.findings(fit)
        assert ("diameter" in found.parameters) is particle
        if particle:
            assert found.parameters["diameter"].value == pytest.approx(diameter, abs=3.0)


def test_remarks(structures):
    signal = prepare(measured(structures.nickel, u_iso=0.2))
    problem, first = PDF.trials(signal, [structures.nickel], start={"size": False})[0]
    found = PDF.findings(solve(problem, start=first))
    assert any(n.startswith("U_Ni ended at its limit of 0.08 angstrom^2") for n in found.notes)
    assert found.parameters["U_Ni"].at_limit
    assert found.parameters["U_Ni"].sigma is None
    signal = prepare(measured(structures.nickel, u_iso=0.06))
    problem, first = PDF.trials(signal, [structures.nickel], start={"size": False})[0]
    assert any("is high for a thermal motion" in n for n in PDF.findings(solve(problem, start=first)).notes)


@pytest.mark.parametrize("element", [None, "Cu"])
def test_an_element_that_nobody_named_is_called_a_guess(structures, element):
    signal = prepare(measured(structures.open_icosahedron, element="Pt", bond=2.77))
    problem, first = PDF.trials(signal, [structures.open_icosahedron], start={"zoom": 2.77, "element": element})[0]
    found = PDF.findings(solve(problem, start=first))
    assert found.structures[0].elements == ({element} if element else {"Pt"})
    assert any("the element is not known: written as Pt" in n for n in found.notes) == (element is None)


def test_findings_carry_the_curve(structures):
    signal = prepare(measured(structures.nickel))
    problem, first = PDF.trials(signal, [structures.nickel], start={"size": False})[0]
    fit = solve(problem, start=first)
    curve = PDF.findings(fit).curve
    assert np.array_equal(curve.x, signal.r)
    assert np.array_equal(curve.observed, signal.g)
    assert np.array_equal(curve.calculated, fit.calculated)


def test_weight_fractions_go_with_mass():
    assert weight_fractions(np.array([1.0, 1.0, 2.0]), np.array([10.0, 20.0, 10.0])) == pytest.approx([0.2, 0.4, 0.4])
    assert weight_fractions(np.zeros(2), np.ones(2)) == pytest.approx([0.5, 0.5])


def test_a_mixture_is_reported_with_the_sizes_of_all_crystals(structures):
    signal = prepare(measured(structures.nickel))
    start = {"phases": [{"size": False}, {"size": True, "diameter": 30.0}], "values": {"1:a": 3.53}}
    ((problem, first),) = PDF.trials(signal, [structures.nickel, structures.silicon], start=start, effort="full")
    named = dict(zip([p.name for p in problem.parameters], first, strict=True))
    assert named["1:a"] == pytest.approx(3.53)
    assert named["2:diameter"] == pytest.approx(30.0)
    assert named["1:diameter"] > 100


def test_shortened_keeps_at_least_four_angstrom(structures):
    signal = prepare(measured(structures.nickel))
    assert shortened(signal, 12.0).range == pytest.approx((1.5, 12.0))
    assert shortened(signal, 2.0).range[1] == pytest.approx(5.5)
    assert shortened(signal, 99.0) is signal


def row(structure, name, catalogue="compounds", family="", group=225):
    entry = Entry(name, catalogue, name, structure.kind, structure.formula, family, structure.elements, group, 1, 0.0, "")
    return Row(None, entry, Index({}, {}, {name: signature(structure).density}))


def test_copies_of_an_entry_are_left_out(structures):
    near = replace(structures.nickel, cell=(3.53, 3.53, 3.53, 90, 90, 90))
    far = replace(structures.nickel, cell=(3.60, 3.60, 3.60, 90, 90, 90))
    rows = [
        row(structures.nickel, "mine", "folder"),
        row(near, "near", "elements", "fcc"),
        row(far, "far"),
        row(near, "other", group=194),
    ]
    kept = without_copies(rows, lambda r: r.density)
    assert [r.entry.name for r in kept] == ["mine", "far", "other"]
    assert kept[0].entry.family == "fcc"  # the family is learnt from the copy
    clusters = [row(structures.icosahedron, "one"), row(structures.icosahedron, "two")]
    assert len(without_copies(clusters, lambda r: r.density)) == 2


def test_core_shell_needs_two_crystals(structures):
    signal = prepare(measured(structures.nickel))
    with pytest.raises(UsageError, match="core-shell particle of 1"):
        PDF.trials(signal, [structures.nickel], start={"shape": "core-shell"})
    problems = PDF.trials(signal, [structures.nickel, structures.nickel], start={"shape": "core-shell"})
    assert len(problems) == 4
    assert all("2:thickness" in {p.name for p in problem.parameters} for problem, _ in problems)
