"""What a task is asked to do, as plain data: made by a face, run anywhere, kept with the run, made again for a replay.

A recipe holds every parameter that the answer depends on, defaults included. The command line, the Python API and a replay make
the same recipe, so they give the same bits.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, Protocol

from whorl.catalogues import Catalogue, builtin_catalogues, open_catalogue
from whorl.catalogues.substitution import substitutions
from whorl.core.errors import UsageError, WorkspaceError
from whorl.core.hypothesis import Hypothesis
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.formats.steering import without_steering
from whorl.models.registry import find_model
from whorl.tasks import hypotheses
from whorl.tasks.recipe_parts import checked_range, common_arguments, known_elements, known_settings, number, plain
from whorl.tasks.start import Start
from whorl.tasks.weighed_in import by_standard
from whorl.techniques.protocol import Progress
from whorl.techniques.restrained import Known


class Recipe(Protocol):
    """A task with all its parameters; picklable, and kept as JSON."""

    task: ClassVar[str]

    def as_dict(self) -> dict[str, Any]:
        """Give the parameters as JSON-ready data."""
        ...

    def content(self) -> dict[str, str]:
        """Give what the parameters name but do not hold: name of each catalogue or structure and the hash of its content."""
        ...

    def extra(self) -> dict[str, bytes]:
        """Give the files that a replay needs beside the parameters."""
        ...

    def arguments(self) -> list[str]:
        """Give the words of the command line after the input that ask for the same."""
        ...

    def run(
        self, measurement: Measurement, *, content: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Verdict:
        """Do the task on one frame; with the ``content`` that was seen before, what was opened then is used again."""
        ...


@dataclass(frozen=True)
class Identify:
    """Identify a measurement among the built-in catalogues and those of the user.

    Parameters
    ----------
    elements : tuple of str, optional
        Elements the sample may hold.
    catalogues : tuple of str
        Names or folders searched beside the built-in ones.
    only : bool
        Search nothing but ``catalogues``.
    top : int
        Candidates returned.
    range : (low, high), optional
        Part of the axis to fit.
    settings : mapping
        Overrides of what the file states of the instrument.
    also : tuple of str
        Entries ("compounds/NiO-rock-salt") that take part however poor they look at first.
    proposer : str
        Model, or folder of one, that proposes phases beside the search (`whorl train pd-phases`).

    Examples
    --------
    >>> Identify(elements=("Li", "O"), top=3).arguments()
    ['--elements', 'Li,O', '--top', '3']
    """

    task: ClassVar[str] = "identify"

    elements: tuple[str, ...] | None = None
    catalogues: tuple[str, ...] = ()
    only: bool = False
    top: int = 5
    range: tuple[float, float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    proposer: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "elements", known_elements(self.elements))
        object.__setattr__(self, "also", tuple(sorted(set(self.also))))
        object.__setattr__(self, "range", checked_range(self.range))
        object.__setattr__(self, "settings", known_settings(self.settings))
        if self.top < 1:
            raise UsageError(f"top {self.top}", remedy="Ask for at least one candidate.")
        if self.only and not self.catalogues:
            raise UsageError(
                "only the given catalogues are to be searched, and none is given", remedy="Name one with --catalogue."
            )

    def as_dict(self) -> dict[str, Any]:
        """See `Recipe.as_dict`."""
        return {
            "elements": None if self.elements is None else list(self.elements),
            "catalogues": list(self.catalogues),
            "only": self.only,
            "top": self.top,
            "range": None if self.range is None else list(self.range),
            "settings": dict(self.settings),
            "also": list(self.also),
            "proposer": self.proposer,
        }

    def content(self) -> dict[str, str]:
        """See `Recipe.content`; the catalogues are brought up to date."""
        found = {catalogue.name: catalogue.content_hash for catalogue in open_all(self.catalogues, only=self.only)}
        return found | ({f"model {self.proposer}": find_model(self.proposer).card.sha256} if self.proposer else {})

    def extra(self) -> dict[str, bytes]:
        """See `Recipe.extra`; catalogues are not copied."""
        return {}

    def arguments(self) -> list[str]:
        """See `Recipe.arguments`."""
        words = [] if self.elements is None else ["--elements", ",".join(self.elements)]
        for name in self.catalogues:
            words += ["--catalogue", name]
        words += ["--only"] if self.only else []
        words += [] if self.top == Identify.top else ["--top", str(self.top)]
        for key in self.also:
            words += ["--also", key]
        words += ["--proposer", self.proposer] if self.proposer else []
        return words + common_arguments(self.range, self.settings)

    def run(
        self, measurement: Measurement, *, content: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Verdict:
        """See `Recipe.run`."""
        from whorl.tasks.identify import identify

        if content is None:
            found = open_all(self.catalogues, only=self.only)
        else:
            found = _opened(self.catalogues, self.only, tuple(content.items()))
        return identify(
            measurement,
            catalogues=found,
            elements=self.elements,
            top=self.top,
            range=self.range,
            settings=without_steering(self.settings),
            also=self.also,
            proposer=self.proposer,
            further=self._substituted if self.elements and len(self.elements) > 1 and not self.only else None,
            progress=progress,
        )

    def _substituted(self) -> list[Catalogue]:
        """The elements given, put on the sites of known prototypes: searched where nothing known explains the data."""
        assert self.elements is not None
        return [substitutions(self.elements)]


@dataclass(frozen=True)
class Refine:
    """Refine structures, together the phases of one candidate.

    Parameters
    ----------
    structures : tuple of Hypothesis
    sources : tuple of str
        How the user named each: a file, a catalogue entry.
    range, settings
        As in `Identify`.
    fixed : mapping
        Parameters to hold, by name.
    size : bool, optional
        Crystals are particles (True), bulk (False), or whatever the data decide.
    shape : str, optional
        Shape of the particles.
    free : tuple of str
        Parameters to refine that are held by default.
    ties, restraints : tuple of str
        As `whorl.fitting.constraints` reads them.
    start : Start, optional
        Where the frame before ended, of a frame of a series.
    standard : (str, float), optional
        Phase that was weighed in, by name, formula or number, and its weight fraction.
    """

    task: ClassVar[str] = "refine"

    structures: tuple[Hypothesis, ...] = ()
    sources: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    size: bool | None = None
    shape: str | None = None
    free: tuple[str, ...] = ()
    ties: tuple[str, ...] = ()
    restraints: tuple[str, ...] = ()
    start: Start | None = None
    standard: tuple[str, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "range", checked_range(self.range))
        object.__setattr__(self, "settings", known_settings(self.settings))
        object.__setattr__(self, "fixed", plain(self.fixed))
        for name in ("free", "ties", "restraints"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        Known.read(self.ties, self.restraints)  # says at once what is wrong with them
        if self.standard is not None:
            object.__setattr__(self, "standard", (str(self.standard[0]), float(self.standard[1])))
        if not self.structures:
            raise UsageError("no structure to refine", remedy="Name at least one CIF or XYZ file or catalogue entry.")

    def as_dict(self) -> dict[str, Any]:
        """See `Recipe.as_dict`."""
        return {
            "structures": list(self.sources or [s.name for s in self.structures]),
            "range": None if self.range is None else list(self.range),
            "settings": dict(self.settings),
            "fixed": dict(self.fixed),
            "size": self.size,
            "shape": self.shape,
            "free": list(self.free),
            "ties": list(self.ties),
            "restraints": list(self.restraints),
            "standard": None if self.standard is None else list(self.standard),
        } | ({} if self.start is None else {"start": self.start.as_dict()})

    def content(self) -> dict[str, str]:
        """See `Recipe.content`."""
        return {f"{i}:{s.name}": hypotheses.digest(s) for i, s in enumerate(self.structures, 1)}

    def extra(self) -> dict[str, bytes]:
        """See `Recipe.extra`: the structures as they were before the refinement."""
        return {START: hypotheses.dump(self.structures)}

    def arguments(self) -> list[str]:
        """See `Recipe.arguments`."""
        words = list(self.sources or [s.name for s in self.structures])
        for name, value in self.fixed.items():
            words += ["--fix", f"{name}={number(value)}"]
        words += [] if self.size is None else ["--size" if self.size else "--no-size"]
        words += [] if self.shape is None else ["--shape", self.shape]
        for option, texts in (("--free", self.free), ("--tie", self.ties), ("--restrain", self.restraints)):
            words += [word for text in texts for word in (option, text)]
        words += [] if self.standard is None else ["--standard", f"{self.standard[0]}={self.standard[1]:g}"]
        words += [] if self.start is None else ["--series"]
        return words + common_arguments(self.range, self.settings)

    def run(
        self, measurement: Measurement, *, content: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Verdict:
        """See `Recipe.run`."""
        del content
        from whorl.tasks.refine import refine
        from whorl.tasks.warm import refine_from

        known = Known.read(self.ties, self.restraints)
        given: dict[str, Any] = {"range": self.range, "settings": without_steering(self.settings), "fixed": self.fixed}
        given |= {"size": self.size, "shape": self.shape, "free": self.free, "known": known}
        if self.start is not None:
            found = refine_from(measurement, self.structures, self.start, **given)
        else:
            found = refine(measurement, self.structures, **given, progress=progress)
        return found if self.standard is None else by_standard(found, self.standard)


#: file of a kept run that holds the structures a refinement started from
START = "start.json"


def recipe_from(task: str, parameters: Mapping[str, Any], extra: Mapping[str, bytes]) -> Recipe:
    """Make the recipe of a kept run again.

    Parameters
    ----------
    task : str
    parameters : mapping
        What `Recipe.as_dict` gave.
    extra : mapping of file name to bytes
        What `Recipe.extra` gave.

    Raises
    ------
    WorkspaceError
        If the run was kept without them, or by a task that cannot be repeated.
    """
    given = dict(parameters)
    try:
        limits = given.pop("range", None)
        given["range"] = None if limits is None else (limits[0], limits[1])
        if task == "identify":
            elements = given.pop("elements")
            lists = {"catalogues": tuple(given["catalogues"]), "also": tuple(given.get("also", ()))}
            return Identify(**given | lists, elements=None if elements is None else tuple(elements))
        if task == "refine":
            sources, start = tuple(given.pop("structures")), given.pop("start", None)
            begun = None if start is None else Start.from_dict(start)
            return Refine(**given, sources=sources, structures=hypotheses.load(extra[START]), start=begun)
        if task == "quantify":
            from whorl.tasks.quantify_recipes import quantify_recipe

            return quantify_recipe(given)
        if task == "solve":
            from whorl.tasks.solve_recipe import solve_recipe

            return solve_recipe(given)
    except (KeyError, TypeError, ValueError) as error:
        raise WorkspaceError(
            f"the parameters of this run cannot be used ({error!r})", remedy="Run the task itself again."
        ) from error
    raise WorkspaceError(f"a run of {task!r} cannot be repeated", remedy="Run the task itself again.")


def command_of(recipe: Recipe, name: str) -> str:
    """Write the command line that repeats a recipe on an input, quoted for a shell.

    Examples
    --------
    >>> command_of(Identify(settings={"qmax": 22.0}), "my data.gr")
    "whorl identify 'my data.gr' --set qmax=22"
    """
    return shlex.join(["whorl", recipe.task, name, *recipe.arguments()])


def open_all(names: Sequence[str], *, only: bool) -> list[Catalogue]:
    """Open the built-in catalogues, unless ``only``, and those named, each once."""
    found = [] if only else builtin_catalogues(None)
    known = {catalogue.name for catalogue in found}
    for name in names:
        catalogue = open_catalogue(name)
        if catalogue.name not in known or name not in known:
            found.append(catalogue)
            known.add(name)
    return found


@lru_cache(maxsize=2)
def _opened(names: tuple[str, ...], only: bool, content: tuple[tuple[str, str], ...]) -> list[Catalogue]:
    del content  # what the catalogues hold: when it changes, they are opened anew
    return open_all(names, only=only)
