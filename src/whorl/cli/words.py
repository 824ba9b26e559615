"""Verdicts in words and tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from whorl.core.verdict import Candidate, Verdict
from whorl.report.deciding import lines as deciding_lines
from whorl.report.description_words import is_description, is_told, sentence, short, told
from whorl.report.notation import MISSING, format_fixed, format_interval, format_probability, format_quantity
from whorl.report.words import amounts

_PARAMETERS = 4  # of a candidate in the table; the report has all


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Set rows in columns, two blanks apart.

    Examples
    --------
    >>> print(table(["name", "Rw"], [["Ni (fcc)", "0.02"]], right=[1]))
      name        Rw
      Ni (fcc)  0.02
    """
    widths = [max(len(row[j]) for row in [head, *rows]) for j in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [cell.rjust(w) if j in right else cell.ljust(w) for j, (cell, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def full(verdict: Verdict) -> str:
    """Say a verdict in full: the answer, its candidates, what to mind, what was assumed."""
    if verdict.error is not None:
        return failure(verdict)
    lines = [headline(verdict), "", candidates(verdict)]
    if verdict.set is not None and len(verdict.set.members) > 1:
        lines += ["", f"{verdict.set.level:.0%} set: {', '.join(verdict.set.members)}"]
    if verdict.deciding is not None and (told := deciding_lines(verdict)):
        rival, ahead = verdict.deciding.other, format_fixed(verdict.deciding.evidence, 1)
        lines += ["", f"What decides, against {rival} (log evidence {ahead} in all)", *(f"  - {text}" for text in told)]
    for title, texts in (("Warnings", verdict.warnings), ("Notes", _notes(verdict)), ("Assumed", verdict.assumptions)):
        if texts:
            lines += ["", title, *(f"  - {text}" for text in texts)]
    return "\n".join(lines)


def headline(verdict: Verdict, name: str = "") -> str:
    """Say the answer in one line, with another name for the input if one is given."""
    best, name = verdict.best, name or verdict.file
    if best is None:
        return f"{name}: no candidate"
    none = format_probability(verdict.none_probability)
    if verdict.task == "identify" and verdict.is_none:
        return f"{name}: none of these (probability {none}); the nearest is {best.name}, Rw {format_fixed(best.rw, 3)}"
    if verdict.task == "identify":
        chance = f"probability {format_probability(best.probability)}, none of these {none}, "
        group = len([c for c in verdict.candidates if c.group == best.group])
        like = f" or {group - 1} like it" if group > 1 else ""
        return f"{name}: {best.name}{like} ({chance}Rw {format_fixed(best.rw, 3)})"
    if is_description(verdict):
        return f"{name}: {sentence(verdict)}"
    return f"{name}: {best.name}, Rw {format_fixed(best.rw, 3)}"


def candidates(verdict: Verdict) -> str:
    """Set the candidates in a table; a refinement, all of its parameters."""
    if verdict.task == "quantify" and verdict.best is not None:
        return estimates(verdict)
    if verdict.task != "identify" and verdict.best is not None:
        return parameters(verdict.best)
    head = ["#", "group", "structure", "formula", "probability", "Rw", "parameters"]
    rows = [
        [
            str(c.rank),
            str(c.group),
            c.name,
            c.formula,
            format_probability(c.probability),
            format_fixed(c.rw, 3),
            main_parameters(c),
        ]
        for c in verdict.candidates
    ]
    return table(head, rows, right=(0, 1, 4, 5))


def parameters(candidate: Candidate) -> str:
    """Set all parameters of a candidate in a table, the phases behind them where there are several."""
    rows = [[name, format_quantity(q), "at its limit" if q.at_limit else ""] for name, q in candidate.parameters.items()]
    text = table(["parameter", "value", ""], rows)
    if len(candidate.phases) > 1:
        shares = [[p.name, p.formula, format_quantity(p.weight_fraction)] for p in candidate.phases]
        if candidate.amorphous is not None:
            shares.append(["amorphous or not accounted for", "", format_quantity(candidate.amorphous)])
        text += "\n\n" + table(["phase", "formula", "weight fraction"], shares)
    return text


def estimates(verdict: Verdict) -> str:
    """Set what was quantified in a table with its intervals, and the references behind it."""
    best = verdict.best
    phases = [] if best is None else best.phases
    rows = []
    for name, q in verdict.parameters.items():
        start, _, bare = name.rpartition(":")
        what = phases[int(start) - 1].name if start.isdecimal() and int(start) <= len(phases) else start
        ends = "" if q.interval is None else format_interval(*q.interval)
        rows.append([what, bare, format_quantity(q) if isfinite(q.value) else "not seen", ends])
    level = next((q.level for q in verdict.parameters.values()), 0.9)
    of = "method" if is_description(verdict) else "part" if is_told(verdict) else "phase"
    text = table([of, "parameter", "value", f"{level:.0%} interval"], rows)
    if any(p.group for p in phases):
        shares = [[p.name, p.group, format_quantity(p.weight_fraction)] for p in phases]
        text += "\n\n" + table(["reference", "phase", "weight fraction"], shares)
    return text


def main_parameters(candidate: Candidate) -> str:
    """Give the first parameters of a candidate in one line."""
    found = [f"{name} {format_quantity(q)}" for name, q in candidate.parameters.items()]
    if len(candidate.phases) > 1:
        shares = " : ".join(format_quantity(p.weight_fraction) for p in candidate.phases)
        found = [f"weight fractions {shares}", *found[: _PARAMETERS - 2]]
    return ", ".join(found[:_PARAMETERS])


def line(verdict: Verdict, name: str = "") -> str:
    """Say a verdict in one line, for many files."""
    if verdict.error is not None:
        return failure(verdict)
    warned = f"  [{len(verdict.warnings)} warning{'s' if len(verdict.warnings) > 1 else ''}]" if verdict.warnings else ""
    detail = main_parameters(verdict.best) if verdict.best is not None and not verdict.is_none else ""
    if is_description(verdict):
        return f"{name or verdict.file}: {short(verdict) or 'nothing could be had'}{warned}"
    if is_told(verdict):
        return f"{name or verdict.file}: {told(verdict)}{warned}"
    if verdict.task == "quantify":
        shares = ", ".join(f"{what} {format_quantity(q)}" for what, q in amounts(verdict))
        rw = "" if verdict.best is None else f", Rw {format_fixed(verdict.best.rw, 3)}"
        return f"{name or verdict.file}: {shares or 'no phase is seen'}{rw}{warned}"
    return f"{headline(verdict, name)}{'  ' + detail if detail else ''}{warned}"


def failure(verdict: Verdict) -> str:
    """Say why a file has no answer, naming the file."""
    error = verdict.error
    if error is None:
        return f"{verdict.file}: {MISSING}"
    where = error.where if verdict.file in error.where else ": ".join(part for part in (verdict.file, error.where) if part)
    return f"{where}: {error.what}. {error.remedy}".rstrip()


def _notes(verdict: Verdict) -> list[str]:
    best = verdict.best
    if best is None or is_description(verdict):
        return [] if best is None else list(best.notes)
    return [f"{best.name}: {note}" for note in best.notes]
