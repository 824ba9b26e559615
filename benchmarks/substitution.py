"""Substitution on prototypes: cells of known compounds predicted from the others, hidden compounds found again, the time."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from _harness import Table, arguments, cpu_time
from whorl.catalogues.cell_prediction import CellModel, Check
from whorl.catalogues.crystals import CrystalCatalogue
from whorl.catalogues.plausibility import Judge, when_hidden
from whorl.catalogues.prototypes import Member
from whorl.catalogues.registry import open_catalogue
from whorl.catalogues.site_species import Template, templates
from whorl.catalogues.substitution import LARGEST, SubstitutionCatalogue, substitutions

#: sets of elements whose search is timed; what they are does not matter much to the time
FOUR = (("Li", "Fe", "P", "O"), ("Na", "Ni", "Mn", "O"), ("Cs", "Pb", "Br", "I"), ("La", "Sr", "Ga", "O"))
SEED = 20261121
TEN = ("Li", "Na", "Fe", "Mn", "Co", "Ni", "P", "S", "O", "F")


def percent(values: Sequence[float], part: float) -> str:
    """Quantile of the relative differences that belong to differences of logarithms."""
    return f"{100 * float(np.quantile(np.abs(np.expm1(values)), part)):.1f} %"


def add_volumes(table: Table, checks: Sequence[Check], what: str, *, bars: bool) -> None:
    """Add how far predicted volumes are from the known ones."""
    volume, unscaled = [c.volume for c in checks], [c.unscaled for c in checks]
    median, high = (float(np.quantile(np.abs(np.expm1(volume)), q)) for q in (0.5, 0.9))
    for part, bar, value, limit in ((0.5, "<= 3 %", median, 0.03), (0.9, "<= 8 %", high, 0.08)):
        table.add(
            f"error of the volume, {'median' if part == 0.5 else '90th percentile'}, {what}",
            bar if bars else "",
            percent(volume, part),
            percent(unscaled, part),
            f"{len(checks)} compounds; peer: cell of the compound nearest in size as it is",
            met=value <= limit if bars else None,
        )


def add_cells(table: Table, found: Sequence[Template]) -> None:
    """Add the leave-one-out test of the cells."""
    model = CellModel(found)
    checks = model.leave_one_out(least=3)
    add_volumes(table, checks, "one compound left out", bars=True)
    add_volumes(table, model.leave_one_out(least=3, whole_compounds=True), "with all its other forms", bars=False)
    lengths = [float(np.max(np.abs(c.lengths))) for c in checks]
    table.add("largest error of a, b, c, median", "", percent(lengths, 0.5), note="relative")
    table.add("the same, 90th percentile", "", percent(lengths, 0.9))
    score = np.abs([c.volume / c.spread for c in checks])
    for width, expected in ((1, "68 %"), (2, "95 %")):
        table.add(f"volume within {width} predicted sigma", expected, f"{100 * float(np.mean(score < width)):.0f} %")


def add_recall(table: Table, found: Sequence[Template], *, quick: bool) -> None:
    """Add whether a known compound is among the substitutions by its elements when it is hidden, and how high."""
    judges = [Judge(template) for template in found]
    hidden = [(judge, elements) for judge in judges if len(judge.taken) > 1 for elements in sorted(judge.taken)]
    hidden = hidden[:: 10 if quick else 1]
    ranks = []
    for judge, elements in hidden:
        listed, place = when_hidden(judges, judge, elements)
        if place is not None:
            score = [s.plausibility for s in listed]
            ranks.append(1 + sum(other > score[place] for other in score))
    for top in (1, 3, 10, LARGEST):
        share = 100 * sum(rank <= top for rank in ranks) / len(hidden)
        table.add(
            f"hidden compound among the first {top}", "", f"{share:.0f} %", note=f"{len(hidden)} compounds, elements given"
        )


def add_time(table: Table, known: CrystalCatalogue) -> None:
    """Add the time of queries once the part is there that all share."""
    substitutions(("K", "Cl"), known).entries()
    for what, sets, limit in (("four elements", FOUR, 0.5), ("ten elements", (TEN,), None)):
        slowest, most = 0.0, 0
        for elements in sets:
            found = SubstitutionCatalogue(frozenset(elements), known)
            slowest = max(slowest, cpu_time(found.entries, repeats=1, warmup=0).minimum)
            most = max(most, len(found.entries()))
        bar = "" if limit is None else f"< {limit} s"
        met = None if limit is None else slowest < limit
        table.add(f"a query, {what}", bar, f"{slowest:.2f} s", note=f"CPU, slowest of {len(sets)}; {most} rows", met=met)


class Without(CrystalCatalogue):
    """The compounds without all forms of one."""

    def __init__(self, known: CrystalCatalogue, formula: str) -> None:
        super().__init__(known.name, known.files)
        self._formula = formula
        self._all = known

    @cached_property
    def members(self) -> dict[str, Member]:
        """Compounds by key."""
        return {key: member for key, member in self._all.members.items() if member.reduced_formula != self._formula}

    @cached_property
    def content_hash(self) -> str:
        """Differs for each compound left out."""
        return f"{self._all.content_hash} without {self._formula}"


def add_search(table: Table, known: CrystalCatalogue, *, quick: bool) -> None:
    """Add how often identify finds a compound that is in no catalogue, from its simulated G(r)."""
    from whorl.tasks.identify import identify
    from whorl.tasks.simulate import simulate

    os.environ["WHORL_HOME"] = tempfile.mkdtemp()
    rng = np.random.default_rng(SEED)
    in_family = Counter(member.family for member in known.members.values())
    pool = [m for m in known.members.values() if in_family[m.family] >= 3 and all(o[0][1] == 1 for *_, o in m.sites)]
    chosen = [pool[i] for i in rng.permutation(len(pool))[: 2 if quick else 20]]
    first, named, shift = 0, 0, []
    for member in chosen:
        reduced = Without(known, member.reduced_formula)
        elements = sorted(member.contents)
        perfect = simulate(member.crystal, settings={"qmax": 22.0, "qmin": 0.8, "qdamp": 0.03}, x=np.arange(0.5, 25.0, 0.02))
        signal = np.array(perfect.signal)
        measured = replace(perfect, signal=signal + rng.normal(0.0, 0.04 * signal.std(), signal.size))
        verdict = identify(measured, catalogues=[reduced, substitutions(elements, reduced)], elements=elements)
        best = verdict.candidates[0] if verdict.candidates else None
        right = best is not None and (best.family, best.formula) == (member.family, member.reduced_formula)
        first += right
        named += right and verdict.none_probability < 0.5
        if right and "a" in best.parameters:
            shift.append(abs(best.parameters["a"].value / member.cell[0] - 1))
    note = f"simulated G(r), Qmax 22, noise 4 %, 25 angstrom; {len(chosen)} compounds in no catalogue, elements given"
    table.add("identify: compound and prototype first", "", f"{100 * first / len(chosen):.0f} %", note=note)
    table.add("the same, and not called none of these", "", f"{100 * named / len(chosen):.0f} %")
    if shift:
        table.add("a refined from the estimate, largest error", "", f"{100 * max(shift):.2f} %", note="where it is first")


def main() -> int:
    """Run all of it."""
    options = arguments("substitution of elements on prototypes")
    table = Table("Substitution on prototypes")
    known = open_catalogue("compounds")
    assert isinstance(known, CrystalCatalogue)
    found = templates(known.members.values())
    add_cells(table, found)
    add_recall(table, found, quick=options.quick)
    add_time(table, known)
    add_search(table, known, quick=options.quick)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
