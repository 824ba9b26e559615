"""A series refined frame after frame, each from where the one before ended: kept as they finish, resumable, in processes.

A series is parted into chains of some thirty frames. The heads of the chains are refined one after the other, each from the
head before and from the structures too, so that a phase that was there once is not forgotten; then the chains go on side by
side. The order depends on the number of frames and on nothing else: any number of processes gives the same answers.

The recipe of a frame holds the values that it starts from. So its cache key is known as soon as the frame before is done: after
a stop the same call finds what was finished and goes on behind it, and a single frame can be replayed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from whorl.core.errors import UsageError, WhorlError
from whorl.core.executor import Cancel, Executor, SerialExecutor, choose_executor
from whorl.core.outcome import Listener, Outcome, Tracker, attempt
from whorl.core.provenance import sha256_bytes
from whorl.core.verdict import Verdict
from whorl.core.workspace import Workspace
from whorl.tasks import keep
from whorl.tasks.batch import Hook, key_of
from whorl.tasks.inputs import Item, list_items, load
from whorl.tasks.recipes import Refine
from whorl.tasks.start import Start

#: frames of a chain
CHAIN = 32


@dataclass(frozen=True)
class Chain:
    """Frames refined one after the other.

    Parameters
    ----------
    frames : tuple of int
        In the order of refinement; the first is the head.
    parent : int, optional
        Head of another chain, from which this one's head starts; ``None``: from the structures.
    """

    frames: tuple[int, ...]
    parent: int | None = None


def chains(count: int, *, backward: bool = False, first: int | None = None, length: int = CHAIN) -> list[Chain]:
    """Part a series into chains; a chain comes behind the one that its head starts from.

    Parameters
    ----------
    count : int
        Frames.
    backward : bool
        From the last frame to the first.
    first : int, optional
        Frame that is refined first, counted from 0: the series goes from there to both of its ends.
    length : int
        Frames of a chain, at most half as many again in the last one.

    Raises
    ------
    UsageError
        If there is no such frame, or ``length`` is below 1.

    Examples
    --------
    >>> [c.frames for c in chains(5, length=2)]
    [(0, 1), (2, 3, 4)]
    >>> [(c.frames, c.parent) for c in chains(5, first=3)]
    [((3, 4), None), ((2, 1, 0), 3)]
    """
    if length < 1:
        raise UsageError(f"chains of {length} frames", remedy="Give 1 or more.")
    begin = (count - 1 if backward else 0) if first is None else first
    if not 0 <= begin < count:
        raise UsageError(f"first frame {begin} of {count}", remedy=f"Frames run from 0 to {count - 1}.")
    onward, back = list(range(begin, count)), list(range(begin - 1, -1, -1))
    if backward:
        onward, back = [begin, *back], onward[1:]
    found: list[Chain] = []
    for frames in (onward, back):
        parent, rest = found[0].frames[0] if found else None, frames
        while rest:
            taken = len(rest) if len(rest) <= 1.5 * length else length
            found.append(Chain(tuple(rest[:taken]), parent))
            parent, rest = rest[0], rest[taken:]
    return found


@dataclass(frozen=True)
class _Job:
    """What all frames share."""

    recipe: Refine
    content: Mapping[str, str]
    workspace: Workspace | None
    batch: str
    hook: Hook | None
    resume: bool


@dataclass(frozen=True)
class _Rest:
    """What of a chain is left behind its head."""

    frames: tuple[int, ...]
    items: tuple[Item, ...]
    start: Start


@dataclass(frozen=True)
class _Done:
    """A frame that was worked on: its verdict, and the error where it has one; what went wrong in the hook."""

    outcome: Outcome[Verdict]
    wrong: WhorlError | None = None


def refine_series(
    recipe: Refine,
    files: Sequence[str | os.PathLike[str]] | Sequence[Item],
    *,
    workspace: Workspace | None,
    backward: bool = False,
    first: int | None = None,
    length: int = CHAIN,
    workers: int | None = None,
    resume: bool = True,
    address: str | None = None,
    hook: Hook | None = None,
    on_event: Listener | None = None,
    on_traceback: Callable[[str], None] | None = None,
    on_error: Callable[[WhorlError], None] | None = None,
    cancel: Cancel | None = None,
) -> Iterator[Verdict]:
    """Refine the frames of a series with warm starts and yield a verdict for each, as they finish.

    Parameters
    ----------
    recipe : Refine
        Structures and all parameters.
    files : sequence of path or of Item
        In the order of the series; the frames of a file are items of their own (``file#frame``).
    workspace : Workspace, optional
        Keeps inputs and results, and gives results that it has.
    backward, first, length
        Order of the frames (`chains`).
    workers, resume, address, hook, on_event, on_traceback, on_error, cancel
        As for `whorl.tasks.batch.run_files`.

    Raises
    ------
    WhorlError
        If the structures or the workspace cannot be used, or the hook fails. A bad frame is no error but a verdict; the frame
        behind it starts from the one before it.
    """
    items = _items(files)
    plan = chains(len(items), backward=backward, first=first, length=length)
    content = recipe.content()
    listed = [key_of(replace(recipe, start=Start()), item, content) for item in items]
    batch = sha256_bytes("\n".join(["series", *listed]).encode())
    if workspace is not None:
        workspace.start_batch(batch, task=recipe.task)
    job = _Job(recipe, content, workspace, batch, hook, resume)
    run = _Run(job, items, Tracker(len(items), on_event), on_traceback, on_error)
    starts: dict[int, Start] = {}
    for chain in plan:
        head = chain.frames[0]
        start = Start() if chain.parent is None else starts[chain.parent]
        far = chain.parent is not None and abs(head - chain.parent) > 1
        if cancel is not None and cancel.cancelled:
            return
        run.tracker.started(head)
        done = _frame(job, head, items[head], replace(start, anew=True) if far else start)
        starts[head] = start if done.outcome.value is None else start.after(done.outcome.value)
        yield from run.ended(done)
    rests = [_Rest(c.frames[1:], tuple(items[i] for i in c.frames[1:]), starts[c.frames[0]]) for c in plan if len(c.frames) > 1]
    yield from run.rests(choose_executor(workers, len(rests), address) if len(rests) > 1 else None, rests, cancel)


def _frame(job: _Job, number: int, item: Item, start: Start) -> _Done:
    """Do one frame where it lies: look it up or read, refine and keep it; call the hook."""
    recipe = replace(job.recipe, start=start)
    key = key_of(recipe, item, job.content)
    place = job.workspace
    run = place.find(key) if place is not None and job.resume else None

    def computed(item: Item) -> Verdict:
        if run is not None and place is not None:
            return keep.restore(place.load(run)).model_copy(update={"file": item.name})
        measurement = load(item, settings=recipe.settings)
        verdict = keep.labelled(recipe.run(measurement), recipe, item, measurement)
        if place is None:
            return verdict
        place.keep_input(item.path)
        return keep.save(place, verdict, key=key, item=(job.batch, key), extra=recipe.extra())

    outcome = attempt(computed, number, item)
    if outcome.value is None:
        assert outcome.error is not None
        failed = keep.labelled(Verdict.failed(recipe.task, item.name, outcome.error.as_dict()), recipe, item, None)
        if place is not None:
            extra = {"traceback.txt": outcome.traceback.encode("utf-8", "replace")} if outcome.traceback else {}
            failed = keep.save(place, failed, key=key, item=(job.batch, key), extra=extra)
        return _Done(replace(outcome, value=failed))
    wrong = None
    if job.hook is not None:
        try:
            job.hook(outcome.value, load(item, settings=recipe.settings))
        except WhorlError as error:
            wrong = error
    return _Done(outcome, wrong)


def _chain(job: _Job, rest: _Rest) -> list[_Done]:
    """Do the frames of a chain in their order."""
    return list(_each(job, rest))


def _each(job: _Job, rest: _Rest) -> Iterator[_Done]:
    start = rest.start
    for number, item in zip(rest.frames, rest.items, strict=True):
        done = _frame(job, number, item, start)
        if done.outcome.value is not None:
            start = start.after(done.outcome.value)
        yield done


class _Run:
    """One call of `refine_series`: counts what is done, tells of it, gives the verdicts."""

    def __init__(
        self,
        job: _Job,
        items: Sequence[Item],
        tracker: Tracker,
        on_traceback: Callable[[str], None] | None,
        on_error: Callable[[WhorlError], None] | None,
    ) -> None:
        self.job, self.items, self.tracker = job, items, tracker
        self.on_traceback, self.on_error = on_traceback, on_error

    def ended(self, done: _Done) -> Iterator[Verdict]:
        """Yield the verdict of a frame."""
        outcome = done.outcome
        self.tracker.ended(outcome)
        if outcome.traceback and self.on_traceback is not None:
            self.on_traceback(outcome.traceback)
        if outcome.error is not None and self.on_error is not None:
            self.on_error(outcome.error)
        if outcome.value is not None:
            yield outcome.value
        if done.wrong is not None:
            raise done.wrong

    def rests(self, executor: Executor | None, rests: Sequence[_Rest], cancel: Cancel | None) -> Iterator[Verdict]:
        """Yield the verdicts of what is left of the chains: frame by frame here, or chain by chain from other processes."""
        if executor is None or isinstance(executor, SerialExecutor):
            for rest in rests:
                for done in _each(self.job, rest):
                    yield from self.ended(done)
                    if cancel is not None and cancel.cancelled:
                        return
            return
        for outcome in executor.run(partial(_chain, self.job), rests, cancel=cancel):
            if outcome.value is not None:
                for done in outcome.value:
                    yield from self.ended(done)
                continue
            rest = rests[outcome.index]
            for number, item in zip(rest.frames, rest.items, strict=True):  # the process died: none of its frames is known
                assert outcome.error is not None
                verdict = Verdict.failed(self.job.recipe.task, item.name, outcome.error.as_dict())
                yield from self.ended(_Done(Outcome(number, verdict, outcome.error, outcome.traceback)))


def _items(files: Sequence[str | os.PathLike[str]] | Sequence[Item]) -> list[Item]:
    found: list[Item] = []
    for file in files:
        found += [file] if isinstance(file, Item) else list_items([file])
    if not found:
        raise UsageError("no input", remedy="Name at least one file.")
    return list({item.name: item for item in found}.values())
