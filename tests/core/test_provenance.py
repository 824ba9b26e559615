"""Keys that equal parameters share and different ones do not; ids that sort by time."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.core.errors import PatternError, UsageError
from whorl.core.provenance import (
    cache_key,
    canonical_json,
    package_versions,
    provenance,
    run_id,
    sha256_bytes,
    sha256_file,
)


def test_sha256_of_a_file_is_that_of_its_bytes(tmp_path):
    path = tmp_path / "big.bin"
    data = b"abc" * 1_000_000  # more than one block
    path.write_bytes(data)
    assert sha256_file(path) == sha256_bytes(data)
    assert (
        sha256_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )  # FIPS 180-4, appendix B.1


@pytest.mark.parametrize("name", ["absent.gr", "."])
def test_unreadable_file_is_named(tmp_path, name):
    with pytest.raises(PatternError, match=r"cannot be read"):
        sha256_file(tmp_path / name)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_exact(value):
    assert json.loads(canonical_json(value)) == value
    assert canonical_json(np.float64(value)) == canonical_json(value)


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.booleans(), st.none())))
def test_order_of_keys_does_not_matter(parameters):
    backwards = dict(reversed(list(parameters.items())))
    assert canonical_json(backwards) == canonical_json(parameters)


def test_numpy_and_sets_become_plain():
    value = {
        "elements": frozenset({"O", "Co", "Li"}),
        "range": (np.float32(1.5), np.int16(30)),
        "flag": np.bool_(True),
        "grid": np.array([[0.1, 0.2]]),
        "path": Path("a") / "b.cif",
    }
    assert canonical_json(value) == (
        '{"elements":["Co","Li","O"],"flag":true,"grid":[[0.1,0.2]],"path":"a/b.cif","range":[1.5,30]}'
    )


def test_different_data_never_share_a_text():
    values = [1, 1.0, True, "1", None, math.inf, "inf", -math.inf, math.nan, {"$float": "inf"}, {"$$float": "inf"}, [1], [[1]]]
    values += [1j, {"$complex": [0.0, 1.0]}, b"x", {"$bytes": sha256_bytes(b"x")}, -0.0, 0.0, {"a": None}, {}]
    texts = [canonical_json(value) for value in values]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("value", [object(), {1: "a"}, {"a": [lambda: None]}])
def test_what_has_no_form_is_refused(value):
    with pytest.raises(UsageError, match="Use"):
        canonical_json(value)


def test_the_key_depends_on_each_part():
    base = ("identify", "0" * 64, "0.1.0", {"qmax": 22.0})
    keys = {
        cache_key(*base),
        cache_key("refine", *base[1:]),
        cache_key(base[0], "1" * 64, *base[2:]),
        cache_key(*base[:2], "0.1.1", base[3]),
        cache_key(*base[:3], {"qmax": np.nextafter(22.0, 23)}),
    }
    assert len(keys) == 5


def test_key_is_the_same_in_another_process():
    """Neither the hash seed of sets nor anything else of the process may enter the key."""
    code = (
        "from whorl.core.provenance import cache_key;"
        "print(cache_key('t', '00', '1', {'elements': frozenset('Li Co O Ni Mn'.split())}))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout


def test_provenance_is_json_ready_and_dated_with_a_zone():
    start = datetime(2026, 11, 21, 1, 2, 3, tzinfo=timezone(timedelta(hours=9)))
    record = provenance(
        "whorl identify a.gr", {"x": math.inf, "e": frozenset("O")}, seed=3, catalogues={"elements": "ab"}, now=start
    )
    assert datetime.fromisoformat(record.time) == start
    assert record.parameters == {"x": {"$float": "inf"}, "e": ["O"]}
    assert record.packages["numpy"] == np.__version__
    assert record.python.count(".") == 2


def test_versions_are_read_without_imports():
    code = (
        "import sys; from whorl.core.provenance import package_versions; package_versions();"
        "print([m for m in ('numba', 'scipy', 'ase', 'gemmi', 'h5py', 'onnxruntime') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    assert "scipy" in dict(package_versions())


def test_run_ids_sort_by_time_and_differ_within_a_second():
    start = datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
    ids = [run_id(start + timedelta(seconds=s), "key") for s in range(120)]
    assert ids == sorted(ids)
    assert ids[0].startswith("20261121T010203Z-")
    same = {run_id(start, "key", attempt=n) for n in range(100)}
    assert len(same) == 100
    with pytest.raises(UsageError, match="no zone"):
        run_id(datetime(2026, 11, 21))  # noqa: DTZ001 - that is the point
