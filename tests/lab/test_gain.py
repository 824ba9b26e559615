"""Expected information: bounds, limits, and what measurement is news."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.lab.gain import Alternatives, Unseen, information


def of_two(distance: float) -> np.ndarray:
    return np.array([[0.0, distance], [distance, 0.0]])


@pytest.mark.parametrize("apart", [0.3, 1.0, 2.0, 4.0])
def test_bound_lies_below_the_information_of_two_normal_distributions_and_not_far(apart):
    """The exact value by quadrature: I = ln 2 - E ln(1 + exp(-t)), for means ``apart`` standard deviations."""
    z = np.linspace(-12, 12, 24001)
    weight = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    exact = np.log(2) - float(np.sum(weight * np.log1p(np.exp(-(apart * z + apart**2 / 2)))))
    found = float(information(np.array([0.5, 0.5]), of_two(apart**2 / 8)))
    assert found <= exact + 1e-9
    assert found > 0.49 * exact


def test_information_never_exceeds_the_doubt():
    chances = np.array([0.9, 0.07, 0.03])
    doubt = -float(np.sum(chances * np.log(chances)))
    distance = 100.0 * (1 - np.eye(3))
    assert float(information(chances, distance)) == pytest.approx(doubt, rel=1e-9)
    assert float(information(chances, 0.0 * distance)) == 0.0


def alternatives(noise: float) -> Alternatives:
    curves = np.array([[10.0, 10.0, 50.0], [10.0, 30.0, 50.0]])
    squares = (curves[:, None] - curves[None]) ** 2
    return Alternatives(np.array([0.6, 0.4]), squares, np.array([0.0, 4.0, 9.0]), np.full(3, noise), 0.5)


def test_news_comes_only_from_where_candidates_differ_and_ends_at_the_error_of_models():
    scene = alternatives(100.0)
    told = [scene.distance(np.full(3, p))[0, 1] for p in (0.01, 0.1, 1.0, 1e6)]
    assert all(t[0] == t[2] == 0.0 for t in told)
    grown = [float(t[1]) for t in told]
    assert grown == sorted(grown)
    limit = 0.5 / 8 * 20.0**2 * (1 / 4.0 - 1 / 104.0)
    assert grown[-1] == pytest.approx(limit, rel=1e-3)


def test_what_is_known_well_already_is_no_news():
    more = np.full(3, 1.0)
    assert alternatives(1e-3).distance(more)[0, 1, 1] < 0.01 * alternatives(1e3).distance(more)[0, 1, 1]
    nothing = alternatives(np.inf)  # never measured
    assert np.all(np.isfinite(nothing.distance(more)))


def unseen(residual: float, noise: float, *, bins: int = 50) -> Unseen:
    left = np.zeros(bins)
    left[20] = residual
    return Unseen(0.1, 10.0, left, np.full(bins, noise**2), np.zeros(bins))


def test_flat_precise_data_rule_an_unseen_line_out_and_a_bump_calls_for_time_where_it_stands():
    chance, _ = unseen(0.0, 50.0).posterior()
    assert chance == pytest.approx(0.1, abs=0.01)  # such noise says nothing
    assert unseen(0.0, 1.0).posterior()[0] < 0.02
    chance, place = unseen(15.0, 3.0).posterior()
    assert chance > 0.5
    assert np.argmax(place) == 20
    told = unseen(10.0, 3.0).information(np.full(50, 0.5))
    assert np.argmax(told) == 20
    assert told[20] > 20 * np.median(told)


def test_a_line_that_is_certainly_there_calls_for_time_until_its_like_stand_out_everywhere():
    clear, noisy = unseen(80.0, 1.0), unseen(80.0, 10.0)
    assert min(clear.posterior()[0], noisy.posterior()[0]) > 0.99
    assert clear.information(np.full(50, 1.0)).sum() < 0.02
    told = noisy.information(np.full(50, 1.0))
    assert told.sum() > 0.3
    assert told[20] < 3 * np.median(told)


def test_a_line_under_a_peak_of_the_model_cannot_be_told_from_its_error():
    hidden = Unseen(0.1, 10.0, np.zeros(50), np.full(50, 100.0), np.full(50, 1000.0))
    free = Unseen(0.1, 10.0, np.zeros(50), np.full(50, 100.0), np.zeros(50))
    more = np.full(50, 1.0)
    assert hidden.information(more).sum() < 0.01 * free.information(more).sum()
