"""What a description of a curve without a model says, in a sentence and in names that people read."""

from __future__ import annotations

from whorl.core.verdict import Verdict
from whorl.report.notation import format_su, listed, pretty_unit

#: quantity -> what it is
MEANINGS = {
    "rg": "radius of gyration",
    "i0": "intensity at q = 0",
    "rg_cross_section": "radius of gyration of the cross-section",
    "thickness": "thickness of layers",
    "exponent": "exponent of the power law",
    "constant": "Porod constant",
    "background": "background",
    "surface_to_volume": "surface over volume of the particles",
    "position": "maximum, in q Rg",
    "height": "height of the maximum",
    "q": "position",
    "d": "spacing",
    "width": "width",
    "mean": "mean size",
    "most_frequent": "most frequent size",
    "share": "share of the volume",
    "volume_fraction": "volume fraction",
    "correlation_length": "correlation length",
    "porod_volume": "Porod volume",
    "correlation_volume": "volume of correlation",
    "d_max": "largest distance",
    "g": "Guinier prefactor",
    "lattice_parameter": "repeat distance or lattice parameter",
}
TITLES = {
    "guinier": "Guinier", "porod": "Porod", "kratky": "Kratky", "invariant": "Invariant", "unified": "Unified fit",
    "distances": "Distances", "sizes": "Sizes", "peaks": "Peaks",
}  # fmt: skip
_LEADING = ("guinier:rg", "distances:rg", "sizes:mode1:mean", "sizes:mode2:mean", "porod:exponent", "peaks:1:d")


def is_description(verdict: Verdict) -> bool:
    """Tell whether a verdict describes a curve without a model."""
    return verdict.task == "quantify" and verdict.best is not None and verdict.best.kind == "description"


def is_told(verdict: Verdict) -> bool:
    """Tell whether a verdict holds the parameters of a form factor, told straight from a curve."""
    return verdict.task == "quantify" and verdict.best is not None and verdict.best.kind == "form_factor"


def told(verdict: Verdict, most: int = 4) -> str:
    """Give the first parameters of a form factor in one line."""
    listed_ones = [f"{name} {_value(verdict, name)}" for name in list(verdict.parameters)[:most]]
    return ", ".join(listed_ones)


def sentence(verdict: Verdict) -> str:
    """Say the main quantities in one sentence.

    Examples
    --------
    >>> sentence(Verdict(whorl="0", task="quantify", file="a.dat"))
    'Nothing could be had from this curve; the notes say why.'
    """
    told = [f"{_name(name)} {_value(verdict, name)}" for name in _LEADING if name in verdict.parameters]
    return f"{listed(told)}." if told else "Nothing could be had from this curve; the notes say why."


def short(verdict: Verdict) -> str:
    """Give the main quantities for a line of many."""
    return ", ".join(f"{name} {_value(verdict, name)}" for name in _LEADING if name in verdict.parameters)


def _name(name: str) -> str:
    method, _, rest = name.partition(":")
    head, _, bare = rest.rpartition(":")
    number = f" {head.removeprefix('mode').removeprefix('level')}" if head else ""
    return {
        "guinier:rg": "Rg (Guinier)", "distances:rg": "Rg (distances)", "porod:exponent": "exponent at high q",
    }.get(name) or f"{MEANINGS.get(bare, bare)} of {'peak' if method == 'peaks' else 'mode'}{number}"  # fmt: skip


def _value(verdict: Verdict, name: str) -> str:
    q = verdict.parameters[name]
    return " ".join(t for t in (format_su(q.value, q.sigma), pretty_unit(q.unit)) if t)
