"""Surrogates of slow models: small networks that give whole curves in microseconds where they were trained, with known error.

A surrogate knows its box: outside of it `Surrogate.refusal` says why, and the caller computes the exact model instead
(`whorl.techniques.sas.emulate` does). Its error is that of the card, measured on parameters kept apart from training. Forms
(`whorl.techniques.sas.surrogate_forms`) say how parameters become a dimensionless curve, so that one network serves every size,
contrast and q.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whorl.core.errors import UsageError
from whorl.models.card import Card, ModelError
from whorl.models.inference import open_model
from whorl.models.registry import find_model as find_card
from whorl.techniques.sas.surrogate_forms import FORMS, Columns, Scaled, SurrogateForm

Array = NDArray[np.float64]

#: beyond the ends of a range by this part of it, for numbers that were rounded
_ROUNDED = 1e-9
#: of the card, in the order of `SurrogateError`
_FIGURES = ("median", "95th percentile", "largest")


class SurrogateError(NamedTuple):
    """Relative error of intensities on curves kept apart from training: median, 95th percentile and largest of all points."""

    median: float
    p95: float
    worst: float


class Surrogate:
    """An opened surrogate.

    Parameters
    ----------
    model : whorl.models.inference.OnnxModel
        Takes features mapped to -1...1, shape (m, k), gives ln G, shape (m, count).
    form : SurrogateForm

    Attributes
    ----------
    card : Card
    form : SurrogateForm
    error : SurrogateError

    Examples
    --------
    >>> rods = Surrogate.open("cylinder")
    >>> values = {"radius": 20.0, "length": 400.0, "sld": 4.0, "sld_solvent": 1.0}
    >>> rods.covers(values, {"radius": 0.1, "length": 0.2})
    True
    >>> rods.refusal(values, {"radius": 0.9})
    'radius_pd 0.9 is outside of 0.04 to 0.4'
    >>> rods.intensity(np.array([0.01, 0.1]), values, {"radius": 0.1, "length": 0.2}).shape
    (2,)
    """

    def __init__(self, model: Any, form: SurrogateForm) -> None:
        self._model = model
        self.form = form
        self.card: Card = model.card
        figures = {metric.name: metric.value for metric in self.card.metrics}
        try:
            self.error = SurrogateError(
                *(figures[f"{name} relative error"] for name in ("median", "95th percentile", "largest"))
            )
        except KeyError as error:
            raise ModelError(f"the card does not state the {error.args[0]}", where=self.card.name) from error

    @classmethod
    def open(cls, name: str, form: SurrogateForm | None = None) -> Surrogate:
        """Open the surrogate of a model of particles, or that of a card or folder with the form given.

        Raises
        ------
        ModelError
            If there is none.
        """
        if form is None and name not in FORMS:
            raise ModelError(f"no surrogate of {name!r}", remedy=f"There are surrogates of {', '.join(FORMS)}.")
        found = FORMS[name] if form is None else form
        return cls(open_model(found.name if form is None else name), found)

    def refusal(
        self, values: Mapping[str, ArrayLike], spreads: Mapping[str, ArrayLike] | None = None, q: Array | None = None
    ) -> str:
        """Say why parameters are not covered, in words; empty where they are.

        Parameters
        ----------
        values : mapping of str to float or array, shape (m,)
            Parameters by name, ``NAME_pd`` among them; of several particles all must be covered.
        spreads : mapping of str to float or array, shape (m,)
            Relative standard deviations by the name of the parameter.
        q : array, shape (n,), optional
            1/angstrom.
        """
        columns, widths, count = self._columns(values, spreads)
        if unknown := [name for name, width in (spreads or {}).items() if name not in widths and np.any(np.asarray(width) > 0)]:
            return f"a distribution of {unknown[0]} was not trained"
        scaled, out = self._outside(columns, widths, q)
        for column, feature, bad in zip(scaled.features.T, self.form.features, out, strict=False):
            if np.any(bad):
                return f"{feature.name} {column[bad][0]:.4g} is outside of {feature.low:g} to {feature.high:g}"
        if q is not None and np.any(out[-1]):
            highest = float(np.max(np.broadcast_to(scaled.length, count)) * np.max(q))
            return f"q times length up to {highest:.4g} is above {self.form.grid.high:g}"
        return ""

    def inside(
        self, values: Mapping[str, ArrayLike], spreads: Mapping[str, ArrayLike] | None = None, q: Array | None = None
    ) -> NDArray[np.bool_]:
        """Tell of each of m particles whether it is covered, shape (m,); arguments as for `refusal`."""
        columns, widths, count = self._columns(values, spreads)
        if any(name not in widths and np.any(np.asarray(width) > 0) for name, width in (spreads or {}).items()):
            return np.zeros(count, dtype=np.bool_)
        return np.asarray(~np.any(self._outside(columns, widths, q)[1], axis=0))

    def _outside(self, columns: Columns, widths: Columns, q: Array | None) -> tuple[Scaled, NDArray[np.bool_]]:
        """Parameters taken apart, and which leave the range of each feature and, last, of q: shape (features + 1, m)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = self.form.read(columns, widths)
        out = []
        for column, feature in zip(scaled.features.T, self.form.features, strict=True):
            slack = _ROUNDED * max(abs(feature.low), abs(feature.high))
            out.append(~((column >= feature.low - slack) & (column <= feature.high + slack)))
        reach = 0.0 if q is None or not np.size(q) else float(np.max(q))
        far = ~(np.broadcast_to(scaled.length, len(out[0])) * reach <= self.form.grid.high * (1 + _ROUNDED))
        ends = self.form.ends
        out.append(far if ends is None else far & ~ends(scaled.features))
        return scaled, np.array(out)

    def covers(
        self, values: Mapping[str, ArrayLike], spreads: Mapping[str, ArrayLike] | None = None, q: Array | None = None
    ) -> bool:
        """Tell whether the surrogate was trained for parameters, and for q if given."""
        return not self.refusal(values, spreads, q)

    def intensity(self, q: Array, values: Mapping[str, float], spreads: Mapping[str, float] | None = None) -> Array:
        """Intensity of one particle at volume fraction 1, shape (n,), 1/cm; `covers` is for the caller to ask.

        Parameters
        ----------
        q : array, shape (n,)
            1/angstrom, positive.
        values, spreads : mapping
            As for `refusal`.
        """
        return np.asarray(self.intensities(q, values, spreads)[0])

    def intensities(self, q: Array, values: Mapping[str, ArrayLike], spreads: Mapping[str, ArrayLike] | None = None) -> Array:
        """Intensities of m particles, shape (m, n), 1/cm: many at once are several times as fast as one by one."""
        from whorl.physics.small_angle.master_curves import read_master_curves

        columns, widths, count = self._columns(values, spreads)
        scaled = self.form.read(columns, widths)
        features = np.stack([f.unit(c) for f, c in zip(self.form.features, scaled.features.T, strict=True)], axis=-1)
        logs = self._model.predict(features)
        grid = self.form.grid
        q = np.ascontiguousarray(q, dtype=np.float64)
        length, factor = np.broadcast_to(scaled.length, count), np.broadcast_to(scaled.factor, count)
        table = grid.low, grid.first, grid.step, grid.crossover
        length, factor = np.ascontiguousarray(length), np.ascontiguousarray(factor)
        found = read_master_curves(logs, *table, q, length, factor, self.form.tail)
        return np.asarray(found if scaled.times is None else found * scaled.times(q))

    def _columns(
        self, values: Mapping[str, ArrayLike], spreads: Mapping[str, ArrayLike] | None
    ) -> tuple[dict[str, Array], dict[str, Array], int]:
        """Complete parameters and widths by the model's defaults, as arrays of one length."""
        given = _defaults(self.form.model) | dict(values)
        named = {name: given.pop(f"{name}_pd", 0.0) for name in self.form.spreads}
        widths = named | {k: v for k, v in (spreads or {}).items() if k in self.form.spreads}
        arrays = {name: np.atleast_1d(np.asarray(v, dtype=np.float64)) for name, v in given.items()}
        broad = {name: np.atleast_1d(np.asarray(v, dtype=np.float64)) for name, v in widths.items()}
        count = max([1, *(a.size for a in (*arrays.values(), *broad.values()))])
        return (
            {name: np.broadcast_to(a, count) for name, a in arrays.items()},
            {name: np.broadcast_to(a, count) for name, a in broad.items()},
            count,
        )


@lru_cache(maxsize=32)
def _defaults(model: str) -> dict[str, float]:
    from whorl.physics.small_angle.models import find_model

    try:
        return find_model(model).defaults
    except UsageError:
        return {}


#: models that are another one under a name of their own
_SAME = {"rod": "cylinder", "disk": "cylinder"}


@lru_cache(maxsize=32)
def surrogate_of(model: str) -> Surrogate | None:
    """Give the surrogate of a model if there is one on this machine: the hook for fits, which ask once.

    Examples
    --------
    >>> surrogate_of("sphere") is None
    True
    """
    model = _SAME.get(model, model)
    if model not in FORMS:
        return None
    try:
        find_card(FORMS[model].name)
    except ModelError:
        return None
    return Surrogate.open(model)
