"""Model-free quantities of small-angle curves: Rg of measured ones, coverage on simulated ones, features, frames per second.

Rg is compared with what is documented (the polymer blend) or what straight Guinier fits of the same files gave (the proteins,
q Rg up to 1.3, ranges chosen by hand); the latter are no truth, and their own bias is that of a straight line. In the column of
the peer stands what such a line over whorl's range gives.

Simulated curves: spheres with spread sizes, thin shells, ellipsoids of 0.3 to 3, cylinders, Gaussian chains, with counting
noise, 80 to 400 points over random ranges of q. Their Rg is known in closed form. A quantity covers if its 95 % interval holds
it.

The annotated USAXS curves have ranges of power laws, knees, plateaus and background that experts put down as estimates. A
feature is found if one of the same kind overlaps half of the shorter of both, in ln q. (Plateau or power law is accepted where
the annotation leaves it open.) The rule that names the background was made with these curves in view: a development figure.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from _harness import Table, arguments, find_data
from whorl.core.measurement import Measurement
from whorl.formats import read
from whorl.physics.small_angle.curves.features import find_features
from whorl.physics.small_angle.curves.guinier import guinier
from whorl.physics.small_angle.curves.pair_distance import pair_distances
from whorl.physics.small_angle.curves.uncertain import Absent
from whorl.tasks.quantify_curve import quantify_curve_series
from whorl.techniques.sas.model_free import describe

Array = NDArray[np.float64]

SEED = 90_517
MEASURED = (
    ("sas/exp/ISIS_Polymer_Blend_RT2.xml", "polymer blend, SANS (documented)", 58.0),
    ("sas/exp/2epe.dat", "lysozyme, SAXS (line by hand)", 14.4),
    ("sas/exp/LAR1-2.dat", "LAR1-2, SAXS (line by hand)", 29.0),
    ("sas/exp/SASDJG5.dat", "SASDJG5, SAXS (line by hand)", 27.4),
)
BAR_RG, BAR_FRAMES = 0.03, 60.0


def _sphere(x: Array) -> Array:
    return np.asarray(3 * (np.sin(x) - x * np.cos(x)) / x**3)


def _spheres(rng: np.random.Generator, q: Array) -> tuple[Array, float]:
    radius, spread = rng.uniform(15, 80), rng.uniform(0.01, 0.15)
    r = radius * np.linspace(1 - 3 * spread, 1 + 3 * spread, 41)
    n = np.exp(-0.5 * ((r / radius - 1) / spread) ** 2)
    return (_sphere(np.outer(q, r)) ** 2 * r**6) @ n / (n @ r**6), float(np.sqrt(0.6 * (n @ r**8) / (n @ r**6)))


def _shell(rng: np.random.Generator, q: Array) -> tuple[Array, float]:
    radius = rng.uniform(20, 80)
    return (np.sin(q * radius) / (q * radius)) ** 2, radius


def _chain(rng: np.random.Generator, q: Array) -> tuple[Array, float]:
    rg = rng.uniform(20, 80)
    u = (q * rg) ** 2
    return 2 * (np.expm1(-u) + u) / u**2, rg


def _nodes() -> tuple[Array, Array]:
    mu, weight = np.polynomial.legendre.leggauss(60)
    return (mu + 1) / 2, weight / 2


def _ellipsoid(rng: np.random.Generator, q: Array) -> tuple[Array, float]:
    mu, weight = _nodes()
    a, e = rng.uniform(15, 50), float(np.exp(rng.uniform(np.log(0.3), np.log(3))))
    r = a * np.sqrt((1 - mu**2) + e**2 * mu**2)
    return _sphere(np.outer(q, r)) ** 2 @ weight, float(a * np.sqrt((2 + e * e) / 5))


def _cylinder(rng: np.random.Generator, q: Array) -> tuple[Array, float]:
    from scipy.special import j1

    mu, weight = _nodes()
    radius = rng.uniform(8, 20)
    half = radius * float(np.exp(rng.uniform(np.log(0.5), np.log(8))))
    across = np.outer(q, np.sqrt(1 - mu**2) * radius)
    f2 = (2 * j1(across) / across) ** 2 * np.sinc(np.outer(q, mu * half) / np.pi) ** 2
    return f2 @ weight, float(np.sqrt(radius**2 / 2 + (2 * half) ** 2 / 12))


KINDS: tuple[Callable[[np.random.Generator, Array], tuple[Array, float]], ...] = (
    _spheres, _shell, _chain, _ellipsoid, _cylinder,
)  # fmt: skip


def simulated(rng: np.random.Generator, number: int) -> tuple[Array, Array, Array, float, float]:
    """q, intensity, sigma, and the true Rg and I(0) of a curve."""
    points = int(rng.integers(80, 400))
    low, high = 10 ** rng.uniform(-2.5, -2.0), 10 ** rng.uniform(-0.8, -0.35)
    q = np.geomspace(low, high, points) if rng.random() < 0.5 else np.linspace(low, high, points)
    curve, rg = KINDS[number % len(KINDS)](rng, q)
    height, level = 10 ** rng.uniform(-2, 3), 10 ** rng.uniform(-2.6, -1.3)
    sigma = height * (level * np.sqrt(np.maximum(curve, 0)) + 0.03 * level + 0.002 * curve)
    return q, height * curve + rng.normal(size=points) * sigma, sigma, rg, height


def coverage(table: Table, count: int) -> None:
    """Rows on the coverage of Rg and I(0)."""
    rng = np.random.default_rng(SEED)
    found: dict[str, list[tuple[float, float]]] = {"guinier": [], "distances": []}
    heights: list[float] = []
    line = []
    absent = 0
    for number in range(count):
        q, y, sigma, rg, height = simulated(rng, number)
        try:
            g = guinier(q, y, sigma)
        except Absent:
            absent += 1
            continue
        found["guinier"].append(((g.rg.value - rg) / g.rg.sigma, g.rg.value / rg - 1))
        heights.append((g.i0.value - height) / g.i0.sigma)
        line.append(abs(g.line / rg - 1))
        if number % 3 == 0:
            try:
                p = pair_distances(q, y, sigma, sizes=(1.6 * g.rg.value, min(8 * g.rg.value, 2.5 * np.pi / q[0])))
            except Absent:
                continue
            found["distances"].append(((p.rg.value - rg) / p.rg.sigma, p.rg.value / rg - 1))
    for name, pairs in found.items():
        z, off = np.abs(np.array(pairs)).T
        inside = float(np.mean(z < 1.96))
        note = f"{len(pairs)} curves of 5 shapes" + (f", {absent} without" if name == "guinier" else "")
        table.add(
            f"{name}: Rg, coverage of 95 %", "92 to 97 %", f"{inside:.1%} (68 %: {np.mean(z < 1):.0%})", "", note,
            met=inside >= 0.92 if count >= 500 else None,
        )  # fmt: skip
        peer = f"{np.median(line):.2%}, straight line" if name == "guinier" else ""
        table.add(f"{name}: Rg, median error", "", f"{np.median(off):.2%}", peer)
    z = np.abs(np.array(heights))
    table.add("guinier: I(0), coverage of 95 %", "92 to 97 %", f"{np.mean(z < 1.96):.1%} (68 %: {np.mean(z < 1):.0%})")


def measured(table: Table, data: Path) -> None:
    """Rows on Rg of measured curves."""
    for file, what, rg in MEASURED:
        if not (data / file).is_file():
            continue
        d = describe(read(data / file).frame(0), "guinier,distances")
        g, p = d.found["guinier"], d.found["distances"]
        off = abs(p.rg.value / rg - 1)
        reached = f"{g.rg.value:.1f} +- {g.rg.sigma:.1f} (Guinier), {p.rg.value:.1f} +- {p.rg.sigma:.1f} (p(r))"
        table.add(
            f"Rg of {what}: {rg:g}", "3 %", f"{reached}, {off:.1%}", f"{g.line:.1f}, straight line", "", met=off <= BAR_RG
        )
    file = data / "sas/exp/apoferritin.txt"
    if file.is_file():
        d = describe(read(file).frame(0), "guinier,distances")
        g, p = d.found["guinier"], d.found["distances"]
        table.add(
            "apoferritin (recalled: 53; upturn)", "upturn is seen",
            f"{g.rg.value:.0f} +- {g.rg.sigma:.0f}, upturn {g.upturn:.0%} of the first point; "
            f"p(r) {p.rg.value:.0f} +- {p.rg.sigma:.0f}",
            f"{g.line:.0f}, straight line", met=g.upturn > 0.1,
        )  # fmt: skip


def annotated(data: Path) -> Iterator[tuple[Path, str]]:
    """Files with the words of their annotation, from the list that comes with the data."""
    listing = data / "MANIFEST.tsv"
    for line in listing.read_text(encoding="utf-8").splitlines() if listing.is_file() else ():
        cells = line.split("\t")
        if cells[0].startswith(("sas/exp/usaxs_features", "sas/ref/irena_P", "sas/ref/irena_Rod")) and "annotated" in cells[2]:
            text = cells[2].partition("annotated")[2]
            yield data / cells[0], text.partition("plateau): " if "plateau): " in text else ": ")[2]


def stretches(text: str, low: float, high: float) -> list[tuple[set[str], float, float]]:
    """Kinds and ends of the features of an annotation."""
    out = []
    for part in (p.strip() for p in text.split("|")):
        if part.lower().startswith(("max q", "high q", "no ")) or "none" in part.lower():
            continue
        body = re.sub(r"\(.*?\)", "", part)
        first = body.lower()
        kind = (
            "background" if first.startswith(("back", "black")) else "knee" if "GK" in body or "knee" in first else "power law"
        )
        kinds = {"plateau"} if body.startswith("GP") else {kind}
        kinds |= {"power law"} if "GP/PLS" in body else set()
        ends = [float(v) for v in re.findall(r"\d*\.\d+", body)] + ([low] if "min" in body else [])
        if not ends and kind == "background":
            ends = [0.6 * high, high]
        if ends:
            ends += [ends[0] * (1.5 if kind == "background" else 1.0)] if len(ends) == 1 else []
            out.append((kinds, max(min(ends), low), min(max(ends), high)))
    return out


def features(table: Table, data: Path) -> None:
    """Rows on the features of annotated curves."""
    seen, hit = dict.fromkeys(("power law", "knee", "plateau", "background"), 0), {}
    for file, text in annotated(data):
        m = read(file).frame(0)
        sigma = m.sigma if m.sigma is not None else 0.02 * np.abs(m.signal)
        good = sigma > 0
        found = find_features(m.x[good], m.signal[good], sigma[good])
        for kinds, low, high in stretches(text, float(m.x[0]), float(m.x[-1])):
            name = min(kinds)
            seen[name] = seen.get(name, 0) + 1
            for f in found:
                shared = min(np.log(high), np.log(f.high)) - max(np.log(low), np.log(f.low))
                if f.kind in kinds and shared >= 0.5 * max(min(np.log(high / low), np.log(f.high / f.low)), 0.02):
                    hit[name] = hit.get(name, 0) + 1
                    break
    total = sum(seen.values())
    if total:
        each = ", ".join(f"{name} {hit.get(name, 0)}/{count}" for name, count in seen.items() if count)
        table.add("annotated features found", "", f"{sum(hit.values())} of {total} ({sum(hit.values()) / total:.0%})", "", each)


def frames(table: Table, count: int) -> None:
    """Row on the time that a series takes."""
    rng = np.random.default_rng(SEED + 1)
    q = np.geomspace(0.008, 0.35, 110)
    curves, sigmas = [], []
    for _ in range(count):
        curve = 5 * _spheres(rng, q)[0] + 0.01
        sigmas.append(0.02 * curve)
        curves.append(curve + rng.normal(size=q.size) * sigmas[-1])
    series = Measurement("sas", q, np.array(curves), np.array(sigmas))
    list(quantify_curve_series(Measurement("sas", q, series.signal[:3], np.array(sigmas[:3]))))
    started = time.process_time()
    done = sum(v.error is None for v in quantify_curve_series(series))
    seconds = (time.process_time() - started) / count * 10_000
    table.add(
        "10 000 frames, guinier + porod + invariant", "<= 60 s", f"{seconds:.0f} s CPU, one process", "",
        f"measured on {count}; {done} described", met=seconds <= BAR_FRAMES,
    )  # fmt: skip


def main() -> int:
    """Fill the table."""
    options = arguments(__doc__.splitlines()[0])
    table = Table("Small-angle curves without a model")
    data = find_data()
    if data is not None:
        measured(table, data)
        features(table, data)
    coverage(table, 60 if options.quick else 1500)
    frames(table, 40 if options.quick else 1000)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
