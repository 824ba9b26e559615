"""Run items on a dask cluster, given the address of its scheduler (the ``scale`` extra)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from whorl.core.errors import UsageError, WhorlError
from whorl.core.lazy import need
from whorl.core.outcome import Cancel, Listener, Outcome, Tracker, attempt, name_of

T = TypeVar("T")
R = TypeVar("R")

_POLL_SECONDS = 0.5
_IN_FLIGHT = 4  # items per thread of the cluster that wait on its side


class DaskExecutor:
    """Run items on the workers of a dask scheduler; whorl must be installed there in the same version.

    Parameters
    ----------
    address : str
        ``"tcp://host:8786"`` (also ``tls://``, ``ucx://``, ``inproc://``).

    Raises
    ------
    UsageError
        If the address is not one.
    MissingExtraError
        If dask.distributed is not installed.
    """

    def __init__(self, address: str) -> None:
        if "://" not in address:
            raise UsageError(f"{address!r} is no address of a scheduler", remedy="Write it as tcp://host:8786.")
        self.address = address
        self._distributed = need("distributed", extra="scale")

    def run(
        self,
        function: Callable[[T], R],
        items: Iterable[T],
        *,
        on_event: Listener | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[Outcome[R]]:
        """Yield outcomes as they finish (see `whorl.core.executor.Executor.run`).

        Raises
        ------
        WhorlError
            If the scheduler does not answer.
        """
        listed = list(items)
        tracker = Tracker(len(listed), on_event)
        try:
            client = self._distributed.Client(self.address, set_as_default=False)
        except OSError as error:  # dask's own time-outs included
            raise WhorlError(
                f"the scheduler does not answer ({error})",
                where=self.address,
                remedy="Start it with: dask scheduler, and its workers with: dask worker ADDRESS.",
            ) from error
        with client:
            yield from self._outcomes(client, function, listed, tracker, cancel)

    def _outcomes(
        self, client: Any, function: Callable[[T], R], items: list[T], tracker: Tracker, cancel: Cancel | None
    ) -> Iterator[Outcome[R]]:
        window = _IN_FLIGHT * max(1, sum(client.ncores().values()))
        flying: dict[Any, int] = {}
        following = 0
        try:
            while tracker.done < tracker.total:
                if cancel is not None and cancel.cancelled:
                    return
                while following < len(items) and len(flying) < window:
                    tracker.started(following)
                    # pure=False: equal items are still separate items
                    flying[client.submit(attempt, function, following, items[following], pure=False)] = following
                    following += 1
                for future in self._landed(client, flying):
                    index = flying.pop(future)
                    outcome = _outcome(future, index, items[index])
                    tracker.ended(outcome)
                    yield outcome
        finally:
            client.cancel(list(flying))

    def _landed(self, client: Any, flying: dict[Any, int]) -> list[Any]:
        try:
            with client.as_current():
                done = self._distributed.wait(list(flying), timeout=_POLL_SECONDS, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            return []
        return list(done)


def _outcome(future: Any, index: int, item: Any) -> Outcome[Any]:
    error = future.exception()
    if error is None:
        found: Outcome[Any] = future.result()
        return found
    text = str(error).splitlines()[0] if str(error) else ""
    lost = WhorlError(
        f"the cluster lost this item ({type(error).__name__}: {text})",
        where=name_of(item, index),
        remedy="Look at the logs of its workers (memory, versions of whorl).",
    )
    return Outcome(index, error=lost)
