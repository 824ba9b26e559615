"""The report on one measurement: one page that opens anywhere without a network, and the machine files beside it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from urllib.parse import quote

from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.report import activation, deciding, origin, sections, solutions
from whorl.report.companions import write_companions
from whorl.report.markup import Child, Markup, page, tag
from whorl.report.storage import safe_stem, write_whole

_CONTENTS = (
    ("best-fit", "Best fit"),
    ("candidates", "Candidates"),
    ("decides", "What decides"),
    ("network", "What the network saw"),
    ("methods", "Method by method"),
    ("structures", "Structures"),
    ("solutions", "All solutions"),
    ("parameters", "Parameters"),
    ("correlations", "Correlations"),
    ("quality", "Fit quality"),
    ("reasons", "Why"),
    ("files", "Files"),
    ("provenance", "Provenance"),
    ("cite", "How to cite"),
)


def write_report(verdict: Verdict, folder: str | Path, *, measurement: Measurement | None = None, command: str = "") -> Path:
    """Write the report of a verdict as one HTML file, with its machine files beside it.

    Parameters
    ----------
    verdict : Verdict
        Of any status; an error has its page too.
    folder : str or Path
        Made when it does not exist.
    measurement : Measurement, optional
        Shows the data outside the fitted range and the band of its sigma.
    command : str
        The command that repeats the run; that of the provenance when not given.

    Returns
    -------
    Path
        Of the page, ``<stem>.html``. Reports on different files of one name in one folder get ``<stem>-2.html`` and so on; the
        report on the same file is replaced.

    Raises
    ------
    WhorlError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> v = Verdict.failed("identify", "a.gr", {"where": "a.gr", "what": "the file is empty", "remedy": "Export it again."})
    >>> write_report(v, tempfile.mkdtemp()).name
    'a.html'
    """
    folder = Path(folder)
    stem = _free_stem(verdict, folder)
    files = [(quote(p.name) if p else "", text) for p, text in write_companions(verdict, folder, stem, measurement)]
    return write_whole(folder / f"{stem}.html", render(verdict, measurement=measurement, command=command, files=files))


def render(
    verdict: Verdict,
    *,
    measurement: Measurement | None = None,
    command: str = "",
    files: list[tuple[str, str]] | None = None,
) -> Markup:
    """Give the page of a verdict as text.

    Parameters
    ----------
    verdict, measurement, command
        As for `write_report`.
    files : list of (str, str), optional
        Relative addresses of files beside the page, and what they are; text alone where the address is empty.

    Returns
    -------
    Markup
        A whole HTML document.
    """
    body: list[Child] = [
        sections.notices(verdict),
        sections.best_fit(verdict, measurement),
        sections.candidates(verdict),
        deciding.what_decides(verdict),
        activation.what_the_network_saw(verdict),
        sections.methods(verdict, measurement),
        sections.gallery(verdict),
        solutions.solutions(verdict),
        sections.parameters(verdict),
        sections.correlations(verdict),
        sections.quality(verdict),
        sections.reasons(verdict),
        sections.file_list(files or []),
        origin.provenance(verdict, command),
        origin.citations(verdict),
    ]
    text = "".join(part for part in body if isinstance(part, str))
    links = [tag("li", tag("a", name, href=f"#{anchor}")) for anchor, name in _CONTENTS if f'id="{anchor}"' in text]
    return page(
        f"{Path(verdict.file).name or 'measurement'} – whorl {verdict.task}",
        stylesheet(),
        tag("a", "Skip to the answer", href="#main", class_="skip"),
        tag(
            "div",
            tag(
                "main",
                sections.head(verdict),
                tag("nav", tag("ul", *links), aria_label="Contents"),
                *body,
                id="main",
            ),
            tag("footer", f"Written by whorl {verdict.whorl}. This page loads nothing from anywhere."),
            class_="wrap",
        ),
    )


@cache
def stylesheet() -> str:
    """Style sheet of all pages."""
    return (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def _free_stem(verdict: Verdict, folder: Path) -> str:
    """Stem of the file name; numbered when a report on another file has it already."""
    base = safe_stem(Path(verdict.file.replace("\\", "/")).stem)
    stem, number = base, 1
    while not _may_use(folder / f"{stem}.verdict.json", verdict):
        number += 1
        stem = f"{base}-{number}"
    return stem


def _may_use(path: Path, verdict: Verdict) -> bool:
    if not path.exists():
        return True
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    return isinstance(old, dict) and (old.get("file"), old.get("task")) == (verdict.file, verdict.task)
