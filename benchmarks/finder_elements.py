"""The element of a monatomic sample, not given: against the ceiling that physics sets, and the lattice volume.

The form factor of a single element cancels from S(Q), so that its G(r) shows a structure and its lengths and no more: who
knows the structure and measures the lengths exactly can only compare them with those of the elements. Cases are the fcc, bcc
and hcp elements of the built-in catalogue (bulk, or crystallites of 2 to 50 nm), all lengths changed by a normally
distributed relative amount of standard deviation 0.5 % (temperature, size, solution) and c/a of hcp by another of 0.5 %,
drawn as experiments from the technique's nuisances.

The ceiling is the accuracy of the Bayesian who knows the true structure type, the exact lengths and those distributions:
element k has the posterior exp(-(ln V / V_k)^2 / 18 s^2 - (ln (c/a) / (c/a)_k)^2 / 2 s^2), the prior being uniform over the
elements of that structure. It is computed twice: on the very cases (judged: within 0.03 below it) and as the expectation
over many draws. A figure above the ceiling by more than chance would show leakage.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from _finder import (
    Job,
    Row,
    add_errors,
    add_seconds,
    ask,
    catalogue_size,
    elements_of,
    finder_arguments,
    list_failures,
    run_cases,
    share,
    to_row,
)
from _harness import Table
from finder_crystals import SIZES, experiment
from whorl.catalogues import Catalogue, Entry, builtin_catalogues
from whorl.core.hypothesis import Crystal
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate
from whorl.techniques.pdf.nuisances import NUISANCES

SEED = 20261031
SPREAD = 0.005
FAMILIES = ("fcc", "bcc", "hcp")
TOP = 12
VOLUME = 2e-3


@cache
def metals() -> list[tuple[Catalogue, Entry]]:
    """Monatomic close-packed and bcc crystals of the built-in catalogues, in a fixed order."""
    found = [(c, e) for c in builtin_catalogues() for e in c.entries() if e.kind == "crystal" and len(e.elements) == 1]
    found = [(c, e) for c, e in found if e.family in FAMILIES and not e.alias_of]
    return sorted(found, key=lambda pair: (pair[0].name, pair[1].key))


@cache
def lengths() -> dict[str, tuple[float, float]]:
    """Log of the volume of an atom (angstrom^3), and of c/a, by catalogue and key."""
    out = {}
    for catalogue, entry in metals():
        structure = catalogue.load(entry.key)
        assert isinstance(structure, Crystal)
        volume = structure.volume / sum(structure.contents.values())
        out[f"{catalogue.name}/{entry.key}"] = float(np.log(volume)), float(np.log(structure.cell[2] / structure.cell[0]))
    return out


def jobs_of(cases: int, seed: int) -> list[Job]:
    """Every element in turn, in a random order."""
    known = [f"{c.name}/{e.key}" for c, e in metals()]
    order = np.random.default_rng([seed, 0]).permutation(len(known))
    entries = [known[int(order[number % len(known)])] for number in range(cases)]
    return [{"key": f"{n} {entry}", "entry": entry, "case": n, "seed": seed} for n, entry in enumerate(entries)]


def measure(job: Job) -> tuple[Measurement, Entry, dict[str, Any]]:
    """Simulate the measurement of a case; also its row and what was drawn."""
    catalogue, entry = next((c, e) for c, e in metals() if f"{c.name}/{e.key}" == job["entry"])
    structure = catalogue.load(entry.key)
    assert isinstance(structure, Crystal)
    rng = np.random.default_rng([job["seed"], 1, job["case"]])
    zoom, stretch = draw_lengths(entry.family, rng)
    drawn = NUISANCES.draw(rng) | {"radiation": "x-ray", "zoom": float(np.exp(zoom)), "stretch": stretch}
    if rng.random() < 0.5:
        drawn["diameter"] = float(np.exp(rng.uniform(*np.log(SIZES))))
    a, b, c, *angles = structure.cell
    thin, long = float(np.exp(-stretch / 3)), float(np.exp(2 * stretch / 3))
    cell = (a * thin, b * thin, c * long, *angles)
    return experiment(replace(structure, cell=cell), drawn, rng), entry, drawn


def draw_lengths(family: str, rng: np.random.Generator) -> tuple[float, float]:
    """Draw the log of the factor on all lengths, and of that on c/a (0 for cubic crystals)."""
    zoom, stretch = (float(x) for x in rng.normal(0, SPREAD, 2))
    return zoom, stretch if family == "hcp" else 0.0


def posterior(entry: str, zoom: float, stretch: float) -> dict[str, float]:
    """Probability of each element for who knows the structure type and the exact lengths, most probable first.

    Parameters
    ----------
    entry : str
        The truth, ``catalogue/key``.
    zoom, stretch : float
        Logs of the factors on its lengths and on c/a.
    """
    family = next(e.family for c, e in metals() if f"{c.name}/{e.key}" == entry)
    volume, ratio = lengths()[entry]
    found: dict[str, float] = {}
    for c, e in metals():
        if e.family == family:
            other_volume, other_ratio = lengths()[f"{c.name}/{e.key}"]
            z = (volume + 3 * zoom - other_volume) / (3 * SPREAD)
            y = (ratio + stretch - other_ratio) / SPREAD if family == "hcp" else 0.0
            element = next(iter(e.elements))
            found[element] = max(found.get(element, 0.0), float(np.exp(-0.5 * (z * z + y * y))))
    total = sum(found.values())
    return {k: v / total for k, v in sorted(found.items(), key=lambda pair: -pair[1])}


def by_element(candidates: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Join the probabilities of candidates of the same element, most probable first."""
    found: dict[str, float] = {}
    for formula, p in candidates:
        elements = elements_of(formula)
        name = next(iter(elements)) if len(elements) == 1 else formula
        found[name] = found.get(name, 0.0) + p
    return sorted(found.items(), key=lambda pair: -pair[1])


def volume_error(candidates: list[Candidate], entry: Entry, true: float) -> float | None:
    """Relative error of the volume of an atom in the first candidate of the right structure; None when there is none."""
    best = next((c for c in candidates if c.family == entry.family and len(c.structures) == 1), None)
    if best is None or not isinstance(best.structures[0], Crystal):
        return None
    found = best.structures[0]
    return found.volume / sum(found.contents.values()) / true - 1


def answer(job: Job) -> Row:
    """Simulate and identify one case."""
    measurement, entry, drawn = measure(job)
    verdict, cpu, wall = ask(measurement, top=TOP)
    element = next(iter(entry.elements))
    row = to_row(
        verdict,
        (cpu, wall),
        right=lambda c: elements_of(c.formula) == {element},
        answer=lambda c: "".join(sorted(elements_of(c.formula))),
        members=[e.name for _, e in metals() if e.elements == entry.elements],
        group=entry.family,
    )
    ranked = [name for name, _ in by_element([(c.formula, c.probability) for c in verdict.candidates])]
    bayes = list(posterior(job["entry"], float(np.log(drawn["zoom"])), drawn["stretch"]))
    true = float(np.exp(lengths()[job["entry"]][0])) * drawn["zoom"] ** 3
    error = volume_error(verdict.candidates, entry, true)
    more = {"right": ranked[:1] == [element], "top3": element in ranked[:3], "volume_error": error}
    more |= {"structure": bool(verdict.best and verdict.best.family == entry.family), "element": element}
    return row | more | {"ceiling": bayes[0] == element, "ceiling3": element in bayes[:3], "ranked": ranked[:5]}


def expectation(seed: int, draws: int) -> tuple[float, float]:
    """Expected accuracy of the Bayesian, first and in the first three."""
    rng = np.random.default_rng([seed, 2])
    first = three = 0
    known = [f"{c.name}/{e.key}" for c, e in metals()]
    rows = {f"{c.name}/{e.key}": e for c, e in metals()}
    for number in range(draws):
        entry = known[number % len(known)]
        names = list(posterior(entry, *draw_lengths(rows[entry].family, rng)))
        (element,) = rows[entry].elements
        first += names[0] == element
        three += element in names[:3]
    return first / draws, three / draws


def look(job: Job, row: Row) -> str:
    """Say what the ceiling would have said."""
    _, entry, drawn = measure(job)
    exact = posterior(job["entry"], float(np.log(drawn["zoom"])), drawn["stretch"])
    bayes = ", ".join(f"{k} {p:.2f}" for k, p in list(exact.items())[:3])
    size = f"{drawn['diameter'] / 10:.1f} nm" if "diameter" in drawn else "bulk"
    ranked = " ".join(row["ranked"])
    return f"truth {entry.name}, {size}; ranked {ranked}; the exact lengths say {bayes}; noise {drawn['noise']:.2f}"


def main() -> int:
    """Fill the table."""
    options = finder_arguments(__doc__, cases=4 * len(metals()), quick=4, seed=SEED)
    jobs = jobs_of(options.cases, options.seed)
    rows = run_cases("finder_elements", jobs, answer, options)
    table = Table(f"The element of a monatomic sample, not given, among {catalogue_size()} structures")
    sound = [row for row in rows if "error" not in row]
    expected = expectation(options.seed, 500 if options.quick else 10000)
    note = f"seed {options.seed}; {len(metals())} elements and forms; lengths vary by {100 * SPREAD:g} %"
    for n, (field, top, what) in enumerate((("right", "ceiling", "first"), ("top3", "ceiling3", "in the first three"))):
        mine, best = share(sum(r[field] for r in sound), len(sound)), share(sum(r[top] for r in sound), len(sound))
        met = mine.value >= best.value - 0.03
        where = f"{note}; expected ceiling {100 * expected[n]:.1f} %"
        table.add(
            f"right element {what}", f">= {100 * (best.value - 0.03):.1f} % (ceiling - 0.03)", mine.text, note=where, met=met
        )
        table.add(f"ceiling on these cases, {what}", "", best.text, note="structure type and exact lengths known")
    covered = share(sum(row["covered"] for row in sound), len(sound))
    sizes = [len(row["set"]) for row in sound]
    mean = f"mean size {np.mean(sizes):.1f}" if sizes else ""
    table.add("90 % set holds the element", "88-94 %", covered.text, note=mean, met=0.88 <= covered.value <= 0.94)
    errors = [abs(row["volume_error"]) for row in sound if row["volume_error"] is not None]
    within = share(sum(e <= VOLUME for e in errors), len(errors))
    if errors:
        median = float(np.median(errors))
        text = f"median {median:.1e}, 95 % below {np.quantile(errors, 0.95):.1e}"
        where = f"of an atom, in the first candidate of the right structure; within the bar: {within.text}"
        table.add("error of the volume", "<= 2e-3 (median)", text, note=where, met=median <= VOLUME)
    structure = share(sum(row["structure"] for row in sound), len(sound))
    table.add("right structure type first", "", structure.text)
    add_seconds(table, "element not given", sound, bar=None)
    add_errors(table, rows)
    if options.failures:
        list_failures(rows, jobs, look, options.failures)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
