"""Where an answer comes from and how to repeat and cite it: provenance, command, references."""

from __future__ import annotations

import json
import shlex

from whorl.core.verdict import Verdict
from whorl.report.citations import citations_for
from whorl.report.markup import Child, Markup, table, tag
from whorl.report.sections import section


def provenance(verdict: Verdict, command: str) -> Markup:
    """Input, versions, parameters, and the command that repeats the run."""
    found = verdict.provenance
    rows: list[list[Child]] = [
        ["File", tag("span", verdict.file, class_="mono")],
        ["SHA-256", _mono(verdict.sha256)],
        ["whorl", verdict.whorl],
    ]
    if verdict.run:
        rows.append(["Run", _mono(verdict.run)])
    if found is not None:
        rows += [["Started", found.time or "–"], ["Python", found.python or "–"], ["Seed", str(found.seed)]]
    if verdict.seconds:
        rows.append(["Time taken", f"{verdict.seconds:.1f} s"])
    parts: list[Child] = [table("Provenance of the answer", ["What", "Value"], rows, class_="fit", hide_caption=True)]
    if found is not None and found.catalogues:
        parts.append(_pairs("Catalogues searched and the hash of their content", ("Catalogue", "Hash"), found.catalogues))
    if found is not None and found.parameters:
        values = {
            k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False, default=str) for k, v in found.parameters.items()
        }
        parts.append(
            tag(
                "details",
                tag("summary", "Parameters of the run"),
                _pairs("Parameters of the run and their values", ("Parameter", "Value"), values),
            )
        )
    if found is not None and found.packages:
        parts.append(
            tag(
                "details",
                tag("summary", "Versions of packages"),
                _pairs("Packages and their versions", ("Package", "Version"), found.packages),
            )
        )
    return section(
        "provenance",
        "Provenance",
        *parts,
        tag("h3", "The command that repeats this"),
        tag("pre", tag("code", repeat_command(verdict, command))),
    )


def repeat_command(verdict: Verdict, command: str = "") -> str:
    """Command given, else the recorded one, else the shortest that makes sense.

    Examples
    --------
    >>> repeat_command(Verdict(whorl="0", task="identify", file="my data.gr"))
    "whorl identify 'my data.gr'"
    """
    recorded = verdict.provenance.command if verdict.provenance else ""
    return command or recorded or f"whorl {verdict.task} {shlex.quote(verdict.file)}"


def _mono(text: str) -> Markup:
    return tag("span", text or "–", class_="mono")


def _pairs(caption: str, head: tuple[str, str], values: dict[str, str]) -> Markup:
    return table(caption, list(head), [[k, _mono(v)] for k, v in values.items()], class_="fit")


def citations(verdict: Verdict) -> Markup:
    """References of whorl and of the methods that made this answer."""
    items = []
    for c in citations_for(verdict):
        link = [", ", tag("a", f"doi:{c.doi}", href=c.url, rel="noreferrer")] if c.doi else []
        items.append(tag("li", c.text, *link, tag("span", f" ({c.purpose})", class_="sub")))
    return section("cite", "How to cite", tag("ol", *items, class_="cite"))
