"""Parameters told straight from a curve by the network that comes with whorl: sizes, intervals, refusals, series, commands."""

from __future__ import annotations

import json

import numpy as np
import pytest

from whorl import api
from whorl.cli.app import run
from whorl.core.errors import PatternError, UsageError
from whorl.core.hypothesis import FormFactor
from whorl.core.measurement import Measurement
from whorl.formats import write_measurement
from whorl.models.card import ModelError
from whorl.models.inference import open_model
from whorl.physics.small_angle.composite import compose
from whorl.tasks.quantify_form_factor import is_form_factor, quantify_form_factor, quantify_form_factor_series
from whorl.tasks.quantify_recipes import ByFormFactor, quantify_recipe
from whorl.techniques.sas.explained import explain_by
from whorl.techniques.sas.parameters import OUTPUTS, ParameterNetwork, raw_curve, reach, start_values
from whorl.techniques.sas.prepare import prepare
from whorl.techniques.sas.simulate import simulate


def curve(model="sphere", noise=0.02, seed=3, zoom=1.0, **parameters):
    """A simulated measurement of a model with parameters by name."""
    q = np.geomspace(0.006, 0.28, 150) / zoom
    parameters = {name.replace("two_", "2:").replace("one_", "1:"): value for name, value in parameters.items()}
    clean = simulate(FormFactor(model, model=model, parameters=parameters), settings={}, q=q).signal
    sigma = noise * clean + 2e-4 * clean.max() * noise
    return Measurement("sas", q, clean + sigma * np.random.default_rng(seed).standard_normal(q.size), sigma, path="curve.dat")


@pytest.fixture(scope="module")
def network():
    return ParameterNetwork.open()


@pytest.mark.parametrize(
    ("model", "name", "value", "tolerance"),
    [
        ("sphere", "radius", 64.0, 0.15),
        ("mono_gauss_coil", "rg", 47.0, 0.15),
        ("lamellar", "thickness", 38.0, 0.2),
        ("dab", "cor_length", 55.0, 0.2),
        ("teubner_strey", "d", 190.0, 0.2),
    ],
)
def test_main_lengths(model, name, value, tolerance):
    """The median is near the truth, and the interval of 99 % holds it."""
    found = quantify_form_factor(curve(model, **{name: value}), model, level=0.99).parameters[name]
    assert found.value == pytest.approx(value, rel=tolerance)
    assert found.interval[0] <= value <= found.interval[1]
    assert found.unit == "angstrom"


def test_sizes_move_with_q():
    """The same curve at a q three times smaller is of a sphere that is three times larger."""
    near, far = (quantify_form_factor(curve(radius=50.0 * z, zoom=z), "sphere").parameters["radius"] for z in (1.0, 3.0))
    assert far.value / near.value == pytest.approx(3.0, rel=0.15)


def test_scale_does_not_count():
    """A factor on the intensity changes nothing."""
    m = curve(radius=70.0)
    other = Measurement("sas", m.x, 1e4 * m.signal, 1e4 * m.sigma)
    one, two = (quantify_form_factor(x, "sphere").parameters["radius"].value for x in (m, other))
    assert one == pytest.approx(two, rel=1e-4)


def test_levels_lie_in_each_other(network):
    """The wider the level, the wider the interval; the median lies inside."""
    m = prepare(curve(radius=70.0))
    ends = [network.ask([raw_curve(m)], "core_shell_sphere", level) for level in (0.5, 0.9, 0.95)]
    width = [told.high - told.low for told in ends]
    assert np.all(width[0] <= width[2] + 1e-9)
    assert np.all((ends[1].low <= ends[1].value) & (ends[1].value <= ends[1].high))


def test_reach_grows_whatever_the_network_says():
    raw = np.random.default_rng(2).normal(0, 4, (5, 3, OUTPUTS))
    _, down, up = reach(raw)
    assert np.all(np.diff(down, axis=-1) >= 0)
    assert np.all(np.diff(up, axis=-1) >= 0)
    assert np.all(down[..., 0] > 0)


def test_what_a_model_does_not_explain_gets_no_intervals():
    """Sharp fringes of spheres, asked for the parameters of a stack of sheets: values, a warning, no interval."""
    verdict = quantify_form_factor(curve(radius=150.0, radius_pd=0.02, noise=0.01), "lamellar_stack_paracrystal")
    assert any("no intervals" in w for w in verdict.warnings)
    assert all(p.interval is None and p.sigma is None for p in verdict.parameters.values())
    good = quantify_form_factor(curve(radius=150.0, radius_pd=0.02, noise=0.01), "sphere")
    assert all(p.interval is not None for p in good.parameters.values())


def test_what_a_curve_does_not_tell_is_said():
    """Guinier's law alone tells the radius of a sphere, and nothing of its spread; fringes do."""
    small = quantify_form_factor(curve(radius=9.0, noise=0.05), "sphere", level=0.95)
    assert any("not told" in w and "radius_pd" in w for w in small.warnings)
    large = quantify_form_factor(curve(radius=120.0, radius_pd=0.05, noise=0.01), "sphere", level=0.95)
    assert not any("not told" in w for w in large.warnings)


def test_start_values_begin_a_fit():
    """They name what a fit refines, and lie nearer than the defaults."""
    m = curve("core_shell_sphere", radius=90.0, thickness=25.0, sld_shell=7.0)
    signal = prepare(m)
    found = start_values(signal, "core_shell_sphere")
    assert set(found) == {"sld_shell", "radius", "radius_pd", "thickness"}
    defaults = {p.name: p.default for p in compose("core_shell_sphere").parameters}
    near, far = (explain_by(signal, "core_shell_sphere", values).misfit for values in (found, defaults))
    assert near < 0.8 * far
    assert found["radius"] == pytest.approx(90.0, rel=0.2)
    assert start_values(signal, "fcc_paracrystal") is None


def test_refusals(network):
    with pytest.raises(UsageError, match="cylinder cannot be told"):
        quantify_form_factor(curve(radius=60.0), "cylinder")
    with pytest.raises(UsageError, match="not calibrated"):
        quantify_form_factor(curve(radius=60.0), "sphere", level=0.42)
    m = curve(radius=60.0)
    with pytest.raises(PatternError, match="series"):
        quantify_form_factor(Measurement("sas", m.x, np.tile(m.signal, (2, 1))), "sphere")
    with pytest.raises(ModelError, match="no parameters of small-angle"):
        ParameterNetwork(open_model("space-groups-pdf"))
    assert is_form_factor("sphere@hardsphere")
    assert not is_form_factor("./sphere")


def test_series_give_every_frame_in_order():
    """Radii of a growing particle come in order; a frame without intensity is an error of its own."""
    radii = (40.0, 60.0, 90.0)
    one = curve(radius=40.0)
    frames = np.array([curve(radius=r).signal for r in radii] + [np.zeros(one.x.size) - 1.0])
    series = Measurement("sas", one.x, frames, np.tile(one.sigma, (4, 1)), path="grow.nxs")
    found = list(quantify_form_factor_series(series, "sphere"))
    assert [v.file for v in found] == [f"grow.nxs#{n}" for n in range(4)]
    assert found[3].status == "error"
    values = [v.parameters["radius"].value for v in found[:3]]
    assert values == sorted(values)
    single = quantify_form_factor(series.frame(1), "sphere")
    assert single.parameters["radius"].value == pytest.approx(values[1], rel=1e-6)


def test_command_and_api(tmp_path, capsys):
    """The command writes JSON with intervals; the API says the same; the recipe replays."""
    path = tmp_path / "curve.xml"
    write_measurement(curve(radius=64.0), path)
    assert run(["quantify", str(path), "--model", "sphere", "--level", "0.95", "--json", "-", "--quiet"]) == 0
    record = json.loads(capsys.readouterr().out)
    low, high = record["parameters"]["radius"]["interval"]
    assert low < 64.0 < high
    (verdict,) = api.quantify(path, model="sphere", level=0.95)
    assert verdict.parameters["radius"].value == pytest.approx(record["parameters"]["radius"]["value"])
    recipe = ByFormFactor("sphere", (0.01, 0.2), {}, 0.95)
    assert quantify_recipe(recipe.as_dict() | {"range": (0.01, 0.2)}) == recipe
    assert run(["quantify", str(path), "--model", "sphere", "--report", str(tmp_path / "page"), "--quiet"]) == 0
    page = next((tmp_path / "page").glob("*.html")).read_text()
    assert "sphere: radius" in page
    assert "phase is seen" not in page
