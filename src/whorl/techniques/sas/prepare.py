"""A small-angle curve made ready to fit: points, uncertainties, smearing, and what is assumed and doubtful."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.physics.small_angle.smearing import Smearing
from whorl.techniques.sas.instrument import SETTINGS, SasInstrument, make_instrument
from whorl.techniques.sas.noise import estimate_sigma
from whorl.techniques.stated import sources

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FEWEST, _FEW = 8, 25
#: power of q with which the intensity of surfaces falls (G. Porod, Kolloid-Z. 124, 83 (1951), doi:10.1007/BF01512792)
UPTURN = -4.0
#: of the intensity, by which models of samples are wrong
MODEL_ERROR = 0.02
#: part of the median relative uncertainty below which no point is trusted more
_FLOOR = 0.2
#: points while candidates are compared
_QUICK = 90
#: values that a decade of q holds of a smooth curve
_FEATURES = 10.0
#: highest q at which shapes of particles still show, 1/angstrom; wide-angle data begin beyond
_WIDE = 1.5
#: part of the highest intensity that a background-dominated curve rises above its level at high q
_RISES = 0.5
#: decades of intensity beyond which a first point that is lower than its successor is the beam stop's shadow
_SHADOW = 0.7


@dataclass(frozen=True)
class SasSignal:
    """A curve ready to fit.

    Attributes
    ----------
    measurement : Measurement
    x, y, sigma : array, shape (n,)
        q (1/angstrom), intensity, its standard uncertainty (stated, or estimated from the scatter).
    dq : array, shape (n,), optional
        Standard deviation of q.
    error : float
        Of a model, as a part of the intensity, which counts beside sigma.
    absolute : bool
        Whether sigma was stated.
    instrument : SasInstrument
    known : frozenset of str
        Settings that were stated or given.
    assumptions, warnings : tuple of str
    """

    measurement: Measurement
    x: Array
    y: Array
    sigma: Array
    dq: Array | None
    error: float
    absolute: bool
    instrument: SasInstrument
    known: frozenset[str]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def range(self) -> tuple[float, float]:
        """First and last q, 1/angstrom."""
        return float(self.x[0]), float(self.x[-1])

    @property
    def elements_hint(self) -> frozenset[str]:
        """Nothing: curves of small angles do not name elements."""
        return frozenset()

    @property
    def testifying(self) -> float:
        """Features of a curve: what is wrong with a model is wrong over a tenth of a decade at least."""
        return max(_FEATURES * float(np.log10(self.x[-1] / self.x[0])), 4.0)

    @property
    def independent_points(self) -> float:
        """All points: their noise is independent, and what of a misfit is none is tempered by the task."""
        return float(self.x.size)

    @cached_property
    def weights(self) -> Array:
        """1 / (sigma^2 + (error I)^2), shape (n,)."""
        return np.asarray(1 / (self.sigma**2 + (self.error * self.y) ** 2))

    @cached_property
    def smearing(self) -> Smearing:
        """Of the points."""
        i = self.instrument
        if i.smearing == "off":
            return Smearing.none(self.x)
        return Smearing.of(self.x, self.dq, i.slit_length, i.slit_width)

    @cached_property
    def cautious(self) -> SasSignal:
        """With weights that allow for the errors of models: the lowest q of a good measurement does not decide alone."""
        return replace(self, error=max(self.error, MODEL_ERROR))

    @cached_property
    def quick(self) -> SasSignal:
        """Few points with cautious weights, for the first fits of a search."""
        return self.cautious.thinned(_QUICK)

    def thinned(self, most: int) -> SasSignal:
        """Neighbouring points joined, equally far in ln q, so that no more than ``most`` are left."""
        if self.x.size <= most:
            return self
        edges = np.linspace(np.log(self.x[0]), np.log(self.x[-1]) + 1e-9, most + 1)
        place = np.searchsorted(edges, np.log(self.x), side="right")
        _, first = np.unique(place, return_index=True)
        w = 1 / self.sigma**2
        total = np.add.reduceat(w, first)

        def mean(values: Array) -> Array:
            return np.asarray(np.add.reduceat(w * values, first) / total)

        x = mean(self.x)
        spread = np.maximum(mean(self.x**2) - x**2, 0)  # of the points that are joined
        dq = np.sqrt(spread if self.dq is None else mean(self.dq**2) + spread)
        return replace(self, x=x, y=mean(self.y), sigma=1 / np.sqrt(total), dq=dq)


def prepare(
    measurement: Measurement,
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> SasSignal:
    """Make a curve ready.

    Parameters
    ----------
    measurement : Measurement
        One frame of kind ``"sas"``.
    range : (low, high), optional
        q to use, 1/angstrom; the whole curve by default.
    settings : mapping, optional
        Overrides of what the file says (names: `whorl.techniques.sas.instrument.SETTINGS`).

    Raises
    ------
    PatternError
        If there are too few points, or nothing is scattered.
    UsageError
        If a setting is unknown or impossible, or the range is upside down.
    """
    where = measurement.path or "curve"
    if measurement.kind != "sas" or measurement.signal.ndim != 1:
        raise PatternError("this is no single small-angle curve", where=where, remedy="Give one frame over q.")
    given = dict(settings or {})
    if unknown := sorted(set(given) - set(SETTINGS)):
        raise UsageError(f"unknown setting {unknown[0]!r}", where=where, remedy=f"Settings are {', '.join(SETTINGS)}.")
    stated = {k: v for k, v in measurement.settings.items() if k in SasInstrument.model_fields}
    instrument = make_instrument(stated | given, where=where)
    warnings: list[str] = []
    keep = _points(measurement, range, where, warnings)
    x, y = measurement.x[keep], measurement.signal[keep]
    _something(y, where)
    sigma, said = _sigma(measurement, keep)
    dq = _dq(measurement, keep, given)
    if x.size < _FEW:
        warnings.append(f"only {x.size} points: many models fit so few; widen the range or measure more of them")
    warnings += _doubts(x, y, sigma)
    names = ("radiation", "intensity", "slit_length", "slit_width", "smearing", "distribution", "background", "upturn")
    return SasSignal(
        measurement,
        x,
        y,
        sigma,
        dq,
        0.0,
        said,
        instrument,
        frozenset(k for k, v in (stated | given).items() if v is not None),
        (*sources(names, stated, given), *_assumed(instrument, dq, measurement, given, said=said)),
        tuple(warnings),
    )


def _points(measurement: Measurement, wanted: tuple[float, float] | None, where: str, warnings: list[str]) -> Mask:
    """Flags of the points that are used."""
    x, y = measurement.x, measurement.signal
    keep = measurement.used & (x > 0)
    if wanted is not None:
        low, high = wanted
        if not (np.isfinite(low) and np.isfinite(high)) or low >= high:
            raise UsageError(
                f"range {low:g}:{high:g} is upside down", where=where, remedy="Give the smaller q first, as in 0.005:0.3."
            )
        keep &= (x >= low) & (x <= high)
    else:
        shadow = _shadowed(y[keep])
        if shadow:
            until = f"q up to {x[keep][shadow - 1]:.3g} 1/angstrom"
            warnings.append(
                f"the first {shadow} point{'s' if shadow > 1 else ''} ({until}) look shadowed by the beam stop and are left "
                "out; give --range to use them"
            )
            keep[np.flatnonzero(keep)[:shadow]] = False
    if int(keep.sum()) < _FEWEST:
        span = f" from {x[0]:g} to {x[-1]:g} 1/angstrom" if x.size else ""
        raise PatternError(
            f"{int(keep.sum())} points to be used, of a curve{span}",
            where=where,
            remedy=f"At least {_FEWEST} are needed: widen --range.",
        )
    return np.asarray(keep)


def _shadowed(y: Array) -> int:
    """Number of points at the start that lie far below those after them and rise steeply: the shadow of a beam stop."""
    if y.size < 3 * _FEWEST:
        return 0
    reference = float(np.median(y[5:15]))
    top = int(np.argmax(y[: max(y.size // 8, 6)]))
    if not reference > 0 or top == 0 or top > 10 or y[top] < reference:
        return 0
    return int(np.count_nonzero(y[:top] < (1 - _SHADOW) * y[top]))


def _something(y: Array, where: str) -> None:
    if not np.any(y > 0):
        raise PatternError(
            "no intensity is positive",
            where=where,
            remedy="Check the subtraction of the background and the transmissions: too much was taken off.",
        )


def _sigma(measurement: Measurement, keep: Mask) -> tuple[Array, bool]:
    """Standard uncertainties, and whether they were stated."""
    x, y = measurement.x[keep], measurement.signal[keep]
    if measurement.sigma is not None:
        sigma = measurement.sigma[keep]
        good = np.isfinite(sigma) & (sigma > 0)
        if np.count_nonzero(good) > 0.5 * sigma.size:
            scale = np.abs(y) + 3 * np.where(good, sigma, 0)
            relative = sigma / np.maximum(scale, 1e-300)
            floor = _FLOOR * float(np.median(relative[good]))
            filled = np.where(good, sigma, np.interp(x, x[good], sigma[good]))
            return np.maximum(filled, floor * scale), True
    return estimate_sigma(x, y), False


def _dq(measurement: Measurement, keep: Mask, given: Mapping[str, Any]) -> Array | None:
    """Standard deviation of q at the points: given, of the file, or unknown."""
    x = measurement.x[keep]
    share = given.get("dq", None if measurement.resolution is not None else measurement.settings.get("dq"))
    if share is not None:
        return None if float(share) == 0 else float(share) * x
    return None if measurement.resolution is None or not np.any(measurement.resolution > 0) else measurement.resolution[keep]


def _assumed(
    instrument: SasInstrument, dq: Array | None, measurement: Measurement, given: Mapping[str, Any], *, said: bool
) -> list[str]:
    out = []
    if instrument.smearing == "off":
        pass
    elif dq is not None:
        source = "given" if "dq" in given else "file"
        out.append(f"dq/q: {float(np.median(dq / measurement.x[-dq.size :])):.2g} (median; {source})")
    elif not instrument.smears:
        out.append("smearing: none (the file states no resolution)")
    if not said:
        out.append("uncertainties: from the scatter of the points (the file gives none)")
    return out


def _doubts(x: Array, y: Array, sigma: Array) -> list[str]:
    """What is doubtful about the points."""
    out = []
    if x[-1] > _WIDE:
        out.append(
            f"q goes up to {x[-1]:.3g} 1/angstrom: beyond about 1 the atomic structure shows; if q is in 1/nm pass "
            "--set q_unit=1/nm, else cut with --range"
        )
    tail = float(np.median(y[-max(y.size // 8, 3) :]))
    head = float(np.median(y[: max(y.size // 8, 3)]))
    noise = float(np.median(sigma))
    if tail > 0 and head - tail < max(_RISES * tail, 3 * noise / np.sqrt(max(y.size // 8, 3))):
        out.append(
            "the curve hardly rises above its background: what is fitted of it says little; measure longer or subtract it"
        )
    step = np.diff(np.log(x))
    wide = int(np.argmax(step))
    if x.size >= _FEW and step[wide] > 12 * float(np.median(step)) and step[wide] > 0.25 and wide > 2:
        out.append(f"there is a gap from q = {x[wide]:.3g} to {x[wide + 1]:.3g} 1/angstrom")
    if np.mean(y < 0) > 0.25:
        out.append(f"{np.mean(y < 0):.0%} of the intensities are negative: the background taken off was too high, perhaps")
    return out
