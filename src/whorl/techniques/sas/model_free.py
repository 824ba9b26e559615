"""A small-angle curve described without a model: Guinier, Porod, Kratky, invariant, levels, distances, sizes, peaks.

Each method gives its quantities or the reason why the curve does not hold them. What one finds helps the next: the Guinier
region says where the power law may begin, both continue the curve for the invariant, Rg says where D_max is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.physics.small_angle.curves.features import Feature, find_features, local_slope
from whorl.physics.small_angle.curves.guinier import Guinier, guinier
from whorl.physics.small_angle.curves.invariants import Invariants, invariants
from whorl.physics.small_angle.curves.kratky import Kratky, kratky
from whorl.physics.small_angle.curves.pair_distance import PairDistances, pair_distances
from whorl.physics.small_angle.curves.peaks import Lattice, Peak, assign_phase, find_peaks
from whorl.physics.small_angle.curves.porod import Porod, porod
from whorl.physics.small_angle.curves.size_inversion import SizeDistribution, invert_sizes
from whorl.physics.small_angle.curves.uncertain import Absent
from whorl.physics.small_angle.curves.unified import Unified, unified
from whorl.techniques.sas.kernels import size_kernel
from whorl.techniques.sas.noise import estimate_sigma
from whorl.techniques.sas.prepare import SasSignal, prepare

Array = NDArray[np.float64]

METHODS = ("guinier", "porod", "kratky", "invariant", "unified", "distances", "sizes", "peaks")
#: those that take a few milliseconds: what the frames of a series are described by
QUICK = ("guinier", "porod", "invariant")

#: share of the intensity from which an upturn at low q is accounted for
_UPTURN = 0.03
_UPTURN_POWER = 3.0
#: part of the intensity that a distribution of one shape is not expected to explain
_SHAPE = 0.01
#: slope at the first points, beyond which no D_max is looked for without a Guinier region
_RISES = -1.0
#: q Rg to which p(r) is looked for; reduced chi-squared from which a p(r) without a Guinier region, or sizes, are none
_FINEST, _MISFIT, _NO_SIZES = 55.0, 10.0, 30.0
#: times by which points may scatter more than stated without a word, and by which all is widened at most
_SCATTER = 1.4


@dataclass
class Description:
    """What was found.

    Attributes
    ----------
    signal : SasSignal
    methods : tuple of str
        Those asked for.
    found : dict
        Method to its result: `Guinier`, `Porod`, `Kratky`, `Invariants`, `Unified`, `PairDistances`, `SizeDistribution`, tuple
        of `Peak`; also "lattices", "features" and "cross-section".
    absent : dict
        Method to the reason why there is no result.
    kernel : str
        Model of the size distribution; ``size`` says what its size is.
    contrast : float, optional
        1e-6/angstrom^2.
    scatter : float
        Times by which the points scatter more than their sigma, which everything was widened by; 1 where they do not.
    """

    signal: SasSignal
    methods: tuple[str, ...]
    kernel: str = "sphere"
    size: str = ""
    contrast: float | None = None
    scatter: float = 1.0
    found: dict[str, Any] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def q(self) -> Array:
        """q, 1/angstrom, shape (n,)."""
        return self.signal.x

    @property
    def intensity(self) -> Array:
        """Intensity, shape (n,)."""
        return self.signal.y

    @property
    def sigma(self) -> Array:
        """Standard uncertainty, with the scatter accounted for, shape (n,)."""
        return self.signal.sigma * self.scatter

    @property
    def absolute(self) -> bool:
        """Whether the intensity is in 1/cm."""
        return self.signal.instrument.intensity == "absolute"

    @property
    def guinier(self) -> Guinier | None:
        """Guinier's law, if it was found."""
        result: Guinier | None = self.found.get("guinier")
        return result

    @property
    def porod(self) -> Porod | None:
        """The power law at high q, if it was found."""
        result: Porod | None = self.found.get("porod")
        return result


def known_methods(methods: str | Collection[str]) -> tuple[str, ...]:
    """Read the name of a method, a list of them with commas, or "all".

    Raises
    ------
    UsageError
        If one is unknown.

    Examples
    --------
    >>> known_methods("guinier,sizes"), len(known_methods("all"))
    (('guinier', 'sizes'), 8)
    """
    words = [w.strip() for w in methods.split(",")] if isinstance(methods, str) else list(methods)
    if words == ["all"]:
        return METHODS
    for word in words:
        if word not in METHODS:
            raise UsageError(f"unknown method {word!r}", remedy=f"Use all, or some of {', '.join(METHODS)}.")
    return tuple(dict.fromkeys(words))


def describe(
    measurement: Measurement,
    methods: str | Collection[str] = "all",
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    contrast: float | None = None,
    kernel: str = "sphere",
) -> Description:
    """Describe one curve.

    Parameters
    ----------
    measurement : Measurement
        One frame of kind ``"sas"``.
    methods : str or collection of str
        Of `METHODS`, or "all".
    range : (low, high), optional
        q to use, 1/angstrom.
    settings : mapping, optional
        Overrides of what the file states.
    contrast : float, optional
        Difference of the scattering length densities, 1e-6/angstrom^2: gives volume fractions from absolute intensities.
    kernel : str
        Model of the particles of the size distribution.

    Raises
    ------
    WhorlError
        If the curve, a method or a setting cannot be used.
    """
    wanted = known_methods(methods)
    signal = prepare(measurement, range=range, settings=settings)
    out = Description(signal, wanted, kernel, contrast=contrast, scatter=_scatter(signal))
    steps: dict[str, Callable[[Description], Any]] = {
        "guinier": _guinier,
        "porod": _porod,
        "kratky": _kratky,
        "invariant": _invariants,
        "unified": _unified,
        "distances": _distances,
        "sizes": _sizes,
        "peaks": _peaks,
    }
    needed = {*wanted, *(other for method in wanted for other in _NEEDS.get(method, ()))}
    for method in METHODS:
        if method in needed:
            try:
                out.found[method] = steps[method](out)
            except Absent as reason:
                out.absent[method] = str(reason)
            except np.linalg.LinAlgError:
                out.absent[method] = "the equations have no solution: too few or too uncertain points"
    return out


#: what a method takes from others
_NEEDS: dict[str, tuple[str, ...]] = {
    "porod": ("guinier",),
    "kratky": ("guinier",),
    "invariant": ("guinier", "porod"),
    "distances": ("guinier",),
}


def _scatter(signal: SasSignal) -> float:
    """Times by which points scatter more than stated, 1 where they do not."""
    if not signal.absolute:
        return 1.0
    ratio = float(np.median(estimate_sigma(signal.x, signal.y) / signal.sigma))
    return ratio if ratio > _SCATTER else 1.0


def _guinier(d: Description) -> Guinier:
    try:
        return guinier(d.q, d.intensity, d.sigma)
    except Absent:
        features = d.found.setdefault("features", find_features(d.q, d.intensity, d.sigma))
        _cross_section(d, features)
        raise


def _cross_section(d: Description, features: tuple[Feature, ...]) -> None:
    """Guinier's law of long cylinders or layers, where the curve begins with a power law of theirs."""
    begin = next((f for f in features if f.kind == "power law"), None)
    if begin is None or begin.low > 2 * d.q[0]:
        return
    dimension = round(-begin.slope.value)
    if dimension not in (1, 2) or abs(begin.slope.value + dimension) > 0.2 + begin.slope.sigma:
        return
    try:
        d.found["cross-section"] = guinier(d.q, d.intensity, d.sigma, dimension=dimension)
    except Absent:
        return


def _porod(d: Description) -> Porod:
    return porod(d.q, d.intensity, d.sigma, above=2.0 / d.guinier.rg.value if d.guinier else float(d.q[0]))


def _kratky(d: Description) -> Kratky:
    if d.guinier is None:
        raise Absent("it needs Rg and I(0)")
    return kratky(d.q, d.intensity, d.sigma, d.guinier.rg, d.guinier.i0)


def _invariants(d: Description) -> Invariants:
    return invariants(d.q, d.intensity, d.sigma, guinier=d.guinier, porod=d.porod)


def _unified(d: Description) -> Unified:
    features = d.found.setdefault("features", find_features(d.q, d.intensity, d.sigma))
    knees = [f.size for f in features if f.kind == "knee"] + ([d.guinier.rg.value] if d.guinier else [])
    return unified(d.q, d.intensity, d.sigma, knees=knees)


def _distances(d: Description) -> PairDistances:
    first = 0
    upturn = None
    largest = 2.5 * np.pi / float(d.q[0])
    if d.guinier is not None:
        rg = d.guinier.rg.value
        limits = (1.6 * rg, max(min(8 * rg, largest), 2.4 * rg))
        first = d.guinier.skipped
        upturn = _UPTURN_POWER if d.guinier.upturn > _UPTURN else None
    else:
        course = local_slope(d.q, d.intensity, d.sigma)
        if course is None or float(np.median(course.slope[:8])) < _RISES:
            raise Absent("the curve rises to its lowest q: particles larger than the range of q can show")
        limits = (4 / float(d.q[-1]), largest)
    # beyond, the oscillations of p(r) that the curve tells of are finer than it is written
    last = int(np.searchsorted(d.q, _FINEST / d.guinier.rg.value)) if d.guinier is not None else d.q.size
    part = slice(first, max(last, first + 8))
    smearing = d.signal.smearing if first == 0 and last == d.q.size else None
    found = pair_distances(d.q[part], d.intensity[part], d.sigma[part], sizes=limits, upturn=upturn, smearing=smearing)
    if d.guinier is None and (not found.bounded or found.chi2 > _MISFIT):
        raise Absent("no D_max within what the range of q can show: particles too large, or no Guinier region")
    if found.rg.sigma > 0.5 * found.rg.value:
        raise Absent(f"Rg of p(r) stays open ({found.rg.value:.3g} +- {found.rg.sigma:.2g} angstrom)")
    return found


def _sizes(d: Description) -> SizeDistribution:
    shape, d.size = size_kernel(d.kernel)
    smearing = d.signal.smearing

    def kernel(_: Array, sizes: Array) -> Array:
        return smearing.apply(shape(smearing.q, sizes))

    sigma = np.hypot(d.sigma, _SHAPE * np.abs(d.intensity))
    found = invert_sizes(d.q, d.intensity, sigma, kernel=kernel)
    if found.chi2 > _NO_SIZES:
        raise Absent(
            f"no distribution of dilute particles of this shape ({d.kernel}) explains the curve "
            f"(reduced chi-squared {found.chi2:.2g})"
        )
    return found


def _peaks(d: Description) -> tuple[Peak, ...]:
    found = find_peaks(d.q, d.intensity, d.sigma)
    try:
        lattices: tuple[Lattice, ...] = assign_phase(found, float(d.q[-1]))
        d.found["lattices"] = lattices
    except Absent as reason:
        d.absent["lattice"] = str(reason)
    return found
