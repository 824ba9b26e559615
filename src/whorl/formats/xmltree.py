"""XML of a stranger, read safely: no document types, no entities, bounded depth; names without their namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError

_DEEPEST = 100


@dataclass
class Node:
    """An element: its name and attributes without namespaces (``xsi:type`` is ``type`` unless there is one), text, children."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, name: str) -> Iterator[Node]:
        """Give every element of that name below this one, in the order of the file."""
        pending = self.children[::-1]
        while pending:
            node = pending.pop()
            if node.name == name:
                yield node
            pending.extend(reversed(node.children))

    def find(self, *path: str) -> Node | None:
        """Give the first element that the names lead to, each anywhere below the one before."""
        node: Node | None = self
        for name in path:
            node = next(node.all(name), None) if node is not None else None
        return node

    def child(self, name: str) -> Node | None:
        """Give the first child of that name."""
        return next((node for node in self.children if node.name == name), None)

    def said(self, *path: str) -> str:
        """Text of the element that the names lead to, or its attribute ``Value``; empty when there is none."""
        node = self.find(*path)
        return "" if node is None else (node.text.strip() or node.attributes.get("Value", ""))

    def number(self, *path: str) -> float | None:
        """Number in the element that the names lead to, ``None`` when there is none."""
        return number(self.said(*path))


def number(text: str) -> float | None:
    """Read a finite number, ``None`` when it is none.

    Examples
    --------
    >>> number(" 1.5 "), number("nan"), number("")
    (1.5, None, None)
    """
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def numbers(text: str, where: str) -> NDArray[np.float64]:
    """Read a list of numbers with white space between them.

    Raises
    ------
    PatternError
        If one is none.
    """
    words = text.split()
    try:
        return np.array(words, dtype=np.float64)
    except ValueError:
        bad = next(word for word in words if number(word) is None)
        raise PatternError(f"{bad[:40]!r} is not a number", where=where, remedy="Export the file again.") from None


def tree_of(data: bytes, where: str) -> Node:
    """Parse a document.

    Raises
    ------
    PatternError
        If it is not well formed, declares a document type or entities, or is nested absurdly.

    Examples
    --------
    >>> root = tree_of(b'<a xmlns="x"><b unit="deg"> 1 2 </b></a>', "a.xml")
    >>> root.find("b").attributes["unit"], numbers(root.said("b"), "a.xml").tolist()
    ('deg', [1.0, 2.0])
    """
    top = Node("")
    stack = [top]
    pieces: list[list[str]] = [[]]
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise PatternError("XML nested absurdly deep", where=where, remedy="Export the file again.")
        node = Node(name.rpartition(":")[2], {})
        for key, value in attributes.items():
            node.attributes.setdefault(key.rpartition(":")[2], value)
        stack[-1].children.append(node)
        stack.append(node)
        pieces.append([])

    def end(_: str) -> None:
        stack.pop().text = "".join(pieces.pop())

    def characters(text: str) -> None:
        pieces[-1].append(text)

    def refuse(*_: object) -> None:
        raise PatternError(
            "the XML declares a document type or entities", where=where, remedy="Remove the <!DOCTYPE ...> part."
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise PatternError(
            f"this is no complete XML ({reason})",
            where=f"{where}, line {error.lineno}",
            remedy="The file may be cut off: copy or export it again.",
        ) from error
    return top.children[0]
