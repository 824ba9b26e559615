"""Resume: which items of a batch are done already, so that a batch killed in the middle restarts without redoing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from whorl.core.errors import UsageError
from whorl.core.workspace import Workspace

T = TypeVar("T")


@dataclass(frozen=True)
class Plan(Generic[T]):
    """What is left of a batch.

    Parameters
    ----------
    done : dict of int to str
        Index of each finished item and the id of its run.
    indices : tuple of int
        Indices of the items to do, in order; ``indices[outcome.index]`` is the place of an executor's outcome in the batch.
    items : tuple
        Those items.
    """

    done: dict[int, str]
    indices: tuple[int, ...]
    items: tuple[T, ...]


def resumable(items: Sequence[T], keys: Sequence[str], workspace: Workspace, batch: str, *, cached: bool = True) -> Plan[T]:
    """Divide a batch into what is done and what is to do.

    An item is done when the batch has a good run of its key or, with ``cached``, when any run has. Items that failed are tried
    again. Of items that share a key the first is done and the others are left to it.

    Parameters
    ----------
    items : sequence
    keys : sequence of str
        Cache key of each item (`whorl.core.provenance.cache_key`).
    workspace : Workspace
    batch : str
        Key of the batch; save each result with ``workspace.save(..., item=(batch, key))``.
    cached : bool
        False recomputes whatever this batch itself has not done.

    Raises
    ------
    UsageError
        If there is not one key for each item.

    Examples
    --------
    >>> import tempfile
    >>> from whorl.core.verdict import Verdict
    >>> with tempfile.TemporaryDirectory() as folder, Workspace.open(folder) as workspace:
    ...     workspace.start_batch("b", task="identify")
    ...     run = workspace.save(Verdict(whorl="0.1.0", task="identify", file="1.gr"), key="k1", item=("b", "k1"))
    ...     plan = resumable(["0.gr", "1.gr", "2.gr"], ["k0", "k1", "k2"], workspace, "b")
    >>> plan.items, plan.indices, plan.done == {1: run}
    (('0.gr', '2.gr'), (0, 2), True)
    """
    if len(items) != len(keys):
        raise UsageError(f"{len(keys)} keys for {len(items)} items", remedy="Give one key for each item.")
    known: dict[str, str | None] = dict(workspace.finished(batch))
    done: dict[int, str] = {}
    to_do: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key not in known:
            known[key] = workspace.find(key) if cached else None
        run = known[key]
        if run is not None:
            done[index] = run
        else:
            to_do.setdefault(key, index)
    indices = tuple(to_do.values())
    return Plan(done, indices, tuple(items[index] for index in indices))
