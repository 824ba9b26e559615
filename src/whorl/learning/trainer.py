"""What a trainer is: a committed recipe that makes one model, with its defaults, from a seed.

A trainer is asked with a `Request` and gives the card and the weights. It says how far it is, may keep unfinished work in
``request.scratch`` (and find it there when the same request is made again after an interruption), and draws all randomness from
``request.seed``: the same request gives the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from whorl.models.card import Card

Setting = bool | int | float | str
Progress = Callable[[str, int, int], None]


def silent(_stage: str, _done: int, _total: int) -> None:
    """Say nothing of the progress."""


@dataclass(frozen=True)
class Request:
    """What is asked of a trainer.

    Attributes
    ----------
    seed, cases : int
        The trainer says what its cases are.
    settings : mapping of str to value
        The trainer's own, complete.
    scratch : Path
        Folder for unfinished work; the trainer makes it when it needs it.
    progress : callable
        Told the stage, how much of it is done, and of how much.
    """

    seed: int
    cases: int
    settings: Mapping[str, Setting]
    scratch: Path
    progress: Progress = silent


@dataclass(frozen=True)
class Trained:
    """What a trainer gives: the card, but for hash, command, date and versions, and the weights."""

    card: Card
    weights: bytes


@dataclass(frozen=True)
class Trainer:
    """A recipe: its defaults and the function that makes the model.

    Attributes
    ----------
    name : str
        Of the card.
    summary : str
        One line.
    seed, cases : int
        Defaults.
    meaning_of_cases : str
        What is counted: "simulated PDFs of each structure".
    train : callable
        `Request` to `Trained`.
    settings : mapping of str to value
        Defaults of what may be set; a value given must be of the same type.
    libraries : tuple of str
        Modules the recipe needs, whose versions go into the card.
    resumes : bool
        True when an interrupted run goes on where it was.
    """

    name: str
    summary: str
    seed: int
    cases: int
    meaning_of_cases: str
    train: Callable[[Request], Trained]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()
    resumes: bool = False
