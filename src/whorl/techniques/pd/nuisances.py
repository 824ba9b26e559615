"""What real powder experiments vary: the one declaration that simulation, calibration and correction draw from.

Lengths of the axis are given in units of the instrument's peak width or of the range measured, so that the same declaration
holds for a laboratory diffractometer and for a synchrotron.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.physics.backgrounds import chebyshev

Array = NDArray[np.float64]

_ORDER = 5  # of the polynomial that a background without hump is


@dataclass(frozen=True)
class Nuisances:
    """Ranges of a powder experiment's unwanted variation; uniform unless said otherwise.

    Attributes
    ----------
    zero : float
        Standard deviation of the zero error, in full widths of the instrument's peaks.
    displacement : float
        Standard deviation of the sample's distance from the goniometer's axis, mm; reflection geometry only.
    width, axial : float
        Standard deviation of the logarithm of the instrument's Gaussian width squared w, and of its axial divergence S/L.
    slit : (low, high)
        Power of sin(theta) in the intensity: of a slit that is not known to be fixed or automatic.
    size : (low, high)
        Volume-weighted crystallite size, angstrom, log-uniform.
    strained : float
        Share of the samples with strain.
    strain : (low, high)
        Relative change of spacings within crystallites, log-uniform.
    textured : float
        Share of the samples whose crystallites lie in preferred orientations.
    march : (low, high)
        Parameter of March-Dollase texture.
    u_change : float
        Standard deviation of a change of all displacement parameters of a phase, angstrom^2.
    counts : (low, high)
        Net counts of the highest point, log-uniform.
    background : (low, high)
        Mean background as a part of the highest point, log-uniform.
    slope : float
        Standard deviation of the background's Chebyshev coefficients, as parts of its mean.
    amorphous : float
        Share of the samples with an amorphous hump.
    hump : (low, high)
        Height of the hump as a part of the mean background.
    hump_width : (low, high)
        Full width at half maximum of the hump, as a part of the range.
    """

    zero: float = 0.15
    displacement: float = 0.05
    width: float = 0.15
    axial: float = 0.2
    slit: tuple[float, float] = (0.0, 1.0)
    size: tuple[float, float] = (30.0, 800.0)
    strained: float = 0.3
    strain: tuple[float, float] = (1e-4, 3e-3)
    textured: float = 0.3
    march: tuple[float, float] = (0.6, 1.5)
    u_change: float = 0.0015
    counts: tuple[float, float] = (500.0, 50_000.0)
    background: tuple[float, float] = (0.02, 0.5)
    slope: float = 0.25
    amorphous: float = 0.5
    hump: tuple[float, float] = (0.1, 1.5)
    hump_width: tuple[float, float] = (0.2, 0.5)

    def draw(self, rng: np.random.Generator, *, phases: int = 1) -> dict[str, Any]:
        """Draw one experiment: errors of the instrument, parameters of each phase of the sample, background, counts.

        Returns
        -------
        dict
            ``zero`` in full widths, ``displacement`` (mm), ``width`` and ``axial`` as factors, ``slit``; lists of one for each
            phase: ``size`` (angstrom), ``strain``, ``march``, ``u_change`` (angstrom^2); ``counts``; ``background`` as a part
            of ``counts``, its Chebyshev coefficients ``slope`` and ``hump`` (height, centre, width; parts of level and range).

        Examples
        --------
        >>> drawn = Nuisances().draw(np.random.default_rng(1), phases=2)
        >>> len(drawn["size"]), 500 <= drawn["counts"] <= 50_000
        (2, True)
        """

        def log_uniform(limits: tuple[float, float], count: int | None = None) -> Any:
            return np.exp(rng.uniform(np.log(limits[0]), np.log(limits[1]), size=count))

        strained, textured = rng.random() < self.strained, rng.random() < self.textured
        hump = (0.0, 0.5, 1.0)
        slope = rng.normal(0, self.slope, _ORDER) / np.arange(1, _ORDER + 1)
        if rng.random() < self.amorphous:
            hump = (float(rng.uniform(*self.hump)), float(rng.uniform(0.1, 0.8)), float(rng.uniform(*self.hump_width)))
        return {
            "zero": float(rng.normal(0, self.zero)),
            "displacement": float(rng.normal(0, self.displacement)),
            "width": float(np.exp(rng.normal(0, self.width))),
            "axial": float(np.exp(rng.normal(0, self.axial))),
            "slit": float(rng.uniform(*self.slit)),
            "size": log_uniform(self.size, phases).tolist(),
            "strain": log_uniform(self.strain, phases).tolist() if strained else [0.0] * phases,
            "march": log_uniform(self.march, phases).tolist() if textured else [1.0] * phases,
            "u_change": rng.normal(0, self.u_change, phases).tolist(),
            "counts": float(log_uniform(self.counts)),
            "background": float(log_uniform(self.background)),
            "slope": slope.tolist(),
            "hump": hump,
        }

    @staticmethod
    def background_of(x: Array, drawn: dict[str, Any]) -> Array:
        """Background of a drawn experiment, counts, shape of ``x`` (degrees): a positive polynomial and a hump."""
        curve = np.maximum(1 + chebyshev(x, _ORDER)[:, 1:] @ np.asarray(drawn["slope"]), 0.1)
        height, centre, width = drawn["hump"]
        place = (x - x[0]) / (x[-1] - x[0])
        curve = curve + height * np.exp(-4 * np.log(2) * ((place - centre) / width) ** 2)
        return np.asarray(drawn["background"] * drawn["counts"] * curve)

    def corrupt(self, x: Array, clean: Array, drawn: dict[str, Any], rng: np.random.Generator) -> Array:
        """Counts of a drawn experiment, shape (n,): a clean pattern at its height, with background and counting noise."""
        expected = clean * (drawn["counts"] / max(float(clean.max()), 1e-300)) + self.background_of(x, drawn)
        return np.asarray(rng.poisson(expected), dtype=np.float64)


NUISANCES = Nuisances()
