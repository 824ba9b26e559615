"""Distance lists of catalogue entries, computed once and kept on disk: what retrieval searches.

A signature holds the distinct interatomic distances of an entry up to a limit, with their weights: angstrom for crystals and
measured clusters, bond lengths for clusters whose bond length is open.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from whorl import __version__
from whorl.catalogues.base import Catalogue, Entry
from whorl.catalogues.home import home
from whorl.core.atomic import write_atomic
from whorl.core.errors import WhorlError
from whorl.core.hypothesis import ANY_ELEMENT, Cluster, Crystal, Hypothesis
from whorl.physics import clusters
from whorl.techniques.pdf.phases import CrystalPhase, channel_table

Array = NDArray[np.float64]

REACH = 16.0  # angstrom
REACH_BONDS = 6.5
_LAYOUT = 3  # raise when the arrays change meaning


@dataclass(frozen=True)
class Signature:
    """Distances of one entry.

    ``distance``, ``weight`` (k,), ``channel`` (k,) int; ``density`` 0 for clusters; ``bond_free`` as in Cluster.
    """

    symbols: tuple[str, ...]
    fractions: tuple[float, ...]
    density: float
    bond_free: bool
    distance: Array
    weight: Array
    channel: NDArray[np.int64]

    @property
    def shortest(self) -> float:
        """Shortest distance."""
        return float(self.distance.min()) if self.distance.size else 0.0


def signature(hypothesis: Hypothesis) -> Signature:
    """Compute the signature of a crystal or cluster.

    Examples
    --------
    >>> pair = Cluster("Au2", symbols=("Au", "Au"), positions=np.array([[0, 0, 0], [0, 0, 2.88]]))
    >>> signature(pair).distance.tolist()
    [2.88]
    """
    if isinstance(hypothesis, Crystal):
        phase = CrystalPhase(hypothesis, REACH, positions=False)
        peaks = phase.peaks(np.array([p.value for p in phase.parameters]))
        return Signature(
            phase.symbols,
            tuple(float(f) for f in phase.fractions),
            peaks.density,
            False,
            peaks.distance,
            peaks.weight,
            peaks.channel,
        )
    assert isinstance(hypothesis, Cluster)
    symbols = tuple(dict.fromkeys(hypothesis.symbols))
    label = np.array([symbols.index(s) for s in hypothesis.symbols], dtype=np.int64)
    fractions = np.bincount(label) / label.size
    reach = REACH_BONDS if hypothesis.bond_free else REACH
    distance, weight, channel = clusters.distance_list(
        hypothesis.positions, label, channel_table(len(symbols)), tolerance=1e-3, d_max=reach
    )
    free = hypothesis.bond_free or ANY_ELEMENT in symbols
    return Signature(symbols, tuple(float(f) for f in fractions), 0.0, free, distance, weight, channel)


def load_signatures(
    catalogue: Catalogue, entries: Sequence[Entry], *, progress: Callable[[int, int], None] | None = None
) -> dict[str, Signature]:
    """Signatures of a catalogue's entries by key, from disk when they were computed before.

    An entry whose structure cannot be used (one atom only, say) has none.
    """
    path = _path(catalogue)
    known = _read(path)
    wanted = [e for e in entries if e.key not in known]
    if wanted:
        for number, entry in enumerate(wanted):
            known[entry.key] = _compute(catalogue, entry)
            if progress:
                progress(number + 1, len(wanted))
        _write(path, known)
    return {e.key: s for e in entries if (s := known.get(e.key)) is not None}


def _compute(catalogue: Catalogue, entry: Entry) -> Signature | None:
    try:
        found = signature(catalogue.load(entry.key))
    except WhorlError:
        return None
    return found if found.distance.size else None


def _path(catalogue: Catalogue) -> Path:
    text = f"{_LAYOUT}:{__version__}:{catalogue.name}:{catalogue.content_hash}:{REACH}:{REACH_BONDS}"
    return home() / "cache" / f"pdf-signatures-{hashlib.sha256(text.encode()).hexdigest()[:20]}.npz"


def _read(path: Path) -> dict[str, Signature | None]:
    """Signatures of a cache file; none when it is not there or not whole (a kill, a full disk)."""
    try:
        # opened here, since numpy does not close a file that it refuses
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as store:
            return _unpacked(store)
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile, zlib.error):
        return {}


def _unpacked(store: Any) -> dict[str, Signature | None]:
    rows: list[dict[str, Any]] = json.loads(str(store["rows"]))
    distance, weight, channel = (store[k] for k in ("distance", "weight", "channel"))
    out: dict[str, Signature | None] = {}
    for row in rows:
        if "first" not in row:
            out[row["key"]] = None
            continue
        part = slice(row["first"], row["last"])
        out[row["key"]] = Signature(
            tuple(row["symbols"]), tuple(row["fractions"]), row["density"], row["bond_free"],
            distance[part], weight[part], channel[part].astype(np.int64),
        )  # fmt: skip
    return out


def _write(path: Path, signatures: dict[str, Signature | None]) -> None:
    import io

    rows: list[dict[str, Any]] = []
    first = 0
    present = [s for s in signatures.values() if s is not None]
    for key, s in signatures.items():
        row: dict[str, Any] = {"key": key}
        if s is not None:
            last = first + s.distance.size
            row |= {"first": first, "last": last, "symbols": s.symbols, "fractions": s.fractions}
            row |= {"density": s.density, "bond_free": s.bond_free}
            first = last
        rows.append(row)
    empty = np.zeros(0)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        rows=np.array(json.dumps(rows)),
        distance=np.concatenate([s.distance for s in present] or [empty]),
        weight=np.concatenate([s.weight for s in present] or [empty]),
        channel=np.concatenate([s.channel for s in present] or [empty.astype(np.int64)]).astype(np.int16),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, buffer.getvalue())
    except (OSError, WhorlError):
        return  # a cache that cannot be written costs time, not the answer
