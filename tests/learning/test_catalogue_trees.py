"""Trees over a catalogue: they learn what they are shown, the same way each time, and say what they do not know."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from whorl.catalogues import open_catalogue
from whorl.core.errors import CatalogueError, MissingExtraError, UsageError
from whorl.learning import catalogue_trees
from whorl.learning.catalogue_corpus import Lengths, draw, simulate_drawn
from whorl.learning.registry import find_trainer, train
from whorl.models.trees import TreeProposer

SMALL = {"rounds": 12, "r_max": 12.0}


@pytest.fixture(scope="module")
def small(four_cifs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trees")
    told = []
    found = train(
        "compounds-trees",
        cases=25,
        settings={**SMALL, "catalogue": str(four_cifs)},
        out=folder,
        progress=lambda *event: told.append(event),
    )
    return found, told


def test_the_trees_know_the_structures_they_were_shown(small, four_cifs):
    trees = TreeProposer.open(small[0].folder)
    catalogue = open_catalogue(four_cifs)
    r = np.arange(1, 1501) * 0.01
    rng = np.random.default_rng(99)  # not a seed of training
    for entry in catalogue.entries():
        drawn = draw(rng, Lengths(2.884))
        g = simulate_drawn(catalogue.load(entry.key), drawn, r)
        known = {k: drawn[k] for k in ("qmin", "qmax", "qdamp")}
        ranked = trees.propose(r, 3.0 * g, **known)
        assert ranked[0][0] == entry.key
        assert sum(score for _, score in ranked) == pytest.approx(1.0, abs=1e-5)
        others = {e.key for e in catalogue.entries()} - {entry.key}
        assert entry.key not in dict(trees.propose(r, g, **known, among=others))


def test_the_card_says_how_it_was_made_and_how_well_it_does(small, four_cifs):
    card, told = small[0].card, small[1]
    assert (
        card.training.command
        == f"whorl train compounds-trees --cases 25 --set catalogue={four_cifs} --set r_max=12.0 --set rounds=12"
    )
    assert (card.training.seed, card.training.cases) == (20260101, 25)
    assert card.training.libraries.keys() == {"whorl", "numpy", "xgboost"}
    assert card.grid.count == 121
    assert len(card.classes) == 4
    top1 = card.metrics[0]
    assert top1.name == "top-1"
    assert top1.cases == 4 * 5
    assert top1.value >= 0.9
    assert top1.low < top1.value <= top1.high
    assert any("closed list" in text for text in card.known_failures)
    assert {stage for stage, _, _ in told} == {"simulating structures", "growing trees, rounds", "simulating the test"}
    assert not list(small[0].folder.glob(".*"))


def test_the_same_request_gives_the_same_weights_interrupted_or_not(small, four_cifs, tmp_path):
    def stop(stage, done, _total):
        if stage.startswith("growing") and done == 3:
            raise KeyboardInterrupt

    asked = {"cases": 25, "settings": {**SMALL, "catalogue": str(four_cifs)}, "out": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        train("compounds-trees", **asked, progress=stop)
    (scratch,) = tmp_path.glob(".*")
    assert {path.name for path in scratch.iterdir()} == {"corpus.npz", "trees.json", "cpu-seconds.txt"}
    told = []
    found = train("compounds-trees", **asked, progress=lambda *event: told.append(event))
    assert [done for stage, done, _ in told if stage.startswith("growing")] == list(range(4, 13))
    assert not [event for event in told if event[0] == "simulating structures"]
    assert found.weights() == small[0].weights()
    assert not list(tmp_path.glob(".*"))


def test_another_seed_gives_other_weights(small, four_cifs, tmp_path):
    asked = {"cases": 25, "settings": {**SMALL, "catalogue": str(four_cifs)}, "out": tmp_path}
    assert train("compounds-trees", seed=5, **asked).weights() != small[0].weights()


def test_kept_work_of_another_catalogue_is_not_used(four_cifs, tmp_path):
    folder = tmp_path / "cifs"
    folder.mkdir()
    for name in ("Ni", "Cu", "Si"):
        (folder / f"{name}.cif").write_bytes((four_cifs / f"{name}.cif").read_bytes())
    asked = {"cases": 2, "settings": {"rounds": 2, "r_max": 8.0, "catalogue": str(folder)}, "out": tmp_path / "out"}

    def stop(stage, *_):
        if stage.startswith("growing"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("compounds-trees", **asked, progress=stop)
    (folder / "Si.cif").unlink()
    assert len(train("compounds-trees", **asked).card.classes) == 2


def test_clusters_beyond_the_limit_are_left_out():
    _, entries = catalogue_trees._entries("metals-trees", find_trainer("metals-trees").settings)
    assert max(e.atoms for e in entries) <= 200
    assert len(entries) > 300


@pytest.mark.parametrize(
    ("name", "settings", "kind", "what"),
    [
        ("polyoxometalates-trees", {}, UsageError, "catalogue is not named"),
        ("compounds-trees", {"depth": 0}, UsageError, "depth = 0.*above 0"),
        ("compounds-trees", {"bond": -1}, UsageError, "bond = -1"),
        ("compounds-trees", {"spread": 0.5}, UsageError, "spread = 0.5.*0 to 0.2"),
        ("compounds-trees", {"catalogue": "nowhere"}, CatalogueError, "nowhere"),
    ],
)
def test_requests_that_cannot_be_met(name, settings, kind, what, four_cifs, tmp_path):
    given = {"rounds": 1, "r_max": 8.0} | ({"catalogue": str(four_cifs)} if name.startswith("compounds") else {}) | settings
    with pytest.raises(kind, match=what):
        train(name, cases=2, settings=given, out=tmp_path)
    assert not list(tmp_path.glob("*.toml"))


def test_one_structure_cannot_be_told_from_others(four_cifs, tmp_path):
    (tmp_path / "cifs").mkdir()
    (tmp_path / "cifs" / "Ni.cif").write_bytes((four_cifs / "Ni.cif").read_bytes())
    with pytest.raises(CatalogueError, match="1 structures to tell apart"):
        train("compounds-trees", cases=2, settings={"catalogue": str(tmp_path / "cifs")}, out=tmp_path / "out")


def test_without_xgboost_the_install_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'whorl\[train\]' \(or pip install xgboost-cpu\)") as caught:
        train("metals-trees", out=tmp_path)
    assert caught.value.exit_code == 4
    assert not list(tmp_path.iterdir())
