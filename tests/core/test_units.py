"""Units at the edge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.core.errors import UsageError
from whorl.core.units import LENGTH, MOMENTUM, b_from_u, convert, u_from_b


@pytest.mark.parametrize(
    ("value", "unit", "table", "expected"),
    [
        (2.0, "nm", LENGTH, 20.0),
        (250.0, "pm", LENGTH, 2.5),
        (1.5, "Angstroms", LENGTH, 1.5),
        (1.5, " Å ", LENGTH, 1.5),
        (250.0, "1/nm", MOMENTUM, 25.0),
        (250.0, "nm⁻¹", MOMENTUM, 25.0),
        (25.0, "Å⁻¹", MOMENTUM, 25.0),
        (25.0, "A^-1", MOMENTUM, 25.0),
    ],
)
def test_convert(value, unit, table, expected):
    assert convert(value, unit, table) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("unit", "table"), [("furlong", LENGTH), ("nm", MOMENTUM), ("", LENGTH), ("1/nm", LENGTH)])
def test_unknown_units_list_the_known_ones(unit, table):
    with pytest.raises(UsageError, match=r"Use one of .*a"):
        convert(1.0, unit, table)


@given(st.floats(1e-6, 10))
def test_u_and_b(u_iso):
    assert u_from_b(b_from_u(u_iso)) == pytest.approx(u_iso, rel=1e-14)
    assert b_from_u(u_iso) / u_iso == pytest.approx(78.95683520871486)  # 8 pi^2
