r"""Weight fractions from a sum of measured references, with their uncertainties, and what is odd about it.

The amount of a reference is a_j = c_j / RIR_j for patterns of one height. Weight fractions follow from closure,
:math:`w_j = a_j / \sum a`, or from a standard of which the fraction f was weighed in, :math:`w_j = f a_j / a_s`, which leaves
open how much the references account for (F. H. Chung, J. Appl. Cryst. 7, 519 (1974), doi:10.1107/S0021889874010375).

Uncertainties hold four parts: counting and misfit (the covariance of the fit), the ratio itself, the part by which the
reference's own lines are wrong (another habit or crystallinity has another ratio), and the amount that other references of the
group would give instead, weighed by their probability.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate, Curve, Estimate, FitQuality, Phase, Quantity, Unexplained
from whorl.physics.peak_search import find_peaks
from whorl.techniques.pd.prepare import PdSignal, prepare
from whorl.techniques.pd.references import Library, open_library
from whorl.techniques.pd.references_fit import Summation, summation

Array = NDArray[np.float64]

#: relative uncertainty of a ratio that states none: repeated preparations of one powder scatter by about that
RATIO_SIGMA = 0.05
#: relative uncertainty of an amount for each part by which a reference's own lines are wrong
_BY_MISFIT = 1.5
#: from these on a reference only resembles what is there, a standard is not seen, a peak is unexplained
_RESEMBLES, _NOT_SEEN, _PEAK = 0.2, 2.0, 6.0
_OF_CALCULATED = 0.3
_FAR = 0.45  # degrees: a zero error at which one doubts the angles


@dataclass(frozen=True)
class Amounts:
    """What a pattern holds by references: a candidate, and for each group its weight fraction with an interval."""

    candidate: Candidate
    parameters: dict[str, Estimate]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]


def amounts_by_references(
    measurement: Measurement,
    library: Library,
    *,
    standard: tuple[str, float] | None = None,
    range: tuple[float, float] | None = None,
    settings: dict[str, object] | None = None,
    level: float = 0.9,
) -> Amounts:
    """Quantify a powder pattern by measured references.

    Parameters
    ----------
    measurement : Measurement
        One frame.
    library : Library
    standard : (str, float), optional
        Reference or group that was weighed in, and its weight fraction in the mixture as measured.
    range, settings
        As for `whorl.techniques.pd.prepare.prepare`. A wavelength that nothing states is that of the references.
    level : float
        Probability that an interval holds the truth; intervals are those of a normal distribution.

    Raises
    ------
    WhorlError
        If the pattern, the library, the standard or a setting cannot be used.
    """
    if not 0 < level < 1:
        raise UsageError(f"level {level:g}", remedy="Give a probability between 0 and 1.")
    group = None if standard is None else _standard(library, *standard)
    signal, assumed = _prepared(measurement, library, range, dict(settings or {}))
    fit = summation(signal, library.references, always=() if group is None else (group,))
    short = sorted({r.name for r in library.references} - set(fit.searched))
    assumed += [f"left out, measured over too few angles: {', '.join(short)}"] if short else []
    return _Words(signal, fit, None if standard is None or group is None else (group, standard[1]), level, assumed).amounts()


def _standard(library: Library, name: str, share: float) -> str:
    """Group of the standard."""
    if not 0 < share < 1:
        raise UsageError(f"standard {name}={share:g}", remedy="Give its weight fraction in the mixture, between 0 and 1.")
    key = name.strip().lower()
    groups = {r.group for r in library.references if key in (r.name.lower(), r.group.lower()) and not r.is_background}
    if not groups:
        raise UsageError(f"the standard {name!r} is no reference", where=library.source, remedy="Name one of the library.")
    return min(groups)


def _prepared(
    measurement: Measurement, library: Library, range: tuple[float, float] | None, settings: dict[str, object]
) -> tuple[PdSignal, list[str]]:
    assumed: list[str] = []
    theirs = {round(r.wavelength, 4) for r in library.references if r.wavelength is not None}
    stated = {"wavelength", "anode"} & {*settings, *(k for k, v in measurement.settings.items() if v is not None)}
    if not stated:
        settings["wavelength"] = min(theirs) if theirs else "Cu"
        assumed.append("wavelength: that of the references (not stated; weights do not depend on it, angles do)")
    signal = prepare(measurement, range=range, settings=settings)
    own = signal.instrument.wavelength
    if any(abs(own / other - 1) > 2e-3 for other in theirs):
        raise UsageError(
            f"the pattern was measured with {own:g} angstrom, the references with {min(theirs):g}",
            where=measurement.path or "pattern",
            remedy="Use references measured with the same radiation.",
        )
    given = tuple(line for line in signal.assumptions if stated or not line.startswith("wavelength"))
    return signal, [*given, *assumed]


class _Words:
    """Turns a fit into weight fractions and sentences; k references, of which some stand for phases."""

    def __init__(
        self, signal: PdSignal, fit: Summation, standard: tuple[str, float] | None, level: float, assumed: list[str]
    ) -> None:
        self.signal, self.fit, self.level, self.assumed = signal, fit, level, assumed
        self.real = [i for i, r in enumerate(fit.references) if not r.is_background]
        self.references = [fit.references[i] for i in self.real]
        self.warnings = list(signal.warnings)
        ratio = np.array([r.rir for r in self.references])
        self.amount = fit.factors[self.real] / ratio
        self.covariance = self._covariance(ratio)
        self.standard = self._seen(standard)
        self.fractions, self.slopes = self._fractions()

    def _covariance(self, ratio: Array) -> Array:
        """Of the amounts a_j, shape (k, k)."""
        fit = self.fit
        covariance = fit.covariance[np.ix_(self.real, self.real)] / np.outer(ratio, ratio)
        stated = np.array([RATIO_SIGMA if r.rir_sigma is None else r.rir_sigma / r.rir for r in self.references])
        relative = stated**2 + (_BY_MISFIT * fit.own_misfit[self.real]) ** 2
        spread = [
            sum(chance * (factor / other.rir - own) ** 2 for other, factor, chance in fit.alternatives[i])
            for i, own in zip(self.real, self.amount, strict=True)
        ]
        return np.asarray(covariance + np.diag(relative * self.amount**2 + np.array(spread)))

    def _seen(self, standard: tuple[str, float] | None) -> tuple[str, float] | None:
        """The standard, unless it does not stand out."""
        if standard is None:
            return None
        mine = np.array([r.group == standard[0] for r in self.references])
        total = float(self.amount[mine].sum())
        statistics = self.fit.covariance[np.ix_(self.real, self.real)]
        factor = self.fit.factors[self.real]
        if total > 0 and float(factor[mine].sum()) > _NOT_SEEN * float(np.sqrt(max(statistics[mine][:, mine].sum(), 0.0))):
            return standard
        self.warnings.append(
            f"the standard {standard[0]} does not stand out: weight fractions are scaled to a sum of 1 instead"
        )
        return None

    def _fractions(self) -> tuple[Array, Array]:
        """Weight fractions, and their derivatives by the amounts, shape (k, k)."""
        a = self.amount
        if self.standard is None:
            total = max(float(a.sum()), 1e-300)
            w = a / total
            return w, (np.eye(a.size) - w[:, None]) / total
        mine = np.array([r.group == self.standard[0] for r in self.references], dtype=np.float64)
        total = float(mine @ a)
        w = self.standard[1] * a / total
        return w, self.standard[1] * np.eye(a.size) / total - np.outer(w, mine) / total

    def _sum(self, members: Array) -> tuple[float, float]:
        """Sum of some fractions, and its standard uncertainty."""
        row = members @ self.slopes
        return float(members @ self.fractions), sqrt(max(float(row @ self.covariance @ row), 0.0))

    def _estimate(self, value: float, sigma: float) -> Estimate:
        reach = NormalDist().inv_cdf(0.5 + self.level / 2) * float(sigma)
        ends = min(max(value - reach, 0.0), 1.0), min(max(value + reach, 0.0), 1.0)
        return Estimate(value=value, sigma=sigma, unit="1", interval=ends, level=self.level)

    def amounts(self) -> Amounts:
        """Give everything."""
        groups = list(dict.fromkeys(r.group for r in self.references))
        members = {g: np.array([r.group == g for r in self.references], dtype=np.float64) for g in groups}
        groups.sort(key=lambda g: -self._sum(members[g])[0])
        parameters = {f"{g}:weight_fraction": self._estimate(*self._sum(members[g])) for g in groups}
        rest = None
        if self.standard is not None:
            total, sigma = self._sum(np.ones(len(self.references)))
            rest = Quantity(value=1 - total, sigma=sigma)
            parameters["unaccounted:weight_fraction"] = self._estimate(1 - total, sigma)
            if total - 1 > 2 * sigma:
                self.warnings.append(
                    f"the phases add up to {total:.3f} by the standard: its weighed-in fraction or a ratio is wrong, or it is "
                    "finer or coarser than the rest"
                )
        left = self._left_over()
        self._judge(groups)
        return Amounts(self._candidate(groups, rest, left), parameters, self._assumptions(), tuple(self.warnings))

    def _assumptions(self) -> tuple[str, ...]:
        how = (
            "weight fractions: the references are all there is (they add up to 1)"
            if self.standard is None
            else f"weight fractions: of the mixture as measured, which holds {self.standard[1]:g} of {self.standard[0]}"
        )
        plain = sum(r.rir_sigma is None for r in self.references)
        ratios = f"reference intensity ratios: known to {RATIO_SIGMA:.0%} where the library does not say ({plain} of them)"
        return (*self.assumed, how, *([ratios] if plain else []))

    def _left_over(self) -> Unexplained | None:
        """Peaks that no reference explains."""
        fit = self.fit
        residual = fit.observed - fit.calculated
        found = find_peaks(fit.x, residual, fit.sigma)
        net = np.maximum(fit.calculated - np.interp(fit.x, self.signal.x, self.signal.background), 0.0)
        features, area = [], 0.0
        for place, error, height, size, width, strength in zip(
            found.position, found.position_sigma, found.height, found.area, found.fwhm, found.significance, strict=True
        ):
            near = np.abs(fit.x - place) < max(self.signal.fwhm, 0.5 * width)
            if strength > _PEAK and np.any(near) and height > _OF_CALCULATED * float(net[near].max()):
                features.append(Quantity(value=float(place), sigma=float(error), unit="degree"))
                area += float(size)
        if not features:
            return None
        shown = ", ".join(f"{q.value:.2f}" for q in features[:8]) + (" and more" if len(features) > 8 else "")
        self.warnings.append(f"unexplained peaks at 2theta = {shown} degrees: a phase that no reference stands for is present")
        whole = float(np.trapezoid(net, fit.x)) + area
        return Unexplained(share=Quantity(value=area / max(whole, 1e-300)), reach=float(fit.x[-1]), features=features)

    def _judge(self, groups: Collection[str]) -> None:
        fit = self.fit
        for i, r in zip(self.real, self.references, strict=True):
            if fit.own_misfit[i] > _RESEMBLES:
                self.warnings.append(
                    f"{r.name} only resembles what is there: its lines are wrong by {fit.own_misfit[i]:.0%} of their height"
                )
        if not groups:
            self.warnings.append("no reference is seen in this pattern")
        if abs(fit.zero + fit.displacement) > _FAR:
            self.warnings.append(f"the pattern lies {fit.zero + fit.displacement:+.2f} degrees from the references")

    def _candidate(self, groups: list[str], rest: Quantity | None, left: Unexplained | None) -> Candidate:
        fit = self.fit
        sigma = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", self.slopes, self.covariance, self.slopes), 0.0))
        order = sorted(range(len(self.references)), key=lambda i: (groups.index(self.references[i].group), -self.fractions[i]))
        phases = [
            Phase(
                name=self.references[i].name,
                formula="",
                group=self.references[i].group,
                weight_fraction=Quantity(value=float(self.fractions[i]), sigma=float(sigma[i])),
            )
            for i in order
        ]
        parameters = {
            "zero": Quantity(value=fit.zero, unit="degree"),
            "displacement": Quantity(value=fit.displacement, unit="degree"),
            "misfit": Quantity(value=fit.misfit, unit="1"),
        }
        unit = self.signal.unit
        residual = (fit.observed - fit.calculated) / fit.sigma
        step = float(np.median(np.diff(fit.x)))
        lag = max(int(self.signal.fwhm / 2 / step), 1)
        quality = FitQuality(
            range=(float(fit.x[0]), float(fit.x[-1])),
            points=fit.x.size,
            independent_points=float(2 * (fit.x[-1] - fit.x[0]) / self.signal.fwhm),
            free_parameters=2 * len(fit.references) + fit.free + 2,
            reduced_chi_squared=fit.chi2 if self.signal.absolute else None,
            residual_autocorrelation=float(residual[lag:] @ residual[:-lag] / max(float(residual @ residual), 1e-300)),
            largest_residual_at=float(fit.x[int(np.argmax(np.abs(residual)))]),
        )
        return Candidate(
            rank=1,
            group=1,
            name=" + ".join(groups) or "nothing",
            kind="reference",
            formula="",
            source="",
            probability=1.0,
            rw=fit.rw,
            evidence=float("nan"),
            parameters=parameters,
            phases=phases,
            amorphous=rest,
            quality=quality,
            remainder=left,
            curve=Curve(fit.x, fit.observed, fit.calculated, "2theta (degree)", f"intensity ({unit})"),
        )


__all__ = ["RATIO_SIGMA", "Amounts", "amounts_by_references", "open_library"]
