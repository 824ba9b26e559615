"""Total scattering of finite clusters: CPU time against DebyeCalculator, F(Q) against the double sum, G(r) against DiffPy."""

from __future__ import annotations

import multiprocessing
import sys
import time

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from _harness import PEERS, Table, arguments, cpu_time, find_data, peer
from whorl.physics.debye import DebyeGrid, reduced_scattering
from whorl.physics.form_factors import xray

sys.path.append(str(PEERS))  # its double sum needs numpy only
from direct_debye import debye

Array = NDArray[np.float64]

QMIN, QMAX, R_MAX, DR = 0.8, 25.0, 30.0, 0.01
B_ISO = 0.3
U_ISO = B_ISO / (8 * np.pi**2)
GOLD = 4.078  # lattice parameter, angstrom

#: DiffPy sums F(Q) sin(Qr) over Q = k dQ, 8 <= k <= 254, dQ = pi / 31.96 (its answer to Qmin 0.7, Qmax 25); found here: these
#: numbers reproduce all six curves to 2e-3
DIFFPY_STEP, DIFFPY_FIRST = np.pi / 31.96, 8
#: the files' r is linspace(0, 30, 3000), yet G was computed on 0, 0.01, 0.02...: their r is too long by 1/2999
DIFFPY_DR = 0.01


def ball(atoms: int) -> Array:
    """Give the fcc gold atoms nearest to a point beside a lattice site, centred, shape (atoms, 3)."""
    reach = int(np.ceil((atoms / 4) ** (1 / 3))) + 2
    cells = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    corners = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    points = (cells + corners).reshape(-1, 3) * GOLD
    far = np.linalg.norm(points - [0.31, 0.47, 0.72], axis=1)
    chosen = points[np.argsort(far)[:atoms]]
    return np.ascontiguousarray(chosen - chosen.mean(axis=0))


class Case:
    """A cluster with everything that many clusters share (grid, form factors) made beforehand."""

    def __init__(self, positions: Array, elements: list[str]) -> None:
        """Take positions sorted by element."""
        self.positions, self.elements = positions, elements
        symbols = list(dict.fromkeys(elements))
        self.starts = np.cumsum([0, *(elements.count(s) for s in symbols)])
        span = 2 * float(np.linalg.norm(positions, axis=1).max())
        self.grid = DebyeGrid(r_max=R_MAX, dr_out=DR, qmin=QMIN, qmax=QMAX, d_max=span)
        self.factors = np.array([xray(s, self.grid.q) for s in symbols])
        self.u = np.full(len(symbols), U_ISO)

    def f(self) -> Array:
        """F(Q) on the grid's nodes."""
        return reduced_scattering(self.grid, self.positions, self.starts, self.factors, self.u)[0]

    def g(self) -> Array:
        """G(r), r 0 to 30 in steps of 0.01, shape (3001,)."""
        return self.grid.to_r(self.f())

    def reference(self) -> tuple[Array, Array]:
        """G(r) with steps so fine that they no longer matter: r and G, shape (3001,)."""
        fine = DebyeGrid(r_max=400.0, dr_out=DR, qmin=QMIN, qmax=QMAX, d_max=self.grid.d_max, dr=DR)
        factors = np.array([xray(s, fine.q) for s in dict.fromkeys(self.elements)])
        f, _ = reduced_scattering(fine, self.positions, self.starts, factors, self.u)
        return self.grid.r, fine.to_r(f)[: self.grid.r.size]

    def seconds(self, repeats: int, batch: int) -> float:
        """CPU seconds of one G(r): the least of `repeats` batches."""
        return cpu_time(lambda: [self.g() for _ in range(batch)], repeats=repeats).minimum / batch


def rms(found: Array, expected: Array) -> float:
    """Root mean square difference over the root mean square of what is expected."""
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))


#: Q steps of DebyeCalculator (1/angstrom): its default, and one at which its G(r) is as accurate as whorl's
PEER_STEPS = ((None, "its default Q step"), (0.02, "its Q step 0.02"))


def against_peer(table: Table, *, quick: bool) -> None:
    """Compare 150 and 2000 atoms with DebyeCalculator."""
    for atoms, factor, batch in ((150, 25.0, 50), (2000, 6.0, 5)):
        case = Case(ball(atoms), ["Au"] * atoms)
        seconds = case.seconds(3 if quick else 15, batch)
        r, exact = case.reference()
        keep = r > 1.5
        error = rms(case.g()[keep], exact[keep])
        what, bar = f"G(r) of {atoms} Au atoms", f">= {factor:g}x DebyeCalculator"
        table.add(
            what, "", f"{seconds * 1e3:.3f} ms", note=f"CPU time, one thread; from the limit of fine steps: {error:.1e} rms"
        )
        payload = {"elements": case.elements, "positions": case.positions, "q_min": QMIN, "q_max": QMAX, "q_damp": 0.0}
        payload |= {"b_iso": B_ISO, "r_max": R_MAX, "r_step": DR, "repeats": 3 if quick else 20}
        for step, name in PEER_STEPS:
            other = peer("debyecalculator_gr.py", payload | ({"q_step": step} if step else {}))
            if other is None:
                break
            ratio = other["cpu_seconds"] / seconds
            away = rms(np.interp(r, other["r"], other["g"])[keep], exact[keep])
            note = f"same run, one thread, its G(r) doubled; its distance from the limit: {away:.1e} rms"
            took = f"{other['cpu_seconds'] * 1e3:.2f} ms"
            table.add(f"{what}, {name}", bar, f"{ratio:.0f}x", took, note, met=ratio >= factor)


def two_elements(table: Table, *, quick: bool) -> None:
    """Compare a binary cluster with a monatomic one, in turns."""
    one, two = Case(ball(150), ["Au"] * 150), Case(ball(150), ["Au"] * 75 + ["Ag"] * 75)
    times = [(one.seconds(2, 20), two.seconds(2, 20)) for _ in range(3 if quick else 10)]
    mono, pair = (min(column) for column in zip(*times, strict=True))
    what = "two elements (75 Au + 75 Ag) over one (150 Au)"
    table.add(what, "<= 4x", f"{pair * 1e3:.3f} ms, {pair / mono:.1f}x", met=pair / mono <= 4)


def against_double_sum(table: Table, *, quick: bool) -> None:
    """Compare F(Q) with the sum over all pairs, one and two elements."""
    half = ["Au"] * 75 + ["Ag"] * 75
    cases = [("150 Au", Case(ball(150), ["Au"] * 150)), ("75 Au + 75 Ag", Case(ball(150), half))]
    if not quick:
        cases.append(("500 Au", Case(ball(500), ["Au"] * 500)))
    for name, case in cases:
        pick = slice(2, None, 12 if quick else 2)
        q = case.grid.q[pick]
        inside = (q >= QMIN) & (q <= QMAX)
        q = q[inside]
        _, _, f = debye(case.positions, case.elements, U_ISO, q, {s: xray(s, q) for s in set(case.elements)})
        error = rms(case.f()[pick][inside], f)
        table.add(
            f"F(Q) of {name} against the double sum", "<= 1e-5 rms", f"{error:.1e}", note=f"{q.size} Q", met=error <= 1e-5
        )


def against_diffpy(table: Table) -> None:
    """Compare G(r) with the curves that DiffPy made for DeepStruc (B 0.3, no damping, no correlated motion)."""
    data = find_data()
    if data is None:
        return
    folder = data / "pdf" / "deepstruc_sim"
    nodes: list[float] = []
    own: list[float] = []
    scales: list[float] = []
    for path in sorted(folder.glob("*.gr")):
        g = np.loadtxt(path)[:, 1]
        r = np.arange(g.size) * DIFFPY_DR
        keep = (r > 1.5) & (r < 29.0)
        rows = [line.split() for line in path.with_suffix(".xyz").read_text(encoding="utf-8").splitlines()[2:]]
        positions = np.array([[float(x) for x in row[1:4]] for row in rows])
        fine = DebyeGrid(qmin=0.0, qmax=QMAX + 0.5, r_max=200.0, d_max=30.0)  # nodes close enough to interpolate between
        one = (positions, np.array([0, len(rows)]))
        f, _ = reduced_scattering(fine, *one, xray(rows[0][0], fine.q)[None], np.array([U_ISO]))
        q = np.arange(DIFFPY_FIRST, int(np.ceil(QMAX / DIFFPY_STEP))) * DIFFPY_STEP
        found = CubicSpline(fine.q, f)(q) @ np.sin(np.outer(q, r)) * (2 / np.pi * DIFFPY_STEP)
        nodes.append(rms(found[keep], g[keep]))
        scales.append(float(found[keep] @ g[keep] / (found[keep] @ found[keep])))
        grid = DebyeGrid(qmin=(DIFFPY_FIRST - 0.5) * DIFFPY_STEP, qmax=25.02, r_max=31.0, d_max=30.0)
        f, _ = reduced_scattering(grid, *one, xray(rows[0][0], grid.q)[None], np.array([U_ISO]))
        own.append(rms(np.interp(r, grid.r, grid.to_r(f))[keep], g[keep]))
    if not nodes:
        return
    table.add(
        f"G(r) against DiffPy, {len(nodes)} clusters of DeepStruc, on DiffPy's Q points",
        "<= 1e-2 rms",
        f"{min(nodes):.1e} to {max(nodes):.1e}",
        note=f"B 0.3, Qdamp 0, delta2 0, Q 0.7-25; scale {min(scales):.4f}-{max(scales):.4f}; the files' r is 1/2999 too long",
        met=max(nodes) <= 1e-2,
    )
    table.add(
        "the same with whorl's own transform, Q 0.737 to 25.02",
        "",
        f"{min(own):.1e} to {max(own):.1e}",
        note="DiffPy takes a rectangle rule of step 0.098/angstrom, whorl the band between its edges",
    )


def count(seconds: float) -> tuple[int, float, float]:
    """Compute PDFs of 150 atoms for some CPU seconds; give their number, the CPU and the wall seconds."""
    case = Case(ball(150), ["Au"] * 150)
    case.g()
    done, wall, start = 0, time.perf_counter(), time.process_time()
    while (spent := time.process_time() - start) < seconds:
        for _ in range(20):
            case.g()
        done += 20
    return done, spent, time.perf_counter() - wall


def throughput(table: Table, *, quick: bool) -> None:
    """Two processes at the same time, one thread each, positions given."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.map(count, [0.5 if quick else 4.0] * 2, chunksize=1)
    rate = sum(done / cpu for done, cpu, _ in results)
    wall = sum(done / clock for done, _, clock in results)
    note = f"two processes, each per second of its own CPU time; by the wall clock {wall:,.0f}/s"
    table.add("PDFs of 150 Au atoms on 2 cores", ">= 8,000/s", f"{rate:,.0f}/s", note=note, met=rate >= 8000)


def main() -> int:
    """Fill the table."""
    options = arguments(__doc__ or "")
    table = Table("Total scattering of clusters: r 0-30 step 0.01, Q 0.8-25")
    against_peer(table, quick=options.quick)
    two_elements(table, quick=options.quick)
    against_double_sum(table, quick=options.quick)
    against_diffpy(table)
    throughput(table, quick=options.quick)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
