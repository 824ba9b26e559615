"""Bond lengths and angles restrained: which contacts are meant, and what they do to a refinement."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.core.hypothesis import Crystal, Site
from whorl.fitting.constraints import Restraint
from whorl.techniques.restrained import Known, restrained

RUTILE = Crystal(
    "TiO2",
    cell=(4.594, 4.594, 2.959, 90, 90, 90),
    space_group="P 42/m n m",
    sites=(Site("Ti", (0, 0, 0), 1.0, 0.006), Site("O", (0.305, 0.305, 0), 1.0, 0.007)),
)


class Fixed:
    """A problem of one parameter, the coordinate of oxygen."""

    def structures(self, values):
        o = Site("O", (float(values[0]), float(values[0]), 0.0), 1.0, 0.007)
        return (Crystal("TiO2", cell=RUTILE.cell, space_group=RUTILE.space_group, sites=(RUTILE.sites[0], o)),)


def off(*restraints, at=0.305):
    found = restrained(Fixed(), np.array([0.305]), [Restraint(*r) for r in restraints])
    return found(np.array([at]))


def test_both_distances_of_rutile_are_meant_and_counted_once():
    """Apical 0.305 sqrt(2) a = 1.9816, equatorial 1.9474 angstrom: two values, though six bonds."""
    values = off(("Ti-O", 1.95, 0.01))
    apical = 0.305 * np.sqrt(2) * 4.594
    equatorial = np.sqrt(2 * (0.195 * 4.594) ** 2 + (2.959 / 2) ** 2)
    assert sorted(values) == pytest.approx(sorted([(apical - 1.95) / 0.01, (equatorial - 1.95) / 0.01]), rel=1e-6)


def test_angles_are_those_between_neighbours():
    values = 90 + off(("O-Ti-O", 90.0, 1.0))
    assert values.size >= 2
    assert any(v == pytest.approx(90.0, abs=1e-6) for v in values)
    bite = 2 * np.degrees(np.arctan(0.195 * np.sqrt(2) * 4.594 / (2.959 / 2)))
    assert min(abs(values - min(bite, 180 - bite))) < 1e-4


def test_contacts_stay_the_same_when_the_atom_moves():
    assert off(("Ti-O", 1.95, 0.01), at=0.32).size == 2


@pytest.mark.parametrize(
    ("quantity", "value", "match"),
    [
        ("Ti-Xe", 2.0, "no site 'Xe'"),
        ("Ti-O", 1.2, "nothing near 1.2"),
        ("2:Ti-O", 2.0, "no phase 2"),
        ("Ti-O-Ti-O", 2.0, "no distance and no angle"),
    ],
)
def test_what_cannot_be_meant(quantity, value, match):
    with pytest.raises(UsageError, match=match):
        off((quantity, value, 0.1))


def test_known_reads_what_users_write():
    known = Known.read(["b = a"], ["Ti-O = 1.95 +- 0.02", "a = 4.594 +- 0.001"])
    assert [r.quantity for r in known.restraints] == ["Ti-O", "a"]
