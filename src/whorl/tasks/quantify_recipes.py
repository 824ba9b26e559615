"""Recipes of quantify (`whorl.tasks.recipes`): by references, a trained model, a form factor, or straight from a curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.tasks.recipe_parts import checked_range, common_arguments, known_settings
from whorl.techniques import room_of
from whorl.techniques.protocol import Progress

_LEVEL = 0.9


@dataclass(frozen=True)
class ByReferences:
    """Quantify by measured references (`whorl.tasks.quantify_references`).

    Examples
    --------
    >>> ByReferences("soil.csv", standard=("corundum", 0.2), exclude=("Opal",)).arguments()
    ['--references', 'soil.csv', '--standard', 'corundum=0.2', '--exclude', 'Opal']
    """

    task: ClassVar[str] = "quantify"
    technique: ClassVar[str] = "pd"

    references: str
    ratios: str | None = None
    standard: tuple[str, float] | None = None
    exclude: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    level: float = _LEVEL

    def __post_init__(self) -> None:
        object.__setattr__(self, "range", checked_range(self.range))
        object.__setattr__(self, "settings", known_settings(self.settings))
        if self.standard is not None and not 0 < self.standard[1] < 1:
            name, share = self.standard
            raise UsageError(f"standard {name}={share:g}", remedy="Give its weight fraction in the mixture, between 0 and 1.")

    def as_dict(self) -> dict[str, Any]:
        """See `whorl.tasks.recipes.Recipe.as_dict`."""
        return {
            "references": self.references,
            "ratios": self.ratios,
            "standard": None if self.standard is None else list(self.standard),
            "exclude": list(self.exclude),
            "only": list(self.only),
            "range": None if self.range is None else list(self.range),
            "settings": dict(self.settings),
            "level": self.level,
        }

    def content(self) -> dict[str, str]:
        """See `whorl.tasks.recipes.Recipe.content`: the references by their hash."""
        return {self.references: room_of(self.technique, "references").open_library(self.references, self.ratios).digest}

    def extra(self) -> dict[str, bytes]:
        """See `whorl.tasks.recipes.Recipe.extra`; references are not copied."""
        return {}

    def arguments(self) -> list[str]:
        """See `whorl.tasks.recipes.Recipe.arguments`."""
        words = ["--references", self.references]
        words += [] if self.ratios is None else ["--rir", self.ratios]
        words += [] if self.standard is None else ["--standard", f"{self.standard[0]}={self.standard[1]:g}"]
        for option, names in (("--exclude", self.exclude), ("--only", self.only)):
            words += [word for name in names for word in (option, name)]
        words += [] if self.level == _LEVEL else ["--level", f"{self.level:g}"]
        return words + common_arguments(self.range, self.settings)

    def run(
        self, measurement: Measurement, *, content: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Verdict:
        """See `whorl.tasks.recipes.Recipe.run`."""
        del content, progress
        from whorl.tasks.quantify_references import quantify_by_references

        return quantify_by_references(
            measurement,
            self.references,
            ratios=self.ratios,
            standard=self.standard,
            exclude=self.exclude,
            only=self.only,
            range=self.range,
            settings=self.settings,
            level=self.level,
        )


@dataclass(frozen=True)
class ByModel:
    """Quantify by a trained model (`whorl.tasks.quantify`), one pattern at a time, each kept as a run.

    Examples
    --------
    >>> ByModel("catalyst", settings={"wavelength": 0.2}).arguments()
    ['--model', 'catalyst', '--keep', '--set', 'wavelength=0.2']
    """

    task: ClassVar[str] = "quantify"

    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    level: float = _LEVEL

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", known_settings(self.settings))

    def as_dict(self) -> dict[str, Any]:
        """See `whorl.tasks.recipes.Recipe.as_dict`."""
        return {"model": self.model, "settings": dict(self.settings), "level": self.level}

    def content(self) -> dict[str, str]:
        """See `whorl.tasks.recipes.Recipe.content`: the weights by their hash."""
        from whorl.tasks.quantify import opened

        return {self.model: opened(self.model).card.sha256}

    def extra(self) -> dict[str, bytes]:
        """See `whorl.tasks.recipes.Recipe.extra`; models are not copied."""
        return {}

    def arguments(self) -> list[str]:
        """See `whorl.tasks.recipes.Recipe.arguments`."""
        words = ["--model", self.model, "--keep"]
        words += [] if self.level == _LEVEL else ["--level", f"{self.level:g}"]
        return words + common_arguments(None, self.settings)

    def run(
        self, measurement: Measurement, *, content: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Verdict:
        """See `whorl.tasks.recipes.Recipe.run`."""
        del content, progress
        from whorl.tasks.quantify import opened, quantify

        return quantify(measurement, opened(self.model), settings=self.settings, level=self.level)


@dataclass(frozen=True)
class ByCurve:
    """Quantify a small-angle curve without a model (`whorl.tasks.quantify_curve`).

    Examples
    --------
    >>> ByCurve("guinier,sizes", contrast=3.0, kernel="ellipsoid").arguments()
    ['--method', 'guinier,sizes', '--contrast', '3', '--kernel', 'ellipsoid']
    """

    task: ClassVar[str] = "quantify"

    method: str = "all"
    contrast: float | None = None
    kernel: str = "sphere"
    range: tuple[float, float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    level: float = _LEVEL

    def __post_init__(self) -> None:
        from whorl.tasks.quantify_curve import known_level

        object.__setattr__(self, "range", checked_range(self.range))
        object.__setattr__(self, "settings", known_settings(self.settings))
        object.__setattr__(self, "level", known_level(self.level))
        room_of("sas", "model_free").known_methods(self.method)
        if self.contrast is not None and not self.contrast > 0:
            raise UsageError(f"contrast {self.contrast:g}", remedy="Give its absolute value, in 1e-6/angstrom^2.")

    def as_dict(self) -> dict[str, Any]:
        """See `whorl.tasks.recipes.Recipe.as_dict`."""
        return {
            "method": self.method,
            "contrast": self.contrast,
            "kernel": self.kernel,
            "range": None if self.range is None else list(self.range),
            "settings": dict(self.settings),
            "level": self.level,
        }

    def content(self) -> dict[str, str]:
        """See `whorl.tasks.recipes.Recipe.content`: nothing."""
        return {}

    def extra(self) -> dict[str, bytes]:
        """See `whorl.tasks.recipes.Recipe.extra`: nothing."""
        return {}

    def arguments(self) -> list[str]:
        """See `whorl.tasks.recipes.Recipe.arguments`."""
        words = ["--method", self.method]
        words += [] if self.contrast is None else ["--contrast", f"{self.contrast:g}"]
        words += [] if self.kernel == "sphere" else ["--kernel", self.kernel]
        words += [] if self.level == _LEVEL else ["--level", f"{self.level:g}"]
        return words + common_arguments(self.range, self.settings)

    def run(
        self, measurement: Measurement, *, content: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Verdict:
        """See `whorl.tasks.recipes.Recipe.run`."""
        del content, progress
        from whorl.formats.steering import without_steering
        from whorl.tasks.quantify_curve import quantify_curve

        return quantify_curve(
            measurement,
            self.method,
            range=self.range,
            settings=without_steering(self.settings),
            contrast=self.contrast,
            kernel=self.kernel,
            level=self.level,
        )


@dataclass(frozen=True)
class ByFormFactor:
    """Quantify small-angle curves by a named model (`whorl.tasks.quantify_form_factor`).

    Examples
    --------
    >>> ByFormFactor("core_shell_sphere", range=(0.01, 0.3), level=0.95).arguments()
    ['--model', 'core_shell_sphere', '--level', '0.95', '--range', '0.01:0.3']
    """

    task: ClassVar[str] = "quantify"

    form_factor: str
    range: tuple[float, float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    level: float = _LEVEL

    def __post_init__(self) -> None:
        object.__setattr__(self, "range", checked_range(self.range))
        object.__setattr__(self, "settings", known_settings(self.settings))

    def as_dict(self) -> dict[str, Any]:
        """See `whorl.tasks.recipes.Recipe.as_dict`."""
        return {
            "form_factor": self.form_factor,
            "range": None if self.range is None else list(self.range),
            "settings": dict(self.settings),
            "level": self.level,
        }

    def content(self) -> dict[str, str]:
        """See `whorl.tasks.recipes.Recipe.content`: the weights by their hash."""
        from whorl.tasks.quantify_form_factor import weights

        return {"parameters": weights()}

    def extra(self) -> dict[str, bytes]:
        """See `whorl.tasks.recipes.Recipe.extra`: nothing."""
        return {}

    def arguments(self) -> list[str]:
        """See `whorl.tasks.recipes.Recipe.arguments`."""
        words = ["--model", self.form_factor]
        words += [] if self.level == _LEVEL else ["--level", f"{self.level:g}"]
        return words + common_arguments(self.range, self.settings)

    def run(
        self, measurement: Measurement, *, content: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Verdict:
        """See `whorl.tasks.recipes.Recipe.run`."""
        del content, progress
        from whorl.formats.steering import without_steering
        from whorl.tasks.quantify_form_factor import quantify_form_factor

        settings = without_steering(self.settings)
        return quantify_form_factor(measurement, self.form_factor, range=self.range, settings=settings, level=self.level)


def quantify_recipe(given: Mapping[str, Any]) -> ByReferences | ByModel | ByFormFactor | ByCurve:
    """Make the recipe of a kept run again from what ``as_dict`` gave; the range is a tuple already."""
    given = dict(given)
    if "method" in given:
        return ByCurve(**given)
    if "form_factor" in given:
        return ByFormFactor(**given)
    if "references" not in given:
        given.pop("range", None)
        return ByModel(**given)
    standard = given.pop("standard")
    return ByReferences(
        **given | {"exclude": tuple(given["exclude"]), "only": tuple(given["only"])},
        standard=None if standard is None else (str(standard[0]), float(standard[1])),
    )
