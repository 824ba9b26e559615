"""What a fit of a powder pattern leaves over: peaks that stand out of the noise and of what models of powders are wrong by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.core.verdict import Quantity
from whorl.fitting.problem import Fit
from whorl.physics.peak_search import find_peaks
from whorl.techniques.pd.residual import model_of
from whorl.techniques.protocol import Remainder

Array = NDArray[np.float64]

#: height of a peak in standard deviations, and in parts of what the model has at that place, from which it is one of its own
_STANDS_OUT, _OF_MODEL = 6.0, 0.5
#: height in parts of the strongest peak below which a peak tells nothing
_LEAST = 0.01


def left_over(fit: Fit) -> Remainder | None:
    """Unexplained peaks of a fit; ``None`` where there are none."""
    problem = model_of(fit)
    signal = problem.signal
    residual = problem.observed - fit.calculated
    bragg = fit.calculated - problem.background(fit)
    top = float(bragg.max(initial=0.0))
    sigma = np.sqrt(1 / problem.weights)
    found = find_peaks(problem.x, residual, sigma)
    features, total = [], 0.0
    for place, error, height, area, width, strength in zip(
        found.position, found.position_sigma, found.height, found.area, found.fwhm, found.significance, strict=True
    ):
        near = np.abs(problem.x - place) < max(signal.fwhm, 0.5 * width)
        if not np.any(near) or strength < _STANDS_OUT or width > 5 * signal.fwhm or width < 0.3 * signal.fwhm:
            continue
        if height > max(_OF_MODEL * float(bragg[near].max()), _LEAST * top):
            features.append(Quantity(value=float(place), sigma=float(error), unit="degree"))
            total += float(area)
    if not features:
        return None
    whole = float(np.trapezoid(np.maximum(bragg, 0.0), problem.x)) + total
    share = Quantity(value=total / max(whole, 1e-300), unit="1")
    return Remainder(share, float(problem.x[-1]), tuple(features))
