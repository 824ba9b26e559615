"""The catalogue of models of small-angle scattering."""

from __future__ import annotations

import pytest

from whorl.catalogues import builtin_catalogues, describe, holds, open_catalogue
from whorl.core.errors import CatalogueError
from whorl.tasks.hypotheses import dump, find, load


def test_it_keeps_the_contract():
    particles = open_catalogue("particles")
    entries = particles.entries()
    assert len(entries) >= 25
    assert len({e.key for e in entries}) == len(entries)
    for entry in entries:
        model = particles.load(entry.key)
        assert (model.kind, model.model, model.name, model.family) == ("form_factor", entry.key, entry.name, entry.family)
        assert entry.source
    assert len(particles.content_hash) == 64
    with pytest.raises(CatalogueError, match="whorl catalogue show particles"):
        particles.load("no such model")
    assert "small-angle" in describe(entries[0])


def test_structures_and_models_are_kept_apart():
    assert "particles" not in {c.name for c in builtin_catalogues()}
    assert {c.name for c in builtin_catalogues({"form_factor"})} == {"particles"}
    assert not holds(open_catalogue("compounds"), {"form_factor"})
    assert open_catalogue("particles").entries(formula="NiO") == []
    assert {e.family for e in open_catalogue("particles").entries(family="rod")} == {"rod"}


def test_models_are_found_by_name_and_kept():
    model = find("prolate_ellipsoid@hayter_msa")
    assert model.model == "prolate_ellipsoid@hayter_msa"
    assert load(dump((model,))) == (model,)
    assert find("particles/sphere") == find("sphere") or find("particles/sphere").model == "sphere"
    assert find("cylinder").model == "cylinder"  # not in the catalogue: it contains rods and disks
