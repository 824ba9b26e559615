"""The sections of a report on one measurement; each function gives one piece of the page, or nothing."""

from __future__ import annotations

from collections.abc import Sequence

from whorl.core.hypothesis import Hypothesis
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate, Curve, Quantity, Verdict
from whorl.report import words
from whorl.report.atoms import element_key, structure_picture
from whorl.report.description import pictures, quantities
from whorl.report.description_words import is_description, is_told
from whorl.report.markup import Child, Markup, join, table, tag
from whorl.report.notation import (
    MISSING,
    align,
    format_fixed,
    format_interval,
    format_probability,
    format_quantity,
    format_su,
    label_symbol,
    listed,
    pretty_unit,
)
from whorl.report.plots import fit_figure, small_fit_figure
from whorl.report.vector import to_svg

_KEY_ORDER = ("a", "b", "c", "alpha", "beta", "gamma", "bond", "zoom", "diameter", "size", "u_iso")
_MOST_CARDS = 5


def section(anchor: str, title: str, *body: Child) -> Markup:
    """Put a heading and its contents into a section that the page's contents can point at."""
    return tag("section", tag("h2", title, id=anchor), *body, aria_labelledby=anchor)


def wide(drawing: Markup, label: str) -> Markup:
    """Let a wide drawing scroll sideways on a narrow screen, by keyboard too."""
    return tag("div", drawing, class_="scroll", tabindex=0, role="region", aria_label=label)


def bar(share: float) -> Markup:
    """Draw a probability as a bar; the number stands beside it."""
    width = max(0.0, min(share, 1.0)) * 84
    back = tag("rect", width=84, height=9, rx=1.5)
    front = tag("rect", width=f"{max(width, 1.0):.1f}", height=9, rx=1.5)
    return tag("svg", back, front, class_="bar", viewBox="0 0 84 9", aria_hidden="true", focusable="false")


def head(verdict: Verdict) -> Markup:
    """Answer in one sentence, with the figures that go with it."""
    best = verdict.best
    over = " · ".join(
        t for t in (f"whorl {verdict.task}", verdict.technique.upper(), f"run {verdict.run}" if verdict.run else "") if t
    )
    remark = words.remark(verdict)
    facts: list[tuple[str, str]] = []
    if best is not None and verdict.error is None and not is_description(verdict):
        facts = [("Rw", format_fixed(best.rw, 3))]
        if not is_told(verdict):
            facts.append(("Probability", format_probability(best.probability)))
            facts.append(("None of these", format_probability(verdict.none_probability)))
        if best.quality is not None:
            symbol, unit = _axis(best)
            low, high = best.quality.range
            facts.append((f"Range in {symbol}", f"{low:g}–{high:g} {unit}"))
        if verdict.set is not None:
            facts.append(
                (
                    f"{100 * verdict.set.level:.0f} % set",
                    f"{len(verdict.set.members)} named below",
                )
            )
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    return tag(
        "header",
        tag("p", over, class_="over"),
        tag("h1", _file_name(verdict.file)),
        tag("p", words.answer(verdict), class_="answer"),
        tag("p", remark, class_="lead") if remark else None,
        tag("dl", *rows, class_="facts") if rows else None,
    )


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", maxsplit=1)[-1] or "unnamed measurement"


def _axis(candidate: Candidate) -> tuple[str, str]:
    return label_symbol(candidate.curve.x_label) if candidate.curve is not None else ("x", "")


def notices(verdict: Verdict) -> Markup | None:
    """Error, warnings and assumptions: what the answer hangs on, before the answer is believed."""
    parts: list[Child] = []
    if verdict.error is not None:
        error = verdict.error
        items = [
            tag("li", f"{name}: {text}")
            for name, text in (("Where", error.where), ("What", error.what), ("Remedy", error.remedy))
            if text
        ]
        parts.append(_notice("Error", items, "bad"))
    if verdict.warnings:
        parts.append(_notice("Warnings", [tag("li", w) for w in verdict.warnings], "warn"))
    if verdict.assumptions:
        parts.append(_notice("Assumptions", [tag("li", a) for a in verdict.assumptions], ""))
    return join(parts) if parts else None


def _notice(title: str, items: list[Markup], kind: str) -> Markup:
    anchor = title.lower()
    body = (tag("h2", title, id=anchor), tag("ul", *items))
    return tag("section", *body, class_=f"note {kind}".strip(), aria_labelledby=anchor)


def best_fit(verdict: Verdict, measurement: Measurement | None) -> Markup | None:
    """Data, fit and residual of the best candidate."""
    best = verdict.best
    if best is None or best.curve is None or best.curve.x.size < 2:
        return None
    symbol, unit = _axis(best)
    text = (
        f"Data and fit of {best.name} from {symbol} = {best.curve.x[0]:.4g} to {best.curve.x[-1]:.4g} {unit}; below, set "
        f"off, the "
        f"difference data minus fit. Rw is {format_fixed(best.rw, 3)}."
    )
    drawing = to_svg(fit_figure(best, measurement, verdict.deciding), f"Fit of {best.name}", text, "fit")
    title = "Closest fit" if verdict.is_none else "Best fit"
    return section(
        "best-fit",
        f"{title}: {best.name}",
        tag("figure", wide(drawing, "Plot of the fit"), tag("figcaption", _fit_caption(best, best.curve, verdict))),
    )


def _fit_caption(best: Candidate, curve: Curve, verdict: Verdict) -> str:
    text = f"Grey: data. Orange: fit of {best.name}. Blue, set off: data minus fit. {curve.x.size} points shown."
    if curve.marks:
        text += f" Marks below: reflections of {listed([p.name for p in best.phases])}, from above."
    found = verdict.deciding
    if found is not None and found.stretches:
        text += f" Shaded: what decides between {best.name} (orange) and {found.other} (blue), the darker the more."
    return text


def candidates(verdict: Verdict) -> Markup | None:
    """Table of all candidates."""
    if not verdict.candidates or is_description(verdict) or is_told(verdict):
        return None
    best = verdict.candidates[0]
    counts = {c.group: sum(d.group == c.group for d in verdict.candidates) for c in verdict.candidates}
    rw = align([format_fixed(c.rw, 3) for c in verdict.candidates])
    delta = align([format_fixed(c.evidence - best.evidence, 1) for c in verdict.candidates])
    rows: list[list[Child]] = []
    for c, rw_text, delta_text in zip(verdict.candidates, rw, delta, strict=True):
        name = (
            tag("span", c.name, tag("br"), tag("span", _subtitle(c), class_="sub"))
            if _subtitle(c)
            else Markup(tag("span", c.name))
        )
        probability = tag("span", bar(c.probability), format_probability(c.probability))
        group = f"{c.group}" + ("" if counts[c.group] == 1 else " (shared)")
        rows.append(
            [
                f"{c.rank}",
                name,
                c.formula or MISSING,
                _space_group(c),
                probability,
                rw_text,
                delta_text,
                _key_parameters(c),
                group,
            ]
        )
    head_row = ["Rank", "Name", "Formula", "Space group", "Probability", "Rw", "Δ log evidence", "Refined", "Group"]
    empty = {n for n in (2, 3) if all(row[n] == MISSING for row in rows)}  # models of small angles have neither
    head_row = [name for n, name in enumerate(head_row) if n not in empty]
    rows = [[cell for n, cell in enumerate(row) if n not in empty] for row in rows]
    note = (
        "Candidates of one group cannot be told apart by this measurement. The probabilities and the probability of none "
        "of these "
        f"({format_probability(verdict.none_probability)}) belong together. Evidence is tempered to the number of "
        f"independent points."
    )
    level = ""
    if verdict.set is not None and verdict.set.members:
        share = f"{100 * verdict.set.level:.0f} %"
        level = f" The smallest set that holds the truth with {share} probability: {listed(verdict.set.members)}."
    ranked = table(
        "Candidates, most probable first",
        head_row,
        rows,
        numeric=frozenset(range(3 - len(empty), 9 - len(empty))),
        class_="ranked",
        hide_caption=True,
    )
    return section("candidates", "Candidates", ranked, tag("p", note + level, class_="sub"))


def _subtitle(c: Candidate) -> str:
    parts = [c.family if c.family.lower() not in c.name.lower() else "", c.source]
    if len(c.phases) > 1:
        parts = [" + ".join(f"{format_su(p.weight_fraction.value, p.weight_fraction.sigma)} {p.name}" for p in c.phases)]
    return " · ".join(p for p in parts if p)


def _space_group(c: Candidate) -> Child:
    if c.space_group is None:
        return MISSING
    import gemmi

    found = gemmi.find_spacegroup_by_number(c.space_group) if 1 <= c.space_group <= 230 else None
    return f"{found.short_name()} ({c.space_group})" if found else str(c.space_group)


def _key_parameters(c: Candidate) -> Child:
    """The two or three refined values one looks at first."""
    plain = {n.lower().rsplit(".", maxsplit=1)[-1]: n for n in reversed(c.parameters)}
    names = [plain[k] for k in _KEY_ORDER if k in plain and c.parameters[plain[k]].sigma is not None][:3]
    names = names or [n for n, q in c.parameters.items() if q.unit == "angstrom"][:3]
    names = names or list(c.parameters)[:2]
    lines = [tag("span", f"{n} = {format_quantity(c.parameters[n])}") for n in names]
    return join(lines, "<br/>") if lines else MISSING


def methods(verdict: Verdict, measurement: Measurement | None) -> Markup | None:
    """Pictures of what was found without a model, method by method."""
    cards = pictures(verdict, measurement) if is_description(verdict) else []
    return section("methods", "Method by method", tag("div", *cards, class_="cards")) if cards else None


def gallery(verdict: Verdict) -> Markup | None:
    """Pictures of the structures and small fits of the first candidates, side by side."""
    if is_description(verdict) or is_told(verdict):
        return None
    cards = [_card(c, c is verdict.best) for c in verdict.candidates[:_MOST_CARDS] if c.structures or c.curve is not None]
    if not cards:
        return None
    many = f"The first {len(cards)} side by side" if len(cards) > 1 else "The structure"
    return section("structures", many, tag("div", *cards, class_="cards"))


def _card(c: Candidate, first: bool) -> Markup:
    parts: list[Child] = [
        tag("h3", f"{c.rank}. {c.name}"),
        tag("p", f"Rw {format_fixed(c.rw, 3)}, probability {format_probability(c.probability)}", class_="sub"),
    ]
    pictures = [_picture(s, f"s{c.rank}-{i}") for i, s in enumerate(c.structures[:3])]
    parts += [p for p in pictures if p is not None]
    if c.curve is not None and c.curve.x.size > 1:
        text = f"Data, fit and difference for {c.name}, Rw {format_fixed(c.rw, 3)}."
        parts.append(tag("figure", to_svg(small_fit_figure(c), f"Small fit of {c.name}", text, f"m{c.rank}")))
    return tag("article", *parts, class_="card first" if first else "card")


def _picture(structure: Hypothesis, prefix: str) -> Markup | None:
    drawing = structure_picture(structure, prefix)
    return None if drawing is None else tag("figure", drawing, element_key(structure))


def parameters(verdict: Verdict) -> Markup | None:
    """Refined parameters of the best candidate, and its phases."""
    best = verdict.best
    if best is not None and is_description(verdict):
        notes = tag("ul", *(tag("li", note) for note in best.notes)) if best.notes else None
        return section("parameters", "Parameters", quantities(verdict), notes)
    if best is None or not (best.parameters or best.phases or verdict.parameters):
        return None
    values = align([format_su(q.value, q.sigma) for q in best.parameters.values()])
    rows: list[list[Child]] = [
        [name, value, pretty_unit(q.unit) or MISSING, words.meaning(name) or MISSING, _state(q)]
        for (name, q), value in zip(best.parameters.items(), values, strict=True)
    ]
    parts: list[Child] = [_estimates(verdict)] if verdict.parameters else []
    if rows:
        head_row = ["Parameter", "Value", "Unit", "Meaning", "State"]
        parts.append(
            table(
                f"Parameters of {best.name}; one standard uncertainty of the last digits in parentheses",
                head_row,
                rows,
                numeric=frozenset({1}),
                class_="fit",
            )
        )
    if len(best.phases) > 1:
        fractions = align([format_su(p.weight_fraction.value, p.weight_fraction.sigma) for p in best.phases])
        phase_rows: list[list[Child]] = [[p.name, p.formula or p.group, f] for p, f in zip(best.phases, fractions, strict=True)]
        if best.amorphous is not None:
            rest = format_su(best.amorphous.value, best.amorphous.sigma)
            phase_rows.append(["amorphous or not accounted for", "", rest])
        parts.append(
            table(
                f"Phases of {best.name}",
                ["Phase", "Stands for" if any(p.group for p in best.phases) else "Formula", "Weight fraction"],
                phase_rows,
                numeric=frozenset({2}),
                class_="fit",
            )
        )
    parts += [tag("p", n) for n in best.notes]
    return section("parameters", "Parameters", *parts)


def _estimates(verdict: Verdict) -> Markup:
    """What was quantified, with its intervals."""
    shown = dict(words.amounts(verdict))
    names = {id(q): n for n, q in shown.items()}
    level = next(iter(verdict.parameters.values())).level
    rows: list[list[Child]] = []
    for name, q in verdict.parameters.items():
        ends = MISSING if q.interval is None else format_interval(*q.interval)
        what = f"weight fraction of {names[id(q)]}" if id(q) in names else name
        rows.append([what, format_su(q.value, q.sigma), pretty_unit(q.unit) or MISSING, ends])
    head_row = ["Quantity", "Value", "Unit", f"{level:.0%} interval"]
    return table("What was quantified", head_row, rows, numeric=frozenset({1}), class_="fit")


def _state(quantity: Quantity) -> Child:
    if quantity.at_limit:
        return tag("span", "at limit", class_="limit")
    return "fixed" if quantity.sigma is None else "refined"


def correlations(verdict: Verdict) -> Markup | None:
    """Correlation matrix as a heat table, strong ones put into words."""
    best = verdict.best
    if best is None or best.correlations is None or len(best.correlations.names) < 2:
        return None
    found = best.correlations
    header = [tag("td", "")] + [tag("th", n, scope="col") for n in found.names]
    rows = []
    for i, name in enumerate(found.names):
        cells = [tag("th", name, scope="row")]
        for j, r in enumerate(found.matrix[i]):
            cells.append(tag("td", "1", class_="self") if i == j else tag("td", format_fixed(r, 2), class_=_heat(r)))
        rows.append(tag("tr", *cells))
    limit = words.STRONG_CORRELATION
    caption = f"Correlation coefficients of {best.name}; above {limit} in absolute value framed and bold"
    body = tag("table", tag("caption", caption), tag("thead", tag("tr", *header)), tag("tbody", *rows), class_="heat")
    strong = words.correlation_words(found)
    said = (
        tag("ul", *(tag("li", s) for s in strong)) if strong else tag("p", f"No two parameters are correlated above {limit}.")
    )
    return section(
        "correlations", "Correlations", tag("div", body, class_="scroll", tabindex=0, role="region", aria_label=caption), said
    )


def _heat(r: float) -> str | None:
    size = abs(r)
    step = sum(size > edge for edge in (0.1, 0.3, 0.55, 0.8))
    return None if step == 0 else f"{'p' if r > 0 else 'n'}{step}{' big' if size > words.STRONG_CORRELATION else ''}"


def quality(verdict: Verdict) -> Markup | None:
    """Figures of the fit and what they say."""
    best = verdict.best
    if best is None or best.quality is None:
        return None
    q = best.quality
    symbol, unit = _axis(best)
    rows: list[list[Child]] = [
        ["Range", f"{symbol} = {q.range[0]:g} to {q.range[1]:g} {unit}".rstrip()],
        ["Points", f"{q.points}"],
        ["Independent points", f"{q.independent_points:.0f}"],
        ["Free parameters", f"{q.free_parameters}"],
        ["Rw", format_fixed(best.rw, 4)],
        ["Reduced chi-squared", MISSING if q.reduced_chi_squared is None else f"{q.reduced_chi_squared:.3g}"],
        ["Converged", "yes" if q.converged else tag("span", "no", class_="limit")],
    ]
    said = [words.residual_words(q, symbol, unit), words.chi_squared_words(q)]
    if not q.converged:
        said.insert(0, "The refinement stopped before it converged: read the parameters as a start, not as a result.")
    if q.independent_points < 2 * q.free_parameters:
        said.append(
            f"Only {q.independent_points:.0f} independent points carry {q.free_parameters} parameters: widen the range "
            f"or fix some."
        )
    figures = table(f"Quality of the fit of {best.name}", ["Figure", "Value"], rows, numeric=frozenset({1}), class_="fit")
    return section("quality", "Fit quality", figures, *(tag("p", s) for s in said))


def reasons(verdict: Verdict) -> Markup | None:
    """Why the best candidate and not another, and what would change that."""
    if is_description(verdict) or is_told(verdict):
        return None
    lines, changes = words.comparisons(verdict), words.what_would_change_it(verdict)
    if not lines and not changes:
        return None
    parts: list[Child] = [tag("ul", *(tag("li", t) for t in lines))] if lines else []
    if changes:
        parts += [tag("h3", "What would rule it out"), tag("ul", *(tag("li", t) for t in changes))]
    return section("reasons", "Why this answer" if not verdict.is_none else "Why none of these", *parts)


def file_list(files: Sequence[tuple[str, str]]) -> Markup | None:
    """Links to the files beside the report: (relative address or nothing, what it is)."""
    items = [tag("li", tag("a", text, href=address) if address else text) for address, text in files]
    return section("files", "Files", tag("ul", *items, class_="files")) if items else None
