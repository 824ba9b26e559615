"""The one protocol that tasks know: what a technique can do, whatever it measures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import Catalogue
from whorl.core.hypothesis import Hypothesis
from whorl.core.measurement import Axis, Measurement
from whorl.core.verdict import Curve, Opinion, Phase, Quantity
from whorl.fitting.problem import Fit, Problem

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]


class Signal(Protocol):
    """A measurement made ready by its technique."""

    @property
    def measurement(self) -> Measurement:
        """The measurement it was made from."""
        ...

    @property
    def range(self) -> tuple[float, float]:
        """First and last point fitted."""
        ...

    @property
    def instrument(self) -> Any:
        """Instrument parameters, with ``radiation``."""
        ...

    @property
    def independent_points(self) -> float:
        """Independent values the points hold."""
        ...

    @property
    def testifying(self) -> float | None:
        """Independent values that testify where a misfit is the error of a model; ``None``: the stated part of them."""
        ...

    @property
    def elements_hint(self) -> frozenset[str]:
        """Elements named in the file: a hint."""
        ...

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is taken for granted, and from where."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should look at."""
        ...


@dataclass(frozen=True)
class Suggestion:
    """A candidate from retrieval.

    Attributes
    ----------
    key : str
        Catalogue and entry, unique in a search.
    name, family : str
    elements : frozenset of str
    load : callable
        Gives the hypothesis.
    merit : float
        Log evidence of the cheap match.
    kind : str
        Of the hypothesis: "crystal", "cluster".
    prior : float
        Log prior odds that the technique gives the entry beside the uniform ones.
    members : int
        Entries of its family that took part in the search.
    start : mapping
        What the match says of the technique's start values (zoom, size, element).
    """

    key: str
    name: str
    family: str
    elements: frozenset[str]
    source: str
    load: Callable[[], Hypothesis]
    merit: float
    kind: str = ""
    prior: float = 0.0
    members: int = 1
    start: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shortlist:
    """The most promising entries of a search, best first, and how many entries and families took part in it."""

    suggestions: list[Suggestion]
    searched: int
    families: int


@dataclass(frozen=True)
class Remainder:
    """What a fit leaves over that is not noise.

    Attributes
    ----------
    share : Quantity
        Of the signal's power within ``reach``.
    reach : float
        Point of the axis up to which it stands out.
    features : tuple of Quantity
        Positions of what it shows there, on the axis.
    """

    share: Quantity
    reach: float
    features: tuple[Quantity, ...] = ()


@dataclass(frozen=True)
class Findings:
    """A fit in the words of the technique: parameters with uncertainties, phases, refined structures, remarks, what is left."""

    parameters: dict[str, Quantity]
    phases: list[Phase]
    structures: tuple[Hypothesis, ...]
    curve: Curve
    notes: list[str]
    remainder: Remainder | None = None
    instrument: Mapping[str, float | str] = field(default_factory=dict)
    #: what the fit says against the settings of the measurement
    doubts: tuple[str, ...] = ()
    #: covariance of the weight fractions, shape (phases, phases), as far as they add up to 1
    weight_covariance: Array | None = None


@dataclass(frozen=True)
class Noise:
    """What noise alone would leave of a misfit.

    Attributes
    ----------
    level : float
        As an R_w.
    measured : bool
        Whether it was seen on its own, where the data hold no signal, or only estimated from a residual.
    """

    level: float
    measured: bool


@dataclass(frozen=True)
class Region:
    """A stretch of the axis that holds one feature or a few that overlap.

    Attributes
    ----------
    low, high : float
        Ends, in the unit of the axis.
    first, second : tuple of str
        What either of two fits has there, the strongest first.
    """

    low: float
    high: float
    first: tuple[str, ...] = ()
    second: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unknown:
    """What the data say of a structure that nothing known explains.

    Attributes
    ----------
    space_groups : tuple of (int, str, float)
        Number, symbol and probability of the likeliest; empty when none can be said.
    words : tuple of str
        What else: crystal system, cell.
    """

    space_groups: tuple[tuple[int, str, float], ...] = ()
    words: tuple[str, ...] = ()


class Technique(Protocol):
    """What `identify`, `refine` and `simulate` need of a technique."""

    key: str
    axis: Axis
    #: names of parameters that belong to the measurement, not to a phase
    shared: frozenset[str]
    #: samples are mixtures as a rule: sets of phases are searched, not single ones first
    mixed: bool
    most_phases: int
    #: kinds of hypotheses that it can simulate
    hypotheses: frozenset[str]
    #: network that is asked where no other is named; empty: none
    proposer: str

    def prepare(
        self,
        measurement: Measurement,
        *,
        range: tuple[float, float] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Any:
        """Measurement to `Signal`."""
        ...

    def simulate(self, hypothesis: Hypothesis, *, settings: Mapping[str, Any], x: Array | None = None) -> Measurement:
        """The measurement that the hypothesis would give."""
        ...

    def propose(
        self,
        signal: Any,
        catalogues: Sequence[Catalogue],
        *,
        elements: frozenset[str] | None = None,
        given: Fit | None = None,
        also: Collection[str] = (),
        progress: Progress | None = None,
    ) -> Shortlist:
        """Admissible entries of the catalogues, most promising first; beside the phases of ``given`` if there are some.

        Those whose keys are in ``also`` are in the list however poor they look.
        """
        ...

    def consult(
        self, signal: Any, catalogues: Sequence[Catalogue], proposer: str, *, elements: frozenset[str] | None = None
    ) -> Opinion:
        """What a trained network (its model's name or folder) says of a signal: all its phases, the likeliest first.

        Each has its entry in the catalogues, if they hold it.
        """
        ...

    def trials(
        self,
        signal: Any,
        hypotheses: Sequence[Hypothesis],
        *,
        start: Mapping[str, Any] | None = None,
        effort: str = "full",
        fixed: Mapping[str, float] | None = None,
    ) -> list[tuple[Problem, Array | None]]:
        """Alternative problems with start values (bulk or particle, say) among which evidence decides.

        ``"quick"`` gives one.
        """
        ...

    def settle(self, signal: Any, fit: Fit) -> Any:
        """The signal with what a first good fit shows of unknown instrument settings."""
        ...

    def noise(self, signal: Any, fit: Fit) -> Noise:
        """What noise alone would leave of a fit's misfit."""
        ...

    def unknown(self, signal: Any) -> Unknown:
        """What the data alone say of the structure, whatever it is."""
        ...

    def credible(self, fit: Fit) -> bool:
        """Tell whether every phase of a fit can be there: no phase has become what the technique knows to be none."""
        ...

    def choose(self, fits: Sequence[Fit]) -> Fit:
        """The fit among those of one hypothesis' trials that the data support."""
        ...

    def findings(self, fit: Fit, *, leftover: bool = True) -> Findings:
        """Put a fit into words and structures, and with ``leftover`` what it does not explain."""
        ...

    def regions(self, first: Fit, second: Fit) -> list[Region]:
        """Stretches into which the axis falls, by what two fits of one signal have there; in order, none overlapping."""
        ...
