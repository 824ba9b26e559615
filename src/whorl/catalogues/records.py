"""Hypotheses as text and numbers, so that an index on disk holds no code: JSON for sites and symbols, raw float64 for clusters.

The coordinates of a cluster are little-endian float64, shape (n, 3), in C order.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from itertools import groupby
from typing import Any

import numpy as np

from whorl.catalogues.base import Entry
from whorl.catalogues.geometry import diameter
from whorl.core.errors import CatalogueError
from whorl.core.hypothesis import Cluster, Crystal, Hypothesis, Site


def to_record(hypothesis: Hypothesis) -> tuple[str, bytes]:
    """Write a crystal or a cluster as JSON text and the bytes of its coordinates (empty for crystals).

    Examples
    --------
    >>> text, raw = to_record(Cluster("pair", symbols=("Au", "Au"), positions=np.eye(3)[:2]))
    >>> from_record(text, raw).positions.tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    record: dict[str, Any] = {"name": hypothesis.name, "family": hypothesis.family, "source": hypothesis.source}
    if isinstance(hypothesis, Cluster):
        record["kind"] = "cluster"
        record["symbols"] = [[symbol, len(list(run))] for symbol, run in groupby(hypothesis.symbols)]
        record["bond_free"] = hypothesis.bond_free
        return json.dumps(record), hypothesis.positions.astype("<f8").tobytes()
    if isinstance(hypothesis, Crystal):
        record["kind"] = "crystal"
        record["cell"] = list(hypothesis.cell)
        record["space_group"] = hypothesis.space_group
        record["sites"] = [[s.element, list(s.position), s.occupancy, s.u_iso, s.label] for s in hypothesis.sites]
        if hypothesis.operations is not None:
            record["operations"] = hypothesis.operations
        if hypothesis.cell_spread is not None:
            record["cell_spread"] = hypothesis.cell_spread
        return json.dumps(record), b""
    raise CatalogueError(
        f"a {hypothesis.kind} cannot be kept in a catalogue of structures",
        where=hypothesis.name,
        remedy="Give a Crystal or a Cluster.",
    )


def from_record(text: str, raw: bytes) -> Crystal | Cluster:
    """Read what `to_record` wrote."""
    record = json.loads(text)
    words = {key: record[key] for key in ("name", "family", "source")}
    if record["kind"] == "cluster":
        symbols = tuple(symbol for symbol, count in record["symbols"] for _ in range(count))
        positions = np.frombuffer(raw, dtype="<f8").reshape(-1, 3).astype(np.float64)
        return Cluster(**words, symbols=symbols, positions=positions, bond_free=record["bond_free"])
    sites = tuple(Site(el, (xyz[0], xyz[1], xyz[2]), occ, u, label) for el, xyz, occ, u, label in record["sites"])
    operations = record.get("operations")
    if operations is not None:
        operations = tuple((tuple(tuple(row) for row in rotation), tuple(shift)) for rotation, shift in operations)
    return Crystal(
        **words,
        cell=tuple(record["cell"]),
        space_group=record["space_group"],
        sites=sites,
        operations=operations,
        cell_spread=record.get("cell_spread"),
    )


def structure_digest(text: str, raw: bytes) -> str:
    """Hash what a record says of the structure itself: not its name, family, source or labels.

    Examples
    --------
    >>> pair = Cluster("pair", symbols=("Au", "Au"), positions=np.eye(3)[:2])
    >>> one, other = to_record(pair), to_record(Cluster("two", symbols=("Au", "Au"), positions=np.eye(3)[:2]))
    >>> structure_digest(*one) == structure_digest(*other)
    True
    """
    record = json.loads(text)
    for word in ("name", "family", "source"):
        del record[word]
    for site in record.get("sites", ()):
        del site[4]
    return blake2b(json.dumps(record, sort_keys=True).encode() + b"\0" + raw, digest_size=16).hexdigest()


def to_entry(hypothesis: Crystal | Cluster, key: str, catalogue: str) -> Entry:
    """Make the row of a hypothesis."""
    return Entry(
        key=key,
        catalogue=catalogue,
        name=hypothesis.name,
        kind=hypothesis.kind,
        formula=hypothesis.formula,
        family=hypothesis.family,
        elements=hypothesis.elements,
        space_group=hypothesis.space_group_number if isinstance(hypothesis, Crystal) else None,
        atoms=len(hypothesis.expansion.site) if isinstance(hypothesis, Crystal) else len(hypothesis.symbols),
        size=diameter(hypothesis.positions) if isinstance(hypothesis, Cluster) else 0.0,
        source=hypothesis.source,
        digest=structure_digest(*to_record(hypothesis)),
        cell_spread=hypothesis.cell_spread if isinstance(hypothesis, Crystal) else None,
    )
