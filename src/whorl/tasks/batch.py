"""Many inputs through one recipe: in processes, kept as they finish, cached, resumable.

Every item is looked up in the workspace first, under its cache key: task, bytes of the input, version of whorl, all parameters
and the content of the catalogues or structures. What is not there is computed by worker processes, each of which keeps its own
results, so that a kill at any moment loses only what was being computed. A file that cannot be used gives a verdict with the
error.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from whorl.core.errors import UsageError, WhorlError
from whorl.core.executor import Cancel, Event, SerialExecutor, choose_executor
from whorl.core.measurement import Measurement
from whorl.core.outcome import Listener, Outcome
from whorl.core.provenance import cache_key, sha256_bytes
from whorl.core.resume import Plan, resumable
from whorl.core.verdict import Verdict
from whorl.core.workspace import Workspace
from whorl.tasks import keep
from whorl.tasks.inputs import Item, list_items, load
from whorl.tasks.recipes import Recipe
from whorl.techniques.protocol import Progress

#: called with each finished verdict and its frame in the process that made it: writes a page, say
Hook = Callable[[Verdict, Measurement], None]


@dataclass(frozen=True)
class _Job:
    """What all items of a batch share."""

    recipe: Recipe
    content: Mapping[str, str]
    workspace: Workspace | None
    batch: str
    hook: Hook | None


@dataclass(frozen=True)
class _Task:
    """One item with its cache key; with ``run`` the result is there and only the hook is wanted."""

    item: Item
    key: str
    run: str | None = None

    def __str__(self) -> str:
        return self.item.name


def run_files(
    recipe: Recipe,
    files: Sequence[str | os.PathLike[str]] | Sequence[Item],
    *,
    workspace: Workspace | None,
    workers: int | None = None,
    resume: bool = True,
    address: str | None = None,
    hook: Hook | None = None,
    progress: Progress | None = None,
    on_event: Listener | None = None,
    on_traceback: Callable[[str], None] | None = None,
    on_error: Callable[[WhorlError], None] | None = None,
    cancel: Cancel | None = None,
) -> Iterator[Verdict]:
    """Run a recipe over files and yield a verdict for each, as they finish.

    Parameters
    ----------
    recipe : Recipe
        The task and all its parameters (`whorl.tasks.recipes`).
    files : sequence of path or of Item
        Each file once; the frames of a series are items of their own (``file#frame``).
    workspace : Workspace, optional
        Keeps inputs and results, and gives results that it has. Without one nothing is kept.
    workers : int, optional
        Processes; as many as there are cores by default.
    resume : bool
        False computes everything anew.
    address : str, optional
        Of a dask scheduler.
    hook : callable, optional
        Called with each verdict that has an answer and its measurement, in the process that made it; importable by name.
    progress : callable, optional
        Called with (stage, done, total) while a single item is worked on in this process.
    on_event : callable, optional
        Called with each `Event`; ``index`` counts the items, ``message`` is ``"kept"`` for a result that was there.
    on_traceback : callable, optional
        Called with the stack of an exception no one expected.
    on_error : callable, optional
        Called with the error behind a verdict of status ``"error"``.
    cancel : Cancel, optional

    Raises
    ------
    WhorlError
        If the catalogues or the workspace cannot be used, or the hook fails. A bad file is no error but a verdict.
    """
    items = _items(files)
    content = recipe.content()
    keys = [key_of(recipe, item, content) for item in items]
    batch = sha256_bytes("\n".join([recipe.task, *sorted(keys)]).encode())
    if workspace is None or not resume:
        first = {key: i for i, key in reversed(list(enumerate(keys)))}
        plan: Plan[Item] = Plan({}, tuple(sorted(first.values())), tuple(items[i] for i in sorted(first.values())))
    else:
        plan = resumable(items, keys, workspace, batch)
    if workspace is not None:
        workspace.start_batch(batch, task=recipe.task)
    run = _Run(_Job(recipe, content, workspace, batch, hook), items, keys, plan, on_event, on_traceback, on_error)
    tasks = [_Task(items[i], keys[i], plan.done.get(i)) for i in run.order]
    executor = choose_executor(workers, len(tasks), address)
    shown = progress if isinstance(executor, SerialExecutor) and len(tasks) == 1 else None
    yield from run.kept()
    for outcome in executor.run(partial(work, run.job, progress=shown), tasks, on_event=run.told, cancel=cancel):
        yield from run.ended(outcome)


def work(job: _Job, task: _Task, *, progress: Progress | None = None) -> tuple[Verdict, WhorlError | None]:
    """Do one item where it lies: read, run, keep, call the hook. The second value is what went wrong in the hook."""
    if task.run is not None and job.workspace is not None:
        verdict = keep.restore(job.workspace.load(task.run)).model_copy(update={"file": task.item.name})
        measurement = load(task.item, settings=_settings(job.recipe))
    else:
        measurement = load(task.item, settings=_settings(job.recipe))
        found = job.recipe.run(measurement, content=job.content, progress=progress)
        verdict = keep.labelled(found, job.recipe, task.item, measurement)
        if job.workspace is not None:
            job.workspace.keep_input(task.item.path)
            mark = (job.batch, task.key)
            verdict = keep.save(job.workspace, verdict, key=task.key, item=mark, extra=job.recipe.extra())
    if job.hook is None:
        return verdict, None
    try:
        job.hook(verdict, measurement)
    except WhorlError as error:
        return verdict, error
    return verdict, None


class _Run:
    """One call of `run_files`: turns outcomes into verdicts, and events of what is left into events of the whole."""

    def __init__(
        self,
        job: _Job,
        items: Sequence[Item],
        keys: Sequence[str],
        plan: Plan[Item],
        on_event: Listener | None,
        on_traceback: Callable[[str], None] | None,
        on_error: Callable[[WhorlError], None] | None,
    ) -> None:
        self.job = job
        self.items = items
        self.keys = keys
        self.plan = plan
        self.on_event = on_event
        self.on_traceback = on_traceback
        self.on_error = on_error
        at_once = () if job.hook is not None else tuple(plan.done)
        self.at_once = sorted(at_once)
        self.order = sorted({*plan.indices, *(i for i in plan.done if i not in at_once)})
        given = {*self.order, *self.at_once}
        self.twins: dict[int, list[int]] = {i: [] for i in self.order}
        by_key = {keys[i]: i for i in self.order}
        for i, key in enumerate(keys):
            if i not in given:
                self.twins[by_key[key]].append(i)
        self.offset = 0
        self.failed = 0

    def kept(self) -> Iterator[Verdict]:
        """Yield what the workspace has."""
        workspace = self.job.workspace
        for index in self.at_once:
            assert workspace is not None
            verdict = keep.restore(workspace.load(self.plan.done[index]))
            self._mark(index)
            self.offset += 1
            if self.on_event is not None:
                self.on_event(Event("finished", index, self.offset, 0, len(self.items), message="kept"))
            yield self._named(verdict, index)

    def told(self, event: Event) -> None:
        """Pass an event on, counted over the whole batch."""
        if self.on_event is None:
            return
        index = None if event.index is None else self.order[event.index]
        message = event.message or ("kept" if event.kind == "finished" and index in self.plan.done else "")
        done = event.done + self.offset
        self.on_event(replace(event, index=index, done=done, total=len(self.items), message=message))

    def ended(self, outcome: Outcome[tuple[Verdict, WhorlError | None]]) -> Iterator[Verdict]:
        """Yield the verdict of an outcome, for every item that shares its bytes and name."""
        index = self.order[outcome.index]
        if outcome.traceback and self.on_traceback is not None:
            self.on_traceback(outcome.traceback)
        wrong = None
        if outcome.error is not None:
            if self.on_error is not None:
                self.on_error(outcome.error)
            verdict = self._failed(index, outcome.error, outcome.traceback)
        else:
            verdict, wrong = outcome.unwrap()
            if index in self.plan.done:
                self._mark(index)
        yield self._named(verdict, index)
        if wrong is not None:
            raise wrong
        for twin in self.twins[index]:
            self.offset += 1
            named = self._named(verdict, twin)
            if self.job.hook is not None and outcome.ok:
                self.job.hook(named, load(self.items[twin], settings=_settings(self.job.recipe)))
            yield named

    def _mark(self, index: int) -> None:
        workspace = self.job.workspace
        if workspace is not None:
            workspace.mark_item(self.job.batch, self.keys[index], run=self.plan.done[index])

    def _failed(self, index: int, error: WhorlError, traceback: str) -> Verdict:
        item = self.items[index]
        verdict = Verdict.failed(self.job.recipe.task, item.name, error.as_dict())
        verdict = keep.labelled(verdict, self.job.recipe, item, None)
        if self.job.workspace is None:
            return verdict
        extra = {"traceback.txt": traceback.encode("utf-8", "replace")} if traceback else {}
        mark = (self.job.batch, self.keys[index])
        return keep.save(self.job.workspace, verdict, key=self.keys[index], item=mark, extra=extra)

    def _named(self, verdict: Verdict, index: int) -> Verdict:
        name = self.items[index].name
        if verdict.file == name:
            return verdict
        return keep.labelled(verdict, self.job.recipe, self.items[index], None) if verdict.provenance else verdict


def _items(files: Sequence[str | os.PathLike[str]] | Sequence[Item]) -> list[Item]:
    given = list(files)
    if not given:
        raise UsageError("no input", remedy="Name at least one file.")
    found: list[Item] = []
    for file in given:
        found += [file] if isinstance(file, Item) else list_items([file])
    return list({item.name: item for item in found}.values())


def _settings(recipe: Recipe) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = getattr(recipe, "settings", {})
    return settings


def key_of(recipe: Recipe, item: Item, content: Mapping[str, str]) -> str:
    """Cache key of an item.

    The end of its name is part of it, since a reader may take the kind of signal from there.
    """
    name = Path(item.path).name.lower()
    suffix = Path(name).suffix
    hint = suffix if suffix in _TELLING else name
    parameters = {"recipe": recipe.as_dict(), "content": dict(content), "frame": item.frame, "name": hint}
    if not item.sha256:
        parameters["path"] = item.path
    return cache_key(recipe.task, item.sha256, code_version(), parameters)


@cache
def code_version() -> str:
    """Version of whorl for cache keys; in a checkout also a hash of the code, which changes between versions."""
    import hashlib

    import whorl

    folder = Path(whorl.__file__).parent
    if "site-packages" in folder.parts or "dist-packages" in folder.parts:
        return whorl.__version__
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return f"{whorl.__version__}+{digest.hexdigest()[:12]}"


#: suffixes that alone say what a file holds
_TELLING = frozenset((".gr", ".fgr", ".cgr", ".fq", ".sq", ".iq", ".nxs", ".h5", ".hdf5"))
