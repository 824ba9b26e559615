"""Are the probabilities honest: reliability, expected calibration error, Brier score, coverage of the 90 % sets.

Reads what the finders kept with ``--resume`` and asks the measured files (those of `identify_measured`, in its three modes),
whose answers it keeps in the file that ``--measured`` names::

    python benchmarks/calibration.py --from build/finder --measured build/finder/measured.jsonl --docs

An answer is a class (a prototype, a cluster shape, a file): candidates of one class share their probability, and "none of
these" is an answer too. The confidence is the probability of the most probable answer. The expected calibration error is the
mean of |accuracy - confidence| over ten bins of equal width, weighted by the answers in them (Naeini, Cooper & Hauskrecht,
Proc. AAAI 29, 2901 (2015), doi:10.1609/aaai.v29i1.9602); the Brier score sums (p - y)^2 over all answers. Intervals are 95 %:
bootstrap over cases (a case asked in several modes counts once), Wilson's for shares. Searches with the truth taken out weigh
a quarter, the share for which the probability of none was calibrated. With ``--docs`` the table goes into
docs/theory/calibration.md and the curves into docs/images/reliability.svg.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from _finder import Job, Row, read_rows, run_cases, share, to_row
from _harness import ROOT, Table, find_data, one_thread
from identify_measured import MODES, PIECES, QUICK, TRUTHS
from identify_measured import ask as ask_measured

Array = NDArray[np.float64]

PAGE = ROOT / "docs" / "theory" / "calibration.md"
FIGURE = ROOT / "docs" / "images" / "reliability.svg"
MARKS = "<!-- calibration: begin -->", "<!-- calibration: end -->"
BINS = 10
ECE_BAR, LEVELS = 0.05, (0.88, 0.94)
SHARE_OUT = 0.25
DRAWS = 500
TITLES = {
    "finder_metals": "metal clusters",
    "finder_polyoxometalates": "polyoxometalates",
    "finder_crystals": "crystals",
    "finder_elements": "elements, not given",
    "finder_mixtures": "mixtures",
    "finder_none": "families left out, or in",
    "measured": "measured files",
}
#: modes that are no part of the claim: errors far beyond the nuisances that were calibrated for
BEYOND = {"strong noise"}
#: groups of `finder_mixtures` that are asked only whether they are called a mixture
CONTROLS = {"simulated", "measured"}


@dataclass(frozen=True)
class Answer:
    """One answered case: where it belongs, what was said, what was true, the set."""

    source: str
    group: str
    case: str
    confidence: float
    correct: bool
    brier: float
    truth_in: bool
    covered: bool
    size: int


def to_answer(row: Row) -> Answer:
    """Join the candidates of a row to answers, and compare them with the truth."""
    said: dict[str, float] = {}
    true: set[str] = set()
    for c in row["candidates"]:
        said[c["answer"]] = said.get(c["answer"], 0.0) + c["p"]
        if c["right"]:
            true.add(c["answer"])
    said["none of these"] = row["none"]
    if not row["truth_in"]:
        true = {"none of these"}
    best = max(said, key=lambda name: said[name])
    brier = sum((p - (name in true)) ** 2 for name, p in said.items()) + (0.0 if true & set(said) else 1.0)
    case = f"{row['script']}:{row['name'].split(':')[1].split()[0]}"
    size = len(row["set"])
    group = row["group"] or "error"
    return Answer(row["script"], group, case, said[best], best in true, brier, row["truth_in"], row["covered"], size)


def weights(answers: Sequence[Answer]) -> Array:
    """Weight of each answer: those with the truth taken out make up `SHARE_OUT` of their source."""
    out = np.ones(len(answers))
    for source in {a.source for a in answers}:
        inside = [i for i, a in enumerate(answers) if a.source == source and a.truth_in]
        outside = [i for i, a in enumerate(answers) if a.source == source and not a.truth_in]
        if inside and outside:
            out[outside] = SHARE_OUT / (1 - SHARE_OUT) * len(inside) / len(outside)
    return out


def bins(confidence: Array, correct: Array, weight: Array) -> list[tuple[float, float, float]]:
    """Mean confidence, accuracy and weight of each of ten bins that holds something."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    out = []
    for k in range(BINS):
        w = weight * (place == k)
        if w.sum() > 0:
            out.append((float(w @ confidence / w.sum()), float(w @ correct / w.sum()), float(w.sum())))
    return out


def calibration_error(confidence: Array, correct: Array, weight: Array) -> float:
    """Expected calibration error over the bins of `bins`."""
    found = bins(confidence, correct, weight)
    total = sum(w for _, _, w in found)
    return sum(w * abs(c - a) for c, a, w in found) / total if total else 0.0


def bootstrap(answers: Sequence[Answer], figure: Callable[[NDArray[np.int64]], float], draws: int) -> tuple[float, float]:
    """Central 95 % of a figure over resampled cases; ``figure`` takes the places of the answers."""
    cases: dict[str, list[int]] = {}
    for i, a in enumerate(answers):
        cases.setdefault(a.case, []).append(i)
    groups = [np.array(v) for v in cases.values()]
    rng = np.random.default_rng(20261121)
    found = [figure(np.concatenate([groups[k] for k in rng.integers(len(groups), size=len(groups))])) for _ in range(draws)]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True)
class Figures:
    """Figures of a set of answers with their intervals, and its bins."""

    answers: int
    cases: int
    error: float
    error_interval: tuple[float, float]
    brier: float
    accuracy: float
    confidence: float
    covered: int
    inside: int
    size: float
    several: int
    covered_several: int
    curve: list[tuple[float, float, float]]

    @property
    def coverage(self) -> float:
        """Share of the sets that hold the truth, of the cases whose truth was in the catalogues."""
        return self.covered / self.inside if self.inside else 0.0


def figures(answers: Sequence[Answer], draws: int = DRAWS) -> Figures:
    """Count a set of answers."""
    confidence = np.array([a.confidence for a in answers])
    correct = np.array([float(a.correct) for a in answers])
    weight = weights(answers)

    def error(places: NDArray[np.int64]) -> float:
        return calibration_error(confidence[places], correct[places], weight[places])

    inside = [a for a in answers if a.truth_in]
    return Figures(
        answers=len(answers),
        cases=len({a.case for a in answers}),
        error=calibration_error(confidence, correct, weight),
        error_interval=bootstrap(answers, error, draws),
        brier=float(weight @ np.array([a.brier for a in answers]) / weight.sum()),
        accuracy=float(weight @ correct / weight.sum()),
        confidence=float(weight @ confidence / weight.sum()),
        covered=sum(a.covered for a in inside),
        inside=len(inside),
        size=float(np.mean([a.size for a in inside])) if inside else 0.0,
        several=sum(a.size > 1 for a in inside),
        covered_several=sum(a.covered for a in inside if a.size > 1),
        curve=bins(confidence, correct, weight),
    )


def measured_jobs(*, quick: bool) -> list[Job]:
    """Measured files in every mode of `identify_measured`."""
    files = [t.file for t in TRUTHS if not quick or t.file in QUICK]
    modes = list(MODES)[:1] if quick else list(MODES)
    return [{"key": f"{file} {mode}", "file": file, "mode": mode, "quick": quick} for file in files for mode in modes]


def answer(job: Job) -> Row:
    """Identify one measured file in one mode."""
    data = find_data()
    assert data is not None
    truth = next(t for t in TRUTHS if t.file == job["file"])
    found = ask_measured((truth, job["mode"], data, not job["quick"]))
    verdict = found.verdict
    right = [c.name for c in verdict.candidates if (c.family or PIECES.get(c.name)) in truth.families]
    row = to_row(
        verdict,
        (found.cpu, found.wall),
        right=lambda c: c.name in right,
        answer=lambda c: c.family or PIECES.get(c.name) or c.name,
        members=right,
        group=truth.families[0],
    )
    return row | {"mode": job["mode"]}


def collect(folders: Iterable[Path]) -> list[Row]:
    """Rows of all cache files."""
    paths = [p for f in folders for p in (sorted(f.glob("*.jsonl")) if f.is_dir() else [f])]
    latest: dict[str, Row] = {}
    for path in paths:
        latest |= {row["name"]: row for row in read_rows(path)}
    rows = [row for row in latest.values() if "error" not in row and row.get("mode") not in BEYOND]
    rows = [row for row in rows if row["script"] != "finder_mixtures" or row["group"] not in CONTROLS]
    codes = {row["code"] for row in rows}
    if len(codes) > 1:
        print(f"calibration: rows of {len(codes)} versions of the code", file=sys.stderr)
    return rows


def add_figures(table: Table, what: str, found: Figures, *, judged: bool) -> None:
    """Add the rows of a set: error, Brier score, coverage."""
    low, high = found.error_interval
    note = (
        f"{found.answers} answers, {found.cases} cases; mean confidence {found.confidence:.3f}, accuracy {found.accuracy:.3f}, "
        f"Brier score {found.brier:.3f}"
    )
    met = found.error <= ECE_BAR if judged else None
    bar = "<= 0.05" if judged else ""
    table.add(f"calibration error, {what}", bar, f"{found.error:.3f} ({low:.3f}-{high:.3f})", note=note, met=met)
    if found.inside:
        met = LEVELS[0] <= found.coverage <= LEVELS[1] if judged else None
        text = share(found.covered, found.inside).text
        table.add(
            f"90 % set holds the truth, {what}", "88-94 %" if judged else "", text, note=f"mean size {found.size:.2f}", met=met
        )
        several = share(found.covered_several, found.several)
        table.add(f"90 % set holds the truth, {what}, sets of several", "", several.text, note="the first alone is not enough")


def draw_curves(path: Path, curves: dict[str, Figures]) -> None:
    """Draw the reliability curves; the same figures give the same bytes."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    with plt.rc_context({"svg.hashsalt": "whorl", "svg.fonttype": "path", "font.size": 9}):
        figure, axes = plt.subplots(1, len(curves), figsize=(3.4 * len(curves), 3.4), sharey=True, squeeze=False)
        for ax, (title, found) in zip(axes[0], curves.items(), strict=True):
            x, y, w = (np.array(v) for v in zip(*found.curve, strict=True))
            ax.plot([0, 1], [0, 1], color="0.6", linewidth=1)
            spans = [share(round(a * n), max(round(n), 1)) for a, n in zip(y, w, strict=True)]
            bars = np.array([[max(a - s.low, 0), max(s.high - a, 0)] for a, s in zip(y, spans, strict=True)]).T
            ax.errorbar(x, y, yerr=bars, fmt="o-", color="C0", markersize=4, linewidth=1, capsize=2)
            ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="stated probability", title=f"{title}, error {found.error:.3f}")
            ax.set_aspect("equal")
        axes[0][0].set_ylabel("share that is right")
        figure.tight_layout()
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)


def write_page(page: Path, table: Table) -> None:
    """Put the picture and the table into the page, between its marks."""
    text = page.read_text(encoding="utf-8")
    begin, end = (text.index(mark) for mark in MARKS)
    head = ["| what | bar | reached | note |", "| --- | --- | --- | --- |"]
    signs = {True: " ✓", False: " **missed**", None: ""}
    rows = [f"| {r.what} | {r.bar} | {r.reached}{signs[r.met]} | {r.note} |" for r in table.rows]
    picture = "![Reliability curves: simulated and measured](../images/reliability.svg)"
    body = "\n".join([picture, "", *head, *rows])
    page.write_text(f"{text[: begin + len(MARKS[0])]}\n{body}\n{text[end:]}", encoding="utf-8")


def arguments() -> argparse.Namespace:
    """Parse the options."""
    one_thread()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test: two measured files, few resamplings")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table and the machine to FILE")
    parser.add_argument("--from", type=Path, nargs="*", dest="sources", help="cache files of the finders, or folders of them")
    parser.add_argument(
        "--measured", type=Path, metavar="FILE", dest="resume", help="keep the answers to measured files in FILE"
    )
    parser.add_argument("--mixed", action="store_true", help="accept measured rows that other code has made")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--docs", action="store_true", help="write the page's table and the figure")
    options = parser.parse_args()
    options.workers = 1 if options.quick else options.workers
    return options


def main() -> int:
    """Fill the table."""
    options = arguments()
    rows = collect(options.sources or [])
    measured: list[Row] = []
    if (options.resume or options.quick) and find_data() is not None:
        measured = [r for r in run_cases("measured", measured_jobs(quick=options.quick), answer, options) if "error" not in r]
    rows = [row for row in rows if row["script"] != "measured"]
    if not rows and not measured:
        print("calibration: nothing to read; run the finders with --resume build/finder/NAME.jsonl, then --from build/finder")
        return 0
    draws = 50 if options.quick else DRAWS
    table = Table("Calibration of identify")
    simulated = [to_answer(row) for row in rows]
    curves: dict[str, Figures] = {}
    for title, answers in (("simulated", simulated), ("measured", [to_answer(row) for row in measured])):
        if answers:
            curves[title] = figures(answers, draws)
            add_figures(table, title, curves[title], judged=not options.quick)
    for source in sorted({a.source for a in simulated}):
        part = [a for a in simulated if a.source == source]
        add_figures(table, TITLES.get(source, source), figures(part, draws), judged=False)
    for source, group in sorted({(a.source, a.group) for a in simulated}):
        part = [a for a in simulated if (a.source, a.group) == (source, group) and a.truth_in]
        if len(part) >= 20:
            held = share(sum(a.covered for a in part), len(part))
            size = float(np.mean([a.size for a in part]))
            table.add(
                f"90 % set holds the truth, {TITLES.get(source, source)}: {group}", "", held.text, note=f"mean size {size:.2f}"
            )
    if options.docs:
        write_page(PAGE, table)
        draw_curves(FIGURE, curves)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
