"""Size distributions of spheres by regularised inversion: two modes with known truth, their coverage, the time of one.

The example of Jemian (1990s; in Irena's and other programs' tests): log-normal volume distributions with the most frequent
sizes 75 and 180 angstrom and ln R spread by 1/5 and 1/3, volume fractions 0.012 and 0.008, contrast 100e20 cm^-4, background
0.1, with noise. That the sizes named are the most frequent ones, and 15 and 60 angstrom these times the spread, is what the
curve itself says: means and standard deviations it would fit neither of them.

Simulated: two log-normal modes with means 25 to 90 and 2.2 to 6 times that, spread by 10 to 30 %, volume fractions alike within
a factor of 3, a background, 2 % noise, 100 points from 0.004 to 0.4 1/angstrom. Resolved: exactly two modes are reported.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from _harness import Table, arguments, cpu_time, find_data
from whorl.formats import read
from whorl.physics.small_angle.curves.size_inversion import invert_sizes, sphere_kernel
from whorl.techniques.sas.model_free import describe

Array = NDArray[np.float64]

SEED = 90_519
BAR_SECONDS, BAR_SIZE = 0.1, 0.1


def lognormal(mean: float, relative: float, x: Array) -> Array:
    """Density over ln R."""
    s2 = np.log1p(relative**2)
    return np.asarray(np.exp(-((x - np.log(mean) + s2 / 2) ** 2) / (2 * s2)) / np.sqrt(2 * np.pi * s2))


def example(table: Table) -> None:
    """Rows on the bimodal example."""
    data = find_data()
    file = None if data is None else data / "sas/ref/jemian_bimodal-test1.txt"
    if file is None or not file.is_file():
        return
    d = describe(read(file).frame(0), "sizes")
    modes = d.found["sizes"].modes
    table.add("bimodal example", "two modes", f"{len(modes)} modes", met=len(modes) == 2)
    for mode, top, spread, volume in zip(modes, (75.0, 180.0), (0.2, 1 / 3), (0.012, 0.008), strict=False):
        mean = top * np.exp(1.5 * spread**2)
        off = mode.top / top - 1
        reached = f"most frequent {mode.top:.1f} ({off:+.1%}), mean {mode.mean.value:.1f} +- {mode.mean.sigma:.1f}"
        table.add(f"mode at {top:g}, mean {mean:.1f}", "10 %", reached, met=abs(off) <= BAR_SIZE)
        width = mean * np.sqrt(np.expm1(spread**2))
        table.add(f"its standard deviation {width:.1f}", "", f"{mode.width.value:.1f} +- {mode.width.sigma:.1f}")
        v, dv = mode.volume.value / 100, mode.volume.sigma / 100
        table.add(f"its volume fraction {volume:g}", "10 %", f"{v:.5f} +- {dv:.5f}", met=abs(v / volume - 1) <= BAR_SIZE)
    q, y, sigma = d.q, d.intensity, d.sigma
    mine = cpu_time(lambda: invert_sizes(q, y, sigma), repeats=9)
    table.add(
        "one inversion, 91 points, 70 sizes", "<= 100 ms", f"{mine.minimum * 1e3:.0f} ms CPU", "",
        "regularisation, errors, modes", met=mine.minimum <= BAR_SECONDS,
    )  # fmt: skip


def simulated(table: Table, count: int) -> None:
    """Rows on simulated pairs of modes."""
    rng = np.random.default_rng(SEED)
    q = np.geomspace(0.004, 0.4, 100)
    x = np.linspace(np.log(3), np.log(3000), 1200)
    columns = sphere_kernel(q, np.exp(x)) * (x[1] - x[0])
    resolved = 0
    z: list[float] = []
    off: list[float] = []
    widths: list[float] = []
    for _ in range(count):
        first = float(rng.uniform(25, 90))
        means = (first, first * float(rng.uniform(2.2, 6)))
        spreads = rng.uniform(0.1, 0.3, 2)
        volumes = 0.01 * np.exp(rng.uniform(-0.55, 0.55, 2))
        density = sum(v * lognormal(m, s, x) for v, m, s in zip(volumes, means, spreads, strict=True))
        clean = 50 * columns @ density + float(rng.uniform(0, 0.2))
        sigma = 0.02 * clean + 1e-3
        found = invert_sizes(q, clean + rng.normal(size=q.size) * sigma, sigma)
        if len(found.modes) != 2:
            continue
        resolved += 1
        for mode, m, s, v in zip(found.modes, means, spreads, volumes, strict=True):
            z += [(mode.mean.value - m) / mode.mean.sigma, (mode.volume.value / 50 - v) / (mode.volume.sigma / 50)]
            z.append((mode.width.value - m * s) / mode.width.sigma)
            off.append(abs(mode.mean.value / m - 1))
            widths.append(abs(mode.width.value / (m * s) - 1))
    table.add(f"{count} simulated pairs resolved", "", f"{resolved / count:.0%}")
    table.add(
        "means, median error",
        "10 %",
        f"{np.median(off):.2%} (95 %: {np.quantile(off, 0.95):.1%})",
        met=float(np.median(off)) < 0.1,
    )
    table.add("standard deviations, median error", "", f"{np.median(widths):.1%}")
    inside = float(np.mean(np.abs(z) < 1.96))
    share = f"{inside:.1%} (68 %: {np.mean(np.abs(z) < 1):.0%})"
    table.add("means, widths, volumes: coverage of 95 %", "92 to 97 %", share, met=inside >= 0.92 if count >= 150 else None)


def main() -> int:
    """Fill the table."""
    options = arguments(__doc__.splitlines()[0])
    table = Table("Size distributions of small-angle curves")
    example(table)
    simulated(table, 15 if options.quick else 300)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
