"""The corpus of a catalogue: ranges, streams, what is left out."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues import open_catalogue
from whorl.learning.catalogue_corpus import RANGES, Lengths, Simulator, draw, is_open, make_corpus, simulate_drawn
from whorl.models.card import Grid, ModelError
from whorl.models.trees import features
from whorl.physics.form_factors import scattering_factor

GRID = Grid(start=0.0, stop=12.0, step=0.1, unit="angstrom")
GOLD = Lengths(2.884)


def test_draws_fill_their_ranges_and_stay_inside():
    rng = np.random.default_rng(1)
    drawn = [draw(rng, Lengths(2.884, 0.01)) for _ in range(2000)]
    for name in ("qmin", "qmax", "qdamp"):
        values = np.array([d[name] for d in drawn])
        limits = RANGES[name]
        assert limits.low <= values.min() < limits.low + 0.02 * (limits.high - limits.low)
        assert limits.high - 0.02 * (limits.high - limits.low) < values.max() <= limits.high
    b_iso = np.array([d["u_iso"] for d in drawn]) * 8 * np.pi**2
    assert pytest.approx((b_iso.min(), b_iso.max()), abs=0.005) == (0.1, 1.0)
    # the standard error of a standard deviation over 2000 draws is 1.6 %
    assert np.std(np.log([d["zoom"] for d in drawn])) == pytest.approx(0.01, rel=0.06)


def test_a_corpus_does_not_depend_on_what_else_is_asked(four_cifs):
    catalogue = open_catalogue(four_cifs)
    entries = catalogue.entries()
    more = make_corpus(catalogue, entries, each=3, seed=(7, 0), grid=GRID, lengths=GOLD)
    fewer = make_corpus(catalogue, entries[:2], each=2, seed=(7, 0), grid=GRID, lengths=GOLD)
    assert np.array_equal(fewer.features[2:4], more.features[3:5])
    assert more.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    other = make_corpus(catalogue, entries[:2], each=2, seed=(7, 1), grid=GRID, lengths=GOLD)
    assert not np.any(other.features[:, -3] == fewer.features[:, -3])


def test_features_are_g_over_its_maximum_and_the_instrument(four_cifs):
    corpus = make_corpus(
        open_catalogue(four_cifs), open_catalogue(four_cifs).entries(), each=2, seed=(7, 0), grid=GRID, lengths=GOLD
    )
    assert corpus.features.shape == (8, GRID.count + 3)
    assert np.all(corpus.features[:, :-3].max(axis=1) == 1.0)
    assert np.all(corpus.features[:, :10] == 0.0)  # below 1 angstrom
    assert np.all((corpus.features[:, -2] >= 12) & (corpus.features[:, -2] <= 25))


def test_features_do_not_depend_on_scale_or_on_the_grid_of_the_data(four_cifs):
    catalogue = open_catalogue(four_cifs)
    structure = catalogue.load(catalogue.entries()[0].key)
    fine, coarse = np.arange(1, 1201) * 0.01, np.arange(1, 121) * 0.1
    drawn = draw(np.random.default_rng(3), GOLD)
    known = {k: drawn[k] for k in ("qmin", "qmax", "qdamp")}
    one = features(fine, 7.5 * simulate_drawn(structure, drawn, fine), **known, grid=GRID)
    other = features(coarse, simulate_drawn(structure, drawn, coarse), **known, grid=GRID)
    assert one == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_many_experiments_at_once_give_what_each_alone_gives(four_cifs, spread):
    r = np.arange(1, 151) * 0.1
    lengths = Lengths(2.7, spread)
    shape = open_catalogue("nanoparticles").load("icosahedron-2")
    salt = open_catalogue(four_cifs).load("NaCl.cif")
    for structure in (shape, salt):
        simulated = Simulator(structure, r, bond=lengths.bond)
        rng = np.random.default_rng(5)
        for _ in range(3):
            drawn = draw(rng, lengths, open_bond=is_open(structure))
            assert np.array_equal(simulated(drawn), simulate_drawn(structure, drawn, r))


def test_a_signal_that_is_nowhere_positive_has_no_features():
    with pytest.raises(ModelError, match="positive nowhere"):
        features(np.arange(1, 100) * 0.1, np.zeros(99), qmin=0, qmax=20, qdamp=0.02, grid=GRID)


def test_entries_that_cannot_be_simulated_are_named(tmp_path):
    (tmp_path / "atom.xyz").write_text("1\none atom\nAu 0 0 0\n")
    (tmp_path / "pair.xyz").write_text("2\ntwo atoms\nAu 0 0 0\nAu 0 0 2.88\n")
    catalogue = open_catalogue(tmp_path)
    corpus = make_corpus(catalogue, catalogue.entries(), each=2, seed=(7, 0), grid=GRID, lengths=GOLD)
    kept = [e.key for e in catalogue.entries() if e.atoms == 2]
    assert list(corpus.keys) == kept
    assert len(corpus.left_out) == len(catalogue.entries()) - 1


def test_the_element_of_an_open_shape_does_not_matter():
    # f(Q) cancels in F(Q) of one element: the corpus may put any element on a shape
    q = np.linspace(0.5, 20, 50)
    catalogue = open_catalogue("nanoparticles")
    shape = catalogue.load("icosahedron-1")
    from whorl.techniques.pdf.simulate import simulate

    r = np.arange(1, 121) * 0.1
    one, other = (simulate(shape, settings={"element": e, "bond": 2.8, "qmax": 20.0}, r=r).signal for e in ("Pt", "Al"))
    assert one == pytest.approx(other, abs=1e-9)
    assert np.ptp(scattering_factor("Pt", q, "x-ray") / scattering_factor("Al", q, "x-ray")) > 1
