"""Corpus, experiments, network, trainer of kinds of small-angle curves: seeds, visibility, displacement, bits, calibration."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.learning import sas_corpus
from whorl.learning.sas_corpus import GRID, SHAPES, Kind, displaced, draw, make, plain_kinds, visible
from whorl.learning.sas_experiments import see, tells
from whorl.learning.trainer import Request
from whorl.physics.small_angle.composite import compose
from whorl.physics.small_angle.models import find_model
from whorl.physics.small_angle.sizes import distribute
from whorl.techniques.sas.nuisances import NUISANCES

KINDS = plain_kinds(("sphere", "dab", "teubner_strey"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make(KINDS, 60, 11, tmp_path_factory.mktemp("corpus"))


def test_same_seed_same_corpus_and_it_goes_on(corpus, tmp_path):
    """A chunk that is there is kept, one that is missing is made as it was."""
    again = make(KINDS, 60, 11, tmp_path)
    next(tmp_path.glob("dab*")).unlink()
    resumed = make(KINDS, 60, 11, tmp_path)
    for other in (again, resumed):
        assert np.array_equal(corpus.log_intensity, other.log_intensity)
        assert np.array_equal(corpus.values, other.values, equal_nan=True)
    assert not np.array_equal(make(KINDS[:1], 60, 12, tmp_path / "b").log_intensity, corpus.log_intensity[:60])


def test_corpus_holds_what_was_drawn(corpus):
    assert corpus.kinds == ("sphere", "dab", "teubner_strey")
    assert np.bincount(corpus.label).tolist() == [60, 60, 60]
    assert set(corpus.parameters(60)) == {"cor_length", "shape"}
    row = next(i for i in range(60) if "volfraction" not in corpus.parameters(i))
    values = corpus.parameters(row)
    exact = compose("sphere").basis(GRID, values, SHAPES[int(values["shape"])])[:, 0]
    off = corpus.log_intensity[row] - np.log(exact)
    assert np.abs(off - np.median(off))[:220].max() < 0.1  # quadrature against displacement


@pytest.mark.parametrize("shape", SHAPES)
def test_displacement_is_the_distribution_of_all_lengths(shape):
    """Spheres displaced, against the average over radii: 1 % in the first two decades of intensity, 5 % in the next three."""
    model = find_model("sphere")
    sizes = distribute(1.0, 0.2, shape)
    one = displaced(model.averages(GRID, {"radius": 80.0}), sizes)
    true = model.averages(GRID, {"radius": distribute(80.0, 0.2, shape)})
    ratio, part = one.intensity / true.intensity, true.intensity / true.intensity[0]
    assert np.abs(ratio - 1)[part > 1e-2].max() < 0.01
    assert np.abs(ratio - 1)[part > 1e-5].max() < 0.05
    assert one.beta[50] == pytest.approx(true.beta[50], rel=1e-3)


def test_coats_are_visible():
    assert visible({"sld": 1.0, "sld_solvent": 3.0})
    assert not visible({"sld": 1.0, "sld_solvent": 1.2})
    assert visible({"sld_core": 1.0, "sld_shell": 3.0, "sld_solvent": 1.0})
    assert not visible({"sld_core": 1.0, "sld_shell": 1.3, "sld_solvent": 5.0})


def test_both_terms_of_a_mixture_can_be_seen():
    rng = np.random.default_rng(5)
    kind = Kind("sphere+sphere", "sphere+sphere", uniform=1.0)
    for _ in range(5):
        intensity, values = draw(kind, rng)
        columns = compose(kind.model).basis(GRID, values)
        second = values["2:amount"] * columns[0, 0] * columns[:, 1] / columns[0, 1]
        part = second / (columns[:, 0] + second)
        inside = (GRID > 0.002) & (GRID < 0.4)
        assert part[inside].max() > 0.64
        assert part[inside].min() < 0.36
        assert np.allclose(intensity, columns[:, 0] + second, rtol=0.05)


def test_a_kind_may_be_narrower():
    kind = Kind("s", "sphere", typical={"radius": (99, 101)}, widths=(0.1, 0.11), uniform=0.0, spreading=1.0, apart=0.0)
    _, values = draw(kind, np.random.default_rng(1))
    assert 99 <= values["radius"] <= 101
    assert 0.1 <= values["radius_pd"] <= 0.11


def test_windows_tell(corpus):
    curves = []
    seen = see(corpus, np.arange(180), np.random.default_rng(2), NUISANCES, lambda _, curve: curves.append(curve))
    assert seen.features.shape == (180, 7, 184)
    assert np.isfinite(seen.features).all()
    assert all(tells(c) for c in curves)
    assert np.array_equal(corpus.label[seen.rows], corpus.label)


class _StopError(Exception):
    pass


def test_training_is_the_same_interrupted_or_not(corpus, tmp_path):
    pytest.importorskip("torch")
    from whorl.learning.sas_classes import fit

    def stop(_stage, done, total):
        if done > total // 2:
            raise _StopError

    whole, _ = fit(corpus, 3, 2)
    with pytest.raises(_StopError):
        fit(corpus, 3, 2, request=Request(3, 60, {}, tmp_path, stop))
    resumed, _ = fit(corpus, 3, 2, request=Request(3, 60, {}, tmp_path))
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert np.array_equal(a.numpy(), b.numpy())


@pytest.mark.slow
def test_training_from_seed_to_opinion(tmp_path, monkeypatch):
    """Three kinds: calibrated, sets that cover, ONNX as the network; then curves of other seeds."""
    pytest.importorskip("torch")
    from whorl.learning import sas_classes
    from whorl.learning.registry import train
    from whorl.techniques.sas.classifier import CurveClassifier, RawCurve

    monkeypatch.setattr(sas_classes, "kinds_of", lambda: KINDS)
    monkeypatch.setattr(sas_classes, "_BATCH", 64)
    found = train("sas-classes", cases=100, settings={"passes": 14, "held_out": 40, "workers": 1}, out=tmp_path / "a")
    figures = {m.name: m for m in found.card.metrics}
    assert figures["top-1 accuracy"].value > 0.5
    assert figures["sets at 90 % hold the kind"].high > 0.85
    network = CurveClassifier.open(tmp_path / "a")
    corpus = make(KINDS, 40, 999, tmp_path / "other")
    curves = []
    seen = see(corpus, np.arange(120), np.random.default_rng(99), keep=lambda _, c: curves.append(c))
    p, distance = network.judge(seen.features)
    assert np.mean(p.argmax(axis=1) == corpus.label) > 0.5
    assert np.allclose(p.sum(axis=1), 1)
    assert 0.02 < np.mean(network.farther(distance) < 0.1) < 0.3  # by definition a tenth
    raw = [RawCurve(c.q, c.intensity, c.sigma, c.resolution, c.slit_length) for c in curves]
    opinions = network.opinions(raw)
    assert [o.ranked[0][0] for o in opinions] == [network.classes[i] for i in p.argmax(axis=1)]
    assert all(o.members[0] == o.ranked[0][0] for o in opinions)
    among = network.opinions(raw[:3], among={"sphere", "dab"})
    assert all({key for key, _ in o.ranked} == {"sphere", "dab"} for o in among)
    scaled = network.opinions(
        [RawCurve(10 * c.q, 1e5 * c.intensity, None if c.sigma is None else 1e5 * c.sigma) for c in curves[:20]]
    )
    plain = network.opinions([RawCurve(c.q, c.intensity, c.sigma) for c in curves[:20]])
    assert [o.ranked[0][0] for o in scaled] == [o.ranked[0][0] for o in plain]


def test_an_impossible_sample_is_an_error(monkeypatch):
    monkeypatch.setattr(sas_corpus, "visible", lambda _: False)
    with pytest.raises(ValueError, match="no sample of sphere"):
        draw(Kind("sphere", "sphere"), np.random.default_rng(1))
