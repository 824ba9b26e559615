"""Denoising of small-angle data: error and coverage against the truth, and against full exposures, beside simple filters.

Simulated: curves of particles, of ordered phases and of chains, and series and frames of them, at 1 % and 0.1 % of the counts
of a long exposure of a million. Measured: curves that state sigma, with normal noise added until it is ten times as large. The
error is the root mean square of (estimate - truth) over the uncertainty of the short exposure: 1 for the points themselves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from _harness import Table, arguments, cpu_time, find_data

Array = NDArray[np.float64]

_LONG = 1_000_000  # counts of a curve
_MEASURED = (
    "Ludox_silica.xml",
    "hSDS_D2O_2p0_percent.xml",
    "P123_D2O_30_percent.xml",
    "ISIS_Polymer_Blend_RT2.xml",
    "apoferritin.txt",
    "AOT_Microemulsion-Core_Contrast.xml",
    "AOT_Microemulsion-Shell_Contrast.xml",
    "ISIS_98929.TXT",
    "ILL_D22_SDS_093191_201.dat",
    "af1410/AF1410_cc_AF1410_acc.txt",
)


def truths(rng: np.random.Generator, count: int) -> list[tuple[Array, Array]]:
    """Draw curves without noise: q and intensity."""
    from whorl.physics.small_angle.models import find_model
    from whorl.physics.small_angle.sizes import distribute

    out = []
    for number in range(count):
        low = 10 ** rng.uniform(-2.6, -2.0)
        q = np.geomspace(low, low * 10 ** rng.uniform(1.2, 1.8), int(rng.integers(100, 400)))
        size = float(10 ** rng.uniform(0.0, 1.0) / np.sqrt(q[0] * q[-1]))
        kind = number % 6
        if kind < 3:
            key, extra = (("sphere", {}), ("core_shell_sphere", {"thickness": 0.4 * size}), ("ellipsoid", {}))[kind]
            values = {"radius": size, **extra} if kind < 2 else {"radius_polar": size, "radius_equatorial": 2.5 * size}
            spread = {"radius": distribute(size, rng.uniform(0.02, 0.2))} if kind < 2 else {}
            y = find_model(key).intensity(q, values | spread)
        elif kind == 3:
            x = (q * size / 3) ** 2
            y = 2 * (np.expm1(-x) + x) / x**2
        elif kind == 4:
            first = q[0] * (q[-1] / q[0]) ** rng.uniform(0.3, 0.6)
            y = (q / q[0]) ** -rng.uniform(2, 4) + 0.02
            for order, high in ((1, 0.6), (2, 0.2), (3, 0.1)):
                y = y + high * np.exp(-0.5 * ((q / first - order) / rng.uniform(0.02, 0.05)) ** 2)
        else:
            first = q[0] * (q[-1] / q[0]) ** rng.uniform(0.3, 0.6)
            y = 1 / (1 - 1.6 * (q / first) ** 2 + (q / first) ** 4)
        y = y / y.max()
        out.append((q, y + 10 ** rng.uniform(-4.5, -2)))
    return out


def short_exposure(q: Array, y: Array, counts: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Intensity and uncertainty of an exposure of so many counts, detector area growing with q."""
    rate = y * q
    expected = rate * counts / rate.sum()
    sigma = y / np.sqrt(expected)
    return y + rng.normal(0, sigma), sigma


def filters(q: Array, y: Array, sigma: Array) -> dict[str, Array]:
    """Simple alternatives, in ln I where they need it."""
    from scipy.interpolate import make_smoothing_spline
    from scipy.signal import savgol_filter

    log = np.log(np.maximum(y, sigma))
    weight = np.minimum(y / sigma, 1e6).clip(min=0.3) ** 2
    found = {
        "moving average, 5": np.convolve(np.pad(y, 2, mode="edge"), np.ones(5) / 5, "valid"),
        "Savitzky-Golay, 7": np.exp(savgol_filter(log, 7, 2)),
        "Savitzky-Golay, 15": np.exp(savgol_filter(log, 15, 2)),
    }
    found["smoothing spline"] = np.exp(make_smoothing_spline(np.log(q), log, w=weight / weight.mean())(np.log(q)))
    return found


class Tally:
    """Errors by method, and how often intervals hold the truth."""

    def __init__(self) -> None:
        self.errors: dict[str, list[float]] = {}
        self.inside: list[tuple[float, float]] = []
        self.ratio: list[float] = []

    def add(
        self, truth: Array, sigma: Array, mean: Array, spread: Array, others: dict[str, Array], noise: Array | None = None
    ) -> None:
        """Count one curve; ``noise`` is that of the truth."""
        error = float(np.sqrt(np.mean(((mean - truth) / sigma) ** 2)))
        self.errors.setdefault("whorl", []).append(error)
        for name, other in others.items():
            self.errors.setdefault(name, []).append(float(np.sqrt(np.mean(((other - truth) / sigma) ** 2))))
        off = np.abs(mean - truth) / np.sqrt(spread**2 + (0.0 if noise is None else noise**2))
        self.inside.append((float(np.mean(off < 1)), float(np.mean(off < 1.96))))
        self.ratio.append(float(np.sqrt(np.mean((spread / sigma) ** 2))) / error)

    def rows(self, table: Table, what: str, note: str = "") -> None:
        """Write the rows of one set."""
        middle = {name: float(np.median(e)) for name, e in self.errors.items()}
        best = min((v, k) for k, v in middle.items() if k != "whorl")
        own = middle["whorl"]
        table.add(
            f"{what}: error, points themselves 1",
            "below every filter",
            f"{own:.2f} (95th percentile {np.percentile(self.errors['whorl'], 95):.2f})",
            f"{best[0]:.2f} ({best[1]})",
            "; ".join(
                [f"{name} {value:.2f}" for name, value in middle.items() if name not in ("whorl", best[1])]
                + [note] * bool(note)
            ),
            met=own < best[0],
        )
        one, two = np.mean([a for a, _ in self.inside]), np.mean([b for _, b in self.inside])
        stated = f"stated error {np.median(self.ratio):.2f} times the true one"
        table.add(f"{what}: truth within 68 / 95 %", "60-76 / 90-98 %", f"{one:.1%} / {two:.1%}", "", stated,
                  met=bool(0.60 <= one <= 0.76 and 0.90 <= two <= 0.98))  # fmt: skip


def simulated(table: Table, count: int) -> None:
    from whorl.techniques.sas.denoise_curve import denoise_curve

    seconds = []
    for share in (0.01, 0.001):
        rng = np.random.default_rng(90_001)
        tally = Tally()
        for q, y in truths(rng, count):
            values, sigma = short_exposure(q, y, share * _LONG, rng)
            found = denoise_curve(q, values, sigma)
            tally.add(y, sigma, found.intensity, found.sigma, filters(q, values, sigma))
            if len(seconds) < 12:
                seconds.append(cpu_time(lambda: denoise_curve(q, values, sigma), repeats=1, warmup=0).minimum)  # noqa: B023
        tally.rows(table, f"simulated curves at {share:.1%} of the counts ({count})")
    table.add("one curve, CPU", "", f"{1e3 * np.median(seconds):.0f} ms", "", "100 to 400 points")


def peaks(table: Table, repeats: int) -> None:
    """Height of a sharp peak, and depth of the first minimum of spheres of one size, after denoising."""
    from whorl.techniques.sas.denoise_curve import denoise_curve

    rng = np.random.default_rng(90_002)
    q = np.geomspace(0.01, 0.3, 300)
    y = 0.02 * (q / 0.05) ** -2 + np.exp(-0.5 * ((q - 0.08) / 0.0012) ** 2)
    top = int(np.argmax(y))
    heights = []
    for _ in range(repeats):
        values, sigma = short_exposure(q, y, 20_000, rng)
        found = denoise_curve(q, values, sigma)
        heights.append((found.intensity[top] / y[top], sigma[top] / y[top]))
    mean = float(np.mean([h for h, _ in heights]))
    doubt = float(np.median([s for _, s in heights])) / np.sqrt(repeats)
    table.add(
        "height of a peak 3 points wide, over the truth", "1 within 3 %", f"{mean:.3f} +- {doubt:.3f}", met=abs(mean - 1) < 0.03
    )


def measured(table: Table) -> None:
    import whorl
    from whorl.techniques.sas.denoise_curve import denoise_curve
    from whorl.techniques.sas.prepare import prepare

    data = find_data()
    if data is None:
        return
    tally, used = Tally(), 0
    for number, name in enumerate(_MEASURED):
        path = data / "sas" / "exp" / name
        if not path.is_file():
            continue
        signal = prepare(whorl.read(path).frame(0))
        if not signal.absolute:
            continue
        rng = np.random.default_rng([90_003, number])
        wide = 10 * signal.sigma
        values = signal.y + rng.normal(0, np.sqrt(99) * signal.sigma)
        found = denoise_curve(signal.x, values, wide, signal.dq)
        tally.add(signal.y, wide, found.intensity, found.sigma, filters(signal.x, values, wide), signal.sigma)
        used += 1
    if used:
        tally.rows(table, f"measured curves, noise ten times as large ({used})", "truth: the full exposure, with its own noise")


def series(table: Table, repeats: int) -> None:
    from whorl.techniques.sas.denoise_curve import denoise_curve
    from whorl.techniques.sas.denoise_series import denoise_frames

    rng = np.random.default_rng(90_004)
    tally = Tally()
    for _ in range(repeats):
        q, a = truths(rng, 6)[int(rng.integers(6))]
        shift = np.linspace(0, 1, 60)[:, None]
        other = 1 / (1 + (q / q[q.size // 3]) ** 4) + 1e-3
        frames = (1 - shift) * a + shift * 2 * other
        rate = frames * q
        sigma = frames / np.sqrt(rate * 3000 / rate.sum(axis=1, keepdims=True))
        values = frames + rng.normal(0, sigma)
        found = denoise_frames(q, values, sigma)
        alone = np.array([denoise_curve(q, v, s).intensity for v, s in zip(values[::6], sigma[::6], strict=True)])
        tally.add(frames[::6], sigma[::6], found.intensity[::6], found.sigma[::6], {"each frame by itself (whorl)": alone})
    tally.rows(table, f"series of 60 frames, two components, 3000 counts each ({repeats})")


def images(table: Table, repeats: int) -> None:
    from scipy.ndimage import gaussian_filter

    from whorl.techniques.sas.denoise_frame import denoise_frame

    rng = np.random.default_rng(90_005)
    row, column = np.mgrid[:256, :256]
    dy, dx = row - 131.5, column - 118.0
    radius, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
    z = 0.07 * radius + 1e-6
    ring = 300 * (3 * (np.sin(z) - z * np.cos(z)) / z**3) ** 2 + 0.3 * np.exp(-radius / 150)
    bent = ring * (1 + 0.5 * np.cos(2 * (angle - 0.4)) * np.exp(-radius / 150))
    good = np.ones(ring.shape, dtype=bool)
    good[:, 100:104] = False
    good[radius < 7] = False
    for share in (0.01, 0.001):
        tally = Tally()
        for picture in (ring, bent) * repeats:
            expected = picture * share * 1e7 / picture[good].sum()
            counts = rng.poisson(expected).astype(float)
            found = denoise_frame(counts, good)
            filled = np.where(good, counts, 0.0)
            near = {s: np.maximum(gaussian_filter(good * 1.0, s), 1e-9) for s in (1, 2, 4, 8)}
            best = {f"Gaussian filter, {s} px": gaussian_filter(filled, s) / w for s, w in near.items()}
            tally.add(expected[good], np.sqrt(expected[good]), found.intensity[good], found.sigma[good],
                      {name: one[good] for name, one in best.items()})  # fmt: skip
        mean = share * 1e7 / good.sum()
        tally.rows(
            table,
            f"frames of {mean:.2g} counts a pixel, centre not given ({2 * repeats})",
            f"{share:.1%} of ten million counts",
        )


def main() -> int:
    options = arguments("denoising of small-angle curves, series and frames")
    table = Table("Denoising of small-angle data")
    simulated(table, 12 if options.quick else 120)
    peaks(table, 4 if options.quick else 30)
    measured(table)
    series(table, 2 if options.quick else 12)
    images(table, 1 if options.quick else 6)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
