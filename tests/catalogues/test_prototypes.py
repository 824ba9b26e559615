"""The grammar of the data files."""

from __future__ import annotations

import pytest

from whorl.catalogues.prototypes import coordinate, full_cell, read_members
from whorl.core.errors import CatalogueError

GOOD = """
[references]
here = "A. Author, J. Test 1, 1 (2000)"
[[prototype]]
family = "spinel"
number = 227
space_group = "F d -3 m:2"
sites = ["8a 1/8 1/8 1/8", "16d 1/2 1/2 1/2", "32e u u u"]
members = [
  { formula = "Fe2O3", called = "maghemite", on = "Fe Fe5/6 O", cell = [8.35], free = { u = 0.255 }, ref = "here" },
]
"""


def test_reads_a_member_with_vacancies(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(GOOD)
    (member,) = read_members(path)
    assert member.key == "Fe2O3-maghemite"
    assert member.name == "Fe2O3 (maghemite)"
    assert member.contents == pytest.approx({"Fe": 8 + 16 * 5 / 6, "O": 32})
    assert member.atoms == len(member.crystal.expansion.site) == 56
    assert [site.label for site in member.crystal.sites] == ["Fe1", "Fe2", "O1"]
    assert member.crystal.source == "A. Author, J. Test 1, 1 (2000)"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('ref = "here"', 'ref = "there"', "there"),
        ("cell = [8.35]", "cell = [8.35, 8.35]", "free parameters"),
        ("32e u u u", "32e u v u", "'v'"),
        ("Fe Fe5/6 O", "Fe O", "argument"),
        ("Fe Fe5/6 O", "Fe fe O", "fe"),
    ],
)
def test_a_bad_table_names_file_family_and_formula(tmp_path, old, new, word):
    path = tmp_path / "x.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(CatalogueError, match=word) as caught:
        [member.crystal for member in read_members(path)]
    if word != "'v'":
        assert caught.value.where == "x.toml, spinel, Fe2O3"


@pytest.mark.parametrize("text", ["", "x+", "+", "1//2", "x y", "q"])
def test_coordinates_that_are_none(text):
    with pytest.raises(CatalogueError, match="coordinate"):
        coordinate(text, {"x": 0.1, "y": 0.2})


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0.0), ("2/3", 2 / 3), ("-x", -0.1), ("x-1/2", -0.4), ("1/2-x", 0.4), ("2x", 0.2), ("0.25", 0.25)]
)
def test_coordinates(text, value):
    assert coordinate(text, {"x": 0.1}) == pytest.approx(value)


@pytest.mark.parametrize(
    ("number", "short", "cell"),
    [
        (139, [3.0, 9.0], (3.0, 3.0, 9.0, 90, 90, 90)),
        (166, [3.0, 9.0], (3.0, 3.0, 9.0, 90, 90, 120)),
        (62, [1.0, 2.0, 3.0], (1.0, 2.0, 3.0, 90, 90, 90)),
        (2, [1.0, 2.0, 3.0, 80, 85, 95], (1.0, 2.0, 3.0, 80, 85, 95)),
    ],
)
def test_full_cell(number, short, cell):
    assert full_cell(number, short) == cell
