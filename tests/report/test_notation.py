"""Numbers as crystallographers print them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.core.verdict import Quantity
from whorl.report.notation import format_fixed, format_quantity, format_su, pretty_label, pretty_unit


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (3.52477, 0.00053, "3.5248(5)"),
        (3.52477, 0.00015, "3.52477(15)"),  # 15 < 20: two digits
        (3.52477, 0.00019, "3.52477(19)"),
        (3.52477, 0.00020, "3.5248(2)"),  # 20: one digit
        (3.52477, 0.000196, "3.5248(2)"),  # rounds up to 20
        (3.52477, 0.0096, "3.525(10)"),  # one digit would be 10: shown as the two digits it has become
        (3.52477, 0.0995, "3.52(10)"),
        (3.92331, 0.00042, "3.9233(4)"),
        (32.1, 1.2, "32.1(12)"),
        (32.14, 2.0, "32(2)"),
        (1234.5, 56.0, "1230(60)"),
        (1234.5, 12.0, "1234(12)"),  # half to even
        (1234.5, 123.0, "1230(120)"),
        (0.0, 0.5, "0.0(5)"),
        (-0.004, 0.05, "0.00(5)"),  # no minus zero
        (-1.25, 0.03, "−1.25(3)"),
        (0.002, 0.5, "0.0(5)"),
        (0.00934, 0.00016, "0.00934(16)"),
        (1.234e-6, 3e-8, "1.23(3)×10⁻⁶"),
        (6.02214e23, 1e19, "6.02214(10)×10²³"),
        (3.5, None, "3.5"),
        (3.5, 0.0, "3.5"),
        (1 / 3, None, "0.33333"),
        (123456.7, None, "123457"),
        (0.0, None, "0"),
        (2.5e-7, None, "2.5×10⁻⁷"),
        (math.nan, 0.1, "–"),
        (1.5, math.inf, "1.5(?)"),
        (1.5, math.nan, "1.5(?)"),
    ],
)
def test_format_su(value, sigma, text):
    assert format_su(value, sigma) == text


@given(st.floats(-9e5, 9e5), st.floats(1e-4, 1e4))
def test_su_reads_back_within_rounding(value, sigma):
    """The printed value is within half a unit of its last digit, sigma within the 25 % of one digit."""
    text = format_su(value, sigma).replace("−", "-")
    body, _, rest = text.partition("(")
    if "×" in rest:
        return
    decimals = len(body.partition(".")[2])
    digits = int(rest.rstrip(")"))
    printed = digits * 10.0**-decimals
    assert abs(printed - sigma) <= 0.25 * sigma + 1e-12
    assert abs(float(body) - value) <= 0.5 * sigma + 1e-9 * abs(value)


def test_units_and_labels():
    assert format_quantity(Quantity(value=90.0, sigma=0.02, unit="degree")) == "90.00(2)°"
    assert format_quantity(Quantity(value=0.5, unit="1")) == "0.5"
    assert pretty_unit("1/angstrom") == "Å⁻¹"
    assert pretty_unit("arbitrary") == "arbitrary"
    assert pretty_unit("counts per second") == "counts per second"
    assert pretty_label("S(Q) (1)") == "S(Q)"
    assert format_fixed(-0.0001, 2) == "0.00"
