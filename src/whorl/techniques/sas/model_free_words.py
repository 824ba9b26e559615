"""A model-free description in names, units, intervals and words: what `quantify` answers for a small-angle curve."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from whorl.core.verdict import Estimate
from whorl.physics.small_angle.curves.guinier import Guinier
from whorl.physics.small_angle.curves.invariants import (
    correlation_length,
    correlation_volume,
    porod_volume,
    surface_to_volume,
    volume_fraction,
)
from whorl.physics.small_angle.curves.kratky import foldedness
from whorl.physics.small_angle.curves.pair_distance import PairDistances
from whorl.physics.small_angle.curves.porod import Porod
from whorl.physics.small_angle.curves.size_inversion import SizeDistribution
from whorl.physics.small_angle.curves.uncertain import Absent, Uncertain
from whorl.techniques.sas.model_free import Description

Named = tuple[str, Uncertain, str]

_A = "angstrom"
#: standard deviations by which an exponent differs from one with a name
_NEAR = 2.0


def estimates(d: Description, level: float) -> dict[str, Estimate]:
    """Quantities under their names ("guinier:rg"), with intervals that hold the truth with the probability ``level``."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    out = {}
    for name, value, unit in _quantities(d):
        known = bool(np.isfinite(value.sigma))
        low, high = value.value - z * value.sigma, value.value + z * value.sigma
        out[name] = Estimate(
            value=value.value,
            sigma=value.sigma if known else None,
            unit=unit,
            interval=(max(low, 0.0) if value.value > 0 and _positive(name) else low, high) if known else None,
            level=level,
        )
    return out


def _positive(name: str) -> bool:
    return not name.endswith(("background", ":b", "tail"))


def _quantities(d: Description) -> Iterator[Named]:
    intensity = "1/cm" if d.absolute else "1"
    for method in d.methods:
        if method == "guinier" and "cross-section" in d.found:
            yield from _section(d.found["cross-section"])
        if method not in d.found:
            continue
        found = d.found[method]
        if method == "guinier":
            yield "guinier:rg", found.rg, _A
            yield "guinier:i0", found.i0, intensity
        elif method == "porod":
            yield from _porod(d, found, intensity)
        elif method == "kratky":
            yield "kratky:position", found.position, "1"
            yield "kratky:height", found.height, "1"
        elif method == "invariant":
            yield from _invariant(d)
        elif method == "unified":
            for k, part in enumerate(found.levels, 1):
                if part.g.value > _NEAR * part.g.sigma:
                    yield f"unified:level{k}:rg", part.rg, _A
                    yield f"unified:level{k}:g", part.g, intensity
                if part.b.value > 0 and part.exponent.sigma < 1:
                    yield f"unified:level{k}:exponent", part.exponent, "1"
            if found.background.value > 0:
                yield "unified:background", found.background, intensity
        elif method == "distances":
            yield "distances:rg", found.rg, _A
            yield "distances:i0", found.i0, intensity
            yield "distances:d_max", found.d_max, _A
        elif method == "sizes":
            yield from _sizes(d, found)
        elif method == "peaks":
            for k, peak in enumerate(found, 1):
                yield f"peaks:{k}:q", peak.q, "1/angstrom"
                yield f"peaks:{k}:d", peak.spacing, _A
                yield f"peaks:{k}:width", peak.width, "1/angstrom"
            lattices = d.found.get("lattices", ())
            if lattices and lattices[0].probability > 0.5:
                yield "peaks:lattice_parameter", lattices[0].parameter, _A


def _section(found: Guinier) -> Iterator[Named]:
    if found.dimension == 1:
        yield "guinier:rg_cross_section", found.rg, _A
    else:
        yield "guinier:thickness", found.rg.times(12**0.5), _A


def _porod(d: Description, found: Porod, intensity: str) -> Iterator[Named]:
    yield "porod:exponent", found.exponent, "1"
    yield "porod:background", found.background, intensity
    if sharp(found):
        yield "porod:constant", found.fourth, f"{intensity} angstrom^-4" if d.absolute else "angstrom^-4"
        if "invariant" in d.found:
            yield "porod:surface_to_volume", surface_to_volume(d.found["invariant"], found), "1/angstrom"


def sharp(found: Porod) -> bool:
    """Tell whether the power law may be Porod's: the exponent 4 within its uncertainty, and that within 0.3."""
    return abs(found.exponent.value - 4) < min(_NEAR * found.exponent.sigma + 0.1, 0.3)


def _invariant(d: Description) -> Iterator[Named]:
    found = d.found["invariant"]
    yield "invariant:q", found.invariant, "1/cm angstrom^-3" if d.absolute else "angstrom^-3"
    yield "invariant:correlation_length", correlation_length(found), _A
    if d.guinier is not None:
        yield "invariant:porod_volume", porod_volume(d.guinier.i0, found), "angstrom^3"
        yield "invariant:correlation_volume", correlation_volume(d.guinier.i0, found), "angstrom^2"
    if d.absolute and d.contrast:
        try:
            yield "invariant:volume_fraction", volume_fraction(found, d.contrast), "1"
        except Absent as reason:
            d.absent["volume fraction"] = str(reason)


def _sizes(d: Description, found: SizeDistribution) -> Iterator[Named]:
    total = sum(mode.volume.value for mode in found.modes)
    for k, mode in enumerate(found.modes, 1):
        yield f"sizes:mode{k}:mean", mode.mean, _A
        yield f"sizes:mode{k}:width", mode.width, _A
        yield f"sizes:mode{k}:most_frequent", Uncertain(mode.top, mode.mean.sigma * mode.top / mode.mean.value), _A
        if d.absolute and d.contrast:
            yield f"sizes:mode{k}:volume_fraction", mode.volume.times(1 / d.contrast**2), "1"
        elif len(found.modes) > 1:
            yield f"sizes:mode{k}:share", mode.volume.times(1 / total), "1"
    yield "sizes:background", found.background, "1/cm" if d.absolute else "1"


def warnings(d: Description) -> list[str]:
    """What the user should look at before the numbers are believed."""
    out = list(d.signal.warnings)
    if d.scatter > 1:
        out.append(
            f"the points scatter {d.scatter:.2g} times as much as their uncertainties say: everything is widened by that"
        )
    if d.signal.instrument.slit_length > 0 and d.signal.instrument.smearing == "on":
        out.append(
            "the curve is smeared by a slit: Guinier, Porod, Kratky, invariant and levels need desmeared data; sizes and "
            "distances take the slit into account"
        )
    if d.guinier is not None and "guinier" in d.methods:
        out += _of_guinier(d.guinier)
    if "distances" in d.methods and "distances" in d.found:
        out += _of_distances(d.found["distances"])
    if "sizes" in d.methods and "sizes" in d.found:
        out += _of_sizes(d, d.found["sizes"])
    if "unified" in d.methods and "unified" in d.found and d.found["unified"].misfit > 0.15:
        out.append(
            f"unified: the levels leave {d.found['unified'].misfit:.0%} of the intensity (root mean square): oscillations or "
            "peaks that they cannot have"
        )
    if len(d.methods) < 8:  # what was asked for by name is missed
        out += [f"{method}: left out, {d.absent[method]}" for method in d.methods if method in d.absent]
    return out


def _of_guinier(g: Guinier) -> Iterator[str]:
    if g.upturn > 0.03:
        yield (
            f"guinier: the curve turns up at low q ({g.upturn:.0%} of the first point: aggregates, large structures); Rg and "
            "I(0) are those beside a power law, and as uncertain as what is under it"
        )
    elif g.skipped and g.low_side < -0.02:
        yield (
            f"guinier: the first {g.skipped} points lie below the law ({-g.low_side:.0%} on average: repulsion between the "
            "particles, or the beam stop) and were left out; Rg is then too small, if anything"
        )
    if g.x[0] > 0.65:
        yield f"guinier: the range begins at q Rg = {g.x[0]:.2f}; smaller q would make Rg surer"


def _of_distances(p: PairDistances) -> Iterator[str]:
    if p.negative > 0.03:
        yield f"distances: {p.negative:.0%} of p(r) is negative: interaction, parts of opposite contrast, or a wrong background"
    if not p.bounded:
        yield "distances: D_max is at an end of what the range of q can show"
    if p.chi2 > 2:
        yield f"distances: reduced chi-squared {p.chi2:.2g}: p(r) does not explain the curve within its uncertainties"


def _of_sizes(d: Description, found: SizeDistribution) -> Iterator[str]:
    if found.chi2 > 2.5:
        yield (
            f"sizes: reduced chi-squared {found.chi2:.2g}: no distribution of dilute particles of this shape ({d.kernel}) "
            "explains the curve"
        )
    elif d.found.get("distances") is not None and d.found["distances"].chi2 < 0.5 * found.chi2:
        yield f"sizes: the curve has more in it than sizes of this shape ({d.kernel})"
    if not found.modes:
        yield "sizes: no hump of the distribution is significant"
    if found.modes and found.modes[-1].high > 0.95 * found.size[-1]:
        yield "sizes: the distribution runs into the largest size that the range of q can show"


def notes(d: Description) -> list[str]:
    """What the numbers rest on and what they say, in words."""
    out: list[str] = []
    q = d.q
    for method in d.methods:
        if method in d.absent:
            out.append(f"{method}: left out, {d.absent[method]}")
        elif method == "guinier" and d.guinier is not None:
            g = d.guinier
            line = f" (a straight line over it gives {g.line:.4g})" if g.line and abs(g.line / g.rg.value - 1) > 0.02 else ""
            out.append(
                f"guinier: q {q[g.first]:.3g} to {q[g.last]:.3g}, q Rg {g.x[0]:.2f} to {g.x[1]:.2f}, {g.last - g.first + 1} "
                f"points, reduced chi-squared {g.chi2:.2g}{line}"
            )
        elif method == "porod" and d.porod is not None:
            out.append(f"porod: q {q[d.porod.first]:.3g} to {q[d.porod.last]:.3g}; {_decay(d.porod)}")
        elif method == "kratky":
            out.append(f"kratky: {foldedness(d.found[method])}")
        elif method == "invariant":
            found = d.found[method]
            share = abs(found.low_share) + abs(found.high_share)
            out.append(
                f"invariant: {share:.0%} of it lies outside the range of q" + ("; it is an estimate" if share > 0.25 else "")
            )
        elif method == "unified":
            count = len(d.found[method].levels)
            out.append(f"unified: {count} level{'s' if count > 1 else ''} by evidence")
        elif method == "distances":
            p = d.found[method]
            out.append(
                f"distances: most frequent {p.peak:.3g} angstrom; {p.effective:.0f} parameters are determined by the curve"
            )
        elif method == "sizes":
            shape = {m.shape for m in d.found[method].modes}
            kind = "log-normal humps refined against the curve" if shape == {"lognormal"} else "moments of the humps"
            out.append(f"sizes: {d.size}, weighted by volume; {kind}")
        elif method == "peaks":
            out += _lattice(d)
    if "volume fraction" in d.absent:
        out.append(f"invariant: no volume fraction, {d.absent['volume fraction']}")
    return out


def _lattice(d: Description) -> Iterator[str]:
    lattices = d.found.get("lattices", ())
    if not lattices:
        yield f"peaks: {d.absent.get('lattice', 'no lattice')}"
        return
    told = ", ".join(f"{x.phase} {x.probability:.2f} (a = {x.parameter.value:.4g} angstrom)" for x in lattices[:2])
    off = sum(order == 0 for order in lattices[0].orders)
    yield f"peaks: {told}" + (f"; {off} of {len(lattices[0].orders)} peaks are not of the first" if off else "")


def _decay(found: Porod) -> str:
    p, doubt = found.exponent
    room = _NEAR * doubt + 0.1
    if sharp(found):
        return "Porod's law: sharp interfaces"
    if doubt > 0.3:
        return f"the exponent is known to {doubt:.2g} only"
    if p > 4 + room:
        return "steeper than Porod's law: diffuse interfaces, oscillations, or a background that was taken off too much"
    if p > 3:
        return f"rough surfaces (of fractal dimension {6 - p:.2f}), or too short a range"
    names = {2.0: "Gaussian chains, thin layers", 5 / 3: "swollen chains", 1.0: "thin rods"}
    near = [name for value, name in names.items() if abs(p - value) < min(room, 0.2)]
    return f"as of {' or '.join(near)}" if near else f"a mass fractal (of dimension {p:.2f}), branched or swollen chains"
