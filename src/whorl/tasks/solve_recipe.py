"""The recipe of solve (`whorl.tasks.recipes`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.core.provenance import sha256_file
from whorl.core.verdict import Verdict
from whorl.formats.steering import without_steering
from whorl.tasks.recipe_parts import checked_range, common_arguments, known_settings, number
from whorl.techniques.protocol import Progress

Span = tuple[float, float]


@dataclass(frozen=True)
class Solve:
    """Reconstruct the structure of a geometry (`whorl.tasks.solve`).

    Parameters
    ----------
    geometries : tuple of str
        Names or TOML files.
    spans : mapping of str to (low, high)
        Where genes are searched; equal ends hold one.
    options : mapping of str to str
        Choices of the geometry.
    range, settings
        As for `whorl.tasks.recipes.Identify`.
    seed : int
    effort : str
        "full" or "quick".

    Examples
    --------
    >>> Solve(("vesicle",), spans={"composition": (0.6, 0.6), "width": (0.0, 0.3)}, seed=3).arguments()
    ['--geometry', 'vesicle', '--gene', 'composition=0.6', '--gene', 'width=0:0.3', '--seed', '3']
    """

    task: ClassVar[str] = "solve"

    geometries: tuple[str, ...]
    spans: Mapping[str, Span] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    range: tuple[float, float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    effort: str = "full"

    def __post_init__(self) -> None:
        object.__setattr__(self, "range", checked_range(self.range))
        object.__setattr__(self, "settings", known_settings(self.settings))
        object.__setattr__(self, "spans", {k: (float(v[0]), float(v[1])) for k, v in self.spans.items()})
        if not self.geometries:
            raise UsageError("no geometry is given", remedy="Name one with --geometry.")
        if self.seed < 0:
            raise UsageError(f"seed {self.seed}", where="--seed", remedy="Give 0 or more.")

    def as_dict(self) -> dict[str, Any]:
        """See `whorl.tasks.recipes.Recipe.as_dict`."""
        return {
            "geometries": list(self.geometries),
            "spans": {k: list(v) for k, v in self.spans.items()},
            "options": dict(self.options),
            "range": None if self.range is None else list(self.range),
            "settings": dict(self.settings),
            "seed": self.seed,
            "effort": self.effort,
        }

    def content(self) -> dict[str, str]:
        """See `whorl.tasks.recipes.Recipe.content`: geometries in files by their hash."""
        return {name: sha256_file(name) for name in self.geometries if Path(name).suffix.lower() == ".toml"}

    def extra(self) -> dict[str, bytes]:
        """See `whorl.tasks.recipes.Recipe.extra`; geometries are not copied."""
        return {}

    def arguments(self) -> list[str]:
        """See `whorl.tasks.recipes.Recipe.arguments`."""
        words = [word for name in self.geometries for word in ("--geometry", name)]
        for name, (low, high) in self.spans.items():
            words += ["--gene", f"{name}={number(low)}" + ("" if low == high else f":{number(high)}")]
        words += [word for k, v in self.options.items() for word in ("--option", f"{k}={v}")]
        words += [] if self.seed == 0 else ["--seed", str(self.seed)]
        words += [] if self.effort == "full" else ["--effort", self.effort]
        return words + common_arguments(self.range, self.settings)

    def run(
        self, measurement: Measurement, *, content: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Verdict:
        """See `whorl.tasks.recipes.Recipe.run`."""
        del content
        from whorl.tasks.solve import solve

        return solve(
            measurement,
            self.geometries,
            spans=self.spans,
            options=self.options,
            range=self.range,
            settings=without_steering(self.settings),
            seed=self.seed,
            effort=self.effort,
            progress=progress,
        )


def solve_recipe(given: Mapping[str, Any]) -> Solve:
    """Make the recipe of a kept run again from what ``as_dict`` gave; the range is a tuple already."""
    spans = {k: (float(v[0]), float(v[1])) for k, v in given["spans"].items()}
    return Solve(**dict(given) | {"geometries": tuple(given["geometries"]), "spans": spans})


def read_span(word: str) -> tuple[str, Span]:
    """Read ``NAME=LOW:HIGH`` or ``NAME=VALUE``.

    Raises
    ------
    UsageError
        If it is neither.

    Examples
    --------
    >>> read_span("core_radius=50:400"), read_span("composition=0.6")
    (('core_radius', (50.0, 400.0)), ('composition', (0.6, 0.6)))
    """
    name, mark, text = (part.strip() for part in word.partition("="))
    low, colon, high = text.partition(":")
    try:
        span = float(low), float(high if colon else low)
    except ValueError:
        mark = ""
        span = 0.0, 0.0
    if not mark or not name:
        raise UsageError(f"--gene {word} is no span", remedy="Write NAME=LOW:HIGH, or NAME=VALUE to hold it.")
    return name, span
