r"""What a structure leaves unexplained: how much of the signal, up to which distance, and in words.

An amorphous part, a solvent or a shell without order adds distances that end after a few neighbours; the crystal goes on. The
crystal is therefore looked at alone: its parameters are moved to what the residual beyond a distance asks for, and what the
signal then holds at shorter distances and the crystal does not is the remainder. Of its power, what noise and the crystal's own
relative misfit account for (`whorl.techniques.pdf.misfit`) is taken off,

.. math::
    s = \frac{\sum_{r < R} \left[\Delta^2(r) - n^2 - \alpha^2 G_{calc}^2(r)\right]}{\sum_{r < R} G^2(r)},

with R the distance up to which the remainder reaches: the first beyond which no window stands out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.core.verdict import Quantity
from whorl.fitting.problem import Fit
from whorl.techniques.pdf.extra_peaks import WithPeaks
from whorl.techniques.pdf.misfit import Level, expected_level, model_of, tangent, windows
from whorl.techniques.protocol import Remainder

Array = NDArray[np.float64]

#: shortest and longest reach that is looked for, angstrom; and the longest as a part of the range
_FIRST, _LAST, _LAST_PART = 4.0, 12.0, 0.5
#: the structure's own misfit is read beyond this distance (angstrom, and as a part of the range), where order is all there is
_FAR, _FAR_PART = 10.0, 0.4
_MOST_MISFIT = 0.1  # larger relative misfits are not those of a right structure
_STANDS_OUT = 3.0  # power of a window over what is expected there
_MAY_STAND_OUT = 0.1  # part of the windows beyond the reach that may do so by chance
_LEAST_SHARE, _SIGNIFICANT = 0.05, 3.0  # smaller shares are also what a first peak of another shape leaves
#: R_w beyond the reach above which the structure does not describe the sample
_NO_STRUCTURE = 0.35
#: relative error of the share beside that of the noise, from simulations with slow backgrounds
_MODEL_ERROR = 0.08


def remainder(fit: Fit, *, peaks: WithPeaks | None = None) -> Remainder | None:
    """What a fitted structure leaves over that is neither noise nor the misfit it has everywhere.

    Parameters
    ----------
    fit : Fit
        Of a `PdfProblem`.
    peaks : WithPeaks, optional
        Short-range peaks found beside it: they are given as distances of the remainder.

    Returns
    -------
    Remainder or None
        ``None`` when nothing stands out, when the structure does not fit at long distances either (then it is not the
        structure, or not the only one), or when the range is too short to tell.
    """
    x = model_of(fit).x
    near = tangent(fit)
    last = min(_LAST, _LAST_PART * float(x[-1]))
    far = min(_FAR, _FAR_PART * float(x[-1]))
    for reach in np.arange(_FIRST, last + 0.5):
        alone = near.moved(near.residual, x > reach) / near.root
        level = expected_level(fit, max(float(reach), far), alone)
        if level.windows == 0:
            return None
        level = Level(level.noise, min(level.relative, _MOST_MISFIT), level.windows)
        if np.mean([_stands_out(fit, alone, level, m) for m in windows(x, float(reach), float(x[-1]))]) <= _MAY_STAND_OUT:
            return _judged(fit, alone, level, float(reach), peaks)
    return None


def in_words(found: Remainder) -> str:
    """One sentence for people who see the fit.

    Examples
    --------
    >>> in_words(Remainder(Quantity(value=0.123, sigma=0.01), 6.0))
    'about 12 % of the signal below 6 angstrom is not explained by the structure: an amorphous or molecular part'
    """
    return (
        f"about {100 * found.share.value:.0f} % of the signal below {found.reach:.0f} angstrom is not explained by the "
        "structure: an amorphous or molecular part"
    )


def _stands_out(fit: Fit, alone: Array, level: Level, window: NDArray[np.bool_]) -> bool:
    calculated = fit.problem.observed[window] - alone[window]
    return bool(np.mean(alone[window] ** 2) > _STANDS_OUT * np.mean(level.power(calculated**2)))


def _judged(fit: Fit, alone: Array, level: Level, reach: float, peaks: WithPeaks | None) -> Remainder | None:
    problem = fit.problem
    inside = problem.x <= reach
    left, beyond = alone[inside], alone[~inside]
    if float(beyond @ beyond) > _NO_STRUCTURE**2 * float(problem.observed[~inside] @ problem.observed[~inside]):
        return None
    power = float(problem.observed[inside] @ problem.observed[inside])
    expected = level.power((problem.observed[inside] - left) ** 2)
    share = float(np.sum(left**2 - expected)) / power
    # neighbouring points are not independent; a square of signal and noise varies by 4 signal^2 noise^2 + 2 noise^4
    oversampled = problem.x.size / float(problem.independent_points)
    variance = oversampled * float(np.sum(4 * np.maximum(left**2 - expected, 0.0) * expected + 2 * expected**2))
    doubt = float(np.hypot(np.sqrt(variance) / power, _MODEL_ERROR * share))
    if share < max(_LEAST_SHARE, _SIGNIFICANT * doubt):
        return None
    features = tuple(p.position for p in peaks.peaks if p.position.value < reach) if peaks else ()
    return Remainder(Quantity(value=min(share, 1.0), sigma=doubt), reach, features)
