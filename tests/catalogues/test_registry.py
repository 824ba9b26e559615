"""Catalogues by name and by folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from whorl.catalogues import (
    Catalogue,
    add_folder,
    builtin_catalogues,
    list_catalogues,
    open_catalogue,
    remove,
)
from whorl.catalogues.home import index_file
from whorl.core.errors import CatalogueError, UsageError

XYZ = "2\npair\nAu 0 0 0\nAu 0 0 2.88\n"


@pytest.fixture
def place(tmp_path):
    where = tmp_path / "clusters"
    where.mkdir()
    (where / "pair.xyz").write_text(XYZ)
    return where


def test_builtin_catalogues_keep_the_contract():
    for catalogue in builtin_catalogues():
        assert isinstance(catalogue, Catalogue)
        assert len(catalogue.content_hash) == 64
        entries = catalogue.entries()
        assert len({e.key for e in entries}) == len(entries)
        assert {e.catalogue for e in entries} == {catalogue.name}
        first = entries[0]
        loaded = catalogue.load(first.key)
        assert (loaded.name, loaded.kind, loaded.formula, loaded.family) == (
            first.name,
            first.kind,
            first.formula,
            first.family,
        )
        with pytest.raises(CatalogueError, match=f"whorl catalogue show {catalogue.name}"):
            catalogue.load("no such key")


def test_the_default_catalogue_has_a_thousand_entries():
    assert sum(len(c.entries()) for c in builtin_catalogues()) >= 1000


def test_rows_tell_what_the_structures_are():
    for name in ("elements", "compounds"):
        catalogue = open_catalogue(name)
        for entry in catalogue.entries()[::9]:
            crystal = catalogue.load(entry.key)
            assert entry.formula == crystal.formula
            assert entry.elements == crystal.elements
            assert entry.space_group == crystal.space_group_number
            assert entry.atoms == len(crystal.expansion.site)


def test_names_people_expect():
    names = {e.name for c in builtin_catalogues() for e in c.entries()}
    assert {"Pt (fcc)", "CdSe (wurtzite)", "CdSe (zincblende)", "Fe2O3 (maghemite)", "icosahedron, 2 shells, 55 atoms"} <= names


def test_add_open_list_remove(place):
    report = add_folder("mine", place)
    assert (report.added, report.entries, report.skipped) == (1, 1, ())
    (place / "more.xyz").write_text(XYZ.replace("2.88", "2.70"))
    assert [e.key for e in open_catalogue("mine").entries()] == ["more.xyz", "pair.xyz"]
    assert [(c.name, c.entries) for c in list_catalogues()][4:] == [("mine", 2)]
    kept, own = index_file("pdf", "not-mine"), index_file("pdf", "mine")
    for file in (kept, own):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    remove("mine")
    assert kept.exists()
    assert not own.exists()
    assert len(list_catalogues()) == 4
    assert sorted(p.name for p in place.iterdir()) == ["more.xyz", "pair.xyz"]
    with pytest.raises(CatalogueError):
        open_catalogue("mine")


def test_a_folder_works_by_its_path(place, monkeypatch):
    assert open_catalogue(place).name == "clusters"
    monkeypatch.chdir(place.parent)
    assert len(open_catalogue("./clusters").entries()) == 1
    assert len(open_catalogue(Path("clusters")).entries()) == 1


def test_a_name_wins_over_a_folder(place, monkeypatch):
    place.rename(place.parent / "elements")
    monkeypatch.chdir(place.parent)
    assert len(open_catalogue("elements").entries()) > 90
    assert len(open_catalogue("./elements").entries()) == 1


def test_adding_again_updates_and_another_folder_is_refused(place, tmp_path):
    add_folder("mine", place)
    assert add_folder("mine", place).added == 0
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(UsageError, match="whorl catalogue remove mine"):
        add_folder("mine", other)


def test_a_lost_folder_is_listed_empty(place):
    add_folder("mine", place)
    shutil.rmtree(place)
    assert list_catalogues()[-1].entries == 0
    remove("mine")


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 65, "elements", "a b", "a\n"])
def test_names_that_cannot_be(place, name):
    with pytest.raises(UsageError):
        add_folder(name, place)


def test_errors_say_what_to_do(place, tmp_path, monkeypatch):
    with pytest.raises(CatalogueError, match="Did you mean 'compounds'"):
        open_catalogue("compound")
    with pytest.raises(CatalogueError, match="it is a file"):
        open_catalogue(place / "pair.xyz")
    with pytest.raises(CatalogueError, match="no such folder"):
        add_folder("mine", tmp_path / "nowhere")
    with pytest.raises(UsageError, match="built in"):
        remove("elements")
    with pytest.raises(CatalogueError, match="no catalogue"):
        remove("mine")
    (tmp_path / "block").write_text("")
    monkeypatch.setenv("WHORL_HOME", str(tmp_path / "block" / "home"))
    with pytest.raises(CatalogueError, match="WHORL_HOME"):
        add_folder("mine", place)
    assert len(open_catalogue(place).entries()) == 1
