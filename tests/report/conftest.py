"""Verdicts made by hand: platinum well identified, a group, a none, a mixture, an error, a series."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from whorl.core.hypothesis import Cluster, Crystal, Site
from whorl.core.measurement import Measurement
from whorl.core.verdict import (
    Candidate,
    Correlations,
    CredibleSet,
    Curve,
    FitQuality,
    Phase,
    Provenance,
    Quantity,
    Verdict,
)

R = np.arange(1.5, 20.0, 0.01)


def crystal_g(crystal: Crystal, r: np.ndarray, u: float = 0.006, qdamp: float = 0.03) -> np.ndarray:
    """G(r) of a monatomic-like crystal, all atoms of equal weight: Gaussians on the pair distances and the density line."""
    from whorl.report.scenes import cell_matrix

    matrix, frac = cell_matrix(crystal.cell), crystal.expansion.position
    reach = int(np.ceil(21 / min(crystal.cell[:3]))) + 1
    grid = np.array(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij")).reshape(3, -1).T
    distances = np.concatenate(
        [np.linalg.norm((frac[None, :, :] + grid[:, None, :] - centre) @ matrix, axis=2).ravel() for centre in frac]
    )
    distances = distances[(distances > 0.1) & (distances < 21.5)]
    values, counts = np.unique(distances.round(4), return_counts=True)
    width = np.sqrt(2 * u)
    peaks = np.exp(-((r[:, None] - values) ** 2) / (2 * width**2)) / (width * np.sqrt(2 * np.pi)) / values
    density = len(frac) / crystal.volume
    return (peaks @ (counts / len(frac)) - 4 * np.pi * density * r) * np.exp(-((qdamp * r) ** 2) / 2)


def curve(observed: np.ndarray, calculated: np.ndarray, x: np.ndarray = R) -> Curve:
    return Curve(x, observed, calculated, "r (angstrom)", "G(r) (1/angstrom^2)")


def fcc(element: str, a: float) -> Crystal:
    return Crystal(
        f"{element} (fcc)",
        family="fcc",
        source="elements",
        cell=(a, a, a, 90, 90, 90),
        space_group="225",
        sites=(Site(element, (0, 0, 0)),),
    )


def hcp(element: str, a: float) -> Crystal:
    c = a * np.sqrt(8 / 3)
    return Crystal(
        f"{element} (hcp)",
        family="hcp",
        source="elements",
        cell=(a, a, c, 90, 90, 120),
        space_group="194",
        sites=(Site(element, (1 / 3, 2 / 3, 0.25)),),
    )


def magnetite() -> Crystal:
    sites = (
        Site("Fe", (0.125, 0.125, 0.125), label="Fe1"),
        Site("Fe", (0.5, 0.5, 0.5), label="Fe2"),
        Site("O", (0.2547, 0.2547, 0.2547), label="O1"),
    )
    return Crystal(
        "Fe3O4 (spinel)",
        family="spinel",
        source="compounds",
        cell=(8.396, 8.396, 8.396, 90, 90, 90),
        space_group="227",
        sites=sites,
    )


def doped() -> Crystal:
    sites = (Site("La", (0, 0, 0), 0.7), Site("Ca", (0, 0, 0), 0.2), Site("Mn", (0.5, 0.5, 0.5)), Site("O", (0.5, 0.5, 0)))
    return Crystal("(La,Ca)MnO3 <script>alert(1)</script>", cell=(3.88, 3.88, 3.88, 90, 90, 90), space_group="221", sites=sites)


def octahedron(element: str, length: int) -> Cluster:
    from ase.cluster import Octahedron

    atoms = Octahedron(element, length)
    return Cluster(
        f"{element} octahedron {len(atoms)}",
        family="octahedron",
        source="nanoparticles",
        symbols=tuple(atoms.get_chemical_symbols()),
        positions=atoms.positions,
    )


def decahedron(element: str) -> Cluster:
    from ase.cluster import Decahedron

    atoms = Decahedron(element, 4, 4, 1)
    return Cluster(
        f"{element} decahedron {len(atoms)}",
        family="decahedron",
        source="nanoparticles",
        symbols=tuple(atoms.get_chemical_symbols()),
        positions=atoms.positions,
    )


def quality(rw: float = 0.118, *, autocorrelation: float = 0.31, free: int = 5) -> FitQuality:
    return FitQuality(
        range=(1.5, 20.0),
        points=R.size,
        independent_points=129.5,
        free_parameters=free,
        reduced_chi_squared=None,
        residual_autocorrelation=autocorrelation,
        largest_residual_at=2.76,
    )


def candidate(
    rank: int, group: int, structure, observed, *, probability: float, evidence: float, rw: float, calculated=None, **more
) -> Candidate:
    defaults = {
        "name": structure.name,
        "kind": structure.kind,
        "formula": structure.formula,
        "family": structure.family,
        "space_group": structure.space_group_number if isinstance(structure, Crystal) else None,
        "source": structure.source,
        "parameters": {
            "scale": Quantity(value=0.8312, sigma=0.0081),
            "a": Quantity(value=3.92331, sigma=0.00042, unit="angstrom"),
            "u_iso": Quantity(value=0.00934, sigma=0.00016, unit="angstrom^2"),
            "delta2": Quantity(value=3.1, sigma=0.5, unit="angstrom^2", at_limit=rank == 1),
            "diameter": Quantity(value=32.1, sigma=1.2, unit="angstrom"),
            "qdamp": Quantity(value=0.03, unit="1/angstrom"),
        },
        "quality": quality(rw),
        "structures": (structure,),
        "curve": None if calculated is None else curve(observed, calculated),
    }
    return Candidate(rank=rank, group=group, probability=probability, evidence=evidence, rw=rw, **(defaults | more))


def platinum(**more) -> Verdict:
    rng = np.random.default_rng(7)
    truth = crystal_g(fcc("Pt", 3.9233), R)
    observed = truth * np.exp(-R / 40) + 0.25 * np.sin(20 * R) + rng.normal(0, 0.15, R.size)
    names = ["scale", "a", "u_iso", "delta2", "diameter"]
    matrix = np.eye(5)
    for i, j, r in ((0, 2, 0.62), (0, 4, -0.86), (1, 3, 0.04), (2, 3, 0.71), (2, 4, -0.35), (0, 3, 0.22)):
        matrix[i, j] = matrix[j, i] = r
    first = candidate(
        1, 1, fcc("Pt", 3.92331), observed, calculated=truth * np.exp(-R / 42), probability=0.93, evidence=-210.3, rw=0.118,
        correlations=Correlations(names=names, matrix=matrix.tolist()),
        phases=[Phase(name="Pt (fcc)", formula="Pt", weight_fraction=Quantity(value=1.0, sigma=0.0))],
    )  # fmt: skip
    second = candidate(
        2,
        2,
        hcp("Pt", 2.774),
        observed,
        calculated=0.8 * crystal_g(hcp("Pt", 2.774), R),
        probability=0.04,
        evidence=-216.9,
        rw=0.327,
    )
    third = candidate(3, 3, octahedron("Pt", 7), observed, calculated=truth * 0.7, probability=0.02, evidence=-219.4, rw=0.351)
    fourth = candidate(4, 4, decahedron("Pt"), observed, calculated=truth * 0.6, probability=0.004, evidence=-224.0, rw=0.42)
    fifth = candidate(
        5, 5, magnetite(), observed, calculated=0.3 * crystal_g(fcc("Pt", 4.2), R), probability=0.0001, evidence=-260.0, rw=0.93
    )
    fields = {
        "whorl": "0.1.0",
        "task": "identify",
        "file": "data/Pt_np_S1.gr",
        "sha256": "9f2c" * 16,
        "technique": "pdf",
        "none_probability": 0.011,
        "candidates": [first, second, third, fourth, fifth],
        "set": CredibleSet(level=0.9, members=["Pt (fcc)"]),
        "assumptions": ["radiation: X-ray (header)", "Qdamp 0.03 Å⁻¹: the file states none"],
        "warnings": ["The header gives no composition: the element was left open and is seen only through the bond length."],
        "provenance": Provenance(
            command="whorl identify data/Pt_np_S1.gr --range 1.5:20",
            parameters={"range": [1.5, 20.0], "top": 5, "searched": 1012, "elements": None},
            seed=1, time="2025-03-01T09:30:00+01:00", python="3.11.9",
            packages={"numpy": "2.4.6", "scipy": "1.17.1", "gemmi": "0.7.3"},
            catalogues={"elements": "a1b2c3d4", "nanoparticles": "0f9e8d7c"},
        ),
        "run": "2025-03-01-a1b2c3",
        "seconds": 1.94,
    }  # fmt: skip
    return Verdict(**(fields | more))


def measured(*, sigma: bool = True) -> Measurement:
    x = np.arange(0.5, 30.0, 0.01)
    rng = np.random.default_rng(7)
    signal = crystal_g(fcc("Pt", 3.9233), x) * np.exp(-x / 40) + 0.25 * np.sin(20 * x) + rng.normal(0, 0.15, x.size)
    return Measurement("gr", x, signal, sigma=np.full(x.size, 0.3) if sigma else None, path="data/Pt_np_S1.gr")


def series(frames: int = 40) -> tuple[list[Verdict], np.ndarray]:
    """A slow change from hcp to fcc cobalt; one frame failed."""
    verdicts, signals = [], []
    low, high = hcp("Co", 2.507), fcc("Co", 3.545)
    g_low, g_high = crystal_g(low, R), crystal_g(high, R)
    for k in range(frames):
        share = 1 / (1 + np.exp(-(k - frames / 2) / (frames / 12)))
        signal = (1 - share) * g_low + share * g_high
        signals.append(signal)
        if k == 3:
            error = {"where": f"co_{k:03d}.gr", "what": "the file is empty", "remedy": "Export it again."}
            verdicts.append(Verdict.failed("identify", f"co_{k:03d}.gr", error))
            continue
        best, rival = (high, low) if share > 0.5 else (low, high)
        a = Quantity(value=best.cell[0] + 2e-4 * k, sigma=4e-4, unit="angstrom")
        u = Quantity(value=0.005 + 2e-5 * k, sigma=2e-4, unit="angstrom^2")
        p = max(share, 1 - share)
        found = [
            candidate(1, 1, best, signal, calculated=g_high if share > 0.5 else g_low, probability=0.98 * p, evidence=-200.0,
            rw=0.08 + 0.2 * (1 - p), parameters={"a": a, "u_iso": u}), candidate(2, 2, rival, signal, probability=0.98 * (1 -
            p), evidence=-230.0, rw=0.3, parameters={"a": a}),
        ]  # fmt: skip
        verdicts.append(
            Verdict(
                whorl="0.1.0",
                task="identify",
                file=f"co_{k:03d}.gr",
                technique="pdf",
                none_probability=0.02,
                candidates=found,
                run=f"run-{k}",
            )
        )
    return verdicts, np.array(signals)


@pytest.fixture(scope="session")
def fake() -> SimpleNamespace:
    """The makers above, for tests that need more than one."""
    return SimpleNamespace(**{k: v for k, v in globals().items() if callable(v) or k == "R"})


@pytest.fixture(scope="session")
def pt() -> Verdict:
    return platinum()
