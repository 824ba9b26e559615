r"""Which parameters of a model are told straight from a curve, and on which scale.

They are those that a fit refines (`whorl.techniques.sas.residual`): what it holds at its default is not asked for. Each is told
on a scale on which it is unbounded or nearly so, and on which the unit of q does not count:

=========== =====================================================================
length      ln(value qmin^p), p the power of length in its unit
log         ln(value): what is drawn log-uniform and has no length in it
plain       the value
ratio       arsinh r, r = (value - solvent) / (core - solvent): only ratios of contrasts are in a curve; the value that is
            told is that beside the core and the solvent that a fit holds
spread      the relative standard deviation of the first length of a term that spreads; below `SHARP` it counts as nought
=========== =====================================================================

Two terms of one model are exchangeable; the first is the one of the larger first length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.composite import SPREAD, Composite, compose
from whorl.physics.small_angle.model import ModelParameter

Array = NDArray[np.float64]

#: relative standard deviation of a length below which it is as good as none
SHARP = 0.02
_POWERS = {"angstrom": 1, "angstrom^2": 2, "1/angstrom": -1}
_WIDEST = 0.8  # of the spreads


@dataclass(frozen=True)
class Target:
    """One parameter, and its scale.

    Attributes
    ----------
    name : str
        As a fit has it.
    unit : str
    scale : str
        "length", "log", "plain", "ratio" or "spread".
    power : int
        Of length in the unit.
    limits : (low, high)
        What is possible.
    core, solvent : str
        Contrasts beside which a ratio is.
    held : (core, solvent)
        What a fit holds them at.
    """

    name: str
    unit: str
    scale: str
    power: int = 0
    limits: tuple[float, float] = (-np.inf, np.inf)
    core: str = ""
    solvent: str = ""
    held: tuple[float, float] = (1.0, 0.0)

    def encode(self, values: Mapping[str, float], qmin: float) -> float:
        """Give the place of a sample on the scale.

        Parameters
        ----------
        values : mapping
            Every parameter of the sample by name.
        qmin : float
            First q of its curve, 1/angstrom.
        """
        if self.scale == "spread":
            return values.get(self.name, 0.0)
        value = values[self.name]
        if self.scale == "ratio":
            solvent = values[self.solvent]
            contrast = values[self.core] - solvent
            return float(np.arcsinh((value - solvent) / (contrast or 1e-9)))
        return value if self.scale == "plain" else float(np.log(value) + self.power * np.log(qmin))

    def decode(self, place: Array, qmin: Array | float) -> Array:
        """Values at places on the scale, which may run the other way (those of a ratio)."""
        if self.scale == "ratio":
            core, solvent = self.held
            found = solvent + np.sinh(place) * (core - solvent)
        elif self.scale in ("length", "log"):
            found = np.exp(np.minimum(place, 60.0) - self.power * np.log(qmin))
        else:
            found = place
        return np.asarray(np.clip(found, *self.limits))


@lru_cache(maxsize=256)
def targets_of(key: str) -> tuple[Target, ...]:
    """Give the parameters of a model that are told straight from a curve.

    Parameters
    ----------
    key : str
        As `whorl.physics.small_angle.composite.compose` takes it.

    Examples
    --------
    >>> [(t.name, t.scale) for t in targets_of("core_shell_sphere")]
    [('sld_shell', 'ratio'), ('radius', 'length'), ('radius_pd', 'spread'), ('thickness', 'length')]
    """
    model = compose(key)
    first = {next((n for n in model.spreading if n.startswith(model.prefix(k))), "") for k in range(len(model.terms))}
    out: list[Target] = []
    for p in model.parameters:
        if p.free and (target := _target(p, model)) is not None:
            out.append(target)
        if p.name in first:
            out.append(Target(p.name + SPREAD, "1", "spread", limits=(0.0, _WIDEST)))
    return tuple(out)


def _target(p: ModelParameter, model: Composite) -> Target | None:
    if p.role == "contrast":
        before = p.name.rpartition(":")[0]
        held = [o for o in model.parameters if o.role == "contrast" and not o.free and o.name.rpartition(":")[0] == before]
        solvent = next((o for o in held if "solvent" in o.name), None)
        core = next((o for o in held if o is not solvent), None)
        if solvent is None or core is None:
            return None
        return Target(p.name, p.unit, "ratio", 0, p.limits, core.name, solvent.name, (core.default, solvent.default))
    power = _POWERS.get(p.unit, 0)
    scale = "length" if power else "log" if p.law == "log-uniform" else "plain"
    return Target(p.name, p.unit, scale, power, p.limits)


def ordered(key: str, values: Mapping[str, float]) -> dict[str, float]:
    """Values of a sample, the terms of one model in the order of their first lengths.

    Examples
    --------
    >>> ordered("sphere+sphere", {"1:radius": 20.0, "2:radius": 50.0, "2:radius_pd": 0.1})
    {'2:radius': 20.0, '1:radius': 50.0, '1:radius_pd': 0.1}
    """
    model = compose(key)
    if len(model.terms) != 2 or model.terms[0] != model.terms[1]:
        return dict(values)
    name = next(p.name for p in model.terms[0].parameters if p.role == "length")
    if values[f"1:{name}"] >= values[f"2:{name}"]:
        return dict(values)
    turned = {"1": "2:", "2": "1:"}
    return {turned[k[0]] + k[2:] if k[:2] in ("1:", "2:") else k: v for k, v in values.items()}
