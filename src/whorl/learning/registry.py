"""Trainers by the name of the card they make, and the one way to run them.

To add a trainer, write its module with ``TRAINERS``, a dictionary of name to `Trainer`, and name it in `_MODULES`.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import shlex
import shutil
import time
from collections.abc import Mapping
from difflib import get_close_matches
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from whorl import __version__
from whorl.core.errors import UsageError
from whorl.learning.trainer import Progress, Request, Setting, Trainer, silent
from whorl.models.registry import Found, save_model, trained

#: name of a card -> module that trains it; modules are imported when they are asked
_MODULES: dict[str, str] = {
    "metals-trees": "whorl.learning.catalogue_trees",
    "polyoxometalates-trees": "whorl.learning.catalogue_trees",
    "compounds-trees": "whorl.learning.catalogue_trees",
    "space-groups-pdf": "whorl.learning.space_groups",
    "pd-symmetry": "whorl.learning.crystal_systems",
    "pd-quantify": "whorl.learning.pd_quantify",
    "pd-phases": "whorl.learning.pd_phases",
    "sas-surrogate-cylinder": "whorl.learning.sas_surrogates",
    "sas-surrogate-sc-paracrystal": "whorl.learning.sas_surrogates",
    "sas-surrogate-bcc-paracrystal": "whorl.learning.sas_surrogates",
    "sas-surrogate-fcc-paracrystal": "whorl.learning.sas_surrogates",
    "sas-classes": "whorl.learning.sas_classes",
    "sas-scatterers": "whorl.learning.sas_scatterers",
    "sas-parameters": "whorl.learning.sas_parameters",
}


def list_trainers() -> list[str]:
    """Names of all cards that can be trained, without importing their recipes."""
    return list(_MODULES)


def find_trainer(name: str) -> Trainer:
    """Give the trainer of a card.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in _MODULES:
        close = get_close_matches(name, _MODULES, n=1)
        remedy = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(_MODULES)}."
        raise UsageError(f"no trainer for a card {name!r}", remedy=remedy)
    found: Trainer = importlib.import_module(_MODULES[name]).TRAINERS[name]
    return found


def train(
    name: str,
    *,
    seed: int | None = None,
    cases: int | None = None,
    settings: Mapping[str, Setting] | None = None,
    out: str | Path | None = None,
    progress: Progress = silent,
) -> Found:
    """Train a model and write it with its card.

    Unfinished work is kept beside the result, in a folder whose name begins with a dot, until the model is written. A recipe
    that resumes finds it there when the same call is made again.

    Parameters
    ----------
    name : str
        Of the card.
    seed, cases : int, optional
        The recipe's own by default.
    settings : mapping, optional
        Those that differ from the recipe's.
    out : str or Path, optional
        Folder to write; ``models/NAME`` in the user's whorl folder by default, where the model is found by its name.
    progress : callable, optional

    Returns
    -------
    Found
        The model on disk.

    Raises
    ------
    UsageError
        If the name, the number of cases or a setting is not possible.
    MissingExtraError
        If a library of the recipe is not installed.
    ModelError
        If the result cannot be written.
    """
    trainer = find_trainer(name)
    chosen = _settings(trainer, settings or {})
    seed = trainer.seed if seed is None else seed
    cases = trainer.cases if cases is None else cases
    if cases < 1:
        raise UsageError(f"{cases} cases", where=f"train {name}", remedy="Give 1 or more.")
    if seed < 0:
        raise UsageError(f"seed {seed}", where=f"train {name}", remedy="Give 0 or more.")
    folder = trained() / name if out is None else Path(out).expanduser()
    scratch = folder / f".{name}-{_digest(seed, cases, chosen)}"
    started = time.process_time()
    made = trainer.train(Request(seed, cases, chosen, scratch, progress))
    training = made.card.training.model_copy(
        update={
            "command": command(trainer, seed, cases, chosen),
            "seed": seed,
            "cases": cases,
            "meaning_of_cases": trainer.meaning_of_cases,
            "settings": dict(chosen),
            "cpu_seconds": round(made.card.training.cpu_seconds or time.process_time() - started, 1),
            "libraries": {"whorl": __version__} | {lib: _version(lib) for lib in trainer.libraries},
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
        }
    )
    found = save_model(made.card.model_copy(update={"training": training}), made.weights, folder)
    shutil.rmtree(scratch, ignore_errors=True)
    return found


def command(trainer: Trainer, seed: int, cases: int, settings: Mapping[str, Setting]) -> str:
    """Give the command that makes a model again; what is as the recipe has it is left out."""
    words = ["whorl", "train", trainer.name]
    words += ["--seed", str(seed)] if seed != trainer.seed else []
    words += ["--cases", str(cases)] if cases != trainer.cases else []
    for key, value in settings.items():
        if value != trainer.settings[key]:
            words += ["--set", f"{key}={value}"]
    return shlex.join(words)


def _settings(trainer: Trainer, given: Mapping[str, Setting]) -> dict[str, Setting]:
    """Complete settings, each of the type that the recipe's has."""
    where = f"train {trainer.name}"
    chosen = dict(trainer.settings)
    for name, value in given.items():
        if name not in chosen:
            known = ", ".join(f"{k}={v}" for k, v in trainer.settings.items())
            raise UsageError(
                f"unknown setting {name!r}", where=where, remedy=f"Settings are {known}." if known else "It has no settings."
            )
        default = chosen[name]
        if isinstance(default, str):
            chosen[name] = repr(value) if isinstance(value, float) else str(value)
        elif isinstance(default, bool):
            if str(value).lower() not in {"true", "false"}:
                raise UsageError(f"{name} = {value}", where=where, remedy="Give true or false.")
            chosen[name] = str(value).lower() == "true"
        elif isinstance(value, str) or (isinstance(default, int) and value != int(value)):
            raise UsageError(f"{name} = {value}", where=where, remedy=f"Give a number, such as {default}.")
        else:
            chosen[name] = type(default)(value)
    return chosen


def _digest(seed: int, cases: int, settings: Mapping[str, Setting]) -> str:
    text = json.dumps([__version__, seed, cases, dict(settings)], sort_keys=True)
    return sha256(text.encode()).hexdigest()[:12]


def _version(module: str) -> str:
    """Version of an installed module; its distribution may have another name (xgboost-cpu)."""
    names = metadata.packages_distributions().get(module, [module])
    return metadata.version(names[0])
