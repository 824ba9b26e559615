"""Solve for small-angle scattering: the demonstration curves of CREASE, simulated structures, patterns, the surrogate of boxes.

The demonstration curves are simulated vesicles whose names state the core radius (nm), the layers (nm) and the relative
standard deviation of the core radius; which of these a curve made of so few scatterers can tell is shown beside, by fitting
seven boxes of scatterers made from the stated numbers in the same way. The peer's genetic algorithm is told the composition
(0.6 in the script that comes with it), and so is whorl here; a second row leaves it free.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from _harness import Table, arguments, cpu_time, find_data
from whorl.core.measurement import Measurement
from whorl.physics.small_angle.scatterers.debye import debye_direct, debye_histogram
from whorl.physics.small_angle.scatterers.mixture import mixture_intensity, sphere_form
from whorl.physics.small_angle.scatterers.placing import in_shell
from whorl.tasks.solve import solve
from whorl.tasks.solve_pattern import solve_pattern
from whorl.tasks.solve_search import descend
from whorl.techniques.sas.solve import boxes, find_geometry, problems
from whorl.techniques.sas.solve.oriented import GEOMETRIES
from whorl.techniques.sas.solve.pattern import Pattern2D, read_pattern

SEED = 20_261_121
LAYERS = ("core_radius", "inner_a", "layer_b", "outer_a")
DEMOS = {
    "10_Ain12_B12_Aout12": (100.0, 120.0, 120.0, 120.0),
    "20_Ain6_B12_Aout6": (200.0, 60.0, 120.0, 60.0),
}


def demos(table: Table, folder: Path, effort: str) -> None:
    """Dimensions of both curves, with the composition given and free."""
    for name, truth in DEMOS.items():
        path = folder / "sas" / "ref" / f"crease_Itot_disper_{name}_nLP7_dR0.2.txt"
        q, y = np.loadtxt(path).T
        for said, spans in (("composition 0.6 given", {"composition": (0.6, 0.6)}), ("composition free", {})):
            start = time.process_time()
            verdict = solve(Measurement("sas", q, y), ["vesicle"], spans=spans, seed=SEED, effort=effort, resumable=False)
            seconds = time.process_time() - start
            for gene, true in zip((*LAYERS, "width"), (*truth, 0.2), strict=True):
                found = verdict.parameters[gene]
                error = found.value / true - 1
                low, high = found.interval or (np.nan, np.nan)
                table.add(
                    f"vesicle {name.split('_')[0]} nm, {said}: {gene}", "within 5 %",
                    f"{found.value:.4g} ({error:+.1%}), 90 %: {low:.4g} to {high:.4g}", "",
                    f"stated {true:g}", met=bool(abs(error) <= 0.05),
                )  # fmt: skip
            table.add(
                f"vesicle {name.split('_')[0]} nm, {said}: CPU", "<= 3 min on 2 cores", f"{seconds:.1f} s", "not done in 100 s",
                f"Rw {verdict.candidates[0].rw:.4f}", met=seconds <= 360,
            )  # fmt: skip


def what_scatterers_allow(table: Table, repeats: int) -> None:
    """Scatter of the fit over boxes of random scatterers made as the second curve was: seven sizes, one box each."""
    q = np.linspace(0.003, 0.10849, 54)
    radius, inner, middle, outer = DEMOS["20_Ain6_B12_Aout6"]
    found = []
    for repeat in range(repeats):
        rng = np.random.default_rng([SEED, repeat])
        total = np.zeros(q.size)
        for step in np.linspace(-1.5, 1.5, 7):
            r = np.cumsum([radius * (1 + 0.2 * step), inner, middle, outer])
            chains = int(0.5 * 4 / 3 * np.pi * (r[2] ** 3 - r[1] ** 3) / (54 * 0.6 * np.pi / 6 * 50.4**3))
            numbers = [int(chains * 54 * part) for part in (0.08, 0.6, 0.32)]
            points = np.vstack([in_shell(rng, n, a, b) for n, a, b in zip(numbers, r[:-1], r[1:], strict=True)])
            total += debye_histogram(points, np.ones(len(points)), q) / len(points)
        bead = sphere_form(14.0 * q) ** 2
        spans = {"composition": (0.6, 0.6)}
        chosen = {"distribution": "rectangle", "weighting": "mass"}
        (problem,) = problems(
            Measurement("sas", q, total * bead / total[0]), find_geometry("vesicle"), spans=spans, options=chosen
        )
        start = dict(zip(LAYERS, DEMOS["20_Ain6_B12_Aout6"], strict=True)) | {"split": 0.2, "width": 0.2, "scatterer": 28.0}
        places = np.array([gene.place(start[gene.name]) for gene in problem.free])
        found.append([problem.values(descend(problem.residual, places).places)[name] for name in LAYERS])
    spread = np.std(found, axis=0)
    words = ", ".join(f"{name} {s:.1f}" for name, s in zip(LAYERS, spread, strict=True))
    table.add(
        "what 7 boxes of some 2000 scatterers allow", "", f"standard deviations (angstrom): {words}", "",
        f"{repeats} curves made as the second demonstration curve is described, fitted from its stated numbers",
    )  # fmt: skip


def simulated(table: Table, effort: str, cases: int) -> None:
    """Micelles, vesicles and fibrils with 2 % noise: median error of what the curve tells, coverage of the intervals."""
    q = np.geomspace(0.004, 0.2, 120)
    for key in ("micelle", "vesicle", "fibril"):
        geometry = find_geometry(key)
        errors, covered, total = [], 0, 0
        for case in range(cases):
            rng = np.random.default_rng([SEED, len(key), case])
            values = {g.name: g.at(rng.uniform(0.3, 0.7)) for g in geometry.genes}
            clean = geometry.columns(q, values, {"distribution": "gaussian", "weighting": "number"})
            y = clean[:, 0] + 3e-4 * clean[:, 1] + 1e-4
            sigma = 0.02 * y
            spans = {"composition": (values["composition"],) * 2}
            measurement = Measurement("sas", q, y + sigma * rng.normal(size=q.size), sigma=sigma)
            verdict = solve(measurement, [key], spans=spans, seed=case, effort=effort, resumable=False)
            derived = {k: v for k, (v, _) in geometry.derived(values).items()} if geometry.derived else {}
            for name, quantity in verdict.parameters.items():
                true = (values | derived)[name]
                low, high = quantity.interval or (0.0, 0.0)
                covered += low <= true <= high
                total += 1
                if name in ("core_radius", "outer_radius"):
                    errors.append(abs(quantity.value / true - 1))
        table.add(
            f"{cases} simulated {key}s, 2 % noise", "", f"median error of radii {np.median(errors):.2%}", "",
            f"90 % intervals hold {covered} of {total} genes",
        )  # fmt: skip


def surrogate(table: Table, cases: int, boxes_each: int) -> None:
    """The network against packed boxes: time of one I(q), and error on boxes of a stream of their own."""
    made = (0.25, 0.5, 0.8, 0.3)
    ranges = list(boxes.card().ranges.values())
    fast = cpu_time(lambda: [boxes.surrogate(made) for _ in range(100)], repeats=5).minimum / 100
    slow = cpu_time(lambda: boxes.exact.__wrapped__(made), repeats=1).minimum
    ratio = slow / fast
    table.add(
        "surrogate of boxes: speed", ">= 100x", f"{ratio:,.0f}x ({1e3 * fast:.3f} ms)", f"{slow:.2f} s",
        f"{boxes.BOXES} boxes of {boxes.SPHERES} spheres", met=ratio >= 100,
    )  # fmt: skip
    errors, noise = [], []
    for case in range(cases):
        rng = np.random.default_rng([SEED, 7, case])
        drawn = tuple(float(rng.uniform(i.low, i.high)) for i in ranges)
        contrast = rng.uniform(0, 2)
        given = {
            "diameters": (1.0, drawn[2]),
            "volume_fractions": (drawn[0] * drawn[1], drawn[0] * (1 - drawn[1])),
            "contrasts": (1.0, contrast),
            "width": 0.05,
        }
        one = [boxes.exact(drawn, boxes=1, seed=1000 * case + k + 1) for k in range(boxes_each)]
        true = np.array([mixture_intensity(boxes.grid(), s, **given) for s in one])
        said = mixture_intensity(boxes.grid(), boxes.surrogate(drawn), **given)
        errors.append(np.abs(said / true.mean(axis=0) - 1))
        noise.append(true.std(axis=0, ddof=1) / np.sqrt(boxes_each) / true.mean(axis=0))
    error = float(np.median(errors))
    table.add(
        "surrogate of boxes: relative error of I, median", "<= 1 %", f"{error:.2%}", "",
        f"{cases} boxes drawn apart, each the mean of {boxes_each}, whose own standard error is {np.median(noise):.2%}",
        met=error <= 0.01,
    )  # fmt: skip


def debye(table: Table) -> None:
    """Histogram against the direct sum."""
    rng = np.random.default_rng(SEED)
    positions, q = in_shell(rng, 2000, 200.0, 400.0), np.linspace(0.003, 0.1, 100)
    ones = np.ones(len(positions))
    exact = debye_direct(positions, ones, q)
    error = np.abs(debye_histogram(positions, ones, q) / exact - 1).max()
    fast, slow = (cpu_time(lambda f=f: f(positions, ones, q), repeats=2).minimum for f in (debye_histogram, debye_direct))
    table.add(
        "Debye sum of 2000 scatterers, 100 q", "<= 1e-3", f"{error:.1e}, {1e3 * fast:.1f} ms", f"{1e3 * slow:.0f} ms",
        "histogram against the direct sum", met=bool(error <= 1e-3),
    )  # fmt: skip


def two_dimensions(table: Table, folder: Path | None, effort: str) -> None:
    """Oriented ellipsoids with counting noise, and a measured isotropic pattern."""
    g = np.linspace(-0.12, 0.12, 96)
    qx, qy = (v.ravel() for v in np.meshgrid(g, g))
    values = {"radius": 35.0, "aspect": 3.0, "order": 0.55, "director": 37.0, "width": 0.1}
    points = np.column_stack([np.hypot(qx, qy), np.arctan2(qy, qx)])
    clean = GEOMETRIES["oriented-ellipsoids"].columns(points, values, {})[:, 0]
    counts = np.random.default_rng(SEED).poisson(2000 * clean / clean.max() + 3).astype(float)
    start = time.process_time()
    found = solve_pattern(Pattern2D(qx, qy, counts), "oriented-ellipsoids", seed=1, effort=effort).parameters
    seconds = time.process_time() - start
    words = ", ".join(f"{name} {found[name].value:.4g} ({true:g})" for name, true in values.items())
    good = all(abs(found[name].value / values[name] - 1) < 0.05 for name in ("radius", "aspect", "order"))
    table.add("oriented ellipsoids, 96 x 96, 2000 counts at most", "within 5 %", words, "", f"{seconds:.0f} s CPU", met=good)
    if folder is not None:
        pattern = read_pattern(folder / "sas" / "exp" / "SILIC010_noheader_3col.DAT")
        verdict = solve_pattern(pattern, "oriented-ellipsoids", seed=1, effort=effort)
        order = verdict.parameters["order"]
        low, high = order.interval or (0.0, 0.0)
        table.add(
            "measured silica in D2O, isotropic: order parameter", "0", f"{order.value:.3f}, 90 %: {low:.3f} to {high:.3f}", "",
            f"Rw {verdict.candidates[0].rw:.3f}; the pattern is some 5 % brighter along qx at high q",
        )  # fmt: skip


def main() -> int:
    options = arguments(__doc__ or "")
    effort = "quick" if options.quick else "full"
    table = Table("Solve: structures from small-angle scattering")
    folder = find_data()
    debye(table)
    if folder is not None:
        demos(table, folder, effort)
        what_scatterers_allow(table, 5 if options.quick else 40)
    simulated(table, "quick", 1 if options.quick else 4)
    two_dimensions(table, folder, "quick")
    surrogate(table, 2 if options.quick else 24, 2 if options.quick else 8)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
