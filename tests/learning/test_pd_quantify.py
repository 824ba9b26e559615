"""Models that quantify fixed sets of phases: training, bits, errors, coverage, what lies outside, the command."""

from __future__ import annotations

import json

import numpy as np
import pytest

from whorl.cli.app import run
from whorl.core.errors import PatternError, StructureError, UsageError
from whorl.core.measurement import Measurement
from whorl.core.workspace import Workspace
from whorl.formats import write_measurement
from whorl.learning.pd_quantify import make_set
from whorl.learning.pd_quantify_corpus import make_patterns
from whorl.learning.registry import find_trainer, train
from whorl.models.inference import open_model
from whorl.tasks.quantify import quantify, quantify_series
from whorl.tasks.replay import replay
from whorl.techniques.pd.estimate import quantities, truth
from whorl.techniques.pd.quantifier import Quantifier

pytest.importorskip("torch")

SETTINGS = {
    "phases": "compounds/NiO-rock-salt;compounds/ZrO2-tetragonal-zirconia",
    "range": "3:10",
    "wavelength": "0.2",
    "w": "0.0016",
    "step": 0.02,
    "calibration": 900,
    "neurons": 64,
}
INSTRUMENT = {"wavelength": 0.2, "source": "synchrotron", "intensity": "counts"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("model")
    train("pd-quantify", cases=12_288, settings=SETTINGS, out=place)
    return place


@pytest.fixture(scope="module")
def quantifier(folder):
    return Quantifier(open_model(folder))


@pytest.fixture(scope="module")
def unseen(quantifier):
    """Patterns of a seed that neither training nor calibration has."""
    return make_patterns(quantifier.phases, quantifier.grid, np.random.default_rng([11, 22, 33]), 260)


def series(quantifier, y, **settings):
    return Measurement("powder", quantifier.grid, y, settings=INSTRUMENT | settings)


def test_card_says_what_the_model_is(quantifier):
    card = quantifier.card
    assert "0.2 angstrom" in card.domain
    assert "tetragonal zirconia" in card.domain
    assert card.training.command.startswith("whorl train pd-quantify --cases 12288")
    figures = {m.name: m.value for m in card.metrics}
    for kind in ("weight fraction", "cell, relative", "size, relative"):
        assert figures[f"{kind}, refined"] < figures[f"{kind}, network"]
        assert 0.86 < figures[f"{kind}, coverage at 90%"] < 0.94
    assert card.grid.count == quantifier.grid.size == 351


def test_the_same_request_gives_the_same_weights(tmp_path):
    small = SETTINGS | {"calibration": 200}
    made = [train("pd-quantify", cases=512, settings=small, out=tmp_path / name).card.sha256 for name in ("a", "b")]
    assert made[0] == made[1]


def test_refined_values_and_their_intervals(quantifier, unseen):
    """Errors of a refinement: the network's guess is left far behind; 90 % intervals hold the truth in 85 to 95 %."""
    verdicts = list(quantify_series(series(quantifier, unseen.y), quantifier))
    true = truth(quantifier.phases, unseen.values, unseen.fractions, unseen.scales)
    inside = {"fraction": [], "scale": [], "cell": [], "size": []}
    for b, verdict in enumerate(verdicts):
        assert verdict.status == "ok"
        for q, (name, kind, _, _) in enumerate(quantities(quantifier.phases)):
            estimate = verdict.parameters[name]
            if estimate.interval is None or not np.isfinite(true[b, q]):
                continue
            target = np.exp(-true[b, q]) if kind == "size" else true[b, q]
            low, high = estimate.interval
            assert low <= estimate.value <= high
            inside[kind].append(low <= target <= high)
    for kind, held in inside.items():
        assert len(held) > 200
        assert 0.85 < np.mean(held) < 0.95, (kind, np.mean(held))
    off = [v.parameters["1:weight_fraction"].value for v in verdicts] - unseen.fractions[:, 0]
    assert np.median(np.abs(off)) < 0.01


def test_a_frame_alone_and_in_its_series_give_the_same(quantifier, unseen):
    together = list(quantify_series(series(quantifier, unseen.y[:3]), quantifier))
    alone = quantify(series(quantifier, unseen.y[1]), quantifier)
    assert alone.candidates[0].curve.calculated.shape == quantifier.grid.shape
    for name, estimate in together[1].parameters.items():
        other = alone.parameters[name]
        assert estimate.value == pytest.approx(other.value, rel=1e-6, nan_ok=True)
        assert estimate.interval == (None if other.interval is None else pytest.approx(other.interval, rel=1e-6))
    assert together[1].file.endswith("#1")
    fractions = [p.weight_fraction.value for p in together[1].candidates[0].phases]
    assert sum(fractions) == pytest.approx(1.0)


def test_wider_levels_give_wider_intervals(quantifier, unseen):
    frame = series(quantifier, unseen.y[int(np.argmax(unseen.fractions.min(axis=1)))])
    widths = [np.diff(quantify(frame, quantifier, level=v).parameters["1:scale"].interval)[0] for v in (0.5, 0.9, 0.99)]
    assert widths[0] < widths[1] < widths[2]
    with pytest.raises(UsageError, match="not calibrated"):
        quantify(frame, quantifier, level=0.77)


def test_a_phase_outside_the_set_is_noticed(quantifier, unseen):
    """Strong lines of something else: a warning that the phases do not explain the pattern, and no interval."""
    x = quantifier.grid
    y = unseen.y[0].copy()
    for centre in (3.6, 4.4, 6.25, 7.9):
        y += 0.8 * y.max() * np.exp(-4 * np.log(2) * ((x - centre) / 0.06) ** 2)
    verdict = quantify(series(quantifier, np.round(y)), quantifier)
    assert any("do not explain" in text for text in verdict.warnings)
    assert all(e.interval is None for e in verdict.parameters.values())


def test_texture_is_noticed(quantifier, unseen):
    """Intensities of one phase wrong by a third from line to line: said to be unusual, uncertainties larger than before."""
    b = int(np.argmax(unseen.y.max(axis=1)))
    x = quantifier.grid
    plain = quantify(series(quantifier, unseen.y[b]), quantifier)
    wrong = np.round(unseen.y[b] * (1 + 0.3 * np.sin(3 * x)))
    verdict = quantify(series(quantifier, wrong), quantifier)
    assert any("chi-squared" in text for text in verdict.warnings)
    assert not any("chi-squared" in text for text in plain.warnings)
    for name in ("1:a", "2:a"):
        assert verdict.parameters[name].sigma > plain.parameters[name].sigma


def test_an_absent_phase_has_no_cell(quantifier, unseen):
    b = int(np.flatnonzero(unseen.fractions[:, 1] == 0)[0])
    verdict = quantify(series(quantifier, unseen.y[b]), quantifier)
    assert verdict.parameters["2:weight_fraction"].value < 0.05
    assert np.isnan(verdict.parameters["2:a"].value)
    assert any("not seen" in text for text in verdict.warnings)
    assert json.loads(json.dumps(verdict.to_json_dict(), allow_nan=False))["parameters"]["2:a"]["value"] is None


def test_empty_frames_of_a_series_are_said_to_be_empty(quantifier, unseen):
    """Nothing at all, background alone: no phase is seen; the frames between them are not touched."""
    both = int(np.argmax(unseen.fractions.min(axis=1)))
    air = np.random.default_rng(6).poisson(50.0, quantifier.grid.size).astype(float)
    verdicts = list(quantify_series(series(quantifier, np.array([0.0 * air, unseen.y[both], air])), quantifier))
    assert np.isfinite(verdicts[1].parameters["1:a"].value)
    for empty in (verdicts[0], verdicts[2]):
        assert np.isnan(empty.parameters["1:a"].value)
        assert np.isnan(empty.parameters["1:weight_fraction"].value)
        assert any("not seen: NiO" in text for text in empty.warnings)
        json.dumps(empty.to_json_dict(), allow_nan=False)


def test_finer_data_are_joined(quantifier, unseen):
    """The pattern on half the step, with the noise of half the counts: the same answer within its uncertainty."""
    x = np.arange(quantifier.grid[0], quantifier.grid[-1] + 1e-9, 0.01)
    phases, values = quantifier.phases, unseen.values[:1]
    net = unseen.scales[0] @ phases.simulate(x, values)[0]
    y = np.random.default_rng(5).poisson(net + 0.1 * net.max()).astype(float)
    verdict = quantify(Measurement("powder", x, y, settings=INSTRUMENT), quantifier)
    estimate = verdict.parameters["1:weight_fraction"]
    assert abs(estimate.value - unseen.fractions[0, 0]) < 5 * estimate.sigma


def test_what_does_not_fit_the_model_is_refused(quantifier, unseen):
    y = unseen.y[0]
    with pytest.raises(PatternError, match="the model is for x-ray"):
        quantify(series(quantifier, y, wavelength=0.25), quantifier)
    half = quantifier.grid < 7
    with pytest.raises(PatternError, match="the model needs 3 to 10"):
        quantify(Measurement("powder", quantifier.grid[half], y[half], settings=INSTRUMENT), quantifier)
    verdict = quantify(Measurement("powder", quantifier.grid, y), quantifier)  # no wavelength stated: the model's, and said
    assert any("does not state one" in text for text in verdict.assumptions)


@pytest.mark.parametrize(
    ("changed", "error", "match"),
    [
        ({"phases": ""}, UsageError, "no phase"),
        ({"range": ""}, UsageError, "no range"),
        ({"range": "10:3"}, UsageError, "no range"),
        ({"phases": "compounds/NiO"}, StructureError, "no such file or entry"),
        ({"step": 1.0}, UsageError, "grid of"),
    ],
)
def test_settings_that_cannot_be(changed, error, match):
    settings = find_trainer("pd-quantify").settings | SETTINGS | changed
    with pytest.raises(error, match=match):
        make_set(settings)


def test_a_laboratory_set_has_both_lines_and_its_geometry():
    phases, grid = make_set(find_trainer("pd-quantify").settings | {"phases": "compounds/NiO-rock-salt", "range": "20:90"})
    assert len(phases.instrument.lines) == 2
    assert phases.instrument.geometry == "bragg-brentano"
    free = [phases.names[k] for k in phases.free]
    assert "displacement" in free
    assert "zero" not in free
    assert grid[1] - grid[0] < 0.03


def test_command_gives_lines_and_goes_on_after_a_bad_file(folder, quantifier, unseen, tmp_path, capsys):
    good = tmp_path / "good.xy"
    both = int(np.argmax(unseen.fractions.min(axis=1)))
    np.savetxt(good, np.column_stack([quantifier.grid, unseen.y[both]]), fmt="%.4f")
    bad = tmp_path / "bad.xy"
    bad.write_text("no numbers\n")
    code = run(["quantify", str(bad), str(good), "--model", str(folder), "--json", "-", "--csv", str(tmp_path / "t.csv")])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 3
    assert [line["status"] for line in lines] == ["error", "ok"]
    assert lines[1]["parameters"]["1:a"]["interval"][0] < lines[1]["parameters"]["1:a"]["value"]
    assert lines[1]["provenance"]["command"].startswith("whorl quantify")
    head, *rows = (tmp_path / "t.csv").read_text().splitlines()
    assert "1:a_low" in head
    assert len(rows) == 2
    assert run(["quantify", str(good), "--model", str(folder), "--level", "0.77"]) == 2
    capsys.readouterr()
    assert run(["quantify", str(good), "--model", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "90% interval" in shown
    assert "NiO (rock salt)" in shown


def test_patterns_can_be_kept_as_runs(folder, quantifier, unseen, tmp_path, capsys):
    """With --keep every pattern is a run with its report, found again and replayed to the last bit; as without, but kept."""
    for n in range(2):
        write_measurement(series(quantifier, unseen.y[n]), tmp_path / f"{n}.nxs")
    words = ["quantify", str(tmp_path / "0.nxs"), str(tmp_path / "1.nxs"), "--model", str(folder), "--json", "-", "-q"]
    assert run([*words, "--workers", "1"]) == 0
    plain = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kept = [*words, "--keep", "--workers", "1", "--workspace", str(tmp_path / "home"), "--report", str(tmp_path / "pages")]
    assert run(kept) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["parameters"] for line in lines] == [line["parameters"] for line in plain]
    assert all(line["run"] for line in lines)
    assert "weight fraction of NiO" in (tmp_path / "pages" / "0.html").read_text()
    assert run(kept) == 0
    assert [json.loads(line)["run"] for line in capsys.readouterr().out.splitlines()] == [line["run"] for line in lines]
    with Workspace.open(tmp_path / "home") as workspace:
        assert replay(lines[0]["run"], workspace=workspace).identical
