"""The corpus of the space-group network, and the network itself: symmetry, physics, splits, weights."""

from __future__ import annotations

from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from whorl.core.hypothesis import Crystal, Site
from whorl.learning import crystal_corpus, space_groups, space_groups_corpus, space_groups_network, wyckoff
from whorl.learning.crystal_pdf import clean_g
from whorl.learning.trainer import Request, silent
from whorl.techniques.pdf.nuisances import NUISANCES
from whorl.techniques.pdf.simulate import simulate
from whorl.techniques.pdf.space_groups import GRID, mean_logits

SEED = 6021  # the corpus is trained with another
NUMBERS = (2, 14, 33, 62, 139, 166, 194, 205, 227)


@pytest.mark.parametrize(
    ("number", "expected"),
    [  # multiplicity and freedom of the positions in International Tables, vol. A
        (14, {(2, 0): 4, (4, 3): 1}),
        (62, {(4, 0): 2, (4, 2): 1, (8, 3): 1}),
        (194, {(2, 0): 4, (6, 0): 1}),
        (225, {(4, 0): 2, (8, 0): 1, (24, 0): 1, (24, 1): 1, (32, 1): 1, (48, 1): 3, (96, 2): 2, (192, 3): 1}),
        (227, {(8, 0): 2, (16, 0): 2, (32, 1): 1, (48, 1): 1, (192, 3): 1}),
    ],
)
def test_wyckoff_positions(number, expected):
    """Points are found one by one; of lines and planes, every multiplicity is found."""
    found = {(c[0].multiplicity, c[0].basis.shape[1]): len(c) for c in wyckoff.positions_of(number)}
    for key, count in expected.items():
        assert key in found
        if key[1] == 0:
            assert found[key] == count


@pytest.mark.parametrize("number", NUMBERS)
def test_random_parents_have_the_group_and_sensible_contacts(number):
    rng = np.random.default_rng([SEED, number])
    parents = [p for p in (crystal_corpus.random_parent(number, rng) for _ in range(12)) if p]
    assert parents
    for p in parents:
        assert crystal_corpus.space_group_of(p) == number
        ratio = crystal_corpus.closest_ratio(p, crystal_corpus.contacts(p.elements, 1.0, 1.0))
        assert 0.8 < ratio < 1.2  # the draw scales contacts by 0.83 to 1.17


@pytest.mark.parametrize("number", NUMBERS)
def test_children_keep_symmetry_and_type(number):
    rng = np.random.default_rng([SEED, number, 1])
    parent = next(p for p in (crystal_corpus.random_parent(number, rng) for _ in range(100)) if p)
    children = [crystal_corpus.child_of(parent, rng) for _ in range(6)]
    # chance may raise the symmetry of a child, never lower it
    assert sum(crystal_corpus.space_group_of(c) == number for c in children) >= 5
    assert {c.key for c in children} == {parent.key}
    assert any(c.elements != parent.elements for c in children)
    assert len({round(float(c.cell[0]), 6) for c in children}) == 6


def rutile() -> Crystal:
    sites = (Site("Ti", (0, 0, 0)), Site("O", (0.3053, 0.3053, 0)))
    return Crystal("TiO2", cell=(4.5937, 4.5937, 2.9587, 90, 90, 90), space_group="136", sites=sites)


def test_parent_of_a_crystal():
    parent = crystal_corpus.parent_of(rutile())
    assert (parent.number, parent.atoms, parent.key) == (136, 6, "136 2.0|4.1")
    assert crystal_corpus.space_group_of(parent) == 136


@pytest.mark.parametrize("radiation", ["x-ray", "neutron"])
@pytest.mark.parametrize("diameter", [0.0, 45.0])
def test_curves_agree_with_the_package_simulation(radiation, diameter):
    """2 %: distances are binned, and the two windows end differently beyond the range."""
    drawn = {"qmin": 0.5, "qmax": 23.0, "qdamp": 0.03, "qbroad": 0.01, "u_iso": 0.008, "delta2": 1.0, "zoom": 1.01}
    settings = drawn | {"radiation": radiation} | ({"diameter": diameter} if diameter else {})
    reference = simulate(rutile(), settings=settings, r=GRID).signal
    drawn |= {"radiation": radiation, "diameter": diameter, "u_spread": 0.0}
    found = clean_g(crystal_corpus.parent_of(rutile()), drawn, GRID, np.random.default_rng(0))
    assert np.sqrt(np.mean((found - reference) ** 2) / np.mean(reference**2)) < 0.02


def test_an_element_without_neutron_length_is_simulated_with_x_rays():
    plutonium = Crystal("Pu", cell=(4.6371, 4.6371, 4.6371, 90, 90, 90), space_group="225", sites=(Site("Pu", (0, 0, 0)),))
    drawn = space_groups_corpus.PEER | {"radiation": "neutron"}
    parent, rng = crystal_corpus.parent_of(plutonium), np.random.default_rng(0)
    assert np.array_equal(clean_g(parent, drawn, GRID, rng), clean_g(parent, dict(space_groups_corpus.PEER), GRID, rng))


def test_groups_are_45_and_different():
    assert len(set(space_groups_corpus.GROUPS)) == 45


def test_held_out_types_never_train():
    rng = np.random.default_rng([SEED, 2])
    database = space_groups_corpus.make_database(SEED, types=90)
    for entry in space_groups_corpus.database_entries(database, 90, rng, untyped=1.0):
        assert space_groups_corpus.held_out(entry) == ""
    random_types = [t for k, types in enumerate(database.types) for t in types[_known(k) :]]
    assert random_types
    assert {space_groups_corpus.held_out(t) for t in random_types} == {""}
    for part in ("test", "validation"):
        entries = list(islice(space_groups_corpus.unseen_entries(9, rng, part), 9))
        assert {space_groups_corpus.held_out(e) for e in entries} == {part}


def _known(k: int) -> int:
    return len(space_groups_corpus.catalogue_parents().get(space_groups_corpus.GROUPS[k], ()))


def test_popularity_falls_as_one_over_rank():
    database = space_groups_corpus.make_database(SEED, types=90)
    for weights in database.popularity:
        assert weights.sum() == pytest.approx(1.0)
        assert weights[0] / weights[1] == pytest.approx(2.0)


def test_types_and_entries_are_shared_among_groups_by_frequency():
    share = space_groups_corpus.shares()
    assert share.sum() == pytest.approx(1.0)
    database = space_groups_corpus.make_database(SEED, types=90)
    counts = [len(types) for types in database.types]
    assert counts == [max(round(90 * s), 2, _known(k)) for k, s in enumerate(share)]
    rng = np.random.default_rng([SEED, 8])
    entries = space_groups_corpus.database_entries(database, 4000, rng, untyped=0.0, power=1.0)
    found = np.bincount([space_groups_corpus.GROUPS.index(e.number) for e in entries], minlength=45) / 4000
    assert np.abs(found - share).max() < 4 * np.sqrt(share.max() / 4000)  # four standard deviations of the most frequent
    halved = space_groups_corpus.shares(0.5)
    assert halved.max() / halved.min() == pytest.approx(np.sqrt(share.max() / share.min()))


def test_entries_of_no_type_come_in_families_and_keep_their_share():
    """A quarter of no type, three at a time."""
    rng = np.random.default_rng([SEED, 9])
    database = space_groups_corpus.make_database(SEED, types=45)
    known = {t.key for types in database.types for t in types}
    entries = islice(space_groups_corpus.database_entries(database, 900, rng, untyped=0.25, relatives=3), 900)
    keys = [e.key for e in entries]
    new = np.array([key not in known for key in keys])
    assert 0.15 < new.mean() < 0.3  # some random packings are of a known type by chance
    assert sum(a == b for a, b in pairwise(keys)) > 0.5 * new.sum()


def test_corrupter_adds_what_the_nuisances_declare():
    """The noise of the batch is the noise of `Nuisances.corrupt`, measured where ligand peaks do not reach."""
    quiet = NUISANCES.__class__(noise=(0.2, 0.2000001), background=(0.0, 0.0), ligand=(0.0, 0.0))
    rng = np.random.default_rng([SEED, 3])
    clean = np.sin(3.0 * GRID) * np.sqrt(2.0)
    g = np.tile(clean, (400, 1)).astype(np.float32)
    out = space_groups_corpus.Corrupter(quiet)(g, np.full(400, 20.0), rng)
    assert np.allclose(np.sqrt(np.mean(out**2, axis=1)), 1.0, atol=1e-5)
    whole = out[:, -1] != 0
    assert 0.75 < whole.mean() < 0.95  # 15 % end early
    scaled = out[whole] * (np.sum(clean**2) / (out[whole] @ clean))[:, None]
    left = np.sqrt(np.mean((scaled - clean) ** 2, axis=1))
    assert np.median(left) == pytest.approx(0.2, abs=0.01)
    drawn = {"qmax": 20.0, "noise": 0.2, "background": 0.0, "ligand": 0.0}
    single = NUISANCES.corrupt(GRID, clean, drawn, rng) - clean
    assert np.sqrt(np.mean(single**2)) == pytest.approx(np.median(left), abs=0.01)


def test_calibration_error_by_hand():
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.4, 0.6]])
    # bins of 0.9 (one of two right), 0.7 (right) and 0.6 (wrong): (|1 - 1.8| + |1 - 0.7| + |0 - 0.6|) / 4
    assert space_groups.calibration_error(p, np.array([0, 1, 1, 0])) == pytest.approx((0.8 + 0.3 + 0.6) / 4)


def test_ranks_count_from_nought():
    logits = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    assert space_groups.ranks(logits, np.array([0, 2])).tolist() == [0, 2]


def rock_salt_or_bcc(count: int, seed: int) -> space_groups_corpus.Curves:
    both = (Site("Na", (0, 0, 0)), Site("Cl", (0.5, 0.5, 0.5)))
    salt = Crystal("NaCl", cell=(5.64, 5.64, 5.64, 90, 90, 90), space_group="225", sites=both)
    iron = Crystal("Fe", cell=(2.87, 2.87, 2.87, 90, 90, 90), space_group="229", sites=(Site("Fe", (0, 0, 0)),))
    parents = [crystal_corpus.parent_of(c) for c in (salt, iron)]
    rng = np.random.default_rng(seed)
    crystals = (crystal_corpus.child_of(parents[i % 2], rng) for i in range(count))
    return space_groups_corpus.simulate_curves(crystals, count, rng)


def trained_network(curves: space_groups_corpus.Curves, epochs: int, scratch: Path, progress=silent):
    network = space_groups_network.build_network(5, width=128)
    request = Request(seed=1, cases=1, settings={}, scratch=scratch, progress=progress)
    space_groups.fit(network, curves, epochs=epochs, request=request)
    return network


@pytest.fixture
def torch():
    found = pytest.importorskip("torch")
    yield found
    found.use_deterministic_algorithms(mode=False)


class _StoppedError(Exception):
    pass


def test_an_interrupted_training_ends_with_the_same_weights(torch, tmp_path):
    curves = rock_salt_or_bcc(1024, SEED)
    whole = space_groups_network.to_onnx(trained_network(curves, 2, tmp_path / "whole"))
    again = space_groups_network.to_onnx(trained_network(curves, 2, tmp_path / "again"))
    assert whole == again

    def stop(_stage: str, done: int, total: int) -> None:
        if done == total - 1:  # in the second epoch
            raise _StoppedError

    with pytest.raises(_StoppedError):
        trained_network(curves, 2, tmp_path / "stopped", stop)
    assert space_groups_network.to_onnx(trained_network(curves, 2, tmp_path / "stopped")) == whole


def test_training_learns_and_is_written_as_it_is(torch, tmp_path):
    """Two cubic lattices are told apart; ONNX gives torch's logits to the rounding of weights to 8 bits."""
    pytest.importorskip("onnxruntime")
    network = trained_network(rock_salt_or_bcc(2048, SEED), 12, tmp_path)
    fresh = rock_salt_or_bcc(100, SEED + 1)
    g = fresh.g.astype(np.float64)
    logits = space_groups.logits_of(space_groups_network.to_onnx(network), g)
    assert np.mean(space_groups.ranks(logits, fresh.label) == 0) > 0.9  # a guess between the two is right in 0.5
    with torch.no_grad():
        exact = mean_logits(lambda x: network(torch.from_numpy(x)).numpy(), g)
    assert np.abs(exact - logits).max() < 0.02 * np.abs(exact).max()


def test_a_corpus_is_made_once(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(
        space_groups, "make_database", lambda seed, **_: calls.append(seed) or space_groups_corpus.make_database(seed, types=45)
    )
    request = Request(seed=SEED, cases=60, settings={"alike": 0.25}, scratch=tmp_path)
    first, seconds = space_groups.make_corpus(request)
    second, same = space_groups.make_corpus(request)
    assert calls == [SEED, SEED]  # both parts
    assert seconds == same
    assert all(np.array_equal(getattr(first, k), getattr(second, k)) for k in ("g", "label", "qmax"))
    assert first.g.shape == (60, GRID.size)
