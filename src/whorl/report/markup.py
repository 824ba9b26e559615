"""The smallest HTML writer that cannot forget to escape: text is escaped unless it is `Markup` already.

The output is well-formed XML as well as HTML, so that a strict parser can check a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# characters that neither XML nor UTF-8 can carry: controls and the lone surrogates of undecodable file names
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_VOID = frozenset({"meta", "link", "br", "hr", "img", "col", "circle", "path", "line", "stop", "rect", "use"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | int | None


def escape(text: str) -> Markup:
    """Make any text safe inside an element or a quoted attribute.

    Examples
    --------
    >>> escape('<script>"a" & b')
    '&lt;script&gt;&quot;a&quot; &amp; b'
    """
    clean = _FORBIDDEN.sub("\ufffd", str(text))
    for raw, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        clean = clean.replace(raw, safe)
    return Markup(clean)


def tag(name: str, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """Write an element.

    Parameters
    ----------
    name : str
        Name of the element.
    children : str, `Markup`, int or None
        Contents; plain text is escaped, ``None`` skipped.
    attributes : str, number, bool or None
        ``class_`` gives ``class``, ``aria_label`` gives ``aria-label``; ``True`` repeats the name, ``None`` and ``False`` skip.

    Examples
    --------
    >>> tag("p", "1 < 2", class_="note", hidden=True)
    '<p class="note" hidden="hidden">1 &lt; 2</p>'
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        label = key.rstrip("_").replace("_", "-")
        parts.append(f'{label}="{label if value is True else escape(str(value))}"')
    start = " ".join(parts)
    if name in _VOID and not children:
        return Markup(f"<{start}/>")
    return Markup(f"<{start}>{join(children)}</{name}>")


def join(children: Iterable[Child], between: str = "") -> Markup:
    """Put contents one after another, escaping what is plain text."""
    return Markup(between.join(c if isinstance(c, Markup) else escape(str(c)) for c in children if c is not None))


def table(
    caption: str,
    head: list[str],
    rows: Iterable[list[Child]],
    *,
    numeric: frozenset[int] = frozenset(),
    class_: str | None = None,
    hide_caption: bool = False,
) -> Markup:
    """Write a table whose first column heads the rows; columns in ``numeric`` are set in figures that align.

    Examples
    --------
    >>> '<th scope="row">a</th>' in table("t", ["name", "value"], [["a", 1]])
    True
    """
    header = [tag("th", h, scope="col", class_="num" if i in numeric else None) for i, h in enumerate(head)]
    body = []
    for row in rows:
        cells = [tag("th", row[0], scope="row")]
        cells += [tag("td", c, class_="num" if i in numeric else None) for i, c in enumerate(row[1:], 1)]
        body.append(tag("tr", *cells))
    inner = tag(
        "table",
        tag("caption", caption, class_="hidden" if hide_caption else None),
        tag("thead", tag("tr", *header)),
        tag("tbody", join(body, "\n")),
        class_=class_,
    )
    return tag("div", inner, class_="scroll", tabindex=0, role="region", aria_label=caption)


def page(title: str, style: str, *body: Child) -> Markup:
    """Write a whole document: no script, nothing loaded from anywhere, and a policy that says so.

    Examples
    --------
    >>> page("t", "", tag("main", "x")).startswith("<!DOCTYPE html>")
    True
    """
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    return Markup(f"<!DOCTYPE html>\n{tag('html', head, tag('body', *body), lang='en')}\n")
