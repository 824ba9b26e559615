"""What the filters keep."""

from __future__ import annotations

import pytest

from whorl.catalogues import Entry, describe, select
from whorl.core.errors import UsageError

PT = Entry("Pt", "c", "Pt (fcc)", "crystal", "Pt", "fcc", frozenset({"Pt"}), 225, 4, 0.0, "s")
SPINEL = Entry("CFO", "c", "CoFe2O4", "crystal", "Co0.5Fe2.5O4", "spinel", frozenset({"Co", "Fe", "O"}), 227, 80, 0.0, "s")
MAGNETITE = Entry("FO", "c", "Fe3O4", "crystal", "Fe3O4", "spinel", frozenset({"Fe", "O"}), 227, 56, 0.0, "s")
OPEN = Entry("ico", "n", "icosahedron", "cluster", "X55", "icosahedron", frozenset(), None, 55, 4.0, "g")
GOLD = Entry("Au55.xyz", "u", "Au55", "cluster", "Au55", "", frozenset({"Au"}), None, 55, 11.0, "f")
ALL = [PT, SPINEL, MAGNETITE, OPEN, GOLD]


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({}, ALL),
        ({"elements": {"Fe", "O"}}, [MAGNETITE, OPEN]),
        ({"elements": {"Fe", "Co", "O", "Pt"}}, [PT, SPINEL, MAGNETITE, OPEN]),
        ({"elements": {"O", "C"}}, []),
        ({"elements": {"Au"}}, [OPEN, GOLD]),
        ({"elements": "AuPt"}, [PT, OPEN, GOLD]),
        ({"formula": "O8 Fe6"}, [MAGNETITE]),
        ({"formula": "Pt"}, [PT, OPEN]),
        ({"formula": "S"}, []),
        ({"space_group": 227}, [SPINEL, MAGNETITE]),
        ({"family": "Spinel"}, [SPINEL, MAGNETITE]),
        ({"size": (3.0, 5.0)}, [PT, SPINEL, MAGNETITE, OPEN]),
        ({"size": (0.0, 20.0), "elements": {"Au"}}, [OPEN, GOLD]),
    ],
)
def test_filters_keep_what_can_be_true_of_the_sample(filters, kept):
    assert select(ALL, **filters) == kept


@pytest.mark.parametrize(
    ("filters", "word"),
    [
        ({"elements": {"Fe", "Xx"}}, "Xx"),
        ({"formula": "hello"}, "hello"),
        ({"space_group": 231}, "231"),
        ({"size": (5.0, 1.0)}, "smallest"),
    ],
)
def test_a_filter_that_is_none_says_what_to_write(filters, word):
    with pytest.raises(UsageError, match=word):
        select(ALL, **filters)


def test_describe_names_unit_and_source():
    assert describe(OPEN) == "icosahedron: cluster, any metal, 55 atoms, 4.00 bond lengths across [n; g]"
    assert "11.00 angstrom across" in describe(GOLD)
