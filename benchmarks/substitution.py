"""Substitution on prototypes: cells of known compounds predicted from the others, hidden compounds found again, the time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from _harness import Table, arguments, cpu_time
from whorl.catalogues.cell_prediction import CellModel, Check
from whorl.catalogues.crystals import CrystalCatalogue
from whorl.catalogues.plausibility import Judge, when_hidden
from whorl.catalogues.registry import open_catalogue
from whorl.catalogues.site_species import Template, templates
from whorl.catalogues.substitution import LARGEST, SubstitutionCatalogue, substitutions

#: sets of elements whose search is timed; what they are does not matter much to the time
FOUR = (("Li", "Fe", "P", "O"), ("Na", "Ni", "Mn", "O"), ("Cs", "Pb", "Br", "I"), ("La", "Sr", "Ga", "O"))
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
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
