"""Nested dictionaries as TOML text: strings, numbers, truth values, lists, tables, lists of tables.

Python reads TOML and does not write it; cards need no more than this part of it (TOML 1.0.0, https://toml.io/en/v1.0.0).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 120


def to_toml(data: Mapping[str, Any]) -> str:
    r"""Write a dictionary as TOML, keys in their order, values before tables.

    Raises
    ------
    TypeError
        If a value is none of the kinds named above.

    Examples
    --------
    >>> print(to_toml({"name": "toy", "grid": {"step": 0.1}, "metrics": [{"value": 1}]}), end="")
    name = "toy"
    <BLANKLINE>
    [grid]
    step = 0.1
    <BLANKLINE>
    [[metrics]]
    value = 1
    """
    lines = _table(data, ())
    return "\n".join(lines).lstrip("\n") + "\n"


def _table(data: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    lines = [f"{_key(k)} = {_value(v)}" for k, v in data.items() if not _is_table(v) and not _is_tables(v)]
    for key, value in data.items():
        name = ".".join(_key(part) for part in (*path, key))
        if _is_table(value):
            lines += ["", f"[{name}]", *_table(value, (*path, key))]
        elif _is_tables(value):
            for item in value:
                lines += ["", f"[[{name}]]", *_table(item, (*path, key))]
    return lines


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_tables(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and bool(value) and all(map(_is_table, value))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    # JSON's escapes are TOML's; the delete character is the one that JSON leaves as it is and TOML does not take
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, Sequence):
        return _list([_value(item) for item in value])
    raise TypeError(f"{type(value).__name__} has no place in a card")


def _float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = repr(value)
    return text if "." in text or "e" not in text else text.replace("e", ".0e")


def _list(items: Sequence[str]) -> str:
    line = f"[{', '.join(items)}]"
    if len(line) <= _WIDTH:
        return line
    rows, row = [], ""
    for item in items:
        if row and len(row) + len(item) + 2 > _WIDTH - 2:
            rows.append(row)
            row = ""
        row += f"{item}, "
    rows.append(row)
    return "[\n" + "\n".join(f"  {r.rstrip()}" for r in rows) + "\n]"
