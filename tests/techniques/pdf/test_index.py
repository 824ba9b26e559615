"""Templates on disk: kept by what they were made from, mended, added to."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from whorl.catalogues.home import index_file
from whorl.catalogues.registry import open_catalogue
from whorl.core.hypothesis import Cluster
from whorl.techniques import kept
from whorl.techniques.pdf import index
from whorl.techniques.pdf.index import load_index
from whorl.techniques.pdf.templates import CLOSED, OPEN


class Part:
    """The first entries of a catalogue, as a catalogue."""

    name = "part"

    def __init__(self, count, *, digests=False, content="0"):
        self._whole = open_catalogue("elements")
        self._count = count
        self._digests = digests
        self.content_hash = content

    def entries(self, **_):
        rows = self._whole.entries()[: self._count]
        return [replace(e, digest=f"d{e.key}") for e in rows] if self._digests else rows

    def load(self, key):
        return self._whole.load(key)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """No index in memory: as in a new process."""
    monkeypatch.setattr(index, "_built", {})
    monkeypatch.setattr(index._KEPT, "_files", {})


def forget():
    index._built.clear()
    index._KEPT._files.clear()


def same(one, other):
    return one.place == other.place and all(np.array_equal(one.blocks[g].shapes, other.blocks[g].shapes) for g in one.blocks)


def path():
    return index_file("pdf", "part")


def test_read_back_is_what_was_computed():
    first = load_index(Part(6), "x-ray")
    assert len(first.place) == 6
    assert set(first.blocks) == {CLOSED}
    forget()
    assert same(load_index(Part(6), "x-ray"), first)


def test_the_second_time_nothing_is_computed(monkeypatch):
    load_index(Part(6), "x-ray")
    monkeypatch.setattr(index._KEPT, "_compute", lambda *_: pytest.fail("computed again"))
    forget()
    assert len(load_index(Part(6), "neutron").place) == 6


def test_only_what_is_new_is_computed_when_entries_have_hashes():
    load_index(Part(3, digests=True), "x-ray")
    seen = []
    found = load_index(Part(6, digests=True, content="1"), "x-ray", progress=lambda done, total: seen.append((done, total)))
    assert len(found.place) == 6
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_without_hashes_a_changed_catalogue_is_computed_anew():
    load_index(Part(3), "x-ray")
    seen = []
    load_index(Part(3, content="1"), "x-ray", progress=lambda *n: seen.append(n))
    assert len(seen) == 3


@pytest.mark.parametrize("junk", [b"", b"not a zip", b"PK\x03\x04 cut short", None])
def test_a_broken_file_is_ignored_and_mended(junk):
    fresh = load_index(Part(6), "x-ray")
    path().write_bytes(path().read_bytes()[: path().stat().st_size // 2] if junk is None else junk)
    forget()
    assert same(load_index(Part(6), "x-ray"), fresh)
    forget()
    assert len(index._KEPT._known(path())) == 6


def test_a_file_of_another_layout_is_ignored():
    path().parent.mkdir(parents=True, exist_ok=True)
    np.savez(path().with_suffix(""), without=np.array(["a"]), closed_names=np.array(["b"]))
    assert len(load_index(Part(6), "x-ray").place) == 6


def test_a_place_that_cannot_be_written_costs_only_time(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("WHORL_HOME", str(blocked))
    assert len(load_index(Part(6), "x-ray").place) == 6


def test_an_interrupted_computation_keeps_what_it_did():
    def stop(done, _total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_index(Part(6), "x-ray", progress=stop)
    seen = []
    load_index(Part(6), "x-ray", progress=lambda *n: seen.append(n))
    assert seen == [(1, 2), (2, 2)]


def test_what_vanished_is_forgotten_in_the_end(monkeypatch):
    monkeypatch.setattr(kept, "STALE", 2)
    load_index(Part(6), "x-ray")
    load_index(Part(3, content="1"), "x-ray")
    forget()
    assert len(index._KEPT._known(path())) == 3


def test_many_at_once():
    found, errors = [], []

    def work():
        try:
            found.append(load_index(Part(6), "x-ray"))
        except Exception as error:  # noqa: BLE001 - any failure of a thread is to be seen
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert all(same(f, found[0]) for f in found)
    assert list(path().parent.glob("*.tmp")) == []


def test_an_entry_without_pairs_has_no_template():
    class Single(Part):
        def load(self, key):
            return Cluster("Au", symbols=("Au",), positions=np.zeros((1, 3)))

    assert load_index(Single(1), "x-ray").place == {}
    forget()
    assert load_index(Single(1), "x-ray").place == {}


def test_a_cut_of_some_rows_is_a_part_of_the_cut_of_all():
    block = load_index(open_catalogue("nanoparticles"), "x-ray").blocks[OPEN]
    few, every = np.array([3, 8, 11]), np.arange(len(block.shapes))
    alone = block.cut(few, 0.8, 20.0)
    whole = block.cut(every, 0.8, 20.0)
    assert alone.shape == (3, OPEN.count)
    assert np.allclose(alone, whole[few], atol=1e-4)
    assert not np.allclose(alone, block.cut(few, 0.8, 12.0), atol=1e-2)
