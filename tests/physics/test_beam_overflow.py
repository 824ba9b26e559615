"""The part of a beam that a round sample catches."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.beam_overflow import on_round_sample


def test_against_areas_counted_on_a_grid():
    """Points of a disc that lie under a beam of the length u D, over those of the beam where it is short."""
    side = np.linspace(-1, 1, 2001)
    along, across = np.meshgrid(side, side)
    disc = along**2 + across**2 <= 1
    for u in (0.2, 0.5, 0.8, 1.0):
        strip = np.abs(along) <= u
        assert on_round_sample(np.array([u]))[0][0] == pytest.approx(np.sum(disc & strip) / np.sum(strip), abs=2e-3)


def test_slope():
    """The derivative is that of differences, on both sides of the rim."""
    u = np.array([0.05, 0.4, 0.9, 1.1, 4.0])
    step = 1e-6
    slope = (on_round_sample(u + step)[0] - on_round_sample(u - step)[0]) / (2 * step)
    assert on_round_sample(u)[1] == pytest.approx(slope, abs=1e-8)
