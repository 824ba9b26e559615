r"""The sign of magnetic scattering in a neutron G(r): a residual below Q = 6/angstrom that no nuclear structure makes.

Moments scatter like atoms whose form factor has died away by Q = 6 to 8/angstrom. Where they are ordered, their pair
distribution adds a slow, long-ranged wave to G(r) (`whorl.physics.magnetic`) that a nuclear model leaves over, while it fits
the nuclear peaks, which live at all Q. What is left of a fit is therefore transformed to Q. Beyond Q = 6 it says how large
noise and misfit of the nuclear model are; what exceeds them between 2.4 and 6 may be magnetic (below 2 are the errors of the
corrections). Where there is an excess, twice what noise and misfit beyond 6 lead to expect, three figures are weighed:

- fall: power between 2.4 and 4 over that between 4 and 6, steep for a magnetic form factor;
- lasting: power between 2.4 and 6 of the residual beyond 10 angstrom over that of all of it; an amorphous part is gone there;
- nuclear: R_w beyond Q = 6, small when the structure is right.

A logistic of their logarithms gives the flag; its coefficients are from simulations of other compounds than those of the
benchmark that counts how often it is right (``benchmarks/remainder.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.fitting.evidence import Support, support
from whorl.fitting.problem import Fit
from whorl.fitting.projected import Projected
from whorl.techniques.pdf.misfit import model_of, tangent, two_parts
from whorl.techniques.pdf.prepare import slow_curves

Array = NDArray[np.float64]

#: where errors of the corrections end and where magnetic form factors do, 1/angstrom
LOW_Q, MAGNETIC_Q = 2.4, 6.0
_MIDDLE_Q, _BAND = 4.0, 0.5
_FAR = 10.0  # angstrom
_FADE_IN, _FADE_OUT = 2.0, 4.0  # angstrom over which the residual begins and ends, so that its transform has no ripples
_LEAST_SPAN, _LEAST_BAND = 6.0, 4.0  # angstrom beyond `_FAR` and 1/angstrom beyond `MAGNETIC_Q` that are needed
_MOST_MISFIT = 0.3  # relative misfit that a nuclear model may have at low Q too
_LEAST_EXCESS, _LEAST_POWER, _NO_STRUCTURE = 2.0, 2e-4, 0.4
#: constant, and factors of ln(fall), ln(lasting), ln(nuclear), with the limits these are kept in
_LOGISTIC = (-7.6, 2.0, 1.4, -2.7)
_LIMITS = ((-1.0, 3.0), (-4.0, 0.0), (-4.0, 1.0))

#: elements whose ions or metals commonly carry a moment
WITH_MOMENT = frozenset("V Cr Mn Fe Co Ni Cu Ru Os Ir Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb U Np".split())


@dataclass(frozen=True)
class MagneticSign:
    """How much what is left of a neutron fit looks like magnetic scattering.

    Attributes
    ----------
    probability : float
        A flag above one half; of simulations, not calibrated for your sample.
    excess, fall, lasting, nuclear : float
        The figures it is made from, see above.
    power : float
        Power of the residual between Q = 2.4 and 6 over that of the data.
    """

    probability: float
    excess: float
    fall: float
    lasting: float
    nuclear: float
    power: float

    @property
    def words(self) -> str:
        """The finding and what to do about it."""
        return (
            "magnetic scattering? the residual lies below Q = 6 1/angstrom and reaches beyond 10 angstrom, while the nuclear "
            f"peaks fit (Rw {self.nuclear:.2f} beyond Q = 6): ordered moments add such a wave. Compare data above the ordering "
            "temperature, or refine a magnetic model"
        )


def magnetic_sign(fit: Fit) -> MagneticSign | None:
    """What is left of a fit, weighed as magnetic scattering; ``None`` where there can be none or the data cannot tell.

    That is: other radiation than neutrons, no element with a moment, or a range or band too short.

    Parameters
    ----------
    fit : Fit
        Of a `PdfProblem`.
    """
    problem = model_of(fit)
    instrument = problem.signal.instrument
    x = problem.x
    qmax = instrument.qmax or float(np.pi / np.median(np.diff(x)))
    elements = {symbol for phase in problem.phases for symbol in phase.symbols}
    if instrument.radiation != "neutron" or not elements & WITH_MOMENT:
        return None
    if qmax < MAGNETIC_Q + _LEAST_BAND or x[-1] < _FAR + _LEAST_SPAN:
        return None
    near = tangent(fit, slow_curves(x))
    residual = near.moved(near.residual) / near.root
    # beyond 10 angstrom the structure has only those distances to fit: what it made of shorter ones plays no part
    beyond = np.where(x > _FAR, near.moved(near.residual, x > _FAR) / near.root, 0.0)
    step = np.gradient(x)
    fade, late = (step * np.clip(np.minimum((x - r) / _FADE_IN, (x[-1] - x) / _FADE_OUT), 0.0, 1.0) for r in (x[0], _FAR))
    q = np.arange(1, int(min(qmax, 40.0) * x[-1] / np.pi)) * np.pi / x[-1]
    left, calculated, distant = (
        np.sin(np.outer(q, x)) @ np.stack([fade * residual, fade * fit.calculated, late * beyond]).T
    ).T ** 2
    low, high = (q > LOW_Q) & (q < MAGNETIC_Q), q > MAGNETIC_Q
    sign = MagneticSign(
        probability=0.0,
        excess=_excess(q, left, calculated),
        fall=_ratio(np.mean(left[low & (q < _MIDDLE_Q)]), np.mean(left[low & (q >= _MIDDLE_Q)])),
        lasting=_ratio(np.sum(distant[low]), np.sum(left[low])),
        nuclear=float(np.sqrt(_ratio(np.sum(left[high]), np.sum(calculated[high])))),
        power=_ratio(np.sum(left[low]), np.sum(calculated + left)),
    )
    return _weighed(sign)


def _weighed(sign: MagneticSign) -> MagneticSign:
    if sign.excess < _LEAST_EXCESS or sign.power < _LEAST_POWER or sign.nuclear > _NO_STRUCTURE:
        return sign
    figures = (sign.fall, sign.lasting, sign.nuclear)
    logs = [float(np.clip(np.log(max(v, 1e-9)), *limits)) for v, limits in zip(figures, _LIMITS, strict=True)]
    total = _LOGISTIC[0] + sum(c * v for c, v in zip(_LOGISTIC[1:], logs, strict=True))
    return replace(sign, probability=float(1 / (1 + np.exp(-total))))


def _excess(q: Array, left: Array, calculated: Array) -> float:
    """Power between Q = 2.4 and 6 over that expected from noise and relative misfit, both read beyond."""
    edges = np.arange(LOW_Q, float(q[-1]) - 0.5 * _BAND, _BAND)
    bands = [(q >= e) & (q < e + _BAND) for e in edges]
    powers, signals = (np.array([float(np.mean(y[b])) for b in bands]) for y in (left, calculated))
    high = edges >= MAGNETIC_Q
    noise, relative = two_parts(powers[high], signals[high])
    expected = noise**2 + min(relative, _MOST_MISFIT) ** 2 * signals
    return _ratio(np.sum(powers[~high]), np.sum(expected[~high]))


def _ratio(one: np.floating[Any], other: np.floating[Any]) -> float:
    return float(one) / max(float(other), 1e-300)


def support_above(fit: Fit, q: float = MAGNETIC_Q) -> Support:
    """What a fit's evidence is made of when only the data beyond a Q count, at the values it has.

    A magnetic residual cannot make a wrong structure win there: all nuclear peaks reach beyond Q = 6, no moment does.
    Compare candidates of the same data by ``support_above(fit).log_evidence(temper)``.

    Parameters
    ----------
    fit : Fit
        Of a `PdfProblem`.
    q : float
        1/angstrom.
    """
    problem = model_of(fit)
    x = problem.x
    curves = np.sin(np.outer(x, np.arange(1, int(q * float(x[-1]) / np.pi) + 1) * np.pi / float(x[-1])))
    part = Projected(problem, curves)
    found = part.evaluate(fit.values, jacobian=True)
    assert found.derivatives is not None
    root = np.sqrt(part.weights / float(np.sum(part.weights * part.observed**2)))
    basis = root[:, None] * found.basis
    factors = np.linalg.lstsq(basis, root * part.observed, rcond=None)[0] if basis.shape[1] == 1 else fit.factors
    slope = -root[:, None] * (found.derivatives @ factors).T
    kept, _ = np.linalg.qr(basis[:, factors != 0])
    rw = float(np.linalg.norm(root * part.observed - basis @ factors))
    return support(part, fit.values, rw, slope - kept @ (kept.T @ slope))
