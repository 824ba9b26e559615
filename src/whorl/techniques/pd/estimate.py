"""From patterns to parameters: a network's guess, a few Gauss-Newton steps, and what is reported of them.

Reported are, of each phase, its weight fraction, its scale, its free cell parameters and its crystallite size; of the size the
logarithm, in which its error is nearly normal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from whorl.techniques.pd.quantify import PhaseSet, Refined, features, smoothed_weights

Array = NDArray[np.float64]

#: scale over its uncertainty, below which a phase is not seen, and its cell and size are not known
SEEN = 3.0
_LEAST = 1e-6  # uncertainty of a weight fraction or, relative, of a scale: none is better


@dataclass(frozen=True)
class Estimates:
    """What is said of b patterns.

    Attributes
    ----------
    guess : array, shape (b, p)
        Parameters as the network gives them.
    guessed_fractions : array, shape (b, m)
        Weight fractions as the network gives them.
    refined : Refined
    seen : array of bool, shape (b, m)
        Phases that stand out from their uncertainty.
    unusual : array of bool, shape (b,)
        Patterns whose misfit is beyond what is usual.
    reported : Reported
        With uncertainties that allow for what is wrong with the model of the unusual ones.
    """

    guess: Array
    guessed_fractions: Array
    refined: Refined
    seen: NDArray[np.bool_]
    unusual: NDArray[np.bool_]
    reported: Reported


@dataclass(frozen=True)
class Reported:
    """Quantities with their uncertainties, q of them for each of b patterns.

    Attributes
    ----------
    names, kinds : tuple of str
        ``"1:a"``; "fraction", "scale", "cell" or "size".
    phase : tuple of int
        From 0.
    value, sigma : array, shape (b, q)
        Of a size: ln(1/size).
    difficulty : array, shape (b, q)
        Uncertainty beside what is known before: that of the span, of the scale itself; of fractions the uncertainty itself.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    phase: tuple[int, ...]
    value: Array
    sigma: Array
    difficulty: Array


def decode(phases: PhaseSet, outputs: Array) -> tuple[Array, Array]:
    """Parameters (b, p) and weight fractions (b, m) from a network's outputs: standardised parameters, then logits.

    Parameters
    ----------
    phases : PhaseSet
    outputs : array, shape (b, free + m)
    """
    count = phases.free.size
    values = np.tile(phases.mean, (len(outputs), 1))
    values[:, phases.free] += outputs[:, :count] * phases.spread[phases.free]
    logits = outputs[:, count:] - outputs[:, count:].max(axis=1, keepdims=True)
    share = np.exp(logits)
    return np.clip(values, phases.lower, phases.upper), share / share.sum(axis=1, keepdims=True)


def estimate(
    phases: PhaseSet,
    predict: Callable[[Array], Array],
    grid: Array,
    x: Array,
    y: Array,
    variance: Array,
    *,
    steps: int,
    usual: float = np.inf,
) -> Estimates:
    """Estimate the parameters of patterns.

    Parameters
    ----------
    phases : PhaseSet
    predict : callable
        The network: `features`, shape (b, len(grid)), to outputs, shape (b, free + m).
    grid : array
        2 theta that the network knows, degrees.
    x : array, shape (n,)
        2 theta of the patterns, degrees.
    y, variance : array, shape (b, n)
    steps : int
        Gauss-Newton steps; 0 leaves the network's guess, with scales and background fitted to it.
    usual : float
        Reduced chi squared up to which the model is believed. Beyond, neighbouring residuals are wrong together, and
        uncertainties are multiplied by the root of the points over which they are (`correlation_length`).
    """
    same = x.shape == grid.shape and np.allclose(x, grid, atol=1e-9)
    seen_by_network = y if same else np.array([np.interp(grid, x, row) for row in y])
    guess, fractions = decode(phases, predict(features(seen_by_network)))
    weights = smoothed_weights(variance)
    refined = phases.refine(x, y, weights, guess, steps=steps)
    unusual = ~(refined.chi2 <= usual)
    stretch = np.ones(len(y))
    if np.any(unusual):
        calculated = phases.calculated(x, refined.values[unusual], refined.factors[unusual])
        stretch[unusual] = np.sqrt(correlation_length((y[unusual] - calculated) * np.sqrt(weights[unusual])))
    deviation = np.sqrt(np.maximum(np.diagonal(refined.covariance, axis1=1, axis2=2), 0.0))
    seen = refined.scales > SEEN * deviation
    told = report(phases, refined)
    wider = replace(told, sigma=told.sigma * stretch[:, None], difficulty=told.difficulty * stretch[:, None])
    return Estimates(guess, fractions, refined, seen, unusual, wider)


def correlation_length(residual: Array) -> Array:
    """Points over which weighted residuals (b, n) are wrong together, 1 for noise: 1 + 2 times the sum of correlations.

    The sum ends at the first that is not above its noise. Residuals that are correlated make standard uncertainties too small
    by the root of this (J.-F. Berar, P. Lelann, J. Appl. Cryst. 24, 1 (1991), doi:10.1107/S0021889890008391).

    Examples
    --------
    >>> noise = np.random.default_rng(2).normal(size=(1, 4000))
    >>> smooth = sum(np.roll(noise, k) for k in range(5))
    >>> bool(correlation_length(noise)[0] < 1.2), bool(4.0 < correlation_length(smooth)[0] < 6.0)
    (True, True)
    """
    n = residual.shape[1]
    power = np.maximum(np.sum(residual**2, axis=1), 1e-300)
    total, going = np.ones(len(residual)), np.ones(len(residual), dtype=np.bool_)
    for lag in range(1, n // 10):
        correlation = np.sum(residual[:, lag:] * residual[:, :-lag], axis=1) / power
        going &= correlation > 2 / np.sqrt(n)
        if not np.any(going):
            break
        total += np.where(going, 2 * correlation, 0.0)
    return total


def quantities(phases: PhaseSet) -> list[tuple[str, str, int, int]]:
    """Name, kind, phase and place among the parameters (-1: none) of everything that is reported."""
    out: list[tuple[str, str, int, int]] = []
    for j, cell in enumerate(phases.cell_names):
        row = int(phases.lines.row[j])
        out += [(f"{j + 1}:weight_fraction", "fraction", j, -1), (f"{j + 1}:scale", "scale", j, -1)]
        out += [(f"{j + 1}:{name}", "cell", j, row + f) for f, name in enumerate(cell)]
        out.append((f"{j + 1}:size", "size", j, row + len(cell)))
    return out


def report(phases: PhaseSet, refined: Refined) -> Reported:
    """Gather what is reported of refined patterns."""
    rows = quantities(phases)
    fractions, fraction_sigma = phases.fractions(refined)
    value, sigma = np.empty((len(fractions), len(rows))), np.empty((len(fractions), len(rows)))
    difficulty = np.empty_like(value)
    for q, (_, kind, j, place) in enumerate(rows):
        if kind == "fraction":
            value[:, q], sigma[:, q] = fractions[:, j], np.maximum(fraction_sigma[:, j], _LEAST)
            difficulty[:, q] = sigma[:, q]
        elif kind == "scale":
            size = np.maximum(refined.scales.sum(axis=1), 1e-300)
            value[:, q] = refined.scales[:, j]
            sigma[:, q] = np.maximum(np.sqrt(np.maximum(refined.covariance[:, j, j], 0.0)), _LEAST * size)
            difficulty[:, q] = sigma[:, q] / size
        else:
            value[:, q], sigma[:, q] = refined.values[:, place], np.maximum(refined.sigma[:, place], 1e-12)
            difficulty[:, q] = sigma[:, q] / phases.spread[place]
    names, kinds, phase, _ = zip(*rows, strict=True)
    return Reported(names, kinds, phase, value, sigma, difficulty)


def truth(phases: PhaseSet, values: Array, fractions: Array, scales: Array) -> Array:
    """The same quantities of simulated patterns, in the same order, shape (b, q); not a number where the phase is absent."""
    out = np.empty((len(values), len(quantities(phases))))
    for q, (_, kind, j, place) in enumerate(quantities(phases)):
        out[:, q] = {"fraction": fractions, "scale": scales}[kind][:, j] if place < 0 else values[:, place]
        if place >= 0:
            out[fractions[:, j] <= 0, q] = np.nan
    return out
