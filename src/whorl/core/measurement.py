"""What an instrument recorded: one curve or a series of curves on a common axis, with settings and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Axis:
    """The independent variable of a measurement: its name, symbol and unit.

    Examples
    --------
    >>> R.label
    'r (angstrom)'
    """

    name: str
    symbol: str
    unit: str

    @property
    def label(self) -> str:
        """Symbol and unit, as a plot's axis label."""
        return f"{self.symbol} ({self.unit})"


R = Axis("distance", "r", "angstrom")
Q = Axis("momentum transfer", "Q", "1/angstrom")
TWO_THETA = Axis("scattering angle", "2theta", "degree")
TOF = Axis("time of flight", "t", "microsecond")
D = Axis("lattice spacing", "d", "angstrom")

#: kind of signal -> (axis, name of the signal, unit of the signal)
KINDS: Mapping[str, tuple[Axis, str, str]] = MappingProxyType(
    {
        "gr": (R, "G(r)", "1/angstrom^2"),
        "fq": (Q, "F(Q)", "1/angstrom"),
        "sq": (Q, "S(Q)", "1"),
        "iq": (Q, "I(Q)", "arbitrary"),
        "sas": (Q, "I(Q)", "arbitrary"),
        "powder": (TWO_THETA, "I(2theta)", "counts"),
        "tof": (TOF, "I(t)", "counts"),
        "peaks": (D, "I(d)", "arbitrary"),
    }
)


@dataclass(frozen=True)
class Measurement:
    """One frame or a series of frames on one axis.

    Parameters
    ----------
    kind : str
        A key of `KINDS`: ``"gr"`` (reduced pair distribution function G(r)), ``"fq"``, ``"sq"``, ``"iq"``, ``"sas"``
        (small-angle scattering), ``"powder"`` (powder pattern over the scattering angle), ``"tof"`` (over the time of
        flight), ``"peaks"`` (list of lattice spacings).
    x : array, shape (n,)
        Axis values, strictly increasing, in the unit of ``axis`` (angstrom, 1/angstrom, degree, microsecond).
    signal : array, shape (n,) or (frames, n)
    sigma : array of the shape of ``signal``, optional
        Standard uncertainty of each value; ``None`` when the file gives none (never invented).
    mask : array of bool, shape (n,), optional
        True where the point is to be used; all points when not given.
    resolution : array, shape (n,), optional
        Standard deviation of the axis value at each point (dQ of small-angle scattering), in the unit of ``axis``; ``None``
        when the file gives none.
    settings : mapping
        What the file says of the instrument and the sample, under whorl's names: ``qmin``, ``qmax``, ``qdamp``,
        ``qbroad`` (1/angstrom), ``wavelength`` (angstrom), ``radiation`` (``"x-ray"``, ``"neutron"``, ``"electron"``),
        ``composition`` (text), ``temperature`` (kelvin). Of a powder pattern also ``wavelength2`` (angstrom) and ``line_ratio``
        (K-alpha 2 and its intensity beside K-alpha 1, which is then ``wavelength``), ``anode`` ("Cu"), ``source`` (``"lab"``,
        ``"synchrotron"``, ``"reactor"``, ``"spallation"``), ``geometry`` (``"bragg-brentano"``, ``"debye-scherrer"``,
        ``"transmission"``), ``divergence_slit`` (``"fixed"``, ``"automatic"``), ``monochromator`` (its 2theta, degrees),
        ``polarisation`` (fraction in the plane of the diffractometer), ``radius`` (mm), ``counting_time`` (s a point),
        ``intensity`` (``"counts"``, ``"rate"``, ``"arbitrary"``), ``difc``, ``difa``, ``tzero`` (time of flight,
        t = difc d + difa d^2 + tzero, microseconds). Of small-angle scattering ``intensity`` is ``"absolute"`` (1/cm) or
        ``"arbitrary"``; ``slit_length`` and ``slit_width`` are half lengths in 1/angstrom; ``thickness`` (cm). Only what is
        stated; nothing assumed.
    coordinates : mapping of arrays, shape (frames,)
        Per-frame coordinates of a series: time, temperature, voltage, position.
    path, sha256, format : str
        Where it came from: file, hash of its bytes, name of the reader.
    notes : tuple of str
        What the reader had to decide, in words ("decimal comma", "2 duplicate points dropped").

    Raises
    ------
    PatternError
        If shapes disagree, values are not finite or ``x`` does not increase.

    Examples
    --------
    >>> import numpy as np
    >>> m = Measurement("gr", np.array([1.0, 1.1, 1.2]), np.array([0.0, 0.5, 0.1]))
    >>> m.frames, m.axis.unit
    (1, 'angstrom')
    """

    kind: str
    x: Array
    signal: Array
    sigma: Array | None = None
    mask: Mask | None = None
    resolution: Array | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    coordinates: Mapping[str, Array] = field(default_factory=dict)
    path: str = ""
    sha256: str = ""
    format: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = self.path or "measurement"
        if self.kind not in KINDS:
            raise PatternError(f"unknown kind of signal {self.kind!r}", where=where, remedy=f"Use one of {', '.join(KINDS)}.")
        x = np.ascontiguousarray(self.x, dtype=np.float64)
        signal = np.ascontiguousarray(self.signal, dtype=np.float64)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "signal", signal)
        if x.ndim != 1 or x.size < 2:
            raise PatternError(f"{x.size} point(s) on the axis", where=where, remedy="At least two are needed.")
        if signal.ndim not in (1, 2) or signal.shape[-1] != x.size:
            raise PatternError(
                f"signal of shape {signal.shape} on an axis of {x.size} points",
                where=where,
                remedy="Give (n,) for one frame or (frames, n) for a series.",
            )
        if self.sigma is not None:
            sigma = np.ascontiguousarray(self.sigma, dtype=np.float64)
            if sigma.shape != signal.shape:
                raise PatternError("sigma and signal differ in shape", where=where, remedy="Give one sigma per value.")
            object.__setattr__(self, "sigma", sigma)
        if self.mask is not None:
            mask = np.ascontiguousarray(self.mask, dtype=np.bool_)
            if mask.shape != x.shape:
                raise PatternError("mask and axis differ in shape", where=where, remedy="Give one flag per point.")
            object.__setattr__(self, "mask", mask)
        if self.resolution is not None:
            resolution = np.ascontiguousarray(self.resolution, dtype=np.float64)
            if resolution.shape != x.shape or not np.all(resolution >= 0) or not np.all(np.isfinite(resolution)):
                raise PatternError(
                    "the resolution is not one number of 0 or more per point",
                    where=where,
                    remedy="Repair or leave out that column.",
                )
            object.__setattr__(self, "resolution", resolution)
        if not np.all(np.isfinite(x)):
            raise PatternError("the axis holds NaN or infinity", where=where, remedy="Remove those points.")
        step = np.diff(x)
        if np.any(step <= 0):
            i = int(np.argmax(step <= 0))
            raise PatternError(
                f"{self.axis.symbol} is not increasing ({x[i + 1]:g} after {x[i]:g})",
                where=where,
                remedy="Sort the points and remove duplicates.",
            )
        used = self.used
        if not np.all(np.isfinite(signal[..., used])):
            raise PatternError("the signal holds NaN or infinity", where=where, remedy="Mask or remove those points.")

    @property
    def axis(self) -> Axis:
        """Axis that belongs to the kind of signal."""
        return KINDS[self.kind][0]

    @property
    def frames(self) -> int:
        """Number of frames (1 for a single curve)."""
        return 1 if self.signal.ndim == 1 else int(self.signal.shape[0])

    @property
    def used(self) -> Mask:
        """Flags of the points to be used, shape (n,)."""
        return np.ones(self.x.size, dtype=np.bool_) if self.mask is None else self.mask

    @property
    def step(self) -> float:
        """Median step of the axis."""
        return float(np.median(np.diff(self.x)))

    def frame(self, index: int) -> Measurement:
        """Give one frame of a series as a measurement of its own, its coordinates moved into the settings."""
        if self.signal.ndim == 1:
            if index not in (0, -1):
                raise PatternError(f"frame {index} of a single curve", where=self.path, remedy="Use frame 0.")
            return self
        if not -self.frames <= index < self.frames:
            raise PatternError(
                f"frame {index} of {self.frames}", where=self.path, remedy=f"Frames run from 0 to {self.frames - 1}."
            )
        settings = dict(self.settings) | {k: float(v[index]) for k, v in self.coordinates.items()}
        sigma = None if self.sigma is None else self.sigma[index]
        return replace(self, signal=self.signal[index], sigma=sigma, settings=settings, coordinates={})

    def with_settings(self, **settings: Any) -> Measurement:
        """Give a copy whose settings are overridden by the given ones."""
        return replace(self, settings=dict(self.settings) | settings)

    def to_xarray(self) -> xarray.DataArray:
        """Give the signal as an `xarray.DataArray` (xarray must be installed).

        Raises
        ------
        MissingExtraError
            If xarray is not installed.
        """
        from whorl.core.lazy import need

        xr = need("xarray", extra="scale")
        dims = (self.axis.symbol,) if self.signal.ndim == 1 else ("frame", self.axis.symbol)
        coords: dict[str, Any] = {self.axis.symbol: self.x}
        coords |= {k: ("frame", v) for k, v in self.coordinates.items()}
        return xr.DataArray(self.signal, dims=dims, coords=coords, name=self.kind, attrs=dict(self.settings))
