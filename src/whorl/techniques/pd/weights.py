r"""Weight fractions of the phases of a refinement, and what grains of unknown size leave open of them.

A scale is a share of volume, so :math:`w_j \propto S_j \rho_j` (R. J. Hill & C. J. Howard, J. Appl. Cryst. 20, 467 (1987),
doi:10.1107/S0021889887086199). Phases that absorb more diffract less than their share by an amount that depends on their grains
(`whorl.physics.microabsorption`). Where the size of the grains is given, fractions are corrected. Where it is not, they stay as
the scales give them, as everybody's do, and the uncertainty holds what usual grains would change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.core.verdict import Phase, Quantity
from whorl.fitting.problem import Fit
from whorl.physics.microabsorption import GRAINS, grain_covariance, linear_attenuation, volume_factors
from whorl.techniques.pd.residual import PdProblem

Array = NDArray[np.float64]

_MATTERS = 0.01  # of the weight: an uncertainty by the grains that is worth a word


@dataclass(frozen=True)
class Weights:
    """Phases with their weight fractions, which add up to 1; the covariance of these, shape (m, m); remarks."""

    phases: list[Phase]
    covariance: Array
    notes: list[str]


def weights(problem: PdProblem, fit: Fit, own: list[Array]) -> Weights:
    """Weight fractions of a fit.

    Parameters
    ----------
    problem : PdProblem
    fit : Fit
    own : list of array
        Values of each phase's own parameters.
    """
    crystals = problem.structures(fit.values)  # refined occupancies change what a cell weighs
    count = len(crystals)
    if count == 1:
        only = Phase(name=crystals[0].name, formula=crystals[0].formula, weight_fraction=Quantity(value=1.0, sigma=0.0))
        return Weights([only], np.zeros((1, 1)), [])
    scales = fit.factors[:count]
    densities = np.array(
        [density_of(c.contents, p.volume(v)) for c, p, v in zip(crystals, problem.phases, own, strict=True)], dtype=np.float64
    )
    effective, grains, notes = densities, problem.instrument.grain_size, []
    if problem.instrument.radiation == "x-ray":
        wavelength = problem.instrument.wavelength
        attenuation = np.array(
            [linear_attenuation(c.contents, d, wavelength) for c, d in zip(crystals, densities, strict=True)]
        )
        if grains:
            effective = densities / volume_factors(scales, attenuation, grains)
    fractions = weight_fractions(scales, effective)
    start = len(fit.values)
    total = float(scales @ effective) or 1.0
    slopes = (np.diag(effective) - np.outer(fractions, effective)) / total
    of_scales = fit.covariance[start : start + count, start : start + count].copy()
    of_scales += np.diag(np.where(scales > 0, 0.0, np.nan_to_num(fit.factor_sigma[:count]) ** 2))
    covariance = slopes @ of_scales @ slopes.T
    if problem.instrument.radiation == "x-ray" and not grains and total > 0:
        doubt = grain_covariance(scales, attenuation, densities)
        covariance = covariance + doubt
        notes = _words(problem, doubt, weight_fractions(scales, densities / volume_factors(scales, attenuation, GRAINS.median)))
    sigma = np.sqrt(np.clip(np.diag(covariance), 0, None))
    phases = [
        Phase(name=c.name, formula=c.formula, weight_fraction=Quantity(value=float(w), sigma=float(s)))
        for c, w, s in zip(crystals, fractions, sigma, strict=True)
    ]
    return Weights(phases, covariance, notes)


def _words(problem: PdProblem, doubt: Array, changed: Array) -> list[str]:
    """Say what usual grains would change, where that matters."""
    most = float(np.sqrt(np.max(np.diag(doubt))))
    if most < _MATTERS:
        return []
    shown = ", ".join(f"{p.crystal.formula} {w:.3f}" for p, w in zip(problem.phases, changed, strict=True))
    grains = f"with grains of {GRAINS.median:.2g} micrometres the weight fractions would be {shown}"
    held = f"their uncertainties hold {most:.3f} for grains of unknown size (--set grain_size=...)"
    return [f"the phases absorb differently: {grains}; {held}"]


def weight_fractions(scales: Array, densities: Array) -> Array:
    """Weight fractions from scales that are volume shares, and densities (any unit), shape (m,).

    Examples
    --------
    >>> weight_fractions(np.array([1.0, 1.0]), np.array([2.0, 6.0])).tolist()
    [0.25, 0.75]
    """
    share = scales * densities
    total = float(share.sum())
    return share / total if total > 0 else np.full(share.size, 1.0 / share.size)


def density_of(contents: dict[str, float], volume: float) -> float:
    """Density of a crystal, g/cm^3, from the atoms of its cell and the cell's volume (angstrom^3).

    Examples
    --------
    >>> round(density_of({"Ni": 4.0}, 43.76), 2)
    8.91
    """
    from ase.data import atomic_masses, atomic_numbers

    mass = sum(n * float(atomic_masses[atomic_numbers["H" if e == "D" else e]]) for e, n in contents.items())
    return mass / volume * 1.66053907
