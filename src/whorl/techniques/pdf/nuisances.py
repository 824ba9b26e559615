"""What real total-scattering experiments vary: the one declaration that simulation, calibration and correction draw from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Nuisances:
    """Ranges of the experiment's unwanted variation; uniform unless said otherwise.

    Attributes
    ----------
    qmin, qmax, qdamp, qbroad : (low, high)
        1/angstrom.
    u_iso : (low, high)
        angstrom^2, log-uniform.
    delta2 : (low, high)
        angstrom^2.
    strain : float
        Standard deviation of a relative change of all lengths.
    noise : (low, high)
        Root mean square of noise in F(Q), as a part of that of F(Q), log-uniform; it is white in Q, as counting noise of a
        count-time weighting by Q is, and so reaches G(r) band-limited.
    background : (low, high)
        Amplitude of a slow wrong background below ``background_q`` (1/angstrom), as a part of the root mean square of G(r).
    ligand : (low, high)
        Height of unmodelled peaks between 1.2 and 4 angstrom, as a part of the largest peak, two or three of them.
    """

    qmin: tuple[float, float] = (0.3, 1.5)
    qmax: tuple[float, float] = (14.0, 26.0)
    qdamp: tuple[float, float] = (0.01, 0.06)
    qbroad: tuple[float, float] = (0.0, 0.03)
    u_iso: tuple[float, float] = (0.003, 0.02)
    delta2: tuple[float, float] = (0.0, 4.0)
    strain: float = 0.005
    noise: tuple[float, float] = (0.01, 0.3)
    background: tuple[float, float] = (0.0, 0.3)
    background_q: float = 2.0
    ligand: tuple[float, float] = (0.0, 0.3)

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw one experiment: instrument settings, sample parameters and the sizes of the errors."""

        def uniform(limits: tuple[float, float]) -> float:
            return float(rng.uniform(*limits))

        def log_uniform(limits: tuple[float, float]) -> float:
            return float(np.exp(rng.uniform(*np.log(limits))))

        return {
            "qmin": uniform(self.qmin),
            "qmax": uniform(self.qmax),
            "qdamp": uniform(self.qdamp),
            "qbroad": uniform(self.qbroad),
            "u_iso": log_uniform(self.u_iso),
            "delta2": uniform(self.delta2),
            "zoom": float(np.exp(rng.normal(0, self.strain))),
            "noise": log_uniform(self.noise),
            "background": uniform(self.background),
            "ligand": uniform(self.ligand),
        }

    def corrupt(self, r: Array, g: Array, drawn: dict[str, Any], rng: np.random.Generator) -> Array:
        """Add noise, background and ligand peaks to a clean G(r), shape (n,)."""
        rms = float(np.sqrt(np.mean(g[r > 1.5] ** 2)))
        out = g + _band_noise(r, 0.0, drawn["qmax"], rng) * drawn["noise"] * rms
        out += _band_noise(r, 0.0, self.background_q, rng) * drawn["background"] * rms
        for _ in range(int(rng.integers(2, 4))):
            centre, width = rng.uniform(1.2, 4.0), rng.uniform(0.08, 0.2)
            height = drawn["ligand"] * float(np.max(g)) * rng.uniform(-0.3, 1.0)
            out += height * np.exp(-0.5 * ((r - centre) / width) ** 2)
        return np.asarray(out)


def _band_noise(r: Array, low: float, high: float, rng: np.random.Generator) -> Array:
    """Gaussian noise of unit root mean square whose spectrum fills low ... high (1/angstrom)."""
    length = float(r[-1]) * 1.3
    q = np.arange(max(int(low * length / np.pi), 1), max(int(high * length / np.pi), 3)) * np.pi / length
    amplitude = rng.normal(size=q.size)
    noise = np.sin(np.outer(r, q)) @ amplitude
    return np.asarray(noise / max(float(np.sqrt(np.mean(noise**2))), 1e-12))


NUISANCES = Nuisances()
