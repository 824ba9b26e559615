"""Numbers with standard uncertainties as CIFs and journals write them: 9.4145(2).

The uncertainty is quoted with two digits when these lie between 10 and 19, with one digit otherwise (the rule of 19 of the IUCr
journals), and the value is rounded to the same place (Schwarzenbach et al., Acta Cryst. A51, 565 (1995),
doi:10.1107/S0108767395002340).
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal

from whorl.core.verdict import Quantity


def su_text(value: float, sigma: float | None = None, *, digits: int = 6, rule: int = 19) -> str:
    """Write a value with its standard uncertainty.

    Parameters
    ----------
    value : float
    sigma : float, optional
        ``None`` or 0: not refined; the value is written as it is.
    digits : int
        Significant digits of a value without an uncertainty.
    rule : int
        Largest number that the uncertainty is quoted with: 19, or 199 where a value must keep its digits.

    Examples
    --------
    >>> su_text(9.41447, 0.00024), su_text(0.25), su_text(1234.5, 56.0), su_text(-0.0001, 0.0004), su_text(5e-7, 1.2e-6)
    ('9.4145(2)', '0.25', '1230(60)', '-0.0001(4)', '0.0000005(12)')
    >>> su_text(9.41447, 0.00024, rule=199)
    '9.41447(24)'
    """
    if not math.isfinite(value):
        return "?"
    if sigma is None or not sigma > 0 or not math.isfinite(sigma):
        return plain_text(value, digits)
    exact = Decimal(repr(sigma))
    place = exact.adjusted() + 1 - len(str(rule))
    spread = int(exact.scaleb(-place).quantize(Decimal(1), ROUND_HALF_EVEN))
    if spread > rule:
        place += 1
        spread = int(exact.scaleb(-place).quantize(Decimal(1), ROUND_HALF_EVEN))
    text = f"{Decimal(repr(value)).quantize(Decimal(1).scaleb(place), ROUND_HALF_EVEN):f}"
    if Decimal(text) == 0:
        text = text.lstrip("-")
    return f"{text}({spread * 10 ** max(place, 0)})"


def quantity_text(quantity: Quantity, *, digits: int = 6) -> str:
    """Write a quantity with its standard uncertainty.

    Examples
    --------
    >>> quantity_text(Quantity(value=0.4123, sigma=0.0041))
    '0.412(4)'
    """
    return su_text(quantity.value, quantity.sigma, digits=digits)


def plain_text(value: float, digits: int = 6) -> str:
    """Write a number without an exponent and without trailing zeros.

    Examples
    --------
    >>> plain_text(90.0), plain_text(1 / 3), plain_text(1e-7)
    ('90', '0.333333', '0.0000001')
    """
    if value == 0:
        return "0"
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
