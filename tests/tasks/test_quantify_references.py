"""Quantify by measured references: a library in files, mixtures of it, the weighed mixtures of the shared data."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from whorl.cli.app import app
from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.core.workspace import Workspace
from whorl.formats import write_measurement
from whorl.tasks.quantify_recipes import ByReferences
from whorl.tasks.quantify_references import quantify_by_references
from whorl.tasks.replay import replay
from whorl.tasks.single import run_one
from whorl.techniques.pd.references import open_library

X = np.arange(15.0, 60.0, 0.03)
RATIOS = {"STD": 1.0, "QUARTZ": 3.2, "CLAY_1": 0.3, "CLAY_2": 0.35, "SALT": 4.0}
GROUPS = {"STD": "Corundum", "QUARTZ": "Quartz", "CLAY_1": "Clay", "CLAY_2": "Clay", "SALT": "Halite"}
SETTINGS = {"wavelength": 1.540593, "intensity": "counts"}


def pure(name, x=X):
    """Pattern of a pure phase, the highest point near 1: sharp lines, or the humps of a clay."""
    rng = np.random.default_rng(list(RATIOS).index(name))
    clay = name.startswith("CLAY")
    places = np.array([19.8, 26.0, 35.2, 54.0]) if clay else rng.uniform(20, 57, 9)
    heights = np.array([1, 0.5, 0.7, 0.3]) * rng.uniform(0.7, 1.3, 4) if clay else np.r_[1.0, rng.uniform(0.05, 0.7, 8)]
    width = 2.0 if clay else 0.18
    y = sum(h * np.exp(-4 * np.log(2) * ((x - p) / width) ** 2) for p, h in zip(places, heights, strict=True))
    return y / y.max() * 0.98 + 0.02


def mixture(weights, *, scale=3000.0, shift=0.0, seed=1):
    """Counts of a mixture: heights go with weight times ratio."""
    y = sum(w * RATIOS[n] * pure(n, X - shift) for n, w in weights.items())
    y = np.random.default_rng(seed).poisson(scale * y + 15).astype(float)
    return Measurement("powder", X, y, settings=SETTINGS)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A table of patterns and one of ratios beside it."""
    folder = tmp_path_factory.mktemp("library")
    rng = np.random.default_rng(9)
    columns = [rng.poisson(20000 * pure(n)) for n in RATIOS]
    rows = ["two_theta," + ",".join(RATIOS)] + [f"{x:.2f}," + ",".join(map(str, c)) for x, *c in zip(X, *columns, strict=True)]
    (folder / "patterns.csv").write_text("\n".join(rows))
    lines = [f"{n},{GROUPS[n]},{r}" for n, r in RATIOS.items()]
    (folder / "ratios.csv").write_text("\n".join(["phase_id,phase_name,rir", *lines]))
    return folder / "patterns.csv"


TRUTH = {"STD": 0.2, "QUARTZ": 0.15, "CLAY_2": 0.4}


def test_amounts_by_the_standard(library):
    """A quarter of the weight that no reference has is told, and a shift does not matter."""
    verdict = quantify_by_references(mixture(TRUTH, shift=0.12), str(library), standard=("corundum", 0.2))
    got = {n.split(":")[0]: q for n, q in verdict.parameters.items()}
    assert set(got) == {"Corundum", "Quartz", "Clay", "unaccounted"}
    assert got["Quartz"].value == pytest.approx(0.15, abs=0.006)
    assert got["Clay"].value == pytest.approx(0.40, abs=0.02)
    assert got["unaccounted"].value == pytest.approx(0.25, abs=0.02)
    assert verdict.best.amorphous.value == got["unaccounted"].value
    assert all(q.interval[0] <= t <= q.interval[1] for q, t in ((got["Quartz"], 0.15), (got["Clay"], 0.4)))
    shifts = verdict.best.parameters
    assert shifts["zero"].value + np.cos(np.radians(17)) * shifts["displacement"].value == pytest.approx(0.12, abs=0.01)
    assert [p.name for p in verdict.best.phases if p.group == "Clay"] == ["CLAY_2"]


def test_amounts_by_closure(library):
    """Without a standard they add up to one."""
    verdict = quantify_by_references(mixture(TRUTH), str(library))
    got = {n.split(":")[0]: q.value for n, q in verdict.parameters.items()}
    assert sum(got.values()) == pytest.approx(1.0)
    assert got["Clay"] == pytest.approx(0.4 / 0.75, abs=0.02)
    assert verdict.best.amorphous is None
    assert "add up to 1" in " ".join(verdict.assumptions)


def test_a_standard_that_is_not_there(library):
    """It is said, and the fractions add up to one."""
    verdict = quantify_by_references(mixture({"QUARTZ": 0.5, "CLAY_1": 0.5}), str(library), standard=("STD", 0.2))
    assert any("Corundum does not stand out" in w for w in verdict.warnings)
    assert "unaccounted:weight_fraction" not in verdict.parameters
    assert sum(p.weight_fraction.value for p in verdict.best.phases) == pytest.approx(1.0)


def test_a_phase_in_no_reference(library):
    """Its lines are named."""
    verdict = quantify_by_references(mixture({"QUARTZ": 0.5, "SALT": 0.3}), str(library), exclude=["halite"])
    assert any("unexplained peaks" in w for w in verdict.warnings)
    assert "Halite:weight_fraction" not in verdict.parameters


def test_siblings_make_the_amount_less_certain(library):
    """The clay that is there, taken out of the library: the other stands in, its misfit widens the interval."""
    right = quantify_by_references(mixture(TRUTH), str(library), standard=("STD", 0.2)).parameters["Clay:weight_fraction"]
    verdict = quantify_by_references(mixture(TRUTH), str(library), standard=("STD", 0.2), exclude=["CLAY_2"])
    other = verdict.parameters["Clay:weight_fraction"]
    assert other.sigma > 1.5 * right.sigma
    assert other.interval[0] <= 0.4 <= other.interval[1]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"standard": ("zircon", 0.1)}, "no reference"),
        ({"standard": ("STD", 1.5)}, "standard"),
        ({"exclude": ["basalt"]}, "no reference or group"),
        ({"level": 1.7}, "level"),
        ({"ratios": "nowhere.csv"}, "cannot be read"),
    ],
)
def test_bad_questions(library, more, words):
    """Each is an error that says what to do."""
    with pytest.raises(UsageError, match=words) as caught:
        quantify_by_references(mixture(TRUTH), str(library), **more)
    assert caught.value.remedy


def test_a_folder_of_files_is_a_library_too(library, tmp_path):
    """Patterns in files of any format with a table beside them give the same."""
    for name in ("STD", "QUARTZ", "CLAY_2"):
        y = np.random.default_rng(3).poisson(5000 * pure(name)).astype(float)
        write_measurement(Measurement("powder", X, y, settings={"wavelength": 1.540593}), tmp_path / f"{name}.nxs")
    lines = [f"{n}.nxs,{GROUPS[n]},{RATIOS[n]},{0.02 * RATIOS[n]}" for n in ("STD", "QUARTZ", "CLAY_2")]
    (tmp_path / "table.csv").write_text("\n".join(["file,group,rir,rir_sigma", *lines]))
    found = open_library(tmp_path)
    assert [(r.name, r.rir_sigma) for r in found.references][1] == ("QUARTZ", pytest.approx(0.064))
    verdict = quantify_by_references(mixture(TRUTH), str(tmp_path), standard=("corundum", 0.2))
    assert verdict.parameters["Quartz:weight_fraction"].value == pytest.approx(0.15, abs=0.01)
    other = Measurement("powder", X, mixture(TRUTH).signal, settings={"wavelength": 1.789})
    with pytest.raises(UsageError, match="with 1"):
        quantify_by_references(other, str(tmp_path))


def test_a_short_reference_does_not_cut_the_others_short(tmp_path):
    """One measured over a third of the angles is left out, and that is said."""
    for name in ("STD", "QUARTZ", "CLAY_2", "SALT"):
        end = 30 if name == "SALT" else 90
        keep = end > X
        y = np.random.default_rng(3).poisson(5000 * pure(name)[keep]).astype(float)
        write_measurement(Measurement("powder", X[keep], y, settings={"wavelength": 1.540593}), tmp_path / f"{name}.nxs")
    lines = [f"{n}.nxs,{GROUPS[n]},{RATIOS[n]}" for n in ("STD", "QUARTZ", "CLAY_2", "SALT")]
    (tmp_path / "table.csv").write_text("\n".join(["file,group,rir", *lines]))
    verdict = quantify_by_references(mixture(TRUTH), str(tmp_path), standard=("corundum", 0.2))
    assert verdict.best.quality.range[1] > 59
    assert any("too few angles: SALT" in line for line in verdict.assumptions)


@pytest.mark.parametrize(
    ("patterns", "ratios", "words"),
    [
        ("angle,A\n1,2\n", "reference,rir\nA,1\n", "no table of patterns"),
        (None, "reference,group\nA,B\n", "no table of reference intensity ratios"),
        (None, "reference,group,rir\nA,B,1\n", "no line for the reference"),
        (None, None, "no table of reference intensity ratios"),
    ],
)
def test_bad_libraries(tmp_path, library, patterns, ratios, words):
    """A library that cannot be used says why."""
    (tmp_path / "p.csv").write_text(patterns or library.read_text())
    if ratios is not None:
        (tmp_path / "r.csv").write_text(ratios)
    with pytest.raises(UsageError, match=words):
        open_library(tmp_path / "p.csv")


def test_runs_are_kept_and_replayed(library, tmp_path):
    """A run comes back from the workspace, and again from its inputs to the last bit."""
    recipe = ByReferences(str(library), standard=("corundum", 0.2))
    write_measurement(mixture(TRUTH), tmp_path / "mix.nxs")
    with Workspace.open(tmp_path / "home") as workspace:
        first = run_one(recipe, tmp_path / "mix.nxs", workspace=workspace)
        again = run_one(recipe, tmp_path / "mix.nxs", workspace=workspace)
        assert again.run == first.run
        assert replay(first.run, workspace=workspace).identical


def test_command_line(library, tmp_path):
    """The command gives a table, a report and JSON lines."""
    write_measurement(mixture(TRUTH), tmp_path / "mix.nxs")
    words = ["quantify", str(tmp_path / "mix.nxs"), "--references", str(library), "--standard", "corundum=0.2"]
    done = CliRunner().invoke(app, [*words, "--report", str(tmp_path / "report"), "--workspace", str(tmp_path / "home")])
    assert done.exit_code == 0, done.output
    assert "unaccounted" in done.output
    page = (tmp_path / "report" / "mix.html").read_text()
    assert "CLAY_2" in page
    assert "unaccounted" in page
    done = CliRunner().invoke(app, [*words, "--json", "-", "-q", "--workspace", str(tmp_path / "home")])
    record = json.loads(done.stdout)
    assert record["parameters"]["Quartz:weight_fraction"]["level"] == 0.9
    assert record["candidates"][0]["amorphous"]["value"] == pytest.approx(0.25, abs=0.03)


def test_weighed_mineral_mixture(shared_data):
    """A mixture of seven minerals, 20 % corundum, by 168 references: within 4 wt% on the mean."""
    truth = {}
    with (shared_data / "MANIFEST.tsv").open(encoding="utf-8") as stream:
        for row in csv.reader(stream, delimiter="\t"):
            if row[0] == "pd/rockjock/Mix7.xy":
                truth = {name: int(share) / 100 for name, share in re.findall(r"(\w+) (\d+) wt%", row[2])}
    from whorl.formats import read

    measurement = read(shared_data / "pd/rockjock/Mix7.xy", kind="powder")
    library = str(shared_data / "pd/rockjock/library_168_pure_phases.csv")
    verdict = quantify_by_references(measurement, library, standard=("Corundum", 0.2))
    got = {n.split(":")[0]: q.value for n, q in verdict.parameters.items()}
    pairs = {"Quartz": "Quartz", "K_feldspar": "K-feldspar", "Plagioclase": "Plagioclase", "Kaolinite": "Kaolinite"}
    pairs |= {"Dioctahedral_smectite": "Smectite (Di)", "Illite": "Illite"}
    assert np.mean([abs(got.get(group, 0.0) - truth[word]) for word, group in pairs.items()]) < 0.04
    assert sum(v for g, v in got.items() if g not in (*pairs.values(), "Corundum", "unaccounted")) < 0.02
