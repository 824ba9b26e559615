"""A model's card: what it is for, what it was trained on, how well it did, where it fails, and which file it belongs to.

A card is a TOML file beside the weights. It is the only thing about a model that people read, so it says in words what the
numbers in the weights cannot: the domain, the ranges of every parameter in training, the grid and the units of the input, the
seed and the command that make the same model again, the measured figures, the known failures.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from whorl.core.atomic import write_atomic
from whorl.core.errors import WhorlError
from whorl.models.tomltext import to_toml

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_LARGEST_CARD = 4_000_000  # bytes


class ModelError(WhorlError):
    """A trained model is missing, broken, or not what its card says."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Grid(_Part):
    """Points that a curve is sampled at: ``start``, ``start + step`` ... ``stop``, both ends counted.

    Examples
    --------
    >>> Grid(start=0.0, stop=30.0, step=0.1, unit="angstrom").count
    301
    """

    start: float
    stop: float
    step: float = Field(gt=0)
    unit: str

    @property
    def count(self) -> int:
        """Number of points."""
        return round((self.stop - self.start) / self.step) + 1


class Interval(_Part):
    """What a parameter was drawn from in training.

    ``law`` is "uniform", "log-uniform", "fixed", or another in words.
    """

    low: float
    high: float
    unit: str = "1"
    law: str = "uniform"


class Port(_Part):
    """One input or output: its name in the weights, shape ("n x 304"), unit, and what it holds."""

    name: str
    shape: str
    unit: str = "1"
    meaning: str


class Metric(_Part):
    """One measured figure. ``low`` and ``high`` enclose it at 95 %; ``cases`` is how many it was measured on."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    cases: int | None = None
    note: str = ""


class Training(_Part):
    """How the weights came about, so that the command makes them again.

    Attributes
    ----------
    command : str
        ``whorl train NAME ...``
    seed, cases : int
        ``meaning_of_cases`` says what is counted.
    cpu_seconds : float
        All threads together.
    libraries : dict of str to str
        Versions of what the weights depend on.
    date : str
        ISO 8601.
    """

    command: str
    seed: int
    cases: int
    meaning_of_cases: str = "training cases"
    settings: dict[str, bool | int | float | str] = Field(default_factory=dict)
    cpu_seconds: float = 0.0
    libraries: dict[str, str] = Field(default_factory=dict)
    date: str = ""


class Card(_Part):
    """What is known of a trained model.

    Attributes
    ----------
    name : str
        Lower case letters, digits, ``-``; what is typed.
    title, task, technique : str
        What it is, what it does ("proposer", "space group"), for which technique.
    engine : str
        ``"onnx"`` or ``"xgboost"``.
    file, sha256 : str
        Weights, beside the card, and their hash.
    domain : str
        What it may be asked, in words.
    grid : Grid, optional
        Sampling of the curve it takes.
    inputs, outputs : tuple of Port
    ranges : dict of str to Interval
        Parameters of training.
    training : Training
    metrics : tuple of Metric
    known_failures, references : tuple of str
    classes : tuple of str
        Labels of the outputs, in their order.
    constants : dict of str to (list of) numbers
        Numbers that are used with the outputs, such as a temperature.

    Examples
    --------
    >>> training = Training(command="whorl train toy", seed=1, cases=10)
    >>> what = dict(name="toy", title="A toy", task="proposer", domain="none", engine="onnx", file="toy.onnx")
    >>> card = Card(**what, training=training)
    >>> Card.from_text(card.to_text()) == card
    True
    """

    name: str
    title: str
    task: str
    technique: str = "pdf"
    engine: Literal["onnx", "xgboost"]
    file: str
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    domain: str
    grid: Grid | None = None
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    ranges: dict[str, Interval] = Field(default_factory=dict)
    training: Training
    metrics: tuple[Metric, ...] = ()
    known_failures: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    constants: dict[str, float | tuple[float, ...]] = Field(default_factory=dict)

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("lower case letters, digits and '-' only")
        return name

    @field_validator("file")
    @classmethod
    def _beside(cls, file: str) -> str:
        if not _FILE.fullmatch(file):
            raise ValueError("the weights lie beside the card: a plain file name, no folder")
        return file

    def to_text(self) -> str:
        """Give the card as TOML; what is unset is left out."""
        return to_toml(self.model_dump(exclude_none=True, exclude_defaults=True))

    @classmethod
    def from_text(cls, text: str, *, where: str = "") -> Card:
        """Read a card.

        Raises
        ------
        ModelError
            If the text is no TOML or no card.
        """
        remedy = "Install whorl again, or make the model anew with `whorl train`."
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ModelError(f"the card is no TOML ({error})", where=where, remedy=remedy) from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "card"
            raise ModelError(f"the card is not valid: {field}: {first['msg']}", where=where, remedy=remedy) from error


def read_card(path: Path) -> Card:
    """Read a card from a file.

    Raises
    ------
    ModelError
        If it cannot be read or is no card.
    """
    try:
        if path.stat().st_size > _LARGEST_CARD:
            raise ModelError("too large for a card", where=str(path), remedy="A card is a TOML file of at most 4 MB.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ModelError(f"the card cannot be read ({why})", where=str(path), remedy="Check the file.") from error
    return Card.from_text(text, where=str(path))


def write_card(card: Card, path: Path) -> None:
    """Write a card to a file, whole or not at all.

    Raises
    ------
    ModelError
        If it cannot be written.
    """
    write_atomic(path, card.to_text(), kind=ModelError)
