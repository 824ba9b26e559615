"""Sequential refinement of series of powder patterns with warm starts: time beside cold starts, agreement, simulated truth.

Simulated: anatase that turns to rutile while it is heated, 200 frames: both cells grow, U rises, the crystallites of rutile
grow; rutile is not there in the first third and anatase not in the last. Measured: a sodium carbonate, manganese oxide and
yttrium chloride mixture heated to 923 K (APS 17-BM), whose frames were refined by others with TOPAS; a lithium cell in
operation; CuCr2O4 with CuO at two temperatures (11-BM).
"""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from _harness import Table, arguments, find_data
from whorl.catalogues import open_catalogue
from whorl.core.hypothesis import Crystal, Hypothesis
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.formats import read, read_structure
from whorl.tasks.refine import refine
from whorl.tasks.start import Start
from whorl.tasks.warm import refine_from
from whorl.techniques.pd.instrument import PdInstrument
from whorl.techniques.pd.simulate import calculated
from whorl.techniques.pd.weights import density_of, weight_fractions

Array = NDArray[np.float64]

FRAMES = 200
BEAM = {"radiation": "x-ray", "wavelength": 0.6199, "source": "synchrotron", "geometry": "debye-scherrer"}
#: of the instrument, known from a standard: a Lorentzian width with 1/cos(theta) cannot be told from a crystallite size
WIDTHS = {"u": 1e-4, "v": 0.0, "w": 2.5e-4, "x": 0.004, "y": 0.01, "axial": 0.0012}
#: a share of the volume below which a phase need not be found
FAINT = 0.02
#: parameters whose agreement and coverage are counted
CHECKED = ("1:a", "1:c", "2:a", "2:c", "1:size", "2:size", "1:U_Ti", "2:U_Ti")


@dataclass(frozen=True)
class Frame:
    """A simulated frame and its truth by parameter name."""

    measurement: Measurement
    truth: Mapping[str, float]
    fractions: Array
    shares: Array


def simulated(count: int) -> tuple[list[Hypothesis], list[Frame]]:
    """Draw the series."""
    compounds = open_catalogue("compounds")
    phases = [compounds.load(key) for key in ("TiO2-anatase", "TiO2-rutile")]
    instrument = PdInstrument(**BEAM, **WIDTHS, zero=0.004)
    x = np.arange(6.0, 46.0, 0.01)
    rng = np.random.default_rng(20)
    frames = []
    for k in range(count):
        t = k / max(count - 1, 1)  # 300 to 1300 K
        turned = np.clip(1.15 / (1 + np.exp(-(t - 0.55) / 0.06)) - 0.03, 0.0, 1.0)
        shares = np.array([1 - turned, turned])
        growth = (np.array([7.6e-6, 10.2e-6]), np.array([8.9e-6, 11.1e-6]))  # 1/K, of a and c (anatase, rutile)
        sizes, u = (350.0, 150.0 + 700.0 * t), 0.005 * (1 + 1.6 * t)
        whole = np.zeros(x.size)
        truth: dict[str, float] = {}
        densities = []
        for n, (phase, expansion, size) in enumerate(zip(phases, growth, sizes, strict=True), 1):
            assert isinstance(phase, Crystal)
            a, c = phase.cell[0] * (1 + 1000 * t * expansion[0]), phase.cell[2] * (1 + 1000 * t * expansion[1])
            moved = replace(phase, cell=(a, a, c, 90.0, 90.0, 90.0))
            whole += shares[n - 1] * calculated(moved, instrument, x, u_iso=u, size=size)
            densities.append(density_of(phase.contents, a * a * c))
            truth |= {f"{n}:a": a, f"{n}:c": c, f"{n}:size": size, f"{n}:U_Ti": u}
        top = 6000.0 / 25.0  # counts of the strongest line of one phase, about, for the scale of the model
        level = 300.0 + 60.0 * np.cos(x / 9.0)
        counts = rng.poisson(whole * top + level).astype(np.float64)
        settings: dict[str, Any] = {**BEAM, **WIDTHS, "intensity": "counts", "temperature": 300.0 + 1000.0 * t}
        measurement = Measurement("powder", x, counts, settings=settings, path=f"frame {k}")
        frames.append(Frame(measurement, truth, weight_fractions(shares, np.array(densities)), shares))
    return phases, frames


@dataclass
class Chain:
    """What a series gave: verdicts and CPU seconds of each frame."""

    verdicts: list[Verdict]
    seconds: list[float]

    @property
    def anew(self) -> int:
        """Frames, the first left out, in which the start from the structures was better."""
        return sum("started anew" in note for v in self.verdicts[1:] if v.best for note in v.best.notes)


def warm(measurements: Sequence[Measurement], structures: Sequence[Hypothesis], settings: Mapping[str, Any]) -> Chain:
    """Refine frame after frame."""
    start, out = Start(), Chain([], [])
    for measurement in measurements:
        begin = time.process_time()
        verdict = refine_from(measurement, structures, start, settings=settings)
        out.seconds.append(time.process_time() - begin)
        out.verdicts.append(verdict)
        start = start.after(verdict)
    return out


def cold(measurements: Sequence[Measurement], structures: Sequence[Hypothesis], settings: Mapping[str, Any]) -> Chain:
    """Refine each frame from the structures."""
    out = Chain([], [])
    for measurement in measurements:
        begin = time.process_time()
        out.verdicts.append(refine(measurement, structures, settings=settings))
        out.seconds.append(time.process_time() - begin)
    return out


def apart(one: Verdict, other: Verdict, names: Sequence[str]) -> list[float]:
    """Differences of two refinements of one frame, in the smaller standard uncertainty; of what both refined."""
    assert one.best is not None
    assert other.best is not None
    found = []
    for name in names:
        a, b = one.best.parameters.get(name), other.best.parameters.get(name)
        if a is not None and b is not None and a.sigma and b.sigma:
            found.append(abs(a.value - b.value) / min(a.sigma, b.sigma))
    return found


def speed(table: Table, label: str, hot: Chain, other: Chain, kept: Sequence[int]) -> None:
    """Add the row of the times: the same frames warm and cold, without the first (which compiles and fills caches)."""
    later = [i for i in kept if i > 0]
    mine = float(np.mean([hot.seconds[i] for i in later]))
    theirs = float(np.mean([s for i, s in zip(kept, other.seconds, strict=True) if i > 0]))
    table.add(
        f"{label}: CPU of a frame",
        "less than cold",
        f"{mine:.2f} s",
        f"cold {theirs:.2f} s",
        f"{theirs / mine:.1f} times; mean of {len(later)} frames, with the search for unexplained peaks",
        met=bool(mine < theirs),
    )


def agreement(table: Table, label: str, hot: Chain, other: Chain, kept: Sequence[int], names: Sequence[str]) -> None:
    """Add the rows of the agreement with cold starts."""
    off: list[float] = []
    better = worse = 0
    for i, verdict in zip(kept, other.verdicts, strict=True):
        off += apart(hot.verdicts[i], verdict, names)
        assert hot.verdicts[i].best is not None
        assert verdict.best is not None
        ratio = hot.verdicts[i].best.rw / verdict.best.rw
        better, worse = better + (ratio < 0.99), worse + (ratio > 1.01)
    within = float(np.mean(np.array(off) < 1.0)) if off else float("nan")
    table.add(
        f"{label}: cells, sizes and U within 1 sigma of the cold start",
        ">= 95 %",
        f"{within:.1%}",
        note=f"{len(off)} values of {len(kept)} frames, median {np.median(off):.2f} sigma; misfit more than 1 % lower in "
        f"{better} frames, higher in {worse}",
        met=bool(within >= 0.95),
    )


def truth(table: Table, hot: Chain, frames: Sequence[Frame]) -> None:
    """Add the rows of the simulated truth."""
    inside: dict[str, list[float]] = {}
    amounts, held = [], [0, 0, 0, 0]
    for verdict, frame in zip(hot.verdicts, frames, strict=True):
        best = verdict.best
        assert best is not None
        for name, value in frame.truth.items():
            q = best.parameters.get(name)
            if q is not None and q.sigma and name in CHECKED:
                inside.setdefault(name.split(":")[-1], []).append(abs(q.value - value) / q.sigma)
        for n, (phase, right, share) in enumerate(zip(best.phases, frame.fractions, frame.shares, strict=True), 1):
            amounts.append(abs(phase.weight_fraction.value - float(right)))
            gone = best.parameters[f"{n}:a"].sigma is None
            held[0] += share <= 0
            held[1] += share <= 0 and gone
            held[2] += share > FAINT
            held[3] += share > FAINT and gone
    every = np.array([z for found in inside.values() for z in found])
    table.add(
        "simulated: truth within 1, 2, 3 sigma",
        ">= 68, 95, 99.7 %",
        ", ".join(f"{np.mean(every < k):.1%}" for k in (1, 2, 3)),
        note=", ".join(f"{name} {np.mean(np.array(z) < 1):.0%}" for name, z in inside.items()) + " within 1",
        met=bool(np.mean(every < 1) >= 0.68 and np.mean(every < 2) >= 0.95),
    )
    table.add(
        "simulated: weight fractions",
        "<= 0.01",
        f"mean error {np.mean(amounts):.4f}",
        note=f"largest {np.max(amounts):.3f}",
        met=bool(np.mean(amounts) <= 0.01),
    )
    table.add(
        "simulated: phases that are not there are held",
        "all",
        f"{held[1]} of {held[0]}",
        note="cell and size stay where they were",
        met=bool(held[1] == held[0]),
    )
    table.add(
        f"simulated: phases above {FAINT:.0%} of the volume that are held",
        "none",
        f"{held[3]} of {held[2]}",
        met=bool(held[3] == 0),
    )


def heated(table: Table, data: Path, *, quick: bool) -> None:
    """The measured reaction: the pyrochlore that grows, and what it grows from, from 884 K on."""
    folder = data / "pd/insitu_YMnO"
    numbers = range(178, 385, 40 if quick else 4)
    measurements = [read(folder / f"frame_{n:03d}.xye", kind="powder") for n in numbers]
    compounds = open_catalogue("compounds")
    structures = [compounds.load(k) for k in ("Y2Mn2O7-pyrochlore", "Mn2O3-bixbyite", "Y2O3-bixbyite")]
    settings = {"wavelength": 0.24125, "zero": 0.0}  # integrated images of a calibrated detector have no zero error
    hot = warm(measurements, structures, settings)
    kept = list(range(0, len(measurements), 4))
    other = cold([measurements[i] for i in kept], structures, settings)
    speed(table, "heated mixture", hot, other, kept)
    agreement(table, "heated mixture", hot, other, kept, ("1:a", "2:a", "3:a", "1:U_Y", "3:U_Y"))
    rows = {int(row["Scan Number"]): row for row in csv.DictReader((folder / "refined_phases.csv").open(encoding="utf-8-sig"))}
    ours, theirs = [], []
    volumes: dict[str, list[float]] = {"1:Y2Mn2O7": [], "3:Y2O3": []}
    for n, verdict in zip(numbers, hot.verdicts, strict=True):
        assert verdict.best is not None
        row = rows[n]
        if not row["Volume_Y2Mn2O7"]:
            continue
        parameters = verdict.best.parameters
        ours.append(verdict.best.phases[0].weight_fraction.value / max(verdict.best.phases[2].weight_fraction.value, 1e-9))
        mass = {k: float(row[f"Scale_{k}"]) * float(row[f"Mass_{k}"]) * float(row[f"Volume_{k}"]) for k in ("Y2Mn2O7", "Y2O3")}
        theirs.append(mass["Y2Mn2O7"] / mass["Y2O3"])
        for key, found in volumes.items():
            number, name = key.split(":")
            if verdict.best.phases[int(number) - 1].weight_fraction.value > 0.3:
                found.append(parameters[f"{number}:a"].value ** 3 / float(row[f"Volume_{name}"]) - 1)
    logs = np.log(np.array(ours)) - np.log(np.array(theirs))
    table.add(
        "heated mixture: Y2Mn2O7 beside Y2O3 by weight, against TOPAS",
        "",
        f"{np.exp(np.median(logs)):.2f} times theirs",
        note=f"80 % of {logs.size} frames {np.exp(np.quantile(logs, 0.1)):.2f} to {np.exp(np.quantile(logs, 0.9)):.2f}; "
        "the authors refined eleven phases, this is three",
    )
    for key, found in volumes.items():
        table.add(
            f"heated mixture: volume of the cell of {key.split(':')[1]}, against TOPAS",
            "",
            f"{np.median(found):+.2%}",
            note=f"{len(found)} frames in which it is more than 0.3 of the weight, spread {np.std(found):.2%}",
        )
    table.add("heated mixture: frames started anew", "", f"{hot.anew} of {len(measurements)}")


def cell_in_operation(table: Table, data: Path, *, quick: bool) -> None:
    """A lithium cell with a spinel cathode, charged and discharged: the spinel and the aluminium of the current collector."""
    folder = data / "pd/operando_LCoV"
    numbers = range(2, 101, 24 if quick else 2)
    measurements = [read(folder / f"{n:03d}.txt", kind="powder") for n in numbers]
    structures = [open_catalogue("compounds").load("LiCoVO4-inverse-spinel"), open_catalogue("elements").load("Al-fcc")]
    hot = warm(measurements, structures, {})
    kept = list(range(0, len(measurements), 4))
    other = cold([measurements[i] for i in kept], structures, {})
    speed(table, "cell in operation", hot, other, kept)
    agreement(table, "cell in operation", hot, other, kept, ("1:a", "2:a", "1:U_O"))
    cells = [v.best.parameters["1:a"] for v in hot.verdicts if v.best]
    values = np.array([q.value for q in cells])
    least = int(np.argmin(values))
    table.add(
        "cell in operation: a of the spinel, first, least, last",
        "",
        f"{values[0]:.3f}, {values[least]:.3f}, {values[-1]:.3f}",
        note=f"least in frame {least + 1} of {len(values)}, sigma {cells[least].sigma or 0:.3f}; charged, then discharged",
    )
    held = sum(v.best.parameters["2:a"].sigma is None for v in hot.verdicts if v.best)
    table.add("cell in operation: frames in which aluminium is held", "none", f"{held} of {len(values)}", met=bool(held == 0))
    table.add("cell in operation: frames started anew", "", f"{hot.anew} of {len(measurements)}")


def spinel(table: Table, data: Path) -> None:
    """CuCr2O4 + CuO at two temperatures, forwards and backwards."""
    folder = data / "pd/gsas2_seq_CuCr2O4"
    measurements = [read(folder / f"OH_{n}.fxye", kind="powder") for n in ("00", "32")]
    structures = [read_structure(folder / name) for name in ("CuCr2O4.cif", "CuO.cif")]
    settings = {"wavelength": 0.413263}
    on, back = warm(measurements, structures, settings), warm(measurements[::-1], structures, settings)
    for name, one, other in (("OH_00", on.verdicts[0], back.verdicts[1]), ("OH_32", on.verdicts[1], back.verdicts[0])):
        assert one.best is not None
        assert other.best is not None
        cells = [f"{one.best.parameters[f'1:{k}'].value:.4f}" for k in "abc"]
        off = apart(one, other, [f"1:{k}" for k in "abc"])
        table.add(
            f"CuCr2O4 + CuO, {name}: forwards and backwards",
            "cell within 1 sigma",
            f"{max(off):.2f} sigma",
            note=f"a, b, c {', '.join(cells)}; Rwp {one.best.rw:.2%} and {other.best.rw:.2%}",
            met=bool(max(off) < 1),
        )


def main() -> int:
    """Fill the table."""
    options = arguments(__doc__ or "")
    table = Table("Series of powder patterns, refined frame after frame")
    phases, frames = simulated(12 if options.quick else FRAMES)
    measurements = [f.measurement for f in frames]
    hot = warm(measurements, phases, {})
    kept = list(range(0, len(frames), 6 if options.quick else 5))
    other = cold([measurements[i] for i in kept], phases, {})
    failed = sum(v.best is None or not v.best.quality or not v.best.quality.converged for v in hot.verdicts)
    table.add("simulated: frames without an answer", "0", f"{failed} of {len(frames)}", met=bool(failed == 0))
    table.add("simulated: frames started anew", "", f"{hot.anew} of {len(frames)}")
    speed(table, "simulated", hot, other, kept)
    agreement(table, "simulated", hot, other, kept, CHECKED)
    truth(table, hot, frames)
    data = find_data()
    if data is not None:
        heated(table, data, quick=options.quick)
        cell_in_operation(table, data, quick=options.quick)
        spinel(table, data)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
