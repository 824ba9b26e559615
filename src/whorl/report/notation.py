"""Numbers and units as crystallographers print them: 3.5248(5) Å, probabilities, ranges.

The digits follow the *rule of 19* of the IUCr journals: a standard uncertainty is quoted with two digits when these lie
between 10 and 19 and with one digit otherwise, and the value is rounded to the same decimal place
(Schwarzenbach et al., Acta Cryst. A51, 565 (1995), doi:10.1107/S0108767395002340).
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, Decimal

from whorl.core.verdict import Quantity

#: shown instead of a number that does not exist
MISSING = "–"
MINUS = "−"
FIGURE_SPACE = "\u2007"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_UNIT_WORDS = {"angstrom": "Å", "degree": "°", "degrees": "°", "deg": "°", "kelvin": "K", "1": "", "": ""}


def format_su(value: float, sigma: float | None = None) -> str:
    """Write a value with its standard uncertainty in the last digits.

    Parameters
    ----------
    value : float
    sigma : float, optional
        Standard uncertainty in the unit of ``value``. ``None`` or 0: not refined, five significant digits are shown.
        Not finite: unknown, shown as ``(?)``.

    Returns
    -------
    str
        For example ``"3.5248(5)"``; below 10^-4 and from 10^6 a power of ten is split off.

    Examples
    --------
    >>> format_su(3.52477, 0.00053), format_su(0.00587, 0.00015), format_su(1234.5, 56.0)
    ('3.5248(5)', '0.00587(15)', '1230(60)')
    >>> format_su(2.0), format_su(-1.2345e-7, 2e-9)
    ('2', '−1.23(2)×10⁻⁷')
    """
    if not math.isfinite(value):
        return MISSING
    if sigma is None or sigma == 0:
        return _plain(value)
    if not math.isfinite(sigma):
        return f"{_plain(value)}(?)"
    last, digits = _rounded(abs(sigma))
    top = max(abs(value), abs(sigma))
    shift = math.floor(math.log10(top)) if (top < 1e-4 or top >= 1e6) else 0
    number = Decimal(repr(value)).scaleb(-shift)
    place = last - shift
    text = f"{number.quantize(Decimal(1).scaleb(place), ROUND_HALF_EVEN):f}"
    uncertainty = digits
    if place > 0:
        uncertainty = digits * 10**place
    if Decimal(text) == 0:
        text = text.lstrip("-")
    text = text.replace("-", MINUS)
    return f"{text}({uncertainty})" + (f"×10{_power(shift)}" if shift else "")


def _rounded(sigma: float) -> tuple[int, int]:
    """Decimal place of the last digit of sigma and its digits as an integer, by the rule of 19."""
    exact = Decimal(repr(sigma))
    place = exact.adjusted() - 1
    digits = int((exact.scaleb(-place)).quantize(Decimal(1), ROUND_HALF_EVEN))
    if digits < 20:
        return place, digits
    digits = int((exact.scaleb(-place - 1)).quantize(Decimal(1), ROUND_HALF_EVEN))
    return place + 1, digits


def _plain(value: float) -> str:
    """Five significant digits, without trailing zeros; a power of ten for the very small and the very large."""
    if value == 0:
        return "0"
    shift = math.floor(math.log10(abs(value)))
    if -4 <= shift < 6:
        text = f"{value:.{max(4 - shift, 0)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.replace("-", MINUS)
    mantissa = f"{value / 10.0**shift:.4f}".rstrip("0").rstrip(".")
    return f"{mantissa}×10{_power(shift)}".replace("-", MINUS)


def _power(exponent: int) -> str:
    return str(exponent).translate(_SUPERSCRIPT)


def format_quantity(quantity: Quantity) -> str:
    """Write a quantity with its uncertainty and its unit.

    Examples
    --------
    >>> format_quantity(Quantity(value=3.52477, sigma=0.00053, unit="angstrom"))
    '3.5248(5) Å'
    """
    unit = pretty_unit(quantity.unit)
    return f"{format_su(quantity.value, quantity.sigma)}{'' if unit == '°' else ' '}{unit}".rstrip()


def pretty_unit(unit: str) -> str:
    """Write a unit for people.

    Examples
    --------
    >>> pretty_unit("angstrom^2"), pretty_unit("1/angstrom^2"), pretty_unit("1"), pretty_unit("eV")
    ('Å²', 'Å⁻²', '', 'eV')
    """
    text = unit.strip()
    if text in _UNIT_WORDS:
        return _UNIT_WORDS[text]
    inverse = text.startswith("1/")
    base, _, power = text.removeprefix("1/").partition("^")
    if not re.fullmatch(r"-?\d*", power) or not re.fullmatch(r"[A-Za-zÅµ°%]+", base):
        return text
    exponent = (-1 if inverse else 1) * int(power or 1)
    name = _UNIT_WORDS.get(base, base)
    return name if exponent == 1 else name + _power(exponent)


def pretty_label(label: str) -> str:
    """Write an axis label for people: the unit in parentheses in its short form, Greek letters as such.

    Examples
    --------
    >>> pretty_label("G(r) (1/angstrom^2)"), pretty_label("r (angstrom)")
    ('G(r) (Å⁻²)', 'r (Å)')
    """
    found = re.fullmatch(r"(.*)\s\(([^()]*)\)", label)
    if not found:
        return label
    unit = pretty_unit(found[2])
    symbol = found[1].replace("2theta", "2θ")
    return f"{symbol} ({unit})" if unit else symbol


def label_symbol(label: str) -> tuple[str, str]:
    """Split an axis label into symbol and short unit.

    Examples
    --------
    >>> label_symbol("r (angstrom)")
    ('r', 'Å')
    """
    found = re.fullmatch(r"(.*)\s\(([^()]*)\)", label)
    return (found[1].replace("2theta", "2θ"), pretty_unit(found[2])) if found else (label, "")


def format_probability(p: float | None) -> str:
    """Write a probability with two decimals, never as a false certainty.

    Examples
    --------
    >>> [format_probability(p) for p in (0.934, 0.9991, 0.0003, 1.0, 0.0, None)]
    ['0.93', '> 0.99', '< 0.01', '> 0.99', '< 0.01', '–']
    """
    if p is None or not math.isfinite(p):
        return MISSING
    if p > 0.995:
        return "> 0.99"
    return "< 0.01" if p < 0.005 else f"{p:.2f}"


def format_fixed(value: float | None, decimals: int) -> str:
    """Write a number with a fixed count of decimals and a true minus sign.

    Examples
    --------
    >>> format_fixed(-3.14159, 1), format_fixed(None, 2)
    ('−3.1', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:.{decimals}f}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", MINUS)


def align(texts: list[str]) -> list[str]:
    """Pad numbers with figure spaces on the left so that their decimal points stand in one column.

    Examples
    --------
    >>> [t.replace(FIGURE_SPACE, "_") for t in align(["3.52", "12.1(3)", "100"])]
    ['__3.52', '_12.1(3)', '100']
    """
    lead = [len(re.split(r"[.(×]", text, maxsplit=1)[0]) for text in texts]
    width = max(lead, default=0)
    return [FIGURE_SPACE * (width - n) + text for n, text in zip(lead, texts, strict=True)]


def listed(names: list[str]) -> str:
    """Join names as a sentence does.

    Examples
    --------
    >>> listed(["A"]), listed(["A", "B"]), listed(["A", "B", "C"])
    ('A', 'A and B', 'A, B and C')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def format_interval(low: float, high: float) -> str:
    """Write an interval with as many digits as its width needs.

    Examples
    --------
    >>> format_interval(0.207381, 0.485518), format_interval(4.15701, 4.15923), format_interval(120.3, 480.9)
    ('0.21 to 0.49', '4.1570 to 4.1592', '120 to 480')
    """
    width = high - low
    if not (math.isfinite(width) and width > 0):
        return f"{low:.6g} to {high:.6g}"
    digits = 1 - math.floor(math.log10(width))
    return " to ".join(f"{round(value, digits):.{max(digits, 0)}f}" for value in (low, high))
