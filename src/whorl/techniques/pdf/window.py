"""What a first good fit shows of a measurement: Qmin and Qmax, where nobody states them, and where not to trust it.

The ends of the Fourier transform leave ripples of their own. With a structure that fits, the ends that make the model's ripples
equal to the data's are found by trying. Qmin shows only with clusters, whose small-angle scattering it cuts off.

At short distances a sample shows more than its structure: ligands, solvent, a support, the trace of corrections. Where the
misfit there is much larger than elsewhere, the points count less when structures are compared, so that a ligand's peak does
not hide what the rest of the data say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import WhorlError
from whorl.fitting.problem import Fit
from whorl.fitting.projected import Projected
from whorl.techniques.pdf.prepare import PdfSignal, slow_curves
from whorl.techniques.pdf.residual import PdfProblem

Array = NDArray[np.float64]

_BELIEVABLE = 0.5  # R_w up to which a fit says something about the window
_HIGH_REACH, _HIGH_STEP = 0.5, 0.125  # 1/angstrom about the Qmax that the spectrum shows
_LOW_END, _LOW_STEP = 2.5, 0.125
_BETTER = 0.99  # R_w relative to that of the assumption, from which another value is taken
_THIN = 2.5
_SHORT = 4.5  # angstrom: up to here distances of ligands and solvent are expected
_LOUDER = 2.0  # ratio of local misfit to that beyond, from which points count less
_FEW = 30  # points beyond, without which nothing is said
_LOCAL = 0.4  # angstrom over which the local misfit is averaged


def settle(signal: PdfSignal, model: PdfProblem, fit: Fit) -> PdfSignal:
    """The signal with Qmin and Qmax as they fit it, where they are not known, and with caution at short distances.

    Parameters
    ----------
    signal : PdfSignal
    model : PdfProblem
        Model of the fit.
    fit : Fit
        Of any part of the signal.
    """
    if fit.rw > _BELIEVABLE:
        return signal
    named = model.named_values(fit.values)

    def misfit(changed: PdfSignal, *, slow: bool) -> float:
        try:
            problem = PdfProblem(changed.thinned(_THIN), model.phases, model.options)
            values = np.array([named[p.name] for p in problem.parameters])
            seen = problem if slow else Projected(problem, slow_curves(problem.x))
            basis = seen.evaluate(values, jacobian=False).basis
        except WhorlError:
            return np.inf
        root = np.sqrt(problem.weights)
        target = root * seen.observed
        factors = np.linalg.lstsq(root[:, None] * basis, target, rcond=None)[0]
        rest = target - root * (basis @ factors)
        return float(np.sqrt(rest @ rest / max(float(target @ target), 1e-300)))

    qmax = signal.instrument.qmax
    if qmax is not None and "qmax" not in signal.known:
        tries = np.arange(qmax - _HIGH_REACH, qmax + _HIGH_REACH + 1e-9, _HIGH_STEP)
        signal = _take(signal, "qmax", "Qmax", tries, lambda s: misfit(s, slow=False))
    if "qmin" not in signal.known and any(p.hypothesis.kind == "cluster" for p in model.phases):
        tries = np.arange(0.0, _LOW_END + 1e-9, _LOW_STEP)
        signal = _take(signal, "qmin", "Qmin", tries, lambda s: misfit(s, slow=True))
    return replace(signal, caution=_caution(signal, fit))


def _caution(signal: PdfSignal, fit: Fit) -> Array | None:
    """Factor on the weights of each point, 1 beyond `_SHORT`; ``None`` where the misfit is much the same everywhere."""
    x = fit.problem.x
    power = (fit.problem.observed - fit.calculated) ** 2
    beyond = x > _SHORT
    if not np.any(~beyond) or np.count_nonzero(beyond) < _FEW:
        return None
    width = max(int(_LOCAL / float(np.median(np.diff(x)))), 1)
    local = np.convolve(power, np.ones(width) / width, mode="same")
    allowed = _LOUDER**2 * float(np.mean(power[beyond]))
    factor = np.where(beyond, 1.0, np.minimum(1.0, allowed / np.maximum(local, 1e-300)))
    return np.interp(signal.r, x, factor) if np.any(factor < 1.0) else None


def _take(signal: PdfSignal, name: str, label: str, tries: Array, misfit: Callable[[PdfSignal], float]) -> PdfSignal:
    """Try values of an instrument parameter, then the neighbourhood of the best, and take it when it is better."""

    def changed(value: float) -> PdfSignal:
        return replace(signal, instrument=signal.instrument.model_copy(update={name: round(float(value), 3)}))

    found = {float(v): misfit(changed(v)) for v in tries}
    step = float(tries[1] - tries[0])
    for _ in range(2):
        best = min(found, key=lambda v: found[v])
        step /= 3
        for v in (best - step, best + step):
            if v >= 0:
                found[v] = misfit(changed(v))
    best = min(found, key=lambda v: found[v])
    if not found[best] < _BETTER * misfit(signal):
        return signal
    lines = tuple(line for line in signal.assumptions if not line.startswith(f"{label} "))
    note = f"{label} {best:.2f} 1/angstrom (not stated; the value with which the structure fits the data best)"
    return replace(changed(best), assumptions=(*lines, note))
