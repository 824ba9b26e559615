"""Simulation, and refinement of what was simulated."""

from __future__ import annotations

import numpy as np
import pytest
from ase.data import atomic_masses, atomic_numbers

from whorl.core.errors import StructureError, UsageError
from whorl.core.hypothesis import Cluster, FormFactor
from whorl.core.measurement import Measurement
from whorl.fitting.solve import solve
from whorl.techniques.pdf.nuisances import NUISANCES, _band_noise
from whorl.techniques.pdf.prepare import prepare
from whorl.techniques.pdf.simulate import SAMPLE, simulate, zoomed
from whorl.techniques.pdf.technique import PDF

R = np.arange(1, 2501) * 0.01


def test_default_grid_and_settings_travel_with_the_curve(structures):
    g = simulate(structures.nickel, settings={"qmax": 25.0})
    assert (g.kind, g.x[0], g.x[-1], g.x.size) == ("gr", 0.01, 30.0, 3000)
    assert g.settings["qmax"] == 25.0
    assert g.settings["composition"] == "Ni"
    assert g.settings["radiation"] == "x-ray"


def test_scale_and_zoom(structures):
    plain = simulate(structures.nickel, settings={"qmax": 25.0}, r=R)
    double = simulate(structures.nickel, settings={"qmax": 25.0, "scale": 2.0}, r=R)
    assert double.signal == pytest.approx(2 * plain.signal)
    wide = simulate(structures.nickel, settings={"qmax": 25.0, "zoom": 1.02}, r=R)
    first = [float(m.x[(m.x > 2) & (m.x < 3)][np.argmax(m.signal[(m.x > 2) & (m.x < 3)])]) for m in (plain, wide)]
    assert first[1] / first[0] == pytest.approx(1.02, abs=0.005)


def test_thermal_motion_of_the_structure_is_used_unless_another_is_given(structures):
    from dataclasses import replace

    warm = replace(structures.nickel, sites=(replace(structures.nickel.sites[0], u_iso=0.02),))
    own = simulate(warm, settings={"qmax": 25.0}, r=R).signal
    given = simulate(structures.nickel, settings={"qmax": 25.0, "u_iso": 0.02}, r=R).signal
    assert own == pytest.approx(given, abs=1e-10)
    cold = simulate(warm, settings={"qmax": 25.0, "u_iso": 0.004}, r=R).signal
    assert cold.max() > 1.5 * own.max()


def test_correlated_motion_sharpens_the_first_peak_only(structures):
    plain, sharp = (simulate(structures.nickel, settings={"qmax": 30.0, "delta2": d}, r=R).signal for d in (0.0, 3.0))
    near, far = (R > 2.2) & (R < 2.8), (R > 20) & (R < 25)
    assert sharp[near].max() > 1.1 * plain[near].max()
    assert sharp[far] == pytest.approx(plain[far], abs=0.01 * np.max(plain))


def test_an_open_cluster_takes_its_bond_and_element(structures):
    g = simulate(structures.open_icosahedron, settings={"qmax": 25.0, "qmin": 0.8, "bond": 2.5, "element": "Co"}, r=R)
    assert g.settings["composition"] == "Co55"
    # the icosahedron's bonds are of two lengths, 5 % apart
    assert 2.4 < g.x[np.argmax(g.signal)] < 2.7
    made = zoomed(structures.open_icosahedron, 1.0, bond=2.5, element="Co")
    assert isinstance(made, Cluster)
    assert made.positions == pytest.approx(structures.open_icosahedron.positions * 2.5)
    assert not made.bond_free


@pytest.mark.parametrize("settings", [{"qmaks": 25.0}, {"noise": 0.1}])
def test_unknown_settings(structures, settings):
    with pytest.raises(UsageError, match="unknown setting"):
        simulate(structures.nickel, settings=settings)


@pytest.mark.parametrize("r", [[1.0], [2.0, 1.0], [1.0, 1.0], [-1.0, 1.0]])
def test_grids_that_do_not_increase(structures, r):
    with pytest.raises(UsageError, match="does not increase"):
        simulate(structures.nickel, r=np.array(r))


def test_what_has_no_atoms_has_no_g():
    with pytest.raises(StructureError, match="form_factor has no pair distribution"):
        simulate(FormFactor("sphere"))


def test_one_atom_has_no_pairs():
    with pytest.raises(StructureError, match="one atom has no pairs"):
        simulate(Cluster("Au", symbols=("Au",), positions=np.zeros((1, 3))))


@pytest.mark.parametrize(
    "settings",
    [{"u_iso": 0.0}, {"u_iso": -0.01}, {"zoom": 0.0}, {"diameter": 0.0}, {"diameter": -5.0}, {"bond": np.nan}, {"delta2": -1.0},
     {"delta1": np.inf}, {"scale": 0.0}, {"u_iso": "thin"}],
)  # fmt: skip
def test_impossible_samples(structures, settings):
    (name,) = settings
    with pytest.raises(UsageError, match=f"{name} = "):
        simulate(structures.nickel, settings=settings)


def test_numbers_may_come_as_text(structures):
    one, other = (
        simulate(structures.nickel, settings={"u_iso": u, "diameter": d}, r=R).signal
        for u, d in ((0.005, 20.0), ("0.005", "20"))
    )
    assert np.array_equal(one, other)


@pytest.mark.parametrize("diameter", [4.0, 1200.0])
def test_a_size_beyond_what_refines_is_simulated_as_given(structures, diameter):
    r = np.arange(200, 300) * 0.01
    ratio = simulate(structures.nickel, settings={"diameter": diameter}, r=r).signal / simulate(structures.nickel, r=r).signal
    expected = 1 - 1.5 * r / diameter + 0.5 * (r / diameter) ** 3
    assert ratio == pytest.approx(expected, abs=1e-4)


def test_an_element_that_a_radiation_is_not_tabulated_for(structures):
    from dataclasses import replace

    polonium = replace(structures.nickel, sites=(replace(structures.nickel.sites[0], element="Po"),))
    assert simulate(polonium, r=R).signal.max() > 1
    with pytest.raises(StructureError, match="neutron scattering of Po is not tabulated"):
        simulate(polonium, settings={"radiation": "neutron"}, r=R)


def test_every_sample_setting_is_explained():
    assert all(len(text) > 10 for _, text in SAMPLE.values())


TRUTH = {
    "nickel": ({"a": 3.54, "U_Ni": 0.0065, "delta2": 1.8}, {"zoom": 3.54 / 3.524, "u_iso": 0.0065, "delta2": 1.8}),
    "wurtzite": ({"a": 4.3215, "c": 7.04505, "U_Cd": 0.009, "U_Se": 0.009}, {"zoom": 1.005, "u_iso": 0.009, "delta2": 2.0}),
    "silicon": (
        {"a": 5.4201, "U_Si": 0.007, "diameter": 30.0},
        {"zoom": 5.4201 / 5.431, "u_iso": 0.007, "diameter": 30.0, "delta2": 2.5},
    ),
    "icosahedron": ({"zoom": 1.01, "U_Au": 0.008}, {"zoom": 1.01, "u_iso": 0.008, "delta2": 2.0}),
}


@pytest.mark.parametrize("name", TRUTH)
def test_refinement_recovers_what_was_simulated(structures, name):
    """With noise of the band; the start is the unzoomed structure and everything is free."""
    truth, sample = TRUTH[name]
    structure = getattr(structures, name)
    pulls = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        settings = {"qmin": 0.8, "qmax": 22.0, "qdamp": 0.04, "qbroad": 0.01, **sample}
        clean = simulate(structure, settings=settings, r=R)
        noise = _band_noise(R, 0.0, 22.0, rng) * 0.03 * np.sqrt(np.mean(clean.signal[R > 1.5] ** 2))
        measured = Measurement("gr", R, clean.signal + noise, settings={"qmin": 0.8, "qmax": 22.0})
        signal = prepare(measured, range=(1.5, 20.0))
        (problem, first), *_ = PDF.trials(signal, [structure], start={"size": "diameter" in truth})
        fit = solve(problem, start=first)
        found = PDF.findings(fit).parameters
        assert fit.rw < 0.05
        pulls += [(found[k].value - v) / found[k].sigma for k, v in truth.items()]
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls) < 4)
    assert np.mean(np.abs(pulls) < 2) > 0.8


@pytest.mark.parametrize(("pair", "known"), [(("nickel", "silicon"), True), (("silicon", "wurtzite"), False)])
def test_weight_fractions_of_a_mixture_are_exact(structures, join, pair, known):
    """Light elements lose their scattering at high Q faster than heavy ones: a mixture weights its phases Q by Q."""
    chosen = [getattr(structures, name) for name in pair]
    atoms = np.array([0.2, 0.8]) if known else np.array([0.7, 0.3])
    mass = np.array(
        [np.average([atomic_masses[atomic_numbers[e]] for e in s.contents], weights=[*s.contents.values()]) for s in chosen]
    )
    settings = {"qmax": 22.0, "qdamp": 0.04, "u_iso": 0.006}
    curves = [simulate(s, settings=settings, r=R).signal for s in chosen]
    measured = Measurement("gr", R, join(R, chosen, atoms, curves), settings={"qmax": 22.0, "qmin": 0.5})
    signal = prepare(measured, range=(1.5, 18.0))
    (problem, first), *_ = PDF.trials(signal, chosen, start={"size": False})
    found = PDF.findings(solve(problem, start=first))
    weights = atoms * mass
    assert [p.weight_fraction.value for p in found.phases] == pytest.approx(weights / weights.sum(), abs=3e-3)
    assert [p.formula for p in found.phases] == [s.formula for s in chosen]
    assert found.parameters["1:a"].value == pytest.approx(chosen[0].cell[0], abs=2e-3)


def test_a_phase_that_is_not_there_is_said_to_be_doubtful(structures):
    measured = simulate(structures.nickel, settings={"qmax": 22.0, "qdamp": 0.04, "u_iso": 0.006}, r=R)
    signal = prepare(measured, range=(1.5, 15.0))
    (problem, first), *_ = PDF.trials(signal, [structures.nickel, structures.silicon], start={"size": False})
    found = PDF.findings(solve(problem, start=first))
    assert found.phases[0].weight_fraction.value > 0.95
    doubts = [line for line in found.notes if "does not stand out" in line]
    assert len(doubts) == 1
    assert doubts[0].startswith(found.phases[1].name)


def test_refined_structures_hold_what_was_found(structures):
    measured = simulate(structures.wurtzite, settings={"qmax": 22.0, "qdamp": 0.04, "u_iso": 0.01, "zoom": 1.01}, r=R)
    signal = prepare(measured, range=(1.5, 20.0))
    (problem, first), *_ = PDF.trials(signal, [structures.wurtzite], start={"size": False})
    fit = solve(problem, start=first)
    found = PDF.findings(fit)
    (refined,) = found.structures
    assert refined.cell[:3] == pytest.approx((4.343, 4.343, 7.0801), abs=2e-3)
    assert refined.cell[3:] == (90, 90, 120)
    assert [s.u_iso for s in refined.sites] == pytest.approx([0.01, 0.01], abs=3e-4)
    # the same curve comes out of the refined structure
    settings = {k: v for k, v in problem.named_values(fit.values).items() if k in ("qdamp", "qbroad", "delta2")}
    again = simulate(refined, settings={"qmax": 22.0, "qmin": signal.instrument.qmin, **settings}, r=signal.r).signal
    assert again * fit.factors[0] == pytest.approx(fit.calculated, abs=0.01 * np.max(fit.calculated))


def test_nuisances_are_seeded_and_inside_their_ranges():
    one, same, other = (NUISANCES.draw(np.random.default_rng(s)) for s in (1, 1, 2))
    assert one == same != other
    for seed in range(100):
        drawn = NUISANCES.draw(np.random.default_rng(seed))
        for name in ("qmin", "qmax", "qdamp", "qbroad", "u_iso", "delta2", "noise", "background", "ligand"):
            low, high = getattr(NUISANCES, name)
            assert low <= drawn[name] <= high
        assert abs(drawn["zoom"] - 1) < 0.03
        assert drawn["qmin"] < drawn["qmax"]


def test_noise_has_the_size_and_the_band_that_were_asked_for():
    noise = _band_noise(R, 0.0, 20.0, np.random.default_rng(3))
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1.0)
    power = np.abs(np.fft.rfft(noise * np.hanning(R.size))) ** 2
    q = 2 * np.pi * np.fft.rfftfreq(R.size, 0.01)
    assert power[q > 21].sum() < 1e-3 * power.sum()


def test_corruption_is_seeded_and_nothing_without_errors(structures):
    g = simulate(structures.nickel, settings={"qmax": 20.0}, r=R).signal
    drawn = NUISANCES.draw(np.random.default_rng(5))
    one, same = (NUISANCES.corrupt(R, g, drawn, np.random.default_rng(6)) for _ in range(2))
    assert np.array_equal(one, same)
    none = drawn | {"noise": 0.0, "background": 0.0, "ligand": 0.0}
    assert NUISANCES.corrupt(R, g, none, np.random.default_rng(6)) == pytest.approx(g, abs=1e-12)
