"""What a fit leaves over: ligand peaks, amorphous parts, shells, magnetic scattering; found, and not found where none is.

Every sample is simulated (crystals of known cells, none of them used to choose a constant of the methods judged here), with
noise, and a slow wrong background in every other one; fitted as `refine` fits, and asked. Shares are powers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from _harness import Table, arguments, cpu_time
from whorl.core.hypothesis import Cluster, Crystal, Site
from whorl.core.measurement import Measurement
from whorl.fitting.problem import Fit
from whorl.fitting.solve import solve
from whorl.physics.form_factors import neutron
from whorl.physics.magnetic import SpinPairs, form_factor, magnetic_pdf, relative_weight, spin_pairs
from whorl.physics.transforms import SineGrid
from whorl.techniques.pdf.explain import findings
from whorl.techniques.pdf.extra_peaks import with_extra_peaks
from whorl.techniques.pdf.magnetism import magnetic_sign, support_above
from whorl.techniques.pdf.phases import CrystalPhase
from whorl.techniques.pdf.prepare import prepare
from whorl.techniques.pdf.remainder import remainder
from whorl.techniques.pdf.residual import PdfProblem, PhaseOptions
from whorl.techniques.pdf.simulate import simulate
from whorl.techniques.pdf.technique import PDF

Array = NDArray[np.float64]

R = np.arange(1, 3001) * 0.01
NEAR = (R > 1.5) & (R < 6.0)


def crystal(name: str, cell: Sequence[float], group: str, *sites: tuple[str, float, float, float]) -> Crystal:
    """Give a crystal from its sites."""
    full = (cell[0],) * 3 + (90.0,) * 3 if len(cell) == 1 else tuple(cell)
    return Crystal(name, cell=full, space_group=group, sites=tuple(Site(e, (x, y, z)) for e, x, y, z in sites))  # type: ignore[arg-type]


#: lattice constants at room temperature, R. W. G. Wyckoff, Crystal Structures (1963-1966)
SAMPLES = (
    crystal("Ag", (4.086,), "225", ("Ag", 0, 0, 0)),
    crystal("Pd", (3.891,), "225", ("Pd", 0, 0, 0)),
    crystal("Mo", (3.147,), "229", ("Mo", 0, 0, 0)),
    crystal("PbS", (5.936,), "225", ("Pb", 0, 0, 0), ("S", 0.5, 0.5, 0.5)),
    crystal("ZnSe", (5.668,), "216", ("Zn", 0, 0, 0), ("Se", 0.25, 0.25, 0.25)),
    crystal("SnO2", (4.738, 4.738, 3.188, 90, 90, 90), "136", ("Sn", 0, 0, 0), ("O", 0.307, 0.307, 0)),
    crystal("UO2", (5.470,), "225", ("U", 0, 0, 0), ("O", 0.25, 0.25, 0.25)),
    crystal("ZnO", (3.250, 3.250, 5.207, 90, 90, 120), "186", ("Zn", 1 / 3, 2 / 3, 0), ("O", 1 / 3, 2 / 3, 0.382)),
)


@dataclass(frozen=True)
class Magnet:
    """An ordered antiferromagnet: crystal, ion, moment (Bohr magnetons), axis, propagation vector."""

    structure: Crystal
    element: str
    ion: str
    moment: float
    axis: tuple[float, float, float]
    propagation: tuple[float, float, float] | None = None


#: MnO and MnS of the second kind on fcc, spins in (111); MnF2 and FeF2 with corner and centre opposed along c. Moments and
#: orders: C. G. Shull, W. A. Strauser, E. O. Wollan, Phys. Rev. 83, 333 (1951); R. A. Erickson, Phys. Rev. 90, 779 (1953)
MAGNETS = (
    Magnet(
        crystal("MnO", (4.430,), "225", ("Mn", 0, 0, 0), ("O", 0.5, 0.5, 0.5)),
        "Mn", "Mn2+", 4.6, (1, 1, -2), (0.5, 0.5, 0.5),
    ),
    Magnet(
        crystal("MnS", (5.210,), "225", ("Mn", 0, 0, 0), ("S", 0.5, 0.5, 0.5)),
        "Mn", "Mn2+", 4.5, (1, 1, -2), (0.5, 0.5, 0.5),
    ),
    Magnet(
        crystal("MnF2", (4.874, 4.874, 3.311, 90, 90, 90), "136", ("Mn", 0, 0, 0), ("F", 0.305, 0.305, 0)),
        "Mn", "Mn2+", 4.8, (0, 0, 1),
    ),
    Magnet(
        crystal("FeF2", (4.697, 4.697, 3.309, 90, 90, 90), "136", ("Fe", 0, 0, 0), ("F", 0.300, 0.300, 0)),
        "Fe", "Fe2+", 4.0, (0, 0, 1),
    ),
)  # fmt: skip


def band_noise(q_max: float, rng: np.random.Generator) -> Array:
    """Noise of unit root mean square, white up to ``q_max``."""
    q = np.arange(1, int(q_max * 39 / np.pi)) * np.pi / 39
    out = np.sin(np.outer(R, q)) @ rng.normal(size=q.size)
    return np.asarray(out / np.sqrt(np.mean(out**2)))


def draw(rng: np.random.Generator, *, radiation: str = "x-ray") -> tuple[dict[str, object], dict[str, float]]:
    """Draw instrument and sample."""
    instrument = {
        "radiation": radiation,
        "qmin": float(rng.uniform(0.5, 1.2)),
        "qmax": float(rng.uniform(16, 25) if radiation == "x-ray" else rng.uniform(18, 32)),
        "qdamp": float(rng.uniform(0.015, 0.05)),
        "qbroad": float(rng.uniform(0, 0.02)),
    }
    sample = {
        "u_iso": float(np.exp(rng.uniform(np.log(0.004), np.log(0.012)))),
        "delta2": float(rng.uniform(0, 3.5)),
        "zoom": float(np.exp(rng.normal(0, 0.003))),
    }
    if radiation == "x-ray" and rng.random() < 0.5:
        sample["diameter"] = float(rng.uniform(22, 80))
    return instrument, sample


def measured(
    g: Array, instrument: dict[str, object], rng: np.random.Generator, *, noise: float, background: float
) -> Measurement:
    """Add noise and a slow background, as parts of the root mean square, and forget Qdamp and Qbroad."""
    rms = float(np.sqrt(np.mean(g[R > 1.5] ** 2)))
    q_max = instrument["qmax"]
    assert isinstance(q_max, float)
    g = g + rms * (noise * band_noise(q_max, rng) + background * band_noise(2.0, rng))
    return Measurement("gr", R, g, settings={k: instrument[k] for k in ("radiation", "qmin", "qmax")})


def refined(measurement: Measurement, structure: Crystal) -> Fit:
    """Fit as `refine` does: bulk and particle, evidence decides."""
    return PDF.choose([solve(p, start=v) for p, v in PDF.trials(PDF.prepare(measurement), [structure])])


def level(rng: np.random.Generator, most: float = 0.05) -> float:
    """Draw a noise, log-uniform."""
    return float(np.exp(rng.uniform(np.log(0.003), np.log(most))))


def share(count: int, total: int) -> str:
    """Give a share with the number of cases."""
    return f"{100 * count / max(total, 1):.1f} % of {total}"


def ligands(table: Table, cases: int) -> None:
    """Peaks of ligands: found where there are some, and only there."""
    false = hit = places = false_places = named = 0
    worst: list[float] = []
    for seed in range(cases):
        structure = SAMPLES[seed % len(SAMPLES)]
        rng = np.random.default_rng(7_000 + seed)
        instrument, sample = draw(rng)
        clean = simulate(structure, settings=instrument | sample, r=R).signal
        background = 0.15 * (seed % 2)
        fit = refined(measured(clean, instrument, rng, noise=level(rng), background=background), structure)
        false += with_extra_peaks(fit) is not None
        truth = [(float(rng.uniform(1.65, 3.85)), float(rng.uniform(0.06, 0.15)))]
        if rng.random() < 0.5:
            truth.append((float((truth[0][0] - 1.65 + rng.uniform(0.5, 1.7)) % 2.2 + 1.65), float(rng.uniform(0.06, 0.15))))
        g = clean.copy()
        for position, width in truth:
            # the curve of one distance is that of two atoms of one element
            pair = Cluster("pair", symbols=("Au", "Au"), positions=np.array([[0, 0, 0], [0, 0, position]]))
            curve = simulate(pair, settings=instrument | {"u_iso": width**2 / 2}, r=R).signal
            g += float(rng.uniform(0.1, 0.3)) * clean.max() / curve.max() * curve
        found = with_extra_peaks(refined(measured(g, instrument, rng, noise=level(rng), background=background), structure))
        got = [] if found is None else [p.position.value for p in found.peaks]
        hit += found is not None
        places += sum(any(abs(p - t) < 0.06 for p in got) for t, _ in truth)
        named += len(truth)
        false_places += sum(all(abs(p - t) > 0.1 for t, _ in truth) for p in got)
        worst += [min(abs(p - t) for p in got) for t, _ in truth if got and min(abs(p - t) for p in got) < 0.06]
    table.add("ligand peaks, clean sample: falsely accepted", "<= 2 %", share(false, cases), met=false <= 0.02 * cases)
    table.add("ligand peaks of 10-30 % height: sample recognised", ">= 90 %", share(hit, cases), met=hit >= 0.9 * cases)
    table.add(
        "each peak at its place (0.06 angstrom)", "reported", share(places, named),
        note=f"median error {np.median(worst) if worst else np.nan:.3f} angstrom; {false_places} elsewhere",
    )  # fmt: skip


def glass(rng: np.random.Generator, elements: tuple[str, str], bond: float) -> Cluster:
    """A small disordered packing: no two atoms closer than 0.9 bonds."""
    count = int(rng.integers(10, 26))
    found: list[Array] = []
    radius = bond
    while len(found) < count:
        radius += 0.001 * bond
        point = rng.normal(size=3)
        point *= radius * rng.random() ** (1 / 3) / np.linalg.norm(point)
        if all(np.linalg.norm(point - other) > 0.9 * bond for other in found):
            found.append(point)
    return Cluster("glass", symbols=tuple(rng.choice(elements, count)), positions=np.array(found))


def amorphous(table: Table, cases: int) -> None:
    """Share of an amorphous part: against the one put in, and none where none is."""
    kinds = ((("Sn", "O"), 2.05), (("Zn", "O"), 1.97), (("Si", "O"), 1.62), (("Pb", "S"), 2.8), (("C", "O"), 1.45))
    errors: list[float] = []
    scores: list[float] = []
    missed = false = second = 0
    for seed in range(cases):
        structure = SAMPLES[seed % len(SAMPLES)]
        rng = np.random.default_rng(8_000 + seed)
        instrument, sample = draw(rng)
        clean = simulate(structure, settings=instrument | sample, r=R).signal
        background = 0.15 * (seed % 2)
        fit = refined(measured(clean, instrument, rng, noise=level(rng), background=background), structure)
        false += remainder(fit) is not None
        other = SAMPLES[(seed + 3) % len(SAMPLES)]
        beside = simulate(other, settings=instrument | sample, r=R).signal
        beside *= rng.uniform(0.2, 0.6) * np.std(clean) / np.std(beside)
        second += (
            remainder(refined(measured(clean + beside, instrument, rng, noise=0.02, background=0.0), structure)) is not None
        )
        elements, bond = kinds[seed % len(kinds)]
        extra = simulate(
            glass(rng, elements, bond), settings=instrument | {"u_iso": float(rng.uniform(0.008, 0.02))}, r=R
        ).signal
        part = float(rng.uniform(0.08, 0.45))
        extra *= np.sqrt(part / (1 - part) * np.sum(clean[NEAR] ** 2) / np.sum(extra[NEAR] ** 2))
        whole = measured(clean + extra, instrument, rng, noise=level(rng), background=background)
        found = remainder(refined(whole, structure))
        if found is None:
            missed += 1
            continue
        inside = (R >= 1.5) & (found.reach >= R)
        truth = float(np.sum(extra[inside] ** 2) / np.sum(whole.signal[inside] ** 2))
        errors.append(found.share.value - truth)
        scores.append((found.share.value - truth) / float(found.share.sigma or np.nan))
    error = np.array(errors or [np.nan])
    table.add(
        "amorphous part of 8-45 % of the power: error of its share", "median <= 3 % absolute",
        f"median {100 * np.median(np.abs(error)):.1f} %, 90 % within {100 * np.quantile(np.abs(error), 0.9):.1f} %",
        note=f"mean {100 * np.mean(error):+.1f} %; {share(sum(abs(s) < 2 for s in scores), len(scores))} within 2 sigma",
        met=bool(np.median(np.abs(error)) <= 0.03),
    )  # fmt: skip
    table.add("... found at all", ">= 85 %", share(cases - missed, cases), met=missed <= 0.15 * cases)
    table.add("crystal alone: falsely an amorphous part", "<= 2 %", share(false, cases), met=false <= 0.02 * cases)
    table.add("second crystal: falsely an amorphous part", "<= 10 %", share(second, cases), met=second <= 0.1 * cases)


def spins(magnet: Magnet) -> tuple[SpinPairs, float]:
    """Pairs of unit moments up to 38 angstrom, and the weight of one squared moment beside the nuclei."""
    atoms = magnet.structure.to_ase()
    symbols = atoms.get_chemical_symbols()
    chosen = [i for i, s in enumerate(symbols) if s == magnet.element]
    axis = np.array(magnet.axis) / np.linalg.norm(magnet.axis)
    where = np.rint(2 * atoms.get_scaled_positions()[chosen])
    # k = (1/2, 1/2, 1/2) of the cube: the sign inside the cell follows from the place; else corner and centre are opposed
    sign = np.cos(np.pi * where.sum(axis=1) / 2) if magnet.propagation else np.where(where[:, 2] % 2 == 0, 1.0, -1.0)
    k = None if magnet.propagation is None else np.array(magnet.propagation)
    pairs = spin_pairs(atoms.positions[chosen], np.outer(sign, axis), lattice=np.array(atoms.cell), propagation=k, r_max=38.0)
    mean = float(np.mean([neutron(s) for s in symbols]))
    return pairs, relative_weight(len(chosen) / len(symbols), mean)


def magnetic(pairs: SpinPairs, ion: str, instrument: dict[str, object], order: float) -> Array:
    """d(r) of unit moments whose order fades with the length ``order`` (angstrom), cut and damped as the data are."""
    fading = (
        np.exp(-pairs.distance / order) * np.clip((38 - pairs.distance) / 6, 0, 1) if order else np.zeros(pairs.distance.size)
    )
    faded = SpinPairs(pairs.distance, pairs.across * fading, pairs.along * fading, pairs.mean_square)
    grid = SineGrid.covering(45.0, 0.02)
    d = magnetic_pdf(grid, faded, form_factor(ion, grid.q), qmin=instrument["qmin"], qmax=instrument["qmax"])  # type: ignore[arg-type]
    return np.asarray(np.interp(R, grid.r, d) * np.exp(-0.5 * (instrument["qdamp"] * R) ** 2))  # type: ignore[operator]


def flagged(fit: Fit) -> bool:
    """Tell whether magnetic scattering is suggested."""
    sign = magnetic_sign(fit)
    return sign is not None and sign.probability > 0.5


def magnets(table: Table, cases: int) -> None:
    """Magnetic scattering: recognised when it is there, and nothing else taken for it."""
    known = [spins(m) for m in MAGNETS]
    counts = dict.fromkeys(
        ("ordered", "no moments", "paramagnetic", "wrong structure", "second phase", "amorphous", "X-rays"), 0
    )
    ahead = kept = pairs_compared = 0
    for seed in range(cases):
        number = seed % len(MAGNETS)
        magnet, (pairs, weight) = MAGNETS[number], known[number]
        wrong = MAGNETS[(number + 1 + seed // len(MAGNETS) % 3) % len(MAGNETS)].structure
        rng = np.random.default_rng(9_000 + seed)
        instrument, sample = draw(rng, radiation="neutron")
        nuclear = simulate(magnet.structure, settings=instrument | sample, r=R).signal
        moment = (magnet.moment * rng.uniform(0.6, 1.0)) ** 2 * weight
        order = float(np.exp(rng.uniform(np.log(10), np.log(80))))
        background = 0.15 * (seed % 2)

        def data(g: Array, noise: float = 0.03) -> Measurement:
            return measured(g, instrument, rng, noise=level(rng, noise), background=background)  # noqa: B023

        ordered = data(nuclear + moment * magnetic(pairs, magnet.ion, instrument, order))
        right, other = refined(ordered, magnet.structure), refined(ordered, wrong)
        counts["ordered"] += flagged(right)
        pairs_compared += 1
        ahead += right.evidence > other.evidence
        kept += support_above(right).log_evidence() > support_above(other).log_evidence()
        plain = data(nuclear)
        counts["no moments"] += flagged(refined(plain, magnet.structure))
        counts["wrong structure"] += flagged(refined(plain, wrong))
        counts["paramagnetic"] += flagged(
            refined(data(nuclear + moment * magnetic(pairs, magnet.ion, instrument, 0.0)), magnet.structure)
        )
        beside = simulate(wrong, settings=instrument | sample, r=R).signal
        beside *= rng.uniform(0.1, 0.5) * np.std(nuclear) / np.std(beside)
        counts["second phase"] += flagged(refined(data(nuclear + beside), magnet.structure))
        small = simulate(wrong, settings=instrument | {"u_iso": 0.02, "diameter": float(rng.uniform(6, 12))}, r=R).signal
        small *= rng.uniform(0.1, 0.5) * np.std(nuclear) / np.std(small[R > 1.5])
        counts["amorphous"] += flagged(refined(data(nuclear + small), magnet.structure))
        x_ray = {"radiation": "x-ray"}
        as_x_rays = Measurement("gr", R, ordered.signal, settings=dict(ordered.settings) | x_ray)
        counts["X-rays"] += flagged(refined(as_x_rays, magnet.structure))
    names = ", ".join(m.structure.name for m in MAGNETS)
    found = counts.pop("ordered")
    table.add(
        "magnetic scattering of ordered moments recognised", ">= 90 %", share(found, cases),
        note=f"{names}; order 10-80 angstrom", met=found >= 0.9 * cases,
    )  # fmt: skip
    for what, count in counts.items():
        table.add(f"... falsely: {what}", "<= 5 %", share(count, cases), met=count <= 0.05 * cases)
    table.add(
        "ordered moments: right structure ahead of another, Q > 6 only", "reported", share(kept, pairs_compared),
        note=f"{share(ahead, pairs_compared)} by the whole G(r)",
    )  # fmt: skip


def core_shell(table: Table, cases: int) -> None:
    """Sizes of a core and its shell from data with noise."""
    core, coat = SAMPLES[2], SAMPLES[6]
    errors: list[float] = []
    for seed in range(cases):
        rng = np.random.default_rng(6_000 + seed)
        instrument, sample = draw(rng)
        sample.pop("diameter", None)
        d, t = float(rng.uniform(20, 40)), float(rng.uniform(5, 12))
        blank = prepare(Measurement("gr", R, np.sin(R), settings={k: instrument[k] for k in ("radiation", "qmin", "qmax")}))
        phases = [CrystalPhase(s, 34.0) for s in (core, coat)]

        def options(first: float, thickness: float) -> list[PhaseOptions]:
            return [
                PhaseOptions(size=first, size_free=True, prefix="1:"),
                PhaseOptions(
                    size=first, size_free=True, shape="shell", thickness=thickness, core=0, by_volume=True, prefix="2:"
                ),
            ]

        model = PdfProblem(blank, phases, options(d, t), free_instrument=("qdamp",))
        values = np.array([p.value for p in model.parameters])
        g = np.interp(R, blank.r, model.evaluate(values, jacobian=False).basis[:, 0])
        signal = prepare(measured(g, instrument, rng, noise=level(rng), background=0.0))
        problem = PdfProblem(signal, phases, options(30.0, 8.0), free_instrument=("qdamp",))
        named = problem.named_values(solve(problem).values)
        errors += [abs(named["1:diameter"] - d), abs(named["2:thickness"] - t)]
    within = sum(e < 1.0 for e in errors)
    table.add(
        "core diameter and shell thickness within 1 angstrom", ">= 90 %", share(within, len(errors)),
        note=f"median error {np.median(errors):.2f} angstrom; amounts by volume", met=within >= 0.9 * len(errors),
    )  # fmt: skip


def cost(table: Table) -> None:
    """CPU seconds of looking into what is left over."""
    rng = np.random.default_rng(1)
    for structure in (SAMPLES[0], SAMPLES[5]):
        instrument, sample = draw(rng)
        g = simulate(structure, settings=instrument | sample, r=R).signal
        fit = refined(measured(g, instrument, rng, noise=0.03, background=0.0), structure)
        taken = cpu_time(lambda fit=fit: findings(fit), repeats=5).median  # type: ignore[misc]
        table.add(f"findings of {structure.name}, nothing left over", "<= 0.2 CPU s", f"{taken:.3f} s", met=taken <= 0.2)
        pair = Cluster("pair", symbols=("Au", "Au"), positions=np.array([[0, 0, 0], [0, 0, 2.3]]))
        curve = simulate(pair, settings=instrument | {"u_iso": 0.005}, r=R).signal
        g = g + 0.25 * g.max() / curve.max() * curve
        fit = refined(measured(g, instrument, rng, noise=0.02, background=0.0), structure)
        taken = cpu_time(lambda fit=fit: findings(fit), repeats=5).median  # type: ignore[misc]
        table.add(f"findings of {structure.name} with a ligand", "<= 0.2 CPU s", f"{taken:.3f} s", met=taken <= 0.2)


def main() -> int:
    """Run all parts."""
    options = arguments(str(__doc__).splitlines()[0])
    cases = 4 if options.quick else 60
    table = Table("What a fit leaves over")
    ligands(table, cases)
    amorphous(table, cases)
    magnets(table, cases)
    core_shell(table, cases // 4 or 1)
    cost(table)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
