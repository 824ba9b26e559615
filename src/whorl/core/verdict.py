"""The answer of a task: ranked candidates with calibrated doubt, in one versioned, JSON-ready shape.

`Verdict.to_json_dict` gives the public surface; `Verdict.model_json_schema` its schema, published under ``docs/``.
Curves and structures travel with the candidates in memory but are not part of the JSON: the workspace keeps them beside it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticSerializationError

from whorl.core.hypothesis import Hypothesis

SCHEMA_VERSION = 1

#: a float that is NaN or infinite when a fit has broken down: null in the JSON, NaN when read back
Number = Annotated[
    float,
    BeforeValidator(lambda value: float("nan") if value is None else value),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "null"}]}),
]


@dataclass(frozen=True)
class Curve:
    """Observed and calculated signal on the fitted points, arrays of shape (n,), in the technique's units."""

    x: NDArray[np.float64]
    observed: NDArray[np.float64]
    calculated: NDArray[np.float64]
    x_label: str
    y_label: str
    #: where the model of each phase has its features (reflections), one array for each phase; for marks in a plot
    marks: tuple[NDArray[np.float64], ...] = ()
    #: how it is drawn: "linear", or "log" for both axes
    scale: Literal["linear", "log"] = "linear"

    @property
    def difference(self) -> NDArray[np.float64]:
        """Observed minus calculated, shape (n,)."""
        return self.observed - self.calculated


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, ser_json_inf_nan="null")


class Quantity(_Model):
    """A value with its standard uncertainty (``None``: not refined or not known) and unit ("1" when it has none)."""

    value: Number
    sigma: float | None = None
    unit: str = "1"
    at_limit: bool = False


class Estimate(Quantity):
    """A quantity with an interval that holds the truth with the probability ``level``; ``None`` where none can be given."""

    interval: tuple[float, float] | None = None
    level: float = 0.9


class Phase(_Model):
    """One phase of a candidate."""

    name: str
    formula: str
    weight_fraction: Quantity
    group: str = Field("", description="the phase that a measured reference stands for")


class Correlations(_Model):
    """Correlation matrix of the refined parameters."""

    names: list[str]
    matrix: list[list[Number]]


class FitQuality(_Model):
    """How good a fit is and what the figure hangs on."""

    range: tuple[float, float]
    points: int
    independent_points: Number
    free_parameters: int
    reduced_chi_squared: float | None = Field(None, description="with measured sigma only")
    residual_autocorrelation: Number = Field(description="lag of one independent point; 0 for a structureless residual")
    largest_residual_at: Number = Field(description="position of the largest residual on the axis")
    converged: bool = True


class Unexplained(_Model):
    """What a fit leaves over that is not noise: its share of the signal's power up to ``reach`` on the axis, what it shows."""

    share: Quantity
    reach: Number
    features: list[Quantity] = Field([], description="positions of what stands out, on the axis")


class Candidate(_Model):
    """One possible answer with its refined parameters and its fit."""

    rank: int
    group: int = Field(description="candidates of one group cannot be told apart by this measurement")
    name: str
    kind: str
    formula: str
    family: str = ""
    space_group: int | None = None
    source: str = ""
    entries: list[str] = Field([], description="catalogue and key of each phase, as in compounds/NiO-rock-salt")
    probability: Number
    rw: Number
    evidence: Number = Field(description="tempered log evidence, natural log; differences count, the zero does not")
    parameters: dict[str, Quantity]
    phases: list[Phase] = []
    amorphous: Quantity | None = Field(
        None, description="share of the weight that no phase accounts for; with an internal standard only"
    )
    quality: FitQuality | None = None
    correlations: Correlations | None = None
    remainder: Unexplained | None = Field(None, description="looked for at the first candidate only")
    notes: list[str] = []
    instrument: dict[str, float | str] = Field({}, description="settings of the instrument as the fit used or refined them")
    structures: tuple[Hypothesis, ...] = Field((), exclude=True, repr=False)
    curve: Curve | None = Field(None, exclude=True, repr=False)
    #: of the weight fractions as far as they add up to 1, shape (phases, phases)
    weight_covariance: NDArray[np.float64] | None = Field(None, exclude=True, repr=False)


class SpaceGroup(_Model):
    """A space group and how probable the data alone make it, whatever the structure."""

    number: int
    symbol: str
    probability: Number


class Deciding(_Model):
    """A stretch of the axis that tells the first candidate from another, and for which of them it speaks."""

    range: tuple[float, float]
    evidence: Number = Field(description="log evidence for the first over the other from there; negative: for the other")
    probability_without: Number = Field(description="of the first against the other, with this stretch left out of the data")
    first: list[str] = Field([], description="what the first candidate has there: its reflections")
    other: list[str] = Field([], description="what the other has there")


class Explanation(_Model):
    """What decides between the first candidate and the next one that says something else."""

    other: str = Field(description="name of the other candidate")
    rank: int = Field(description="its rank; above the number of candidates listed where it is not among them")
    evidence: Number = Field(description="by how much log evidence and log prior put the first ahead, in all")
    probability: Number = Field(description="of the first, were there only these two")
    stretches: list[Deciding] = Field([], description="of the axis, the most telling first")


class Seen(_Model):
    """A phase as a trained network sees it, and the stretches of the axis that speak for it (or against it)."""

    name: str
    entry: str = Field("", description="catalogue and key in this search; empty where the search does not hold the phase")
    probability: Number = Field(description="that the phase is there, by the network alone")
    weight_fraction: Number = float("nan")
    stretches: list[tuple[float, float, float]] = Field(
        [], description="class activation: ends on the axis and log odds from there, beside those of a pattern without lines"
    )


class CredibleSet(_Model):
    """What may be true with the stated probability: what the fits leave, and what a network's conformal set holds beside."""

    level: float
    members: list[str]


class Opinion(_Model):
    """What a trained network proposed: its phases took part in the search, whose fits decided."""

    model: str
    phases: list[Seen] = Field([], description="the likeliest, and those of the candidates listed")
    set: CredibleSet | None = Field(
        None, description="conformal: holds the truth that often where data are like the training's"
    )
    farther: Number = Field(
        float("nan"), description="share of simulated measurements that are less like those of the training than this one"
    )


class Solutions(_Model):
    """Solutions that explain the data about as well, drawn with their probability: each row is one, all count the same."""

    names: list[str]
    units: list[str]
    rows: list[list[Number]]
    misfit: list[Number] = Field(description="R_w of each row")


class StructureFile(_Model):
    """A structure that was written to a file."""

    path: str
    name: str
    atoms: int
    meaning: str = ""


class Provenance(_Model):
    """What makes the answer repeatable."""

    command: str = ""
    parameters: dict[str, Any] = {}
    seed: int = 0
    time: str = Field("", description="start, ISO 8601 with time zone")
    python: str = ""
    packages: dict[str, str] = {}
    catalogues: dict[str, str] = Field({}, description="name of each catalogue searched and the hash of its content")


class ErrorReport(_Model):
    """Why a file has no answer."""

    where: str
    what: str
    remedy: str


class Verdict(_Model):
    """What a task says of one measurement.

    Examples
    --------
    >>> v = Verdict.failed("identify", "a.gr", {"where": "a.gr", "what": "the file is empty", "remedy": "Export it again."})
    >>> v.status, v.to_json_dict()["error"]["what"]
    ('error', 'the file is empty')
    """

    whorl: str
    schema_version: int = SCHEMA_VERSION
    task: str
    file: str
    sha256: str = ""
    technique: str = ""
    status: Literal["ok", "error"] = "ok"
    none_probability: float | None = None
    candidates: list[Candidate] = []
    set: CredibleSet | None = None
    deciding: Explanation | None = Field(None, description="where there are two candidates or more")
    opinion: Opinion | None = Field(None, description="where a trained network was asked too")
    space_groups: list[SpaceGroup] = Field([], description="where no candidate explains the data: what the data alone say")
    parameters: dict[str, Estimate] = Field({}, description="of quantify and solve: what was asked for, with intervals")
    solutions: Solutions | None = Field(None, description="of solve only: an ensemble for the first candidate")
    structures: list[StructureFile] = Field([], description="of solve only: files that were written")
    assumptions: list[str] = []
    warnings: list[str] = []
    provenance: Provenance | None = None
    run: str = ""
    seconds: float = 0.0
    error: ErrorReport | None = None

    @classmethod
    def failed(cls, task: str, file: str, error: dict[str, str], **more: Any) -> Verdict:
        """Make the verdict of an input that could not be processed."""
        from whorl import __version__

        return cls(whorl=__version__, task=task, file=file, status="error", error=ErrorReport(**error), **more)

    @property
    def best(self) -> Candidate | None:
        """First candidate, ``None`` when there is none."""
        return self.candidates[0] if self.candidates else None

    @property
    def is_none(self) -> bool:
        """True when *none of these* is the most probable answer."""
        return not self.candidates or (self.none_probability is not None and self.none_probability > 0.5)

    def to_json_dict(self) -> dict[str, Any]:
        """Give the public JSON object (floats finite or null; ``error``, ``parameters``, ``opinion`` ... if any)."""
        try:
            text = self.model_dump_json()  # this path alone turns NaN and infinities into null
        except PydanticSerializationError:  # a file name that is not UTF-8, carried as lone surrogates
            text = Verdict.model_validate(_printable(self.model_dump())).model_dump_json()
        data: dict[str, Any] = json.loads(text)
        if self.error is None:
            data.pop("error")
        for name in ("parameters", "structures"):
            if not getattr(self, name):
                data.pop(name)
        if self.solutions is None:
            data.pop("solutions")
        if self.opinion is None:
            data.pop("opinion")
        return data


def _printable(value: Any) -> Any:
    """Replace what UTF-8 cannot carry in every text of nested containers."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_printable(k): _printable(v) for k, v in value.items()}
    return [_printable(v) for v in value] if isinstance(value, list | tuple) else value
