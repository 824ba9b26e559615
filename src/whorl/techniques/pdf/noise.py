r"""How much of a misfit is noise: no model can do anything about it, and it is no sign of a wrong one.

Two estimates. Beyond the end of a small particle, the data's or well beyond the model's, there is no signal, and what G(r)
shows there is noise. Where the signal goes on to the end, the residual's spectrum is looked at: noise fills all Q alike, while
a wrong crystal leaves its misfit at the Bragg positions. For noise the power at each Q is distributed exponentially, with a
lower quartile of -ln(3/4) times its mean; that quartile hardly knows of the few Q at which a misfit is concentrated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.fitting.problem import Fit
from whorl.techniques.pdf.prepare import DEFAULT_RANGE, SLOW_Q, PdfSignal
from whorl.techniques.protocol import Noise

Array = NDArray[np.float64]

_BEYOND = 3.0  # angstrom of G(r) beyond the signal's end that are needed
#: part of its maximum below which a particle's G(r) has ended, and how far beyond its end a larger particle may reach
_NOTHING, _LARGER = 0.05, 1.5
_QUARTILE = float(-np.log(0.75))
_FEWEST = 24  # points of the spectrum


def noise_share(signal: PdfSignal, fit: Fit) -> Noise:
    """R_w that the noise alone would leave, never more than that of the fit.

    Where both estimates can be made the lower counts: weak peaks of a particle beyond its end are no noise, nor is a misfit
    that is spread over many Q.

    Parameters
    ----------
    signal : PdfSignal
    fit : Fit
        Of this signal, slow curves taken off or not.
    """
    problem = fit.problem
    norm = float(np.sum(problem.weights * problem.observed**2))
    even = _even_share(problem.x, problem.observed - fit.calculated, signal.instrument.qmax)
    estimated = fit.rw * float(np.sqrt(even)) if even is not None else fit.rw
    beyond = _beyond(signal)
    if beyond is None:
        beyond = _beyond_model(problem.x, problem.observed, fit.calculated)
    if beyond is None:
        return Noise(0.0 if even is None else estimated, measured=False)
    return Noise(min(estimated, float(np.sqrt(beyond * float(problem.weights.sum()) / norm))), measured=True)


def _beyond(signal: PdfSignal) -> float | None:
    """Mean square of G(r) beyond the end of the signal; ``None`` where too little of it was measured."""
    x = signal.measurement.x
    if signal.measurement.kind != "gr":
        return None
    g = signal.measurement.signal.reshape(-1)
    outside = signal.measurement.used & (x > signal.range[1]) & (x <= max(DEFAULT_RANGE[1], signal.range[1]))
    if not np.any(outside) or float(x[outside][-1]) - signal.range[1] < _BEYOND:
        return None
    return float(np.mean(g[outside] ** 2))


def _beyond_model(x: Array, observed: Array, calculated: Array) -> float | None:
    """Mean square of the data where a particle half as large again would show nothing; ``None`` where too little is left."""
    size = np.abs(calculated)
    end = float(x[np.flatnonzero(size > _NOTHING * float(size.max()))[-1]]) if float(size.max()) > 0 else float(x[-1])
    outside = x > max(_LARGER * end, end + _BEYOND)
    if not np.any(outside) or float(x[-1] - x[outside][0]) < _BEYOND:
        return None
    return float(np.mean(observed[outside] ** 2))


def _even_share(x: Array, residual: Array, qmax: float | None) -> float | None:
    """Part of a residual's power that is spread evenly over Q, 0 to 1; ``None`` where too few Q are told apart."""
    step = float(np.median(np.diff(x)))
    power = np.abs(np.fft.rfft(residual * np.hanning(residual.size))) ** 2
    q = 2 * np.pi * np.fft.rfftfreq(residual.size, step)
    inside = power[(q > SLOW_Q) & (q < (qmax or 25.0))]
    mean = float(inside.mean()) if inside.size >= _FEWEST else 0.0
    return min(1.0, float(np.quantile(inside, 0.25)) / _QUARTILE / mean) if mean > 0 else None
