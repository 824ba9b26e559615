"""Replay: run a kept run again from its kept input with its kept parameters, and say what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whorl import __version__
from whorl.core.errors import WorkspaceError
from whorl.core.measurement import Measurement
from whorl.core.provenance import package_versions
from whorl.core.verdict import Verdict
from whorl.core.workspace import Workspace
from whorl.tasks import keep
from whorl.tasks.inputs import Item, load, split_frame
from whorl.tasks.recipes import recipe_from
from whorl.techniques.protocol import Progress

#: parts of a verdict that are the answer; the rest says when, where and how fast
_ANSWER = ("technique", "status", "none_probability", "candidates", "set", "assumptions", "warnings", "parameters")


@dataclass(frozen=True)
class Difference:
    """One value that is not the same: its place in the JSON, what was kept, what came out now."""

    place: str
    kept: Any
    now: Any

    def __str__(self) -> str:
        text = f"{self.place}: {_short(self.kept)} then, {_short(self.now)} now"
        if isinstance(self.kept, float) and isinstance(self.now, float) and self.kept:
            text += f" ({(self.now - self.kept) / abs(self.kept):+.1e})"
        return text


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Parameters
    ----------
    kept, now : Verdict
    differences : tuple of Difference
        Empty when the answer is the same to the last bit.
    reasons : tuple of str
        What else is not as it was: versions, catalogues.
    """

    kept: Verdict
    now: Verdict
    differences: tuple[Difference, ...]
    reasons: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """True when the answer is the same to the last bit."""
        return not self.differences


def replay(run: str, *, workspace: Workspace, progress: Progress | None = None) -> Replay:
    """Run a kept run again and compare.

    Parameters
    ----------
    run : str
        Id of the run, a part of it that no other has, or ``"last"``.
    workspace : Workspace
    progress : callable, optional
        Called with (stage, done, total).

    Raises
    ------
    WorkspaceError
        If the run or its input is not there, or it ended with an error.
    WhorlError
        If it cannot be done any more, for instance because a catalogue is gone.
    """
    stored = workspace.load(run)
    kept = stored.verdict
    if kept.status != "ok":
        raise WorkspaceError("this run ended with an error", where=stored.id, remedy="Run the task itself again on the file.")
    parameters = kept.provenance.parameters if kept.provenance is not None else {}
    recipe = recipe_from(kept.task, parameters.get("recipe", {}), stored.extra)
    item = item_of(kept)
    source = workspace.input_path(kept.sha256)
    measurement = _loaded(item, source, parameters)
    found = recipe.run(measurement, progress=progress)
    now = keep.labelled(found, recipe, item, measurement)
    return Replay(kept, now, tuple(differences(kept, now)), tuple(_reasons(kept, now)))


def item_of(verdict: Verdict) -> Item:
    """Give the item that a verdict belongs to."""
    parameters: Mapping[str, Any] = verdict.provenance.parameters if verdict.provenance is not None else {}
    frame = parameters.get("frame")
    path = verdict.file if frame is None else split_frame(verdict.file)[0]
    return Item(path, frame, verdict.sha256)


def measurement_of(verdict: Verdict, workspace: Workspace) -> Any:
    """Read the measurement of a kept verdict from the workspace, ``None`` when its input was not kept."""
    try:
        source: Path = workspace.input_path(verdict.sha256)
    except WorkspaceError:
        return None
    parameters: Mapping[str, Any] = verdict.provenance.parameters if verdict.provenance is not None else {}
    return _loaded(item_of(verdict), source, parameters)


def _loaded(item: Item, source: Path, parameters: Mapping[str, Any]) -> Measurement:
    settings = (parameters.get("recipe") or {}).get("settings")
    return load(item, source=source, kind=parameters.get("kind"), format=parameters.get("format"), settings=settings)


def differences(kept: Verdict, now: Verdict) -> list[Difference]:
    """Compare the answers of two verdicts value by value.

    Examples
    --------
    >>> a = Verdict(whorl="0", task="identify", file="a.gr", none_probability=0.25)
    >>> [str(d) for d in differences(a, a.model_copy(update={"none_probability": 0.5}))]
    ['none_probability: 0.25 then, 0.5 now (+1.0e+00)']
    """
    one, other = kept.to_json_dict(), now.to_json_dict()
    found: list[Difference] = []
    for key in _ANSWER:
        _compare(key, one.get(key), other.get(key), found)
    return found


def _compare(place: str, one: Any, other: Any, found: list[Difference]) -> None:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(k for k in other if k not in one)]:
            _compare(f"{place}.{key}", one.get(key), other.get(key), found)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            _compare(f"{place}[{index}]", a, b, found)
    elif one != other:
        found.append(Difference(place, one, other))


def _reasons(kept: Verdict, now: Verdict) -> list[str]:
    reasons = [] if kept.whorl == __version__ else [f"whorl {kept.whorl} then, {__version__} now"]
    if kept.provenance is None or now.provenance is None:
        return reasons
    packages = dict(package_versions())
    for name, version in kept.provenance.packages.items():
        if name != "whorl" and packages.get(name) != version:
            reasons.append(f"{name} {version} then, {packages.get(name, 'not installed')} now")
    before, after = kept.provenance.catalogues, now.provenance.catalogues
    reasons += [f"catalogue {name} has changed" for name in before if after.get(name) != before[name]]
    return reasons


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
