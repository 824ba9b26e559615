"""Refinements with an internal standard: the amorphous share and its uncertainty."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from whorl.cli.app import app
from whorl.core.errors import UsageError
from whorl.core.hypothesis import Crystal, Site
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate, Phase, Quantity, Verdict
from whorl.core.workspace import Workspace
from whorl.formats import write_measurement, write_structure
from whorl.tasks.recipes import Refine
from whorl.tasks.replay import replay
from whorl.tasks.single import run_one
from whorl.tasks.weighed_in import by_standard, read_standard
from whorl.techniques import get_technique
from whorl.techniques.pd.weights import density_of

SILICON = Crystal("silicon", cell=(5.431, 5.431, 5.431, 90, 90, 90), space_group="227", sites=(Site("Si", (0.125,) * 3),))
SALT = Crystal(
    "halite", cell=(5.6402,) * 3 + (90, 90, 90), space_group="225", sites=(Site("Na", (0, 0, 0)), Site("Cl", (0.5,) * 3))
)
X = np.arange(20.0, 80.0, 0.03)
LAB = {"wavelength": "Cu", "w": 0.01, "overflow": 0.0}


def mixture(weights, *, hump=0.0, seed=1):
    """Counts of phases with weights (any scale), a hump and a background: scales go with weight over density."""
    y = 40 + hump * np.exp(-(((X - 28) / 7) ** 2))
    for crystal, weight in weights:
        pattern = get_technique("pd").simulate(crystal, settings=LAB, x=X).signal
        y = y + UNIT * weight / density_of(crystal.contents, crystal.volume) * pattern
    return Measurement(
        "powder", X, np.random.default_rng(seed).poisson(y).astype(float), settings={"intensity": "counts"} | LAB
    )


#: brings a weight of 1 to some thousand counts
UNIT = 400.0


def verdict_of(fractions, covariance=None):
    """A verdict of phases with these fractions."""
    phases = [Phase(name=f"p{i}", formula=f"X{i}", weight_fraction=Quantity(value=w)) for i, w in enumerate(fractions, 1)]
    best = Candidate(
        rank=1, group=1, name="", kind="crystal", formula="", probability=1, rw=0.1, evidence=0.0, parameters={}, phases=phases,
        weight_covariance=covariance,
    )  # fmt: skip
    return Verdict(whorl="0", task="refine", file="a.xy", candidates=[best])


def test_fractions_and_uncertainties_against_draws():
    """First-order propagation agrees with drawn fractions that add up to one."""
    mean, spread = np.array([0.5, 0.3, 0.2]), 0.01
    draws = np.random.default_rng(1).normal(0, spread, (20000, 3)) + mean
    draws /= draws.sum(axis=1, keepdims=True)
    found = by_standard(verdict_of(mean, np.cov(draws.T)), ("3", 0.1)).best
    wanted = 0.1 * draws / draws[:, 2:]
    assert [p.weight_fraction.value for p in found.phases] == pytest.approx([0.25, 0.15, 0.1])
    assert [p.weight_fraction.sigma for p in found.phases] == pytest.approx(
        [*wanted[:, :2].std(axis=0), 0.0], rel=0.05, abs=1e-9
    )
    assert found.amorphous.value == pytest.approx(0.5)
    assert found.amorphous.sigma == pytest.approx((1 - wanted.sum(axis=1)).std(), rel=0.05)
    assert "amorphous or not accounted for 0.556" in found.notes[-1]


@pytest.mark.parametrize(("name", "words"), [("p9", "no one phase"), ("4", "no one phase"), ("p", "no one phase")])
def test_a_standard_that_is_no_phase(name, words):
    """A wrong name, a wrong number, a name that several have."""
    with pytest.raises(UsageError, match=words):
        by_standard(verdict_of([0.5, 0.3, 0.2]), (name, 0.1))


def test_more_than_all():
    """Phases that add up to more than one by the standard are warned of."""
    found = by_standard(verdict_of([0.9, 0.1], np.diag([1e-6, 1e-6])), ("p2", 0.2))
    assert found.best.amorphous.value == pytest.approx(-1.0)
    assert "add up to 2.000" in found.warnings[-1]
    with pytest.raises(UsageError, match="beside it"):
        by_standard(verdict_of([1.0]), ("1", 0.1))
    with pytest.raises(UsageError):
        read_standard("Si=20")


def test_amorphous_share_of_a_simulated_mixture(tmp_path):
    """10 % silicon weighed into a sample half of which is glass: found within two of its uncertainties; kept and replayed."""
    write_measurement(mixture([(SILICON, 0.10), (SALT, 0.45)], hump=900.0), tmp_path / "mix.nxs")
    recipe = Refine((SALT, SILICON), settings=LAB, standard=("silicon", 0.10))
    with Workspace.open(tmp_path / "home") as workspace:
        verdict = run_one(recipe, tmp_path / "mix.nxs", workspace=workspace)
        best = verdict.best
        assert best.amorphous.value == pytest.approx(0.45, abs=max(2 * best.amorphous.sigma, 0.01))
        assert best.amorphous.sigma < 0.15
        assert [p.weight_fraction.value for p in best.phases] == pytest.approx([0.45, 0.10], abs=0.03)
        assert verdict.to_json_dict()["candidates"][0]["amorphous"]["value"] == best.amorphous.value
        assert replay(verdict.run, workspace=workspace).identical


def test_command_line(tmp_path):
    """`whorl refine --standard` shows the share in the table and the report."""
    write_measurement(mixture([(SILICON, 0.2), (SALT, 0.5)]), tmp_path / "mix.nxs")
    for crystal in (SALT, SILICON):
        write_structure(crystal, tmp_path / f"{crystal.name}.cif")
    words = ["refine", str(tmp_path / "mix.nxs"), str(tmp_path / "halite.cif"), str(tmp_path / "silicon.cif")]
    words += [
        "--standard",
        "2=0.2",
        "--set",
        "overflow=0",
        "--workspace",
        str(tmp_path / "home"),
        "--report",
        str(tmp_path / "r"),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "amorphous or not accounted for" in done.output
    assert "amorphous or not accounted for" in (tmp_path / "r" / "mix.html").read_text()
