"""Distance lists of crystals and clusters."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.techniques.pdf.signatures import signature


def test_of_a_crystal(structures):
    s = signature(structures.nickel)
    assert s.density == pytest.approx(4 / 3.524**3)
    assert s.shortest == pytest.approx(3.524 / 2**0.5)
    assert s.weight[:2] == pytest.approx([12, 6])
    assert not s.bond_free
    assert s.distance.max() > 14.5


def test_of_an_open_cluster(structures):
    s = signature(structures.open_icosahedron)
    assert (s.density, s.bond_free, s.symbols) == (0.0, True, ("X",))
    assert s.weight.sum() == pytest.approx(54, abs=1)  # all pairs are within reach


def test_of_a_cluster_of_two_elements(structures):
    s = signature(structures.salt)
    assert s.fractions == (0.5, 0.5)
    assert set(s.channel.tolist()) == {0, 1, 2}
    first = s.channel[np.argmin(s.distance)]
    assert first == 1  # the nearest neighbours are unlike
