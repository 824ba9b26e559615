"""Arithmetic in a file: numbers, names of genes, + - * / **, sqrt, min, max; nothing else is understood, nor runs."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from whorl.core.errors import StructureError

_TWO: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip
_CALLS: dict[str, Callable[..., float]] = {"sqrt": math.sqrt, "min": min, "max": max}
_LONGEST = 200
_REMEDY = "Use numbers, names of genes, + - * / **, sqrt, min and max."


def compiled(text: str | float, names: Collection[str], *, where: str) -> Callable[[Mapping[str, float]], float]:
    """Read a formula; the answer gives its value for values of the genes.

    Raises
    ------
    StructureError
        If it is not one, or has names that are not known.

    Examples
    --------
    >>> compiled("radius + 2 * wall", {"radius", "wall"}, where="")({"radius": 50.0, "wall": 5.0})
    60.0
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        value = float(text)
        return lambda _: value
    try:
        tree = ast.parse(str(text)[: _LONGEST + 1], mode="eval").body
        _check(tree, names)
    except (SyntaxError, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is no formula"
        raise StructureError(f"{text!r}: {reason}", where=where, remedy=_REMEDY) from error

    def value_of(values: Mapping[str, float]) -> float:
        try:
            return float(_value(tree, values))
        except (ArithmeticError, ValueError, TypeError):
            return math.nan

    return value_of


def _check(node: Any, names: Collection[str]) -> None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return
    if isinstance(node, ast.Name):
        if node.id not in names:
            raise ValueError(f"no gene {node.id!r}")
        return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        _check(node.operand, names)
        return
    if isinstance(node, ast.BinOp) and type(node.op) in _TWO:
        _check(node.left, names)
        _check(node.right, names)
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS and not node.keywords:
        for argument in node.args:
            _check(argument, names)
        return
    raise ValueError("not understood")


def _value(node: Any, values: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return float(values[node.id])
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, values)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        return _TWO[type(node.op)](_value(node.left, values), _value(node.right, values))
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return _CALLS[node.func.id](*(_value(argument, values) for argument in node.args))
