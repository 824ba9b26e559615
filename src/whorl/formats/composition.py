"""Element tables of reduction programs turned into a composition."""

from __future__ import annotations

from whorl.core.hypothesis import SYMBOLS, reduced_formula


def from_fractions(rows: list[tuple[str, str]]) -> str:
    """Write a composition from pairs of symbol and fraction, up to the first that is none.

    Examples
    --------
    >>> from_fractions([("O", "0.6000"), ("Mn", "0.2000"), ("La", "0.2000")])
    'O3MnLa'
    """
    found: dict[str, float] = {}
    for symbol, text in rows:
        try:
            value = float(text)
        except ValueError:
            break
        if symbol not in SYMBOLS or not 0 < value < 1e6:
            break
        found[symbol] = found.get(symbol, 0.0) + value
    if not found:
        return ""
    least = min(found.values())
    return reduced_formula({k: v / least for k, v in found.items()})
