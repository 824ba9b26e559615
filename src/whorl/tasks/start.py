"""Where a refinement starts when it follows another one: values of parameters, and which phases were not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

from whorl.core.verdict import Verdict


@dataclass(frozen=True)
class Start:
    """Where a refinement starts.

    Parameters
    ----------
    values : mapping of str to float
        Parameters by name, as tables of results show them ("zero", "2:a"); what is missing starts as usual.
    held : tuple of int
        Phases, counted from 1, that were not there in the frame before.
    rw : float, optional
        Misfit of the frame before; without one the refinement starts from the structures.
    anew : bool
        Refine from the structures too, whatever the misfit.

    Examples
    --------
    >>> Start.from_dict(Start({"1:a": 4.2}, (2,), 0.05).as_dict()) == Start({"1:a": 4.2}, (2,), 0.05)
    True
    """

    values: Mapping[str, float] = field(default_factory=dict)
    held: tuple[int, ...] = ()
    rw: float | None = None
    anew: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Give the start as JSON-ready data."""
        return {"values": dict(self.values), "held": list(self.held), "rw": self.rw, "anew": self.anew}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Start:
        """Make the start that `as_dict` wrote."""
        return cls(dict(data["values"]), tuple(data["held"]), data["rw"], bool(data["anew"]))

    def after(self, verdict: Verdict) -> Start:
        """Where the frame after the one of a verdict starts; as this one where the verdict has no fit."""
        best = verdict.best
        if best is None or not isfinite(best.rw):
            return replace(self, anew=True)
        values = {name: q.value for name, q in best.parameters.items() if isfinite(q.value)}
        own = {
            n: [q for name, q in best.parameters.items() if phase_of(name) == n and not name.endswith(":scale")]
            for n in range(1, len(best.phases) + 1)
        }
        held = tuple(n for n, found in own.items() if found and all(q.sigma is None and not q.at_limit for q in found))
        return Start(dict(self.values) | values, held, best.rw)


def phase_of(name: str) -> int:
    """Number of the phase that a parameter of a mixture belongs to; 0: of none, or there is one phase only.

    Examples
    --------
    >>> phase_of("2:a"), phase_of("zero")
    (2, 0)
    """
    found = re.match(r"(\d+):", name)
    return int(found[1]) if found else 0
