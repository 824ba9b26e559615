"""Curves of models by a surrogate where it was trained, by the exact model elsewhere, and which it was.

This is the hook for whatever needs many curves: `intensities` takes the place of the model's own, with ``surrogate="auto"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whorl.core.errors import PatternError, UsageError
from whorl.physics.small_angle.composite import SPREAD, compose
from whorl.physics.small_angle.sizes import distribute
from whorl.techniques.sas.surrogates import SurrogateError, surrogate_of

Array = NDArray[np.float64]

MODES = ("auto", "off", "only")


@dataclass(frozen=True)
class Emulated:
    """Curves and how they were computed.

    Attributes
    ----------
    q : array, shape (n,)
        1/angstrom.
    intensity : array, shape (m, n)
        At volume fraction 1, 1/cm.
    by_surrogate : array of bool, shape (m,)
        Whether a curve is the surrogate's.
    error : SurrogateError, optional
        Of the surrogate, where one was used.
    reason : str
        Why a surrogate was not used for all; empty where it was.
    """

    q: Array
    intensity: Array
    by_surrogate: NDArray[np.bool_]
    error: SurrogateError | None = None
    reason: str = ""


def emulate(
    model: str, q: Array, values: Mapping[str, ArrayLike], *, surrogate: str = "auto", distribution: str = "lognormal"
) -> Emulated:
    """Compute curves of a model, by its surrogate where that is trusted.

    Parameters
    ----------
    model : str
        Name, as for `whorl.physics.small_angle.composite.compose`.
    q : array, shape (n,)
        1/angstrom, positive.
    values : mapping of str to float or array, shape (m,)
        Parameters by name, ``NAME_pd`` among them; defaults where there is none.
    surrogate : str
        "auto"; "off": the exact model; "only": an error where the surrogate is not trusted.
    distribution : str
        Of the lengths that spread.

    Raises
    ------
    UsageError
        If the model or a parameter is unknown, or no surrogate may be used where one has to.
    PatternError
        If q is not positive.

    Examples
    --------
    >>> q = np.geomspace(0.01, 0.2, 50)
    >>> found = emulate("sphere", q, {"radius": np.array([20.0, 30.0])})
    >>> found.intensity.shape, found.reason
    ((2, 50), 'there is no surrogate of sphere')
    """
    if surrogate not in MODES:
        raise UsageError(f"surrogate={surrogate!r}", where="emulate", remedy=f"Use one of {', '.join(MODES)}.")
    q = np.asarray(q, dtype=np.float64)
    if q.ndim != 1 or not q.size or not np.all(np.isfinite(q)) or not np.all(q > 0):
        raise PatternError("q has to be positive", where="emulate", remedy="Leave out q = 0.")
    columns, count = _columns(model, values)
    chosen = None if surrogate == "off" else surrogate_of(model)
    inside = np.zeros(count, dtype=np.bool_)
    reason = "the exact model was asked for" if surrogate == "off" else f"there is no surrogate of {model}"
    if chosen is not None:
        spread = any(np.any(columns[name] > 0) for name in columns if name.endswith(SPREAD))
        if spread and distribution != chosen.form.shape:
            reason = f"the surrogate is one of {chosen.form.shape} distributions"
        else:
            spreads = {name.removesuffix(SPREAD): v for name, v in columns.items() if name.endswith(SPREAD)}
            plain = {name: v for name, v in columns.items() if not name.endswith(SPREAD)}
            inside = chosen.inside(plain, spreads, q)
            reason = chosen.refusal(plain, spreads, q)
    if surrogate == "only" and not np.all(inside):
        raise UsageError(
            reason, where=f"emulate {model}", remedy="Leave out surrogate='only', and the exact model is used there."
        )
    out = np.empty((count, q.size))
    if chosen is not None and np.any(inside):
        rows = {name: v[inside] for name, v in columns.items()}
        out[inside] = chosen.intensities(q, rows)
    for i in np.flatnonzero(~inside):
        out[i] = _exact(model, q, {name: float(v[i]) for name, v in columns.items()}, distribution)
    used = chosen is not None and bool(np.any(inside))
    return Emulated(q, out, inside, chosen.error if used and chosen is not None else None, reason)


def _columns(model: str, values: Mapping[str, ArrayLike]) -> tuple[dict[str, Array], int]:
    """Parameters as arrays of one length; finite, known, lengths positive."""
    composite = compose(model)
    known = {p.name: p for p in composite.parameters} | {f"{name}{SPREAD}": None for name in composite.spreading}
    if unknown := sorted(set(values) - set(known)):
        raise UsageError(f"no parameter {unknown[0]!r}", where=model, remedy=f"Parameters are {', '.join(known)}.")
    given: dict[str, Any] = {p.name: p.default for p in composite.parameters} | dict(values)
    arrays = {name: np.atleast_1d(np.asarray(value, dtype=np.float64)) for name, value in given.items()}
    count = max(a.size for a in arrays.values())
    for name, array in arrays.items():
        if array.ndim != 1 or array.size not in (1, count):
            raise UsageError(
                f"{array.size} values of {name} for {count} curves", where=model, remedy="Give one, or one per curve."
            )
        parameter = known[name]
        low, high = (0.0, 1.0) if parameter is None else parameter.limits
        if not np.all(np.isfinite(array)) or np.any(array < low) or np.any(array > high):
            bad = array[~((array >= low) & (array <= high))][0]
            raise UsageError(f"{name} = {bad:g} is not possible", where=model, remedy=f"It lies between {low:g} and {high:g}.")
    return {name: np.broadcast_to(a, count) for name, a in arrays.items()}, count


def _exact(model: str, q: Array, values: Mapping[str, float], distribution: str) -> Array:
    """The exact model; of one term as its kernel has it, without the limits that keep a fit to what the model is called."""
    composite = compose(model)
    if len(composite.terms) > 1 or composite.terms[0].interaction is not None:
        return np.asarray(composite.basis(q, values, distribution).sum(axis=1))
    widths = {name: values.get(name + SPREAD, 0.0) for name in composite.spreading}
    sizes = {name: distribute(values[name], width, distribution) for name, width in widths.items() if width > 0}
    plain = {name: value for name, value in values.items() if not name.endswith(SPREAD)}
    return composite.terms[0].model.intensity(q, plain | sizes)
