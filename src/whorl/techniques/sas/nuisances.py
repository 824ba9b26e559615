r"""What real small-angle experiments vary: the one declaration that simulation, calibration and correction draw from.

A drawn experiment is a window of q, a grid, a resolution, a background, noise, and what goes wrong: aggregates at low q, points
beside the beam stop, a gap of the detector, too much background subtracted. It *measures* a sample that is known on a fine grid
of q. Everything is relative to the window or to the sample's own intensities: shapes have no scale, and a declaration that
names no intensity holds for neutrons and X-rays, and for absolute and arbitrary units.

Noise follows the detector: counts of a ring grow with its area, q dq, so that the relative uncertainty at q is

.. math::
    \frac{\sigma}{I} = \sqrt{f^2 + r^2 \frac{I_0 \, q_0 \, \Delta q_0}{I \, q \, \Delta q}},

r at the geometric means I_0, q_0 and the mean step (J. S. Pedersen, Adv. Colloid Interface Sci. 70, 171 (1997),
doi:10.1016/S0001-8686(97)00312-6); or it is one part of the intensity everywhere, as in averages over frames and merged data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.fine_grid import pinhole_mean, slit_mean

Array = NDArray[np.float64]

#: grids of q: one detector in steps of q, one in steps of ln q, two detectors that overlap
GRIDS = ("linear", "logarithmic", "merged")
_TINY = 1e-300
_DYNAMIC = 20.0  # largest ln of the ratio of intensities that an instrument sees


class Curve(NamedTuple):
    """One measured curve.

    Attributes
    ----------
    q, intensity : array, shape (n,)
    sigma : array, shape (n,), optional
        Standard uncertainty, as the file states it.
    resolution : array, shape (n,), optional
        Standard deviation of q, as the file states it.
    slit_length : float
        Half length of the slit, in the unit of q; nought for a pinhole.
    expected : array, shape (n,)
        Intensity of the sample without background, aggregates, noise and artefacts, but smeared: what there is to be seen.
    true_sigma : array, shape (n,)
        Standard deviation that the noise was drawn with.
    """

    q: Array
    intensity: Array
    sigma: Array | None
    resolution: Array | None
    slit_length: float
    expected: Array
    true_sigma: Array


@dataclass(frozen=True)
class Nuisances:
    """Ranges of a small-angle experiment's unwanted variation; uniform unless said otherwise. Shares are parts of all curves.

    Attributes
    ----------
    qmin, qmax : (low, high)
        Ends of the window, 1/angstrom; the lower is log-uniform, the upper follows from ``decades`` and is kept in its range.
    decades : (low, high)
        Length of the window.
    points : (low, high)
        Points of the curve, log-uniform.
    grids : tuple of float
        Shares of `GRIDS`.
    smeared : float
        Share of curves with a pinhole's resolution.
    resolution : (low, high)
        Relative standard deviation of q.
    divergence : (low, high)
        Part of the resolution that does not grow with q, in units of qmin.
    resolution_stated : float
        Share of the smeared whose file has a column of resolution.
    slits : float
        Share of curves from a slit (instead of a pinhole).
    slit : (low, high)
        Half length of the slit in units of qmin, log-uniform.
    counting : float
        Share of curves whose noise is that of counts.
    noise : (low, high)
        Relative noise, log-uniform.
    floor : (low, high)
        Part of the intensity that noise of counts never falls below, log-uniform.
    quiet : float
        Share of curves that are computed, or as good as.
    quiet_noise : (low, high)
        Their relative noise, log-uniform.
    sigma_stated : float
        Share of curves whose file has uncertainties.
    sigma_error : float
        Standard deviation of the logarithm of the factor by which stated uncertainties are wrong.
    background : (low, high)
        Flat background, placed between the lowest (0) and the highest (1) intensity of the window on a logarithmic scale.
    no_background : float
        Share without.
    subtracted : float
        Share of backgrounds that were subtracted, whose noise is left.
    subtraction_error : float
        Standard deviation of the part of it that is left, negative where too much was taken.
    aggregates : float
        Share with a power law at low q.
    aggregate_power : (low, high)
        Its exponent.
    aggregate_height : (low, high)
        Its decadic logarithm at qmin, in units of the sample's intensity there.
    beam_stop : float
        Share whose first points lie partly in the shadow of the beam stop.
    gap : float
        Share with a gap.
    gap_length : (low, high)
        Part of the window in ln q.
    """

    qmin: tuple[float, float] = (0.0008, 0.03)
    qmax: tuple[float, float] = (0.05, 1.0)
    decades: tuple[float, float] = (0.8, 3.0)
    points: tuple[float, float] = (60.0, 600.0)
    grids: tuple[float, float, float] = (0.4, 0.4, 0.2)
    smeared: float = 0.6
    resolution: tuple[float, float] = (0.005, 0.15)
    divergence: tuple[float, float] = (0.0, 0.25)
    resolution_stated: float = 0.6
    slits: float = 0.05
    slit: tuple[float, float] = (0.5, 30.0)
    counting: float = 0.6
    noise: tuple[float, float] = (0.003, 0.1)
    floor: tuple[float, float] = (0.001, 0.01)
    quiet: float = 0.1
    quiet_noise: tuple[float, float] = (1e-5, 3e-3)
    sigma_stated: float = 0.8
    sigma_error: float = 0.25
    background: tuple[float, float] = (-0.4, 0.5)
    no_background: float = 0.1
    subtracted: float = 0.3
    subtraction_error: float = 0.02
    aggregates: float = 0.12
    aggregate_power: tuple[float, float] = (2.5, 4.2)
    aggregate_height: tuple[float, float] = (-1.5, 0.7)
    beam_stop: float = 0.07
    gap: float = 0.07
    gap_length: tuple[float, float] = (0.03, 0.12)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw one experiment.

        Returns
        -------
        dict
            ``qmin``, ``qmax`` (1/angstrom), ``points``, ``grid``; ``resolution`` (relative), ``divergence`` (of qmin),
            ``stated`` (is the resolution), ``slit`` (half length, 1/angstrom); ``counting``, ``noise``, ``floor``, ``sigma``
            (is stated), ``sigma_factor``; ``background`` (or None), ``subtracted`` (or None, the part that is left);
            ``aggregates`` (exponent, height) or None; ``beam_stop`` (points); ``gap`` (start, length, parts of the window in
            ln q) or None.

        Examples
        --------
        >>> drawn = Nuisances().draw(np.random.default_rng(1))
        >>> 60 <= drawn["points"] <= 600 and drawn["qmin"] < drawn["qmax"]
        True
        """

        def log_uniform(limits: tuple[float, float]) -> float:
            return float(np.exp(rng.uniform(np.log(limits[0]), np.log(limits[1]))))

        def happens(share: float) -> bool:
            return bool(rng.random() < share)

        qmin = log_uniform(self.qmin)
        qmax = float(np.clip(qmin * 10 ** rng.uniform(*self.decades), *self.qmax))
        if qmax < qmin * 10 ** self.decades[0]:
            qmin = qmax / 10 ** self.decades[0]
        slit = qmin * log_uniform(self.slit) if happens(self.slits) else 0.0
        smeared = slit == 0.0 and happens(self.smeared)
        quiet = happens(self.quiet)
        subtracted = happens(self.subtracted)
        gap = (float(rng.uniform(0.1, 0.8)), float(rng.uniform(*self.gap_length)))
        return {
            "qmin": qmin,
            "qmax": qmax,
            "points": round(log_uniform(self.points)),
            "grid": GRIDS[int(rng.choice(len(GRIDS), p=self.grids))],
            "resolution": float(rng.uniform(*self.resolution)) if smeared else 0.0,
            "divergence": float(rng.uniform(*self.divergence)) if smeared and happens(0.5) else 0.0,
            "stated": smeared and happens(self.resolution_stated),
            "slit": slit,
            "counting": not quiet and happens(self.counting),
            "noise": log_uniform(self.quiet_noise if quiet else self.noise),
            "floor": log_uniform(self.floor),
            "sigma": happens(self.sigma_stated),
            "sigma_factor": float(np.exp(rng.normal(0, self.sigma_error))),
            "background": None if happens(self.no_background) else float(rng.uniform(*self.background)),
            "subtracted": float(rng.normal(0, self.subtraction_error)) if subtracted else None,
            "aggregates": (float(rng.uniform(*self.aggregate_power)), float(rng.uniform(*self.aggregate_height)))
            if happens(self.aggregates)
            else None,
            "beam_stop": int(rng.integers(1, 4)) if happens(self.beam_stop) else 0,
            "gap": gap if happens(self.gap) else None,
        }

    @staticmethod
    def measure(q: Array, clean: Array, drawn: dict[str, Any], rng: np.random.Generator) -> Curve:
        """Measure a sample in a drawn experiment.

        Parameters
        ----------
        q : array, shape (m,)
            Fine grid, uniform in ln q, 1/angstrom. What is beyond its ends continues the last slope.
        clean : array, shape (m,)
            Positive intensity of the sample.
        drawn : dict
            From `draw`; the window lies within the grid.
        rng : Generator
        """
        axis = grid_of(drawn)
        width = np.zeros(axis.size)
        if drawn["resolution"] or drawn["divergence"]:
            width = np.hypot(drawn["resolution"] * axis, drawn["divergence"] * drawn["qmin"])
        logs = np.log(np.maximum(clean, _TINY))
        start, step = float(np.log(q[0])), float(np.log(q[-1] / q[0]) / (q.size - 1))
        slit = drawn["slit"]
        expected = slit_mean(axis, slit, start, step, logs) if slit else pinhole_mean(axis, width, start, step, logs)
        high = float(np.log(expected.max()))
        low = max(float(np.log(expected.min())), high - _DYNAMIC)
        seen = expected + np.exp(high - _DYNAMIC)
        if drawn["aggregates"] is not None:
            power, height = drawn["aggregates"]
            seen += expected[0] * 10**height * (axis / axis[0]) ** -power
        level = 0.0 if drawn["background"] is None else float(np.exp(low + drawn["background"] * (high - low)))
        seen += level
        noise = np.full(axis.size, drawn["noise"])
        if drawn["counting"]:
            step_q = np.gradient(axis)
            counts = seen * axis * step_q
            noise *= np.exp(0.5 * (np.mean(np.log(counts)) - np.log(counts)))
            noise = np.hypot(np.minimum(noise, 3.0), drawn["floor"])
        sigma = noise * seen
        intensity = seen + sigma * rng.standard_normal(axis.size)
        if drawn["subtracted"] is not None:
            intensity -= level * (1 - drawn["subtracted"])
        stop = min(drawn["beam_stop"], axis.size // 4)
        intensity[:stop] *= rng.uniform(0.2, 0.9) ** np.arange(stop, 0, -1)
        keep = np.ones(axis.size, dtype=bool)
        if drawn["gap"] is not None:
            place = np.log(axis / axis[0]) / np.log(axis[-1] / axis[0])
            keep = (place < drawn["gap"][0]) | (place > sum(drawn["gap"]))
        return Curve(
            axis[keep],
            intensity[keep],
            (sigma * drawn["sigma_factor"])[keep] if drawn["sigma"] else None,
            width[keep] if drawn["stated"] else None,
            float(drawn["slit"]),
            expected[keep],
            sigma[keep],
        )


NUISANCES = Nuisances()


def grid_of(drawn: dict[str, Any]) -> Array:
    """Points of a drawn experiment, 1/angstrom, increasing."""
    low, high, count = drawn["qmin"], drawn["qmax"], int(drawn["points"])
    if drawn["grid"] == "linear":
        return np.asarray(np.linspace(low, high, count))
    if drawn["grid"] == "logarithmic":
        return np.asarray(np.geomspace(low, high, count))
    middle, near = np.sqrt(low * high), count // 2  # two detectors, each in steps of q, that overlap by a fifth
    return np.unique(np.concatenate([np.linspace(low, middle * 1.2, near), np.linspace(middle, high, count - near)]))
