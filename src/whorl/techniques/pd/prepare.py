"""A measured powder pattern made ready to fit: range, wavelength, weights, background, width of the peaks, assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.physics.backgrounds import chebyshev, running_mean, snip
from whorl.techniques.pd.doubtful import dropouts, jump
from whorl.techniques.pd.instrument import ANODES, SETTINGS, PdInstrument, make_instrument, one_line_stated, with_lines
from whorl.techniques.pd.noise import uncertainty
from whorl.techniques.pd.peak_list import drawn
from whorl.techniques.stated import composition, sources

Array = NDArray[np.float64]

#: axial divergence (S/L = H/L) where nothing is known: of diffractometers with Soller slits of 0.04 rad, of the high detectors
#: of reactors, of synchrotrons
AXIAL = {"lab": 0.03, "reactor": 0.03, "synchrotron": 0.0015}
#: Lorentzian width with tan(theta) that a tube's lines have by nature, degrees (2.3 of 8048 eV, less what is cut off)
EMISSION = 0.025
#: angle below which the beam of a fixed slit is wider than the sample, degrees of 2 theta: a slit of 1 degree at 240 mm, or of
#: 1.7 at 145, on a sample of 20 mm
OVERFLOW = 25.0
#: from this angle on (degrees) and above this width of peaks a pattern without a wavelength passes for one of a copper tube
_LAB_REACH, _LAB_WIDTH = 55.0, 0.03
_FEWEST = 30
#: points below which there is a warning, and the largest step, degrees: no peak of a diffractometer is as wide as two of these
_FEW, _COARSEST = 120, 0.5
#: of the intensity, by which models of powders are wrong: texture, shapes of peaks, positions of atoms
_MODEL_ERROR = 0.06
#: of the height of a peak, by which models of its foot are wrong, and how far that reaches, in widths of the peaks
_FOOT_ERROR, _FOOT = 0.01, 3.0
_WIDTH = (0.005, 3.0)
#: strong peaks looked at, and the percentile of their widths: many are several that overlap
_PEAKS, _NARROW = 16, 30.0
#: clipping window of the background, in widths of the peaks
_WINDOW = 8.0
#: equal neighbours at the highest value that are taken for a saturated detector
_FLAT = 4


@dataclass(frozen=True)
class PdSignal:
    """A powder pattern ready to fit.

    Attributes
    ----------
    measurement : Measurement
    x, y, weights : array, shape (n,)
        2 theta (degrees), intensity, 1/sigma^2.
    absolute : bool
        Whether the weights are 1/sigma^2 in the units of the data.
    instrument : PdInstrument
    known : frozenset of str
        Instrument parameters that were stated or given: they are not refined.
    fwhm : float
        Typical full width of the peaks at half maximum, degrees.
    elements_hint : frozenset of str
    assumptions, warnings : tuple of str
    """

    measurement: Measurement
    x: Array
    y: Array
    weights: Array
    absolute: bool
    instrument: PdInstrument
    known: frozenset[str]
    fwhm: float
    elements_hint: frozenset[str]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def range(self) -> tuple[float, float]:
        """First and last angle, degrees."""
        return float(self.x[0]), float(self.x[-1])

    @property
    def testifying(self) -> None:
        """As stated for the technique."""
        return None

    @property
    def independent_points(self) -> float:
        """Points that tell something of their own: two for each width of a peak."""
        return float(min(self.x.size, max(2 * (self.x[-1] - self.x[0]) / self.fwhm, 10.0)))

    @property
    def unit(self) -> str:
        """Unit of the intensity."""
        stated = str(self.measurement.settings.get("intensity", ""))
        return {"counts": "counts", "rate": "counts/s"}.get(stated, "counts" if self.absolute else "arbitrary")

    @cached_property
    def quick(self) -> PdSignal:
        """Few points with cautious weights, for the first fits of a search."""
        return self.cautious().thinned(3.0)

    @cached_property
    def ranking(self) -> PdSignal:
        """More points with cautious weights, for the fits that rank."""
        return self.cautious().thinned(4.0)

    @cached_property
    def background(self) -> Array:
        """Background by peak clipping, shape (n,)."""
        step = float(np.median(np.diff(self.x)))
        window = int(np.clip(round(_WINDOW * self.fwhm / step), 4, max(self.x.size // 6, 5)))
        return snip(self.y, window, smoothing=max(int(0.25 * self.fwhm / step), 0))

    def measured_by(self, instrument: PdInstrument) -> PdSignal:
        """The same pattern taken to be of another instrument; its background stays as it is."""
        other = replace(self, instrument=instrument)
        other.__dict__["background"] = self.background  # what the cached property would work out again
        return other

    def background_curves(self, count: int) -> Array:
        """Curves of which the background is made: the clipped one, and polynomials, shape (n, count)."""
        if count not in self._curves:
            base = self.background
            level = float(np.mean(np.abs(base))) or 1.0
            self._curves[count] = np.column_stack([base / level, chebyshev(self.x, max(count - 2, 0))])
        return self._curves[count]

    @cached_property
    def _curves(self) -> dict[int, Array]:
        return {}

    def model_sigma(self, given: Array | None = None) -> Array:
        """Uncertainty of the points with that of a model beside it, shape (n,).

        A model is wrong by a part of the intensity, and at the feet of strong peaks by a part of their height.
        """
        net = np.maximum(self.y - self.background, 0.0)
        if given is not None:
            net = np.maximum(net, given.sum(axis=1))
        reach = max(round(_FOOT * self.fwhm / float(np.median(np.diff(self.x)))), 1)
        near = maximum_filter1d(net, 2 * reach + 1, mode="nearest")
        return np.asarray(np.sqrt(1 / self.weights + (_MODEL_ERROR * net) ** 2 + (_FOOT_ERROR * near) ** 2))

    def cautious(self, given: Array | None = None) -> PdSignal:
        """With weights that allow for the errors of models: strong peaks do not count for more than they can tell."""
        return replace(self, weights=1 / self.model_sigma(given) ** 2, absolute=False)

    def thinned(self, per_width: float = 5.0) -> PdSignal:
        """Neighbouring points joined so that about ``per_width`` are left in the width of a peak."""
        step = float(np.median(np.diff(self.x)))
        group = int(self.fwhm / per_width / step)
        if group < 2:
            return self
        count = self.x.size // group * group
        shape = (-1, group)
        x, y, w = (a[:count].reshape(shape) for a in (self.x, self.y, self.weights))
        total = w.sum(axis=1)
        safe = np.maximum(total, 1e-300)
        return replace(self, x=x.mean(axis=1), y=np.where(total > 0, (w * y).sum(axis=1) / safe, y.mean(axis=1)), weights=total)


def prepare(
    measurement: Measurement,
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> PdSignal:
    """Make a powder pattern ready.

    Parameters
    ----------
    measurement : Measurement
        One frame of kind ``"powder"``.
    range : (low, high), optional
        Angles to use, degrees of 2 theta; the whole pattern by default.
    settings : mapping, optional
        Overrides of what the file says (names: `whorl.techniques.pd.instrument.SETTINGS`).

    Raises
    ------
    PatternError
        If there are too few points, the range lies outside, or the wavelength is neither stated nor to be inferred.
    UsageError
        If a setting is unknown or impossible.
    """
    where = measurement.path or "pattern"
    if measurement.kind == "tof":
        raise PatternError(
            "a pattern over the time of flight can be read and converted, but not fitted yet",
            where=where,
            remedy="Use a pattern of constant wavelength.",
        )
    if measurement.kind == "peaks" and measurement.signal.ndim == 1:
        measurement, settings = drawn(measurement, settings, where)
    if measurement.kind != "powder" or measurement.signal.ndim != 1:
        raise PatternError("this is no single powder pattern", where=where, remedy="Give one frame over the scattering angle.")
    given = dict(settings or {})
    unknown = set(given) - set(SETTINGS)
    if unknown:
        raise UsageError(f"unknown setting {min(unknown)!r}", remedy=f"Settings are {', '.join(SETTINGS)}.")
    x, y, sigma, warnings = _points(measurement, range, where)
    fwhm = typical_width(x, y)
    stated = {k: v for k, v in measurement.settings.items() if k in SETTINGS or k in PdInstrument.model_fields or k == "anode"}
    in_file = stated
    if "wavelength" in given:  # a given wavelength replaces both lines of the file
        stated = {k: v for k, v in stated.items() if k not in ("wavelength", "wavelength2", "line_ratio", "anode")}
    merged = with_lines({**stated, **given})
    assumptions = sources(SETTINGS, in_file, given)
    _infer(merged, x, fwhm, where, assumptions, warnings)
    instrument = make_instrument(merged, where=where)
    found = uncertainty(y, sigma, counts=measurement.settings.get("intensity") == "counts")
    assumptions.append(found.words)
    known = frozenset(k for k in {**stated, **given} if k in PdInstrument.model_fields)
    if not one_line_stated({**stated, **given}):
        known |= {"line_ratio"}
    return PdSignal(
        measurement,
        x,
        y,
        1 / found.sigma**2,
        found.absolute,
        instrument,
        known,
        fwhm,
        composition(merged.get("composition"), warnings),
        tuple(assumptions),
        tuple(warnings),
    )


def typical_width(x: Array, y: Array) -> float:
    """Full width at half maximum that is typical of the strong peaks of a pattern, in the unit of ``x``.

    Examples
    --------
    >>> x = np.arange(10.0, 60.0, 0.02)
    >>> y = sum(np.exp(-4 * np.log(2) * ((x - c) / 0.2) ** 2) for c in (20.0, 33.0, 47.0))
    >>> round(typical_width(x, y), 2)
    0.2
    """
    step = float(np.median(np.diff(x)))
    wide = snip(y, int(np.clip(2.0 / step, 8, max(x.size // 4, 9))))
    above = running_mean(y - wide, 1)
    widths: list[float] = []
    left = above.copy()
    for _ in range(_PEAKS):
        top = int(np.argmax(left))
        half = 0.5 * left[top]
        if left[top] <= 0:
            break
        low = high = top
        while low > 0 and above[low] > half:
            low -= 1
        while high < x.size - 1 and above[high] > half:
            high += 1
        widths.append(_crossing(x, above, high - 1, half) - _crossing(x, above, low, half))
        wipe = 2 * (high - low) + 3
        left[max(top - wipe, 0) : top + wipe] = 0.0
        if len(widths) > 3 and left.max() < 0.05 * above.max():
            break
    return float(np.clip(np.percentile(widths, _NARROW) if widths else 5 * step, max(_WIDTH[0], 1.5 * step), _WIDTH[1]))


def _crossing(x: Array, y: Array, i: int, level: float) -> float:
    """Where y crosses a level between points i and i + 1."""
    i = min(max(i, 0), x.size - 2)
    rise = y[i + 1] - y[i]
    return float(x[i] + (x[i + 1] - x[i]) * np.clip((level - y[i]) / rise if rise else 0.5, 0.0, 1.0))


def _points(
    measurement: Measurement, wanted: tuple[float, float] | None, where: str
) -> tuple[Array, Array, Array | None, list[str]]:
    """Points in the range, without dead ends; what is odd about them."""
    used = measurement.used
    x, y = measurement.x[used], measurement.signal[used]
    sigma = None if measurement.sigma is None else measurement.sigma[used]
    warnings: list[str] = []
    if x[0] < -5 or x[-1] > 180:
        raise PatternError(
            f"angles from {x[0]:g} to {x[-1]:g} are no scattering angles in degrees",
            where=where,
            remedy="Export the pattern over 2 theta in degrees.",
        )
    alive = np.flatnonzero(y != 0)
    if alive.size == 0:
        raise PatternError("the pattern is zero everywhere", where=where, remedy="Export it again.")
    keep = np.zeros(x.size, dtype=np.bool_)
    keep[alive[0] : alive[-1] + 1] = True
    keep &= x > 0
    if wanted is not None:
        low, high = wanted
        if not low < high:
            raise UsageError(f"range {low:g}:{high:g} is upside down", where=where, remedy="Give the smaller angle first.")
        if low > x[-1] or high < x[0]:
            raise PatternError(
                f"the range {low:g} to {high:g} degrees lies outside the data ({x[0]:g} to {x[-1]:g})",
                where=where,
                remedy="Choose --range inside the data.",
            )
        keep &= (x >= low) & (x <= high)
    elif np.count_nonzero(keep) < x.size:
        warnings.append(f"{x.size - np.count_nonzero(keep)} points of no intensity at the ends were left out")
    dead = dropouts(y) & keep
    if np.any(dead):
        warnings.append(f"{np.count_nonzero(dead)} points hold no counts where their neighbours hold many: they were left out")
        keep &= ~dead
    x, y = x[keep], y[keep]
    sigma = None if sigma is None else sigma[keep]
    if x.size < _FEWEST:
        raise PatternError(
            f"{x.size} points in the range are too few for a powder pattern",
            where=where,
            remedy=f"At least {_FEWEST} are needed.",
        )
    if np.any(y < 0):
        warnings.append(f"{int(np.sum(y < 0))} intensities are negative: a background was taken off, perhaps")
    top = float(y.max())
    flat = np.flatnonzero(y >= top * (1 - 1e-9))
    if flat.size >= _FLAT and np.any(np.convolve(y >= top * (1 - 1e-9), np.ones(_FLAT), "valid") >= _FLAT):
        warnings.append(f"{flat.size} points stand at {top:g}, the highest value: the detector was saturated there, perhaps")
    step = np.diff(x)
    if float(np.median(step)) > _COARSEST:
        raise PatternError(
            f"steps of {float(np.median(step)):.2g} degrees resolve no peaks",
            where=where,
            remedy="Give the pattern as it was measured, in steps of less than a peak's width.",
        )
    if x.size < _FEW:
        warnings.append(f"only {x.size} points: what so few points say of a structure is doubtful")
    if changed := jump(x, y):
        place, factor = changed
        warnings.append(
            f"the level changes by a factor of {factor:.2g} at {place:.4g} degrees, from one point to the next: counts and "
            "rates in one file, or an attenuator, perhaps; fit either part alone with --range"
        )
    if step.max() > 1.5 * step.min() + 1e-9:
        warnings.append(f"steps differ, from {step.min():.3g} to {step.max():.3g} degrees")
    return x, y, sigma, warnings


def _infer(settings: dict[str, Any], x: Array, fwhm: float, where: str, assumptions: list[str], warnings: list[str]) -> None:
    """Fill in what is not stated, and say so."""
    neutron = settings.get("radiation") == "neutron"
    if settings.get("wavelength") is None:
        lab = x[-1] >= _LAB_REACH and fwhm >= _LAB_WIDTH and not neutron and settings.get("source", "lab") == "lab"
        if not lab:
            raise PatternError(
                "the wavelength is not stated, and the pattern does not look like one of a copper tube",
                where=where,
                remedy="Pass --set wavelength=... in angstrom.",
            )
        settings["wavelength"], settings["wavelength2"] = ANODES["Cu"]
        assumptions.append("wavelength: Cu K-alpha 1 and 2 (assumed: not stated; angles and widths are those of a tube)")
        warnings.append("the wavelength is not stated: Cu K-alpha was assumed; pass --set wavelength=... if it was another")
    wavelength = float(settings["wavelength"])
    if "source" not in settings:
        tube = any(abs(wavelength / first - 1) < 2e-3 for first, _ in ANODES.values())
        settings["source"] = "reactor" if neutron else "lab" if tube else "synchrotron"
        assumptions.append(f"source: {settings['source']} (from the wavelength)")
    if "geometry" not in settings:
        settings["geometry"] = "bragg-brentano" if settings["source"] == "lab" else "debye-scherrer"
        assumptions.append(f"geometry: {settings['geometry']} (assumed)")
    settings.setdefault("axial", AXIAL.get(settings["source"], 0.0))
    if settings["source"] == "lab":
        settings.setdefault("y", EMISSION)
        if settings["geometry"] == "bragg-brentano" and settings.get("divergence_slit") == "fixed":
            settings.setdefault("overflow", OVERFLOW)
