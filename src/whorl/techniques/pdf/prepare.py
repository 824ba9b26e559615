"""From a measured G(r), F(Q) or S(Q) to the signal that is fitted: range, weights, instrument, and what had to be assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.techniques.pdf.instrument import SETTINGS, PdfInstrument, make_instrument
from whorl.techniques.stated import composition, sources

Array = NDArray[np.float64]

DEFAULT_RANGE = (1.5, 30.0)
#: settings whose source an answer names
_STATED = ("radiation", "qmin", "qmax", "qdamp", "qbroad", "composition")
_WINDOW = 1.5
_NOISE_SHARE = 0.01  # mean power of the end, as a part of the largest, up to which it counts as noise
_STANDS_OUT = 3.0
_RIPPLE_SHARE = 2e-4  # termination ripples of that mean power are no signal either
_TAIL_MARGIN = 2.0
_SHORTEST_END = 10.0


@dataclass(frozen=True)
class PdfSignal:
    """A G(r) ready to be fitted.

    Attributes
    ----------
    r, g : array, shape (n,)
        The points inside the range (angstrom, 1/angstrom^2), as measured, not resampled.
    weights : array, shape (n,)
    absolute : bool
        True when the weights are 1/sigma^2 of the file.
    instrument : PdfInstrument
    known : frozenset of str
        Instrument parameters that were stated (file or user) and are therefore not refined.
    range : tuple of float
    elements_hint : frozenset of str
        Elements of the file's composition: a hint.
    measurement : Measurement
    assumptions, warnings : tuple of str
    caution : array, shape (n,), optional
        Factor on the weights when structures are compared: below 1 where something beside them shows (ligands, say).
    """

    r: Array
    g: Array
    weights: Array
    absolute: bool
    instrument: PdfInstrument
    known: frozenset[str]
    range: tuple[float, float]
    elements_hint: frozenset[str]
    measurement: Measurement
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    caution: Array | None = None

    @property
    def testifying(self) -> None:
        """As stated for the technique."""
        return None

    @property
    def independent_points(self) -> float:
        """(r_max - r_min) Q_max / pi, and never more than the points there are."""
        span = self.range[1] - self.range[0]
        qmax = self.instrument.qmax
        return float(min(span * qmax / np.pi, self.r.size)) if qmax else float(self.r.size)

    def thinned(self, per_nyquist: float = 4.0) -> PdfSignal:
        """Every k-th point, so that about ``per_nyquist`` points remain per pi/Qmax: the information stays, time is saved."""
        qmax = self.instrument.qmax
        if not qmax:
            return self
        step = float(np.median(np.diff(self.r)))
        k = max(int(np.pi / qmax / per_nyquist / step), 1)
        if k == 1:
            return self
        return self.taken(slice(None, None, k))

    def taken(self, points: slice | NDArray[np.bool_]) -> PdfSignal:
        """The signal at some of its points; the range and the instrument stay as they are."""
        caution = None if self.caution is None else self.caution[points]
        return replace(self, r=self.r[points], g=self.g[points], weights=self.weights[points], caution=caution)

    def cautious(self) -> PdfSignal:
        """The signal with its caution in the weights."""
        return self if self.caution is None else replace(self, weights=self.weights * self.caution, caution=None)


def prepare(
    measurement: Measurement,
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> PdfSignal:
    """Choose the points to fit and complete the instrument.

    Parameters
    ----------
    measurement : Measurement
        One frame of kind ``"gr"``, ``"fq"`` or ``"sq"`` (the latter two are transformed to G(r)).
    range : (r_min, r_max), optional
        angstrom; by default 1.5 to 30 or to the end of the data.
    settings : mapping, optional
        Overrides of what the file states: ``radiation``, ``qmin``, ``qmax``, ``qdamp``, ``qbroad``, ``composition``.

    Raises
    ------
    PatternError
        If the range lies outside the data or holds too few points.
    UsageError
        If a setting is unknown or impossible.
    """
    given = dict(settings or {})
    where = measurement.path or "measurement"
    unknown = sorted(set(given) - set(SETTINGS))
    if unknown:
        raise UsageError(f"unknown setting {unknown[0]!r}", where=where, remedy=f"Settings are {', '.join(SETTINGS)}.")
    if measurement.frames != 1:
        raise PatternError(
            f"{measurement.frames} frames where one is expected", where=where, remedy="Take one with measurement.frame(i)."
        )
    assumptions: list[str] = []
    warnings: list[str] = []
    stated = {k: v for k, v in measurement.settings.items() if k in SETTINGS and v is not None}
    merged = stated | given
    assumptions += [f"reading: {note}" for note in measurement.notes]
    assumptions += sources(_STATED, stated, given)
    if measurement.kind != "gr":
        measurement, used = _to_gr(measurement, merged)
        merged = used | merged
        assumptions.append(
            f"G(r) computed from the file's {measurement.format} with Q {used['qmin']:.2f} to {used['qmax']:.2f}"
        )
    x, y = measurement.x, measurement.signal.reshape(-1)
    whole = np.interp(x, x[measurement.used], y[measurement.used]) if measurement.used.any() else np.zeros_like(x)
    low, high = _choose_range(x, range, where)
    if range is None:
        end = signal_end(x, whole, low, high)
        if end < high:
            assumptions.append(f"range {low:g} to {end:g} angstrom (no signal above the noise beyond)")
            high = end
    keep = measurement.used & (x >= low - 1e-9) & (x <= high + 1e-9)
    if int(keep.sum()) < 20:
        raise PatternError(
            f"only {int(keep.sum())} points between {low:g} and {high:g} angstrom", where=where, remedy="Widen --range."
        )
    if "qmax" not in merged:
        guess = infer_qmax(x, whole)
        if guess is not None:
            merged["qmax"] = guess
            assumptions.append(f"Qmax {guess:.1f} 1/angstrom (not stated; read off the spectrum of the data)")
        else:
            assumptions.append("no Qmax (not stated, and the data show no cut-off): termination ripples are not modelled")
    if "qmin" not in merged:
        assumptions.append("Qmin 0.5 1/angstrom (not stated)")
    if "radiation" not in merged:
        assumptions.append("radiation: X-ray (not stated)")
    for name, text in (("qdamp", "Qdamp refined from 0.03 1/angstrom"), ("qbroad", "Qbroad refined from 0")):
        if name not in merged:
            assumptions.append(f"{text} (not stated)")
    instrument = make_instrument(merged, where=where)
    step = float(np.median(np.diff(x[keep])))
    if instrument.qmax and step > np.pi / instrument.qmax * (1 + 1e-6):
        warnings.append(
            f"the step in r, {step:.3g} angstrom, is coarser than pi/Qmax = {np.pi / instrument.qmax:.3g}: "
            "information is lost; export G(r) on a finer grid"
        )
    weights, absolute = _weights(measurement, keep)
    return PdfSignal(
        r=x[keep],
        g=y[keep],
        weights=weights,
        absolute=absolute,
        instrument=instrument,
        known=frozenset(k for k in merged if k in PdfInstrument.model_fields),
        range=(float(x[keep][0]), float(x[keep][-1])),
        elements_hint=composition(merged.get("composition"), warnings),
        measurement=measurement,
        assumptions=tuple(assumptions),
        warnings=tuple(warnings),
        settings=merged,
    )


def signal_end(r: Array, g: Array, low: float, high: float) -> float:
    """Where a signal ends: small particles have no distances beyond their size, and the noise there would be fitted in vain.

    The mean power in windows is compared with that of the last third of the range. Where the latter is a small part of the
    largest, it is taken as noise, and the signal ends some way beyond the last window that stands out from it.

    Parameters
    ----------
    r, g : array, shape (n,)
    low, high : float
        Range considered, angstrom.

    Returns
    -------
    float
        End in angstrom; ``high`` when the signal goes on to there.

    Examples
    --------
    >>> r = np.arange(1, 3001) * 0.01
    >>> noise = 0.01 * np.sin(20 * r)
    >>> signal_end(r, np.sin(8 * r) * np.exp(-r / 2) + noise, 1.5, 30.0), signal_end(r, np.sin(8 * r), 1.5, 30.0)
    (11.0, 30.0)
    """
    edges = np.arange(low, high - 0.5 * _WINDOW, _WINDOW)
    if edges.size < 6:
        return high
    windows = [g[(r >= e) & (r < e + _WINDOW)] for e in edges]
    if min(w.size for w in windows) == 0:
        return high
    power = np.array([float(np.mean(w**2)) for w in windows])
    floor = float(np.median(power[-(edges.size // 3) :]))
    if not floor <= _NOISE_SHARE * power.max() or not power.max() > 0:
        return high
    floor = max(floor, _RIPPLE_SHARE * float(power.max()))
    last = int(np.flatnonzero(power > _STANDS_OUT * floor)[-1])
    return min(high, max(round(float(edges[last]) + _WINDOW + _TAIL_MARGIN, 1), _SHORTEST_END))


def infer_qmax(r: Array, g: Array) -> float | None:
    """Read Qmax off the spectrum of G(r): the highest Q with appreciable power, when the spectrum ends there.

    Returns
    -------
    float or None
        1/angstrom; ``None`` when power reaches to the end of the spectrum or fades without an edge.
    """
    step = float(np.median(np.diff(r)))
    if np.max(np.abs(np.diff(r) - step)) > 0.05 * step or r.size < 200:
        return None
    # the low-r part carries the ad hoc corrections, not the band limit; a window keeps leakage from hiding the edge
    keep = r > 1.0
    window = np.hanning(int(keep.sum()))
    power = np.abs(np.fft.rfft(g[keep] * window)) ** 2
    q = 2 * np.pi * np.fft.rfftfreq(int(keep.sum()), step)
    width = max(int(0.4 / (q[1] - q[0])), 1)
    smooth = np.convolve(power, np.ones(width) / width, mode="same")
    reference = np.median(smooth[(q > 2) & (q < 12)]) if np.any((q > 2) & (q < 12)) else smooth.max()
    floor = 1e-4 * reference
    above = np.flatnonzero(smooth > floor)
    if above.size == 0:
        return None
    edge = float(q[above[-1]])
    if edge > 0.9 * q[-1] or edge < 5 or edge > 60:
        return None
    inside = smooth[(q > edge - 2.0) & (q < edge - 0.6)]
    beyond = smooth[(q > edge + 0.6) & (q < edge + 2.0)]
    if inside.size == 0 or beyond.size == 0 or np.median(beyond) > 0.05 * np.median(inside):
        return None
    half = np.flatnonzero(smooth > 0.25 * np.median(inside))
    return float(q[half[-1]])


def _choose_range(x: Array, wanted: tuple[float, float] | None, where: str) -> tuple[float, float]:
    if wanted is None:
        return max(DEFAULT_RANGE[0], float(x[0])), min(DEFAULT_RANGE[1], float(x[-1]))
    low, high = wanted
    if not (np.isfinite(low) and np.isfinite(high)) or low >= high:
        raise UsageError(
            f"range {low:g}:{high:g} is upside down", where=where, remedy="Give the smaller r first, as in 1.5:30."
        )
    if low > x[-1] or high < x[0]:
        raise PatternError(
            f"the range {low:g} to {high:g} angstrom lies outside the data ({x[0]:g} to {x[-1]:g})",
            where=where,
            remedy="Choose --range inside the data.",
        )
    if high > x[-1] + 1e-6 or low < x[0] - 1e-6:
        raise PatternError(
            f"the range {low:g} to {high:g} angstrom reaches beyond the data ({x[0]:g} to {x[-1]:g})",
            where=where,
            remedy=f"Use --range {max(low, float(x[0])):g}:{min(high, float(x[-1])):g}.",
        )
    return low, high


def _weights(measurement: Measurement, keep: NDArray[np.bool_]) -> tuple[Array, bool]:
    if measurement.sigma is None:
        return np.ones(int(keep.sum())), False
    sigma = measurement.sigma.reshape(-1)[keep]
    if not np.all(np.isfinite(sigma)) or np.any(sigma < 0) or not np.any(sigma > 0):
        return np.ones(int(keep.sum())), False
    # a few zero or tiny uncertainties must not own the fit
    floor = 0.1 * float(np.median(sigma[sigma > 0]))
    return 1.0 / np.maximum(sigma, floor) ** 2, True


def _to_gr(measurement: Measurement, settings: Mapping[str, Any]) -> tuple[Measurement, dict[str, float]]:
    """Sine transform of F(Q) or S(Q), trapezoid rule on the file's own Q points."""
    q, y = measurement.x[measurement.used], measurement.signal.reshape(-1)[measurement.used]
    if measurement.kind == "iq":
        raise PatternError(
            "I(Q) is not normalised",
            where=measurement.path,
            remedy="Reduce it to S(Q), F(Q) or G(r) first (PDFgetX3, PDFgetN, GudrunX, LiquidDiffract ...).",
        )
    if q.size < 20:
        raise PatternError(f"only {q.size} points to be used", where=measurement.path, remedy="Mask fewer points.")
    f = y if measurement.kind == "fq" else q * (y - 1.0)
    qmin = max(float(settings.get("qmin", q[0])), float(q[0]))
    qmax = min(float(settings.get("qmax", q[-1])), float(q[-1]))
    inside = (q >= qmin - 1e-9) & (q <= qmax + 1e-9)
    if int(inside.sum()) < 20:
        raise PatternError("fewer than 20 points between Qmin and Qmax", where=measurement.path, remedy="Check qmin and qmax.")
    r = np.arange(0, 3001, dtype=np.float64) * 0.01
    g = np.array([np.trapezoid(f[inside] * np.sin(q[inside] * ri), q[inside]) for ri in r]) * (2 / np.pi)
    return (
        replace(measurement, kind="gr", x=r, signal=g, sigma=None, mask=None, format=measurement.kind.upper()),
        {"qmin": qmin, "qmax": qmax},
    )


#: below this Q (1/angstrom) a measured F(Q) is not trusted when structures are compared: the corrections for background,
#: container, Compton scattering and fluorescence are slow in Q, and their errors end up there
SLOW_Q = 2.0
_SLOW_SPACING = 1.2


def slow_curves(r: Array) -> Array:
    """Sines of Q below `SLOW_Q` on the points of a G(r), shape (n, k): what wrong corrections can add to it.

    They are spaced a little closer than pi / r_max, so that an error of any Q in between is nearly a sum of them.

    Examples
    --------
    >>> slow_curves(np.linspace(1.5, 30.0, 500)).shape
    (500, 22)
    """
    step = np.pi / (_SLOW_SPACING * float(r[-1]))
    return np.asarray(np.sin(np.outer(r, np.arange(1, int(SLOW_Q / step) + 1) * step)))
