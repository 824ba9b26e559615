"""Small-angle scattering as a technique: what the registry hands out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import Catalogue
from whorl.core.errors import StructureError, UsageError
from whorl.core.hypothesis import FormFactor, Hypothesis
from whorl.core.measurement import Axis, Measurement, Q
from whorl.core.verdict import Opinion
from whorl.fitting.problem import Fit, Problem
from whorl.physics.small_angle.composite import Composite, compose
from whorl.techniques.protocol import Findings, Noise, Progress, Region, Shortlist, Unknown
from whorl.techniques.sas import explain
from whorl.techniques.sas.classifier import SHIPPED_MODEL
from whorl.techniques.sas.nuisances import NUISANCES, Nuisances
from whorl.techniques.sas.prepare import SasSignal, prepare
from whorl.techniques.sas.propose import opinion_of, shortlist, started
from whorl.techniques.sas.residual import SHARED, SasProblem, has_upturn, model_of
from whorl.techniques.sas.simulate import simulate
from whorl.techniques.sas.templates import make, match

Array = NDArray[np.float64]

#: starts of a refinement whose model nobody has matched before
_STARTS = 4
#: log evidence that a rise towards low q has to gain (Kass & Raftery, J. Am. Stat. Assoc. 90, 773 (1995): strong)
_WORTH = 3.0
#: part of the intensity, root mean square, from which a term is there
_SEEN = 0.005
#: stretches of ln q in which candidates are compared
_STRETCHES = 10


class SmallAngle:
    """Technique ``"sas"``: SAXS, SANS and USAXS."""

    key = "sas"
    axis: Axis = Q
    shared = SHARED
    mixed = False
    most_phases = 1
    hypotheses = frozenset({FormFactor.kind})
    proposer = SHIPPED_MODEL

    def prepare(
        self,
        measurement: Measurement,
        *,
        range: tuple[float, float] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> SasSignal:
        """See `whorl.techniques.sas.prepare.prepare`."""
        return prepare(measurement, range=range, settings=settings)

    def simulate(self, hypothesis: Hypothesis, *, settings: Mapping[str, Any], x: Array | None = None) -> Measurement:
        """See `whorl.techniques.sas.simulate.simulate`."""
        return simulate(hypothesis, settings=settings, q=x)

    def nuisances(self) -> Nuisances:
        """What real measurements vary."""
        return NUISANCES

    def propose(
        self,
        signal: SasSignal,
        catalogues: Sequence[Catalogue],
        *,
        elements: frozenset[str] | None = None,
        given: Fit | None = None,
        also: Collection[str] = (),
        progress: Progress | None = None,
    ) -> Shortlist:
        """See `whorl.techniques.sas.propose.shortlist`; several models together are a model of their own."""
        del elements
        if given is not None:
            return Shortlist([], searched=0, families=0)
        return shortlist(signal, catalogues, also=also, progress=progress)

    def consult(
        self, signal: SasSignal, catalogues: Sequence[Catalogue], proposer: str, *, elements: frozenset[str] | None = None
    ) -> Opinion:
        """See `whorl.techniques.sas.classifier`."""
        del elements
        return opinion_of(signal, catalogues, proposer)

    def trials(
        self,
        signal: SasSignal,
        hypotheses: Sequence[Hypothesis],
        *,
        start: Mapping[str, Any] | None = None,
        effort: str = "full",
        fixed: Mapping[str, float] | None = None,
    ) -> list[tuple[Problem, Array | None]]:
        """The model from each of its starts; and with a rise towards low q beside it, where nothing says that there is none."""
        start = dict(start or {})
        model, stated = _model(hypotheses)
        if start.get("size") is not None or start.get("shape") is not None:
            raise UsageError("--size and --shape are for crystals", remedy="Name the model of the particle: sphere, rod, disk.")
        points = {"full": signal, "quick": signal.quick, "hold": signal.quick}.get(effort, signal.cautious)
        begun = start.get("values")
        several = [begun] if begun else [*start.get("starts", ())] or _matched(signal, model)
        chosen = signal.instrument.upturn
        upturns = {"on": (True,), "off": (False,)}.get(chosen, (True,) if effort == "quick" else (False, True))
        out: list[tuple[Problem, Array | None]] = []
        for values in several:
            for upturn in upturns:
                problem = SasProblem(
                    points,
                    model,
                    values=values | stated,
                    free=tuple(start.get("free", ())),
                    fixed=fixed,
                    upturn=upturn,
                )
                out.append((problem, None))
        return out

    def settle(self, signal: SasSignal, fit: Fit) -> SasSignal:
        """The signal as it is: a fit shows nothing of the instrument."""
        del fit
        return signal

    def noise(self, signal: SasSignal, fit: Fit) -> Noise:
        """What noise alone would leave of a fit's misfit."""
        problem = model_of(fit)
        noise = float(np.sum(problem.weights * problem.signal.sigma**2))
        level = np.sqrt(noise / float(np.sum(problem.weights * problem.observed**2)))
        return Noise(float(min(level, fit.rw)), measured=signal.absolute)

    def unknown(self, signal: SasSignal) -> Unknown:
        """What the curve says without a model."""
        return Unknown(words=explain.without_model(signal))

    def choose(self, fits: Sequence[Fit]) -> Fit:
        """The fit of the highest evidence; a rise towards low q has to be worth more than it can take up by chance."""
        return max(fits, key=lambda f: f.evidence - _WORTH * has_upturn(f))

    def credible(self, fit: Fit) -> bool:
        """Every term gives a part of the intensity that is seen."""
        problem = model_of(fit)
        count = len(problem.model.terms)
        parts = problem.evaluate(fit.values, jacobian=False).basis[:, :count] * fit.factors[:count]
        sizes = np.sqrt(problem.weights @ parts**2 / float(problem.weights @ problem.observed**2))
        return bool(np.all(sizes > _SEEN))

    def findings(self, fit: Fit, *, leftover: bool = True) -> Findings:
        """See `whorl.techniques.sas.explain`."""
        del leftover
        return explain.findings(fit)

    def regions(self, first: Fit, second: Fit) -> list[Region]:
        """Equal stretches of ln q."""
        del second
        x = first.problem.x
        edges = np.exp(np.linspace(np.log(x[0]), np.log(x[-1]), _STRETCHES + 1))
        edges[-1] = np.nextafter(x[-1], np.inf)
        return [Region(float(low), float(high)) for low, high in pairwise(edges)]


def _model(hypotheses: Sequence[Hypothesis]) -> tuple[Composite, dict[str, float]]:
    """One model of all hypotheses, and what they state of its parameters."""
    names: list[str] = []
    stated: dict[str, float] = {}
    for h in hypotheses:
        if not isinstance(h, FormFactor):
            raise StructureError(
                f"a {h.kind} has no small-angle curve here",
                where=h.name,
                remedy="Give a model: sphere, core_shell_sphere, rod.",
            )
        names.append(h.model)
    model = compose("+".join(names))
    number = 0
    for h in hypotheses:
        assert isinstance(h, FormFactor)
        own = compose(h.model)
        for n in range(len(own.terms)):
            before = own.prefix(n)
            stated |= {model.prefix(number) + k[len(before) :]: v for k, v in h.parameters.items() if k.startswith(before)}
            number += 1
    return model, stated


def _matched(signal: SasSignal, model: Composite) -> list[dict[str, float]]:
    """Starts of a model that was not searched for."""
    return started(signal, model.key, match(signal.quick, model.key, make(model.key), _STARTS))


SAS = SmallAngle()
