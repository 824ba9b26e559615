"""What the search would have said of the true phases of a mixture, had it tried them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from whorl.catalogues import builtin_catalogues
from whorl.tasks import mixtures, search
from whorl.tasks.trying import Search, Tried, named_values


@contextmanager
def watched() -> Iterator[Callable[[Sequence[str]], float | None]]:
    """Keep what searches do; gives a function that says how far the truth's own fit is ahead of the last answer.

    It takes the keys of two entries, fits each alone and then both, as the search would, and returns the log score of the
    better fit less that of the candidate found; ``None`` when they cannot be fitted.
    """
    seen: dict[str, Any] = {}
    original = mixtures.with_more_phases

    def kept(run: Search, ranked: Sequence[Tried], *more: Any) -> list[Tried]:
        out = original(run, ranked, *more)
        seen.update(run=run, ranked=ranked, out=out)
        return out

    def ahead(keys: Sequence[str]) -> float | None:
        if not seen:
            return None
        fits = [fit for base in keys for other in keys if other != base and (fit := _together(seen["run"], base, other))]
        judge = mixtures.Judge(seen["run"], seen["ranked"])
        scores = [judge.worth(fit).score for fit in fits]
        return round(max(scores) - seen["out"][0].score, 2) if scores else None

    search.with_more_phases = kept
    try:
        yield ahead
    finally:
        search.with_more_phases = original


def _together(run: Search, first: str, second: str) -> Tried | None:
    """Fit of an entry and of another beside it."""
    one = _suggested(run, first)
    quick = run.fit([one], one.start, "quick")
    if quick is None:
        return None
    base = run.fit([one], dict(one.start) | {"values": named_values(quick.fit), "misfit": quick.fit.rw}, "rank")
    if base is None:
        return None
    other = _suggested(run, second, given=base.fit)
    start = mixtures.start_beside(base, other, run.technique.shared)
    quick = run.fit([one, other], start, "quick", fixed=start["values"])
    if quick is None:
        return None
    return run.fit([one, other], dict(start) | {"values": {**start["values"], **named_values(quick.fit)}}, "rank")


def _suggested(run: Search, key: str, **more: Any) -> Any:
    """The suggestion of one entry."""
    found = run.technique.propose(run.signal, builtin_catalogues(), also=[key], **more)
    return next(s for s in found.suggestions if s.key == key)
