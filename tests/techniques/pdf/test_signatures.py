"""Distance lists on disk."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from whorl.catalogues.registry import open_catalogue
from whorl.core.hypothesis import Cluster
from whorl.techniques.pdf import signatures
from whorl.techniques.pdf.signatures import load_signatures, signature


@pytest.fixture
def catalogue():
    return open_catalogue("elements")


@pytest.fixture
def some(catalogue):
    return catalogue.entries()[:6]


def same(one, other):
    return (
        one.keys() == other.keys()
        and all(np.array_equal(one[k].distance, other[k].distance) for k in one)
        and all(
            np.array_equal(one[k].weight, other[k].weight) and np.array_equal(one[k].channel, other[k].channel) for k in one
        )
        and all(
            (one[k].symbols, one[k].fractions, one[k].density) == (other[k].symbols, other[k].fractions, other[k].density)
            for k in one
        )
    )


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


def test_read_back_is_what_was_computed(catalogue, some):
    fresh = load_signatures(catalogue, some)
    assert set(fresh) == {e.key for e in some}
    assert same(load_signatures(catalogue, some), fresh)


def test_the_second_time_nothing_is_computed(catalogue, some, monkeypatch):
    load_signatures(catalogue, some)
    monkeypatch.setattr(signatures, "_compute", lambda *_: pytest.fail("computed again"))
    assert len(load_signatures(catalogue, some)) == len(some)


def test_what_is_missing_is_added(catalogue, some):
    load_signatures(catalogue, some[:3])
    seen = []
    assert len(load_signatures(catalogue, some, progress=lambda done, total: seen.append((done, total)))) == 6
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("junk", [b"", b"not a zip", b"PK\x03\x04 cut short", None])
def test_a_broken_cache_is_ignored_and_mended(catalogue, some, junk):
    fresh = load_signatures(catalogue, some)
    path = signatures._path(catalogue)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if junk is None else junk)
    assert same(load_signatures(catalogue, some), fresh)
    assert same({k: v for k, v in signatures._read(path).items() if v is not None}, fresh)


def test_a_cache_of_another_layout_is_ignored(catalogue, some):
    path = signatures._path(catalogue)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path.with_suffix(""), rows=np.array('{"an": "object"}'), distance=np.zeros(1), weight=np.zeros(1), channel=np.zeros(1)
    )
    assert len(load_signatures(catalogue, some)) == 6


def test_a_cache_that_cannot_be_written_costs_only_time(catalogue, some, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("WHORL_HOME", str(blocked))
    assert len(load_signatures(catalogue, some)) == 6


def test_many_at_once(catalogue, some):
    found, errors = [], []

    def work():
        try:
            found.append(load_signatures(catalogue, some))
        except Exception as error:  # noqa: BLE001 - any failure of a thread is to be seen
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert all(same(f, found[0]) for f in found)
    assert list(signatures._path(catalogue).parent.glob("*.tmp")) == []


def test_an_entry_without_pairs_has_no_signature(catalogue, some):
    class Single:
        name = "single"
        content_hash = "0"

        def load(self, key):
            return Cluster("Au", symbols=("Au",), positions=np.zeros((1, 3)))

    assert load_signatures(Single(), some[:1]) == {}
    assert load_signatures(Single(), some[:1]) == {}
