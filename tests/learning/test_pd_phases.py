"""The network that proposes phases: training, bits, calibration, exact activation, one network for all wavelengths, errors."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from whorl.catalogues import open_catalogue
from whorl.cli.app import run
from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.learning import pd_phases
from whorl.learning.pd_phases_corpus import LEAST, PHASES, Simulator
from whorl.learning.registry import train
from whorl.learning.trainer import Request, silent
from whorl.models.card import ModelError
from whorl.tasks.identify import identify
from whorl.tasks.recipes import Identify
from whorl.techniques.pd.phase_network import PhaseNetwork, without_lines
from whorl.techniques.pd.prepare import prepare
from whorl.techniques.pd.simulate import simulate
from whorl.trust.reliability import reliability_error

pytest.importorskip("torch")

#: MgO, NiO, ZnO, MgZn2, Mg2Ni
SETTINGS = {"catalogue": "compounds", "elements": "Mg,Ni,Zn,O", "points": 1024, "calibration": 600}
NIO, ZNO, MG2NI = "compounds/NiO-rock-salt", "compounds/ZnO-wurtzite", "compounds/Mg2Ni-Mg2Ni"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("network")
    train("pd-phases", cases=2150, settings=SETTINGS, out=place)
    return place


@pytest.fixture(scope="module")
def network(folder):
    return PhaseNetwork.open(folder)


@pytest.fixture(scope="module")
def simulator(network):
    crystals = [open_catalogue("compounds").load(p.key.partition("/")[2]) for p in network.phases]
    return Simulator(crystals, network.grid)


def scan(parts, wavelength="Cu", low=20.0, high=85.0, counts=8000.0, **more):
    """A mixture of entries by amount, with background and counts."""
    x = np.arange(low, high, 0.03 if wavelength == "Cu" else 0.01)
    y = np.zeros(x.size)
    for key, amount in parts.items():
        crystal = open_catalogue("compounds").load(key.partition("/")[2])
        one = simulate(crystal, settings={"wavelength": wavelength, "size": 400.0, "zoom": 1.001}, two_theta=x).signal
        y += amount * one / one.sum()
    y = np.random.default_rng(5).poisson(counts * y / y.max() + 0.05 * counts).astype(float)
    stated = {"wavelength": 1.540593 if wavelength == "Cu" else wavelength, "intensity": "counts"} | more
    return Measurement("powder", x, y, settings=stated)


def test_card_says_what_the_network_is(network):
    card = network.card
    assert card.classes == tuple(p.name for p in network.phases)
    assert len(card.classes) == 5
    assert card.training.command.startswith("whorl train pd-phases --cases 2150")
    assert "of compounds" in card.domain
    figures = {m.name: m.value for m in card.metrics}
    assert figures["calibration error"] < 0.08  # of a network that has hardly learnt
    assert figures["recall, 2 phases"] > 0.8
    assert card.grid.count == network.grid.size == 1024


def test_probabilities_are_what_they_say_on_fresh_mixtures(network, simulator):
    mixtures = simulator.mixtures(np.random.default_rng([2, 3, 5]), 700)
    p, fractions = network.judge(mixtures.seen.astype(float))
    assert reliability_error(p, mixtures.fractions > 0) < 0.08
    assert fractions.sum(axis=1) == pytest.approx(1.0)
    several = (mixtures.fractions > 0).sum(axis=1) > 1
    assert np.abs(fractions - mixtures.fractions)[several].mean() < 0.12  # equal shares: 0.17


def test_activation_adds_up_to_the_log_odds(network):
    """The terms of all places are the log odds less those of a pattern without lines, to the precision of float32."""
    signal = prepare(scan({NIO: 3.0, ZNO: 2.0}))
    answer = network.ask(signal)
    given = network.see(signal.x, signal.y, signal.instrument.wavelength)
    p, _ = network.judge(np.array([given, without_lines(given)]))
    odds = np.log(p / (1 - p))
    assert answer.activation.sum(axis=1) == pytest.approx(odds[0] - odds[1], abs=2e-3)
    for number in range(5):
        stretches = answer.stretches(number)
        assert all(a[1] <= b[0] for a, b in pairwise(stretches))
        assert all(low < high for low, high, _ in stretches)
    nio = next(n for n, p in enumerate(answer.phases) if p.key == NIO)
    best = max(answer.stretches(nio), key=lambda s: s[2])
    assert any(best[0] - 0.3 < line < best[1] + 0.3 for line in (37.2, 43.2, 62.8, 75.3, 79.3))


@pytest.mark.parametrize(("wavelength", "high"), [("Cu", 85.0), (0.5, 26.0), (0.7, 37.0)])
def test_one_network_serves_every_wavelength(network, wavelength, high):
    low = 20.0 if wavelength == "Cu" else 6.0
    more = {} if wavelength == "Cu" else {"source": "synchrotron"}
    answer = network.ask(prepare(scan({MG2NI: 1.0}, wavelength, low, high, **more)))
    assert answer.phases[answer.likely(0.0, 1)[0]].key == MG2NI
    assert answer.probability.max() > 0.8


def test_patterns_outside_its_domain_are_refused(network):
    with pytest.raises(PatternError, match="covers"):
        network.ask(prepare(scan({NIO: 1.0}, low=35.0, high=48.0)))
    neutron = scan({NIO: 1.0}, radiation="neutron")
    with pytest.raises(PatternError, match="X-ray"):
        network.ask(prepare(neutron))
    with pytest.raises(ModelError, match="proposes no phases"):
        PhaseNetwork.open("pd-symmetry")


def test_identify_asks_it_beside_the_search(folder):
    measurement = scan({ZNO: 1.0})
    catalogues = [open_catalogue("compounds")]
    alone = identify(measurement, catalogues=catalogues, elements=["Zn", "O", "Mg"], top=2)
    both = identify(measurement, catalogues=catalogues, elements=["Zn", "O", "Mg"], top=2, proposer=str(folder))
    assert both.best.entries == [ZNO] == alone.best.entries
    assert alone.opinion is None
    assert "opinion" not in alone.to_json_dict()
    seen = both.opinion.phases[0]
    assert seen.entry == ZNO
    assert seen.probability > 0.5
    assert any("network pd-phases: ZnO" in note for note in both.best.notes)
    record = json.loads(json.dumps(both.to_json_dict()))
    assert record["opinion"]["phases"][0]["stretches"]
    short = identify(scan({ZNO: 1.0}, low=50.0, high=62.0), catalogues=catalogues, elements=["Zn", "O"], proposer=str(folder))
    assert short.opinion is None
    assert any("network was not asked" in text for text in short.warnings)


def test_recipe_holds_the_network(folder):
    recipe = Identify(proposer=str(folder), catalogues=("compounds",), only=True)
    assert recipe.arguments()[-2:] == ["--proposer", str(folder)]
    assert recipe.as_dict()["proposer"] == str(folder)
    assert any(key.startswith("model ") for key in recipe.content())


def test_mixtures_are_as_declared(simulator):
    mixtures = simulator.mixtures(np.random.default_rng(4), 300)
    there = mixtures.fractions > 0
    total = mixtures.fractions.sum(axis=1)
    assert np.all(np.isclose(total, 1.0, atol=1e-5) | (total == 0))
    assert mixtures.fractions[there].min() >= LEAST - 1e-6
    assert np.bincount(there.sum(axis=1), minlength=6) / 300 == pytest.approx(PHASES, abs=0.11)  # four standard deviations
    assert set(np.unique(mixtures.seen[:, 1])) == {0.0, 1.0}
    assert np.all(mixtures.seen[:, 0][mixtures.seen[:, 1] == 0] == 0)
    assert np.all(simulator.mixtures(np.random.default_rng(4), 20, phases=2).fractions.astype(bool).sum(axis=1) == 2)


def test_the_same_request_gives_the_same_weights_and_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(pd_phases, "_CHUNK", 256)
    monkeypatch.setattr(pd_phases, "_SAVE_EVERY", 1)
    chosen = dict(pd_phases.TRAINERS["pd-phases"].settings) | SETTINGS | {"calibration": 200, "points": 512}

    def stopping(stage, done, _total):
        if stage == "training" and done >= 512:
            raise KeyboardInterrupt

    whole = pd_phases.train(Request(1, 150, chosen, tmp_path / "a", silent)).weights
    with pytest.raises(KeyboardInterrupt):
        pd_phases.train(Request(1, 150, chosen, tmp_path / "b", stopping))
    assert (tmp_path / "b" / "network.npz").is_file()
    resumed = pd_phases.train(Request(1, 150, chosen, tmp_path / "b", silent)).weights
    assert resumed == whole
    assert pd_phases.train(Request(2, 150, chosen, tmp_path / "c", silent)).weights != whole


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({}, "no catalogue"),
        ({"catalogue": "compounds", "elements": "He"}, "0 crystals"),
        ({"catalogue": "nanoparticles"}, "0 crystals"),
        ({"catalogue": "compounds", "elements": "Mg,Zn,O", "q": "5:1"}, "q = 5:1"),
        ({"catalogue": "compounds", "elements": "Mg,Zn,O", "points": 1001}, "points = 1001"),
    ],
)
def test_impossible_settings(settings, match, tmp_path):
    with pytest.raises(UsageError, match=match):
        train("pd-phases", cases=10, settings=settings, out=tmp_path)


def test_command(tmp_path, capsys):
    words = ["train", "pd-phases", "--catalogue", "compounds", "--elements", "Mg,Zn,O", "--cases", "20", "--quiet"]
    code = run([*words, "--set", "points=256", "--set", "calibration=60", "--out", str(tmp_path)])
    assert code == 0
    assert "pd-phases.onnx" in capsys.readouterr().out
    assert PhaseNetwork.open(tmp_path).card.training.settings["elements"] == "Mg,Zn,O"
