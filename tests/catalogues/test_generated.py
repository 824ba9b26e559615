"""The cache of generated catalogues: used, rebuilt, shared and survived."""

from __future__ import annotations

import os
import pickle
import stat

import numpy as np
import pytest

from whorl.catalogues.generated import GeneratedCatalogue
from whorl.core.errors import CatalogueError
from whorl.core.hypothesis import Cluster, Crystal, Site

BUILDS = []


def build():
    BUILDS.append(os.getpid())
    yield "pair", Cluster("pair", symbols=("X", "X"), positions=np.array([[0, 0, -0.5], [0, 0, 0.5]]), bond_free=True)
    yield (
        "Ni",
        Crystal("Ni (fcc)", family="fcc", cell=(3.5, 3.5, 3.5, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),)),
    )


@pytest.fixture
def source(tmp_path):
    BUILDS.clear()
    path = tmp_path / "maker.py"
    path.write_text("version 1")
    return path


def test_built_once_then_read_back_the_same(source):
    first = GeneratedCatalogue("demo", build, [source])
    rows, digest = first.entries(), first.content_hash
    again = GeneratedCatalogue("demo", build, [source])
    assert again.entries() == rows
    assert again.content_hash == digest
    assert len(BUILDS) == 1
    assert np.array_equal(again.load("pair").positions, first.load("pair").positions)
    assert again.load("Ni") == first.load("Ni")
    assert [p.name for p in again.cache_file.parent.iterdir()] == [again.cache_file.name]


def test_a_change_of_the_maker_builds_again(source):
    GeneratedCatalogue("demo", build, [source]).entries()
    source.write_text("version 2")
    GeneratedCatalogue("demo", build, [source]).entries()
    assert len(BUILDS) == 2


@pytest.mark.parametrize("damage", [b"", b"not a database at all, but long enough to look like one" * 40])
def test_a_damaged_cache_is_made_again(source, damage):
    catalogue = GeneratedCatalogue("demo", build, [source])
    digest = catalogue.content_hash
    catalogue.cache_file.write_bytes(damage)
    assert GeneratedCatalogue("demo", build, [source]).content_hash == digest
    assert len(BUILDS) == 2
    assert GeneratedCatalogue("demo", build, [source]).content_hash == digest
    assert len(BUILDS) == 2


def test_works_where_nothing_can_be_written(source, tmp_path, monkeypatch):
    blocker = tmp_path / "file"
    blocker.write_text("a file where the folder should be")
    monkeypatch.setenv("WHORL_HOME", str(blocker / "home"))
    assert len(GeneratedCatalogue("demo", build, [source]).entries()) == 2


def test_cache_is_readable_in_a_read_only_folder(source):
    catalogue = GeneratedCatalogue("demo", build, [source])
    catalogue.entries()
    folder = catalogue.cache_file.parent
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert len(GeneratedCatalogue("demo", build, [source]).entries()) == 2
        assert len(BUILDS) == 1
    finally:
        folder.chmod(stat.S_IRWXU)


def test_travels_to_other_processes(source):
    catalogue = GeneratedCatalogue("demo", build, [source])
    digest = catalogue.content_hash
    assert pickle.loads(pickle.dumps(catalogue)).content_hash == digest


def test_unknown_key_says_how_to_list(source):
    with pytest.raises(CatalogueError, match="whorl catalogue show demo"):
        GeneratedCatalogue("demo", build, [source]).load("nothing")
