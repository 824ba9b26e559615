"""Every analytic derivative of the G(r) model against central differences."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.techniques.pdf.phases import make_phase
from whorl.techniques.pdf.residual import PdfProblem, PhaseOptions

#: structure, options, radiation, parameters that must be there
CASES = {
    "fcc, particle, delta2": ("nickel", {"size": 28.0, "size_free": True}, "x-ray", {"a", "U_Ni", "diameter", "delta2"}),
    "fcc, delta1": ("nickel", {"motion": "delta1", "motion_start": 0.4}, "x-ray", {"a", "U_Ni", "delta1"}),
    "fcc, electrons": ("nickel", {"motion": None}, "electron", {"a", "U_Ni"}),
    "wurtzite, X-ray, particle": (
        "wurtzite", {"size": 24.0, "size_free": True}, "x-ray", {"a", "c", "U_Cd", "U_Se", "diameter", "delta2"},
    ),
    "wurtzite, neutron": ("wurtzite", {}, "neutron", {"a", "c", "U_Cd", "U_Se", "delta2"}),
    "monoclinic, three sites": (
        "monoclinic", {"size": 30.0, "size_free": True}, "x-ray",
        {"a", "b", "c", "beta", *(f"{x}_{s}" for x in "xyz" for s in ("Zr1", "O1", "O2")), "U_Zr", "U_O", "diameter"},
    ),
    "rhombohedral axes": ("rhombohedral", {}, "x-ray", {"a", "alpha", "x_Bi", "U_Bi"}),
    "three elements": ("arsenide", {}, "x-ray", {"a", "c", "z_As", "U_Sr", "U_Fe", "U_As"}),
    "cluster": ("icosahedron", {}, "x-ray", {"zoom", "U_Au", "delta2"}),
    "open cluster": ("open_icosahedron", {}, "neutron", {"bond", "U_Pd", "delta2"}),
    "cluster of two elements, X-ray": ("salt", {}, "x-ray", {"zoom", "U_Na", "U_Cl"}),
    "cluster of two elements, neutron": ("salt", {"motion": "delta1", "motion_start": 0.3}, "neutron", {"zoom", "U_Na"}),
}  # fmt: skip


def slope(problem, values, k, analytic):
    """Derivative by the four-point formula, with steps so wide that the cut of peaks at five sigma hardly shows."""
    room = problem.parameters[k].upper - problem.parameters[k].lower
    basis = problem.evaluate(values, jacobian=False).basis
    h = min(0.01 * np.max(np.abs(basis)) / np.max(np.abs(analytic)), 0.006 * room, 0.02 * abs(values[k]))
    step = h * np.eye(values.size)[k]
    at = [problem.evaluate(values + n * step, jacobian=False).basis for n in (-2, -1, 1, 2)]
    return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)


def make(structures, blank, case, **more):
    name, options, radiation, _ = CASES[case]
    signal = blank(radiation=radiation, **more)
    phase = make_phase(getattr(structures, name), 16.0)
    return PdfProblem(signal, [phase], [PhaseOptions(**options)], free_instrument=("qdamp", "qbroad"))


@pytest.mark.parametrize("case", CASES)
def test_derivatives_agree_with_central_differences(structures, blank, case):
    problem = make(structures, blank, case)
    names = [p.name for p in problem.parameters]
    assert CASES[case][3] | {"qdamp", "qbroad"} <= set(names)
    rng = np.random.default_rng(11)
    values = np.array([p.value for p in problem.parameters])
    room = np.array([p.upper - p.lower for p in problem.parameters])
    values = values + 0.02 * room * rng.uniform(0.1, 1, values.size)  # away from the symmetric start
    found = problem.evaluate(values, jacobian=True)
    assert found.derivatives.shape == (values.size, problem.x.size, 1)
    assert np.array_equal(found.basis, problem.evaluate(values, jacobian=False).basis)
    for k, name in enumerate(names):
        analytic = found.derivatives[k, :, 0]
        numeric = slope(problem, values, k, analytic)[:, 0]
        assert np.max(np.abs(numeric)) > 0, name
        assert np.max(np.abs(analytic - numeric)) < 1e-3 * np.max(np.abs(numeric)), name


def test_phases_of_a_mixture_do_not_touch_each_other(structures, blank):
    phases = [make_phase(structures.nickel, 16.0), make_phase(structures.silicon, 16.0)]
    options = [PhaseOptions(prefix="1:"), PhaseOptions(prefix="2:", size=30.0, size_free=True)]
    problem = PdfProblem(blank(), phases, options, free_instrument=("qdamp",))
    names = [p.name for p in problem.parameters]
    assert names == ["1:a", "1:U_Ni", "1:delta2", "2:a", "2:U_Si", "2:diameter", "2:delta2", "qdamp"]
    assert [t.name for t in problem.linear] == ["1:scale", "2:scale"]
    values = np.array([p.value for p in problem.parameters])
    found = problem.evaluate(values, jacobian=True)
    for k, name in enumerate(names):
        step = np.zeros(values.size)
        step[k] = 1e-5
        numeric = (
            problem.evaluate(values + step, jacobian=False).basis - problem.evaluate(values - step, jacobian=False).basis
        ) / 2e-5
        assert np.max(np.abs(found.derivatives[k] - numeric)) < 1e-3 * np.max(np.abs(numeric)), name
        other = {"1": 1, "2": 0}.get(name[0])
        if other is not None:
            assert not found.derivatives[k, :, other].any()


@pytest.mark.parametrize(("fixed", "gone"), [({"a": 3.6}, "a"), ({"delta2": 0.0}, "delta2"), ({"qdamp": 0.05}, "qdamp")])
def test_fixed_parameters_keep_their_value_and_are_not_searched(structures, blank, fixed, gone):
    problem = PdfProblem(blank(), [make_phase(structures.nickel, 16.0)], free_instrument=("qdamp",), fixed=fixed)
    assert gone not in [p.name for p in problem.parameters]
    values = np.array([p.value for p in problem.parameters])
    assert problem.named_values(values)[gone] == fixed[gone]
    free = PdfProblem(blank(), [make_phase(structures.nickel, 16.0)], free_instrument=("qdamp",))
    start = np.array([fixed.get(p.name, p.value) for p in free.parameters])
    assert np.array_equal(problem.evaluate(values, jacobian=False).basis, free.evaluate(start, jacobian=False).basis)


def test_without_a_band_limit(structures, blank):
    problem = make(structures, blank, "fcc, delta1", qmax=None)
    values = np.array([p.value for p in problem.parameters])
    found = problem.evaluate(values, jacobian=True)
    step = 1e-5 * np.eye(values.size)[0]
    numeric = (
        problem.evaluate(values + step, jacobian=False).basis - problem.evaluate(values - step, jacobian=False).basis
    ) / 2e-5
    assert found.derivatives[0] == pytest.approx(numeric, abs=3e-4 * np.max(np.abs(numeric)))


def test_along_a_polar_axis_one_coordinate_sets_the_origin(structures, blank):
    names = [p.name for p in make(structures, blank, "wurtzite, neutron").parameters]
    assert len([n for n in names if n.startswith("z_")]) == 1
