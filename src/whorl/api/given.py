"""What callers may give: names of files, structures, catalogues and workspaces, or the things themselves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from whorl.core.hypothesis import Hypothesis
from whorl.core.measurement import Measurement
from whorl.core.workspace import Workspace
from whorl.tasks import hypotheses

Source = str | os.PathLike[str] | Measurement
Place = Workspace | str | os.PathLike[str] | None | bool
Names = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None
Given = Hypothesis | str | os.PathLike[str]


def structure(given: Given) -> Hypothesis:
    """A structure, a file of one, or the name of a catalogue entry."""
    return given if isinstance(given, Hypothesis) else hypotheses.find(os.fspath(given))


def names(given: Names) -> tuple[str, ...]:
    """Names of catalogues or folders: one or several."""
    if given is None:
        return ()
    if isinstance(given, str | os.PathLike):
        return (os.fspath(given),)
    return tuple(os.fspath(name) for name in given)


def workspace_of(place: Place) -> Workspace | None:
    """Where runs are kept: a workspace, its folder, the default (None, True), or nowhere (False)."""
    if place is False:
        return None
    if isinstance(place, Workspace):
        return place
    return Workspace.open(None if place is None or place is True else Path(place))
