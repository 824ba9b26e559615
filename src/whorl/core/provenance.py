"""What makes an answer repeatable: hashes of inputs, exact parameters, versions, and the names of runs.

A result is cached under `cache_key`: the hash of the task, the bytes of the input, the version of whorl and every parameter.
Parameters are hashed through `canonical_json`, in which equal data have one text and different data never share one.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import PurePath
from typing import Any

import numpy as np

from whorl.core.errors import PatternError, UsageError
from whorl.core.verdict import Provenance

#: packages whose version can change a number
PACKAGES = ("whorl", "numpy", "scipy", "numba", "ase", "gemmi", "spglib", "h5py", "onnxruntime", "pydantic")

_BLOCK = 1 << 20


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of ``data``, 64 lower-case hexadecimal digits.

    Examples
    --------
    >>> sha256_bytes(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | PurePath) -> str:
    """SHA-256 of a file's bytes, read in blocks.

    Raises
    ------
    PatternError
        If the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - accepts any path-like
            while block := stream.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise PatternError(
            f"the file cannot be read ({error.strerror or error})",
            where=str(path),
            remedy="Check the path and its permissions.",
        ) from error
    return digest.hexdigest()


def canonical_json(value: Any) -> str:
    """Write a value as JSON whose text depends on nothing but the value.

    Keys are sorted, floats have their shortest exact form (``float(text)`` gives the same bits), sets are sorted, numpy
    scalars and arrays become numbers and lists. What JSON lacks is tagged: ``{"$float": "inf"}``, ``{"$complex": [re, im]}``,
    ``{"$bytes": sha256}``. An integer and a float of equal value differ (``2`` and ``2.0``).

    Parameters
    ----------
    value : str, bool, int, float, complex, None, bytes, path, datetime, numpy scalar or array, pydantic model, or sequences,
        sets and mappings (text keys) of these.

    Raises
    ------
    UsageError
        If a part of the value has no such form.

    Examples
    --------
    >>> import numpy as np
    >>> canonical_json({"qmax": np.float64(22.1), "elements": frozenset({"O", "Li"}), "top": np.int64(5)})
    '{"elements":["Li","O"],"qmax":22.1,"top":5}'
    """
    return _dump(_plain(value, "parameters"))


def cache_key(task: str, input_sha256: str, version: str, parameters: Mapping[str, Any]) -> str:
    """Key under which a result is kept and found again: 64 hexadecimal digits.

    Parameters
    ----------
    task : str
        ``"identify"``, ``"refine"``, ...
    input_sha256 : str
        Hash of the input's bytes (`sha256_file`).
    version : str
        Version of whorl.
    parameters : mapping
        Everything else that the result depends on, hashes of catalogues and seed included.

    Examples
    --------
    >>> a = cache_key("identify", "00", "0.1.0", {"top": 5, "qmax": 22.0})
    >>> a == cache_key("identify", "00", "0.1.0", {"qmax": 22.0, "top": 5})
    True
    >>> a == cache_key("identify", "00", "0.1.0", {"top": 6, "qmax": 22.0})
    False
    """
    return sha256_bytes(canonical_json([task, input_sha256, version, dict(parameters)]).encode())


def provenance(
    command: str = "",
    parameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    catalogues: Mapping[str, str] | None = None,
    *,
    now: datetime | None = None,
) -> Provenance:
    """Record what makes an answer repeatable, as of now.

    Parameters
    ----------
    command : str
        The command line or call that repeats the answer.
    parameters : mapping, optional
        Every parameter with its value, defaults included.
    seed : int
    catalogues : mapping of str to str, optional
        Name of each catalogue searched and the hash of its content.
    now : datetime, optional
        Start of the task, with time zone; the clock by default.

    Examples
    --------
    >>> p = provenance("whorl identify Pt.gr", {"elements": frozenset({"Pt"})}, seed=7)
    >>> p.parameters, p.seed, "numpy" in p.packages
    ({'elements': ['Pt']}, 7, True)
    """
    start = _aware(now)
    return Provenance(
        command=command,
        parameters=json.loads(canonical_json(dict(parameters or {}))),
        seed=int(seed),
        time=start.astimezone().isoformat(timespec="seconds"),
        python=platform.python_version(),
        packages=dict(package_versions()),
        catalogues=dict(catalogues or {}),
    )


@cache
def package_versions() -> tuple[tuple[str, str], ...]:
    """Name and version of each of `PACKAGES` that is installed, read from its metadata (nothing is imported)."""
    found = []
    for name in PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return tuple(found)


def run_id(now: datetime | None = None, key: str = "", *, attempt: int = 0) -> str:
    """Name a run: the UTC second at which it is kept and six hexadecimal digits.

    Names sort by time. The digits come from the microsecond, ``key`` and ``attempt``; the workspace counts ``attempt`` up when
    a name is taken, so that no two of its runs share one.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> run_id(datetime(2026, 11, 21, 1, 2, 3, tzinfo=timezone.utc), "key")
    '20261121T010203Z-b00242'
    """
    at = _aware(now).astimezone(UTC)
    digits = sha256_bytes(f"{at.isoformat()} {attempt} {key}".encode())[:6]
    return f"{at:%Y%m%dT%H%M%SZ}-{digits}"


def _aware(now: datetime | None) -> datetime:
    if now is None:
        return datetime.now(UTC)
    if now.tzinfo is None:
        raise UsageError(f"the time {now} has no zone", remedy="Use datetime.now(timezone.utc).")
    return now


def _dump(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any, where: str) -> Any:
    """Turn a value into what `json` writes in one way only."""
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if math.isfinite(number) else {"$float": str(number)}
    if isinstance(value, (complex, np.complexfloating)):
        return {"$complex": [_plain(float(value.real), where), _plain(float(value.imag), where)]}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), where)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": sha256_bytes(bytes(value))}
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "model_dump"):
        return _plain(value.model_dump(), where)
    return _plain_collection(value, where)


def _plain_collection(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise UsageError(f"{key!r} is a key but not a text", where=where, remedy="Use text keys.")
        return {f"${key}" if key[:1] == "$" else str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item, where) for item in value), key=_dump)
    if isinstance(value, Sequence):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    raise UsageError(
        f"a {type(value).__name__} has no exact JSON form",
        where=where,
        remedy="Use numbers, texts, lists, sets and mappings of these.",
    )
