"""Compounds of one family share their structure, and the symmetry found without being told is the one declared."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
import spglib

from whorl.catalogues import compounds

COMPOUNDS = compounds.catalogue().members
FAMILIES = defaultdict(list)
for _key, _member in COMPOUNDS.items():
    FAMILIES[_member.family].append(_key)
WHOLE = [k for k, m in COMPOUNDS.items() if all(sum(n for _, n in who) > 0.999 for *_, who in m.sites)]


#: the anion in the channel of apatite is on 2a (fluorine) or split over 4e (hydroxide, chlorine)
FAMILIES.pop("apatite")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_one_structure(family):
    """Same group and the same Wyckoff positions whatever the file; an origin or setting may differ."""
    shapes = {
        (COMPOUNDS[key].number, tuple(sorted((multiplicity, letter) for multiplicity, letter, *_ in COMPOUNDS[key].sites)))
        for key in FAMILIES[family]
    }
    assert len(shapes) == 1


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
@pytest.mark.parametrize("key", WHOLE)
def test_symmetry_found_is_the_one_declared(key):
    crystal = COMPOUNDS[key].crystal
    atoms = crystal.to_ase()
    kinds: dict[tuple[tuple[str, float], ...], int] = {}
    kind_of_site, first = [], []
    for *_, who in COMPOUNDS[key].sites:
        kind_of_site += [kinds.setdefault(tuple(sorted(who)), len(kinds) + 1)] * len(who)
        first += [True] + [False] * (len(who) - 1)
    kept = [i for i, site in enumerate(crystal.expansion.site) if first[site]]
    cell = (
        atoms.cell[:],
        atoms.get_scaled_positions()[kept],
        [kind_of_site[crystal.expansion.site[i]] for i in kept],
    )
    found = spglib.get_symmetry_dataset(cell, symprec=1e-3)
    assert found is not None
    assert found.number == COMPOUNDS[key].number
    assert np.linalg.det(found.transformation_matrix) == pytest.approx(1, abs=0.01)  # the cell is no multiple of the true one
