"""One simulated powder pattern, with profile, against pymatgen's sticks without: CPU time, positions, intensities.

LiCoO2, LiMn2O4 and Mn2O3 with both copper K-alpha lines, 10 to 80 degrees, 3501 points. Preparation of the structure (list of
reflections, atoms of the primitive cell) is done once and not counted; the peer too has its structure given. Intensities are
compared stick by stick with pymatgen's own form factors put into whorl's sums; displacements are zero, as in pymatgen.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from _harness import Table, arguments, cpu_time, peer
from whorl.catalogues import open_catalogue
from whorl.core.hypothesis import Crystal
from whorl.core.measurement import Measurement
from whorl.formats.cif_write import cif_text
from whorl.physics import structure_factors as sf
from whorl.physics.powder_corrections import lorentz_polarisation
from whorl.physics.reflections import inverse_d2, reflections
from whorl.techniques.pd.index import load_index
from whorl.techniques.pd.phase import PhaseOptions, PowderPhase
from whorl.techniques.pd.prepare import prepare
from whorl.techniques.pd.residual import PdProblem

X = 10.0 + 0.02 * np.arange(3501)
WAVELENGTH = 1.54184
BARS = {"LiCoO2": 0.4, "LiMn2O4": 1.0, "Mn2O3": 2.0}


def structures() -> dict[str, Crystal]:
    """The three structures, by formula."""
    catalogue = open_catalogue("compounds")
    out: dict[str, Crystal] = {}
    for entry in catalogue.entries():
        if entry.formula in BARS and entry.formula not in out:
            found = catalogue.load(entry.key)
            assert isinstance(found, Crystal)
            out[entry.formula] = found
    return {name: out[name] for name in BARS}


def problem_of(crystal: Crystal) -> PdProblem:
    """A phase ready to be simulated."""
    settings = {"wavelength": 1.540593, "w": 0.01, "axial": 0.0}
    signal = prepare(Measurement("powder", X, np.ones(X.size)), settings=settings)
    return PdProblem(signal, [PowderPhase(crystal, signal.instrument, signal.range, PhaseOptions())])


def sticks(crystal: Crystal, factors: dict[str, dict[str, object]]) -> tuple[np.ndarray, np.ndarray]:
    """Positions (degrees) and intensities (100 for the strongest) with the form factors of pymatgen."""
    rotations, translations = crystal.symmetry
    found = reflections(crystal.metric, rotations, translations, WAVELENGTH / 2 / np.sin(np.radians(40.0)))
    expansion = crystal.expansion
    atoms = sf.without_centring(expansion.position, expansion.site, expansion.rotation, rotations, translations)
    inverse = inverse_d2(found.hkl, crystal.metric)
    s2 = inverse / 4
    rows = []
    for site in crystal.sites:
        terms = np.array(factors[site.element]["terms"])
        f = sum(a * np.exp(-b * s2) for a, b in terms)
        rows.append(float(factors[site.element]["z"]) - 41.78214 * s2 * f)  # type: ignore[arg-type]
    table = np.array(rows, dtype=np.complex128)
    occupancy = np.array([s.occupancy for s in crystal.sites])
    sums = sf.geometry(found.hkl, atoms, len(crystal.sites))
    squares = sf.intensities(sums, table, occupancy, np.zeros(len(crystal.sites)), s2, slopes=False).value
    angle = 2 * np.degrees(np.arcsin(np.sqrt(inverse) * WAVELENGTH / 2))
    keep = angle >= 10
    strength = (squares * found.multiplicity * lorentz_polarisation(angle))[keep]
    return angle[keep], strength / strength.max() * 100


def compare(mine: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Largest difference in position (degrees) and in intensity (of 100) of the sticks above 0.1; coinciding ones are one."""
    angle, strength = mine
    worst_angle = worst = 0.0
    merged = np.array([float(strength[np.abs(angle - t) < 1e-4].sum()) for t in theirs[0]])
    merged *= 100 / merged.max()
    for t, i, own in zip(*theirs, merged, strict=True):
        if i > 0.1:
            worst_angle = max(worst_angle, float(np.min(np.abs(angle - t))))
            worst = max(worst, abs(own - i))
    return worst_angle, worst


def main() -> int:
    """Fill the table."""
    options = arguments(__doc__ or "")
    table = Table("Simulation of powder patterns")
    found = structures()
    bare = {name: replace(c, sites=tuple(replace(s, u_iso=None) for s in c.sites)) for name, c in found.items()}
    question = {"cifs": [cif_text(c) for c in bare.values()], "low": 10.0, "high": 80.0, "wavelength": WAVELENGTH}
    answer = peer("pymatgen_sticks.py", question | {"repeats": 2 if options.quick else 15})
    for n, (name, crystal) in enumerate(found.items()):
        problem = problem_of(crystal)
        values = np.array([p.value for p in problem.parameters])
        calls = 20 if options.quick else 200

        def many(problem: PdProblem = problem, values: np.ndarray = values, calls: int = calls) -> None:
            for _ in range(calls):
                problem.evaluate(values, jacobian=False)

        seconds = cpu_time(many, repeats=5).minimum / calls
        theirs = answer["rows"][n] if answer else None
        ratio = theirs["seconds"] / seconds if theirs else None
        table.add(
            f"{name}: one pattern",
            f"<= {BARS[name]:g} ms, >= 8x",
            f"{seconds * 1e3:.2f} ms" + (f", {ratio:.0f}x" if ratio else ""),
            f"{theirs['seconds'] * 1e3:.1f} ms, sticks alone" if theirs else "",
            "both K-alpha lines, 3501 points",
            met=bool(seconds * 1e3 <= BARS[name] and (ratio is None or ratio >= 8)),
        )
        if theirs:
            place = compare(sticks(crystal, theirs["factors"]), (np.array(theirs["two_theta"]), np.array(theirs["intensity"])))
            table.add(f"{name}: positions", "1e-6 degree", f"{place[0]:.1e}", met=bool(place[0] <= 1e-6))
            table.add(f"{name}: intensities", "1e-4 of the strongest", f"{place[1] / 100:.1e}", met=bool(place[1] <= 1e-2))
    catalogue = open_catalogue("compounds")
    entries = [e for e in catalogue.entries() if e.kind == "crystal"][: 20 if options.quick else 200]
    from whorl.techniques.pd.index import lines

    crystals = [catalogue.load(e.key) for e in entries]
    seconds = cpu_time(lambda: [lines(c) for c in crystals if isinstance(c, Crystal)], repeats=1).minimum / len(entries)
    load_index(catalogue)
    table.add("lines of one structure, for the index", "10 000 in 60 s", f"{seconds * 1e3:.2f} ms", met=seconds <= 6e-3)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
