"""What a measurement states of its instrument and sample, in the words of the assumptions of an answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from whorl.core.errors import StructureError
from whorl.core.hypothesis import element_counts


def sources(names: Collection[str], stated: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Say of each setting where its value is from, in the order of ``names``.

    Parameters
    ----------
    names : collection of str
    stated, given : mapping
        Values of the file, and those that the user gave, which win.

    Examples
    --------
    >>> sources(["qmin", "qmax"], {"qmax": 25.0}, {"qmax": 22.0})
    ['qmax: 22.0 (given; the file says 25.0)']
    """
    lines = []
    for name in names:
        if name in given:
            note = f"; the file says {stated[name]}" if name in stated and stated[name] != given[name] else ""
            lines.append(f"{name}: {given[name]} (given{note})")
        elif stated.get(name) is not None:
            value = stated[name]
            lines.append(f"{name}: {f'{value:.6g}' if isinstance(value, float) else value} (file)")
    return lines


def composition(text: Any, warnings: list[str]) -> frozenset[str]:
    """Elements of a stated composition; one that cannot be read is told in ``warnings`` and ignored.

    Examples
    --------
    >>> sorted(composition("LiCoO2", []))
    ['Co', 'Li', 'O']
    """
    if not text:
        return frozenset()
    try:
        return frozenset(element_counts(str(text)))
    except StructureError:
        warnings.append(f"composition {text!r} of the header is not understood and ignored")
        return frozenset()
