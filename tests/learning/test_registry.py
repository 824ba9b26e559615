"""Recipes: each is found, and each setting is of its kind."""

from __future__ import annotations

import json

import pytest

from whorl.core.errors import UsageError
from whorl.learning import registry
from whorl.learning.registry import find_trainer, list_trainers, train
from whorl.learning.trainer import Trained, Trainer
from whorl.models.card import Card, Training
from whorl.models.registry import find_model


@pytest.mark.parametrize("name", list_trainers())
def test_every_recipe_is_whole(name):
    trainer = find_trainer(name)
    assert trainer.name == name
    assert trainer.summary
    assert trainer.meaning_of_cases
    assert trainer.cases > 0
    assert trainer.seed >= 0
    json.dumps(dict(trainer.settings))


def _toy(request):
    card = Card(
        name="toy",
        title="A toy",
        task="t",
        engine="xgboost",
        file="toy.json",
        domain="d",
        training=Training(command="", seed=0, cases=0),
    )
    return Trained(card, json.dumps(dict(request.settings)).encode())


@pytest.fixture
def toy(monkeypatch):
    trainer = Trainer(
        "toy",
        "toys",
        3,
        5,
        "toys",
        _toy,
        settings={"rounds": 10, "rate": 0.5, "fast": True, "folder": "a"},
        libraries=("numpy",),
    )
    monkeypatch.setattr(registry, "find_trainer", lambda _name: trainer)
    return trainer


def test_a_model_goes_where_it_is_found_and_its_command_makes_it_again(toy):
    found = train("toy", seed=9, settings={"rounds": 20.0, "fast": "false", "folder": "b c"})
    assert find_model("toy").card == found.card
    assert json.loads(found.weights()) == {"rounds": 20, "rate": 0.5, "fast": False, "folder": "b c"}
    assert found.card.training.command == "whorl train toy --seed 9 --set rounds=20 --set fast=False --set 'folder=b c'"
    assert found.card.training.libraries["numpy"]
    assert found.card.training.meaning_of_cases == "toys"


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"settings": {"ronds": 1}}, "unknown setting 'ronds'.*Settings are rounds=10"),
        ({"settings": {"rounds": 1.5}}, "rounds = 1.5"),
        ({"settings": {"rounds": "many"}}, "rounds = many"),
        ({"settings": {"fast": "perhaps"}}, "true or false"),
        ({"cases": 0}, "0 cases"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_what_is_not_possible_is_refused_before_any_work(toy, asked, what, tmp_path):
    with pytest.raises(UsageError, match=what):
        train("toy", **asked, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_card_suggests_the_near_one():
    with pytest.raises(UsageError, match="Did you mean 'metals-trees'"):
        find_trainer("metal-tree")
