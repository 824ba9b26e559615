"""Cards: what is written is what is read, and nonsense is refused with the field that is wrong."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.models.card import Card, Grid, Interval, Metric, ModelError, Port, Training, read_card, write_card
from whorl.models.tomltext import to_toml

FULL = Card(
    name="toy-net",
    title='A "toy" of α and \\ and \n line',
    task="proposer",
    engine="onnx",
    file="toy-net.onnx",
    sha256="0" * 64,
    domain="nothing",
    grid=Grid(start=0, stop=30, step=0.1, unit="angstrom"),
    inputs=(Port(name="g", shape="n x 301", unit="1/angstrom^2", meaning="G(r)"),),
    outputs=(Port(name="p", shape="n x 2", meaning="probabilities"),),
    ranges={"qmax": Interval(low=12, high=25, unit="1/angstrom"), "odd key!": Interval(low=1e-7, high=1e22, law="fixed")},
    training=Training(
        command="whorl train toy-net", seed=3, cases=10, settings={"depth": 3, "rate": 0.1, "on": True, "c": "x"}
    ),
    metrics=(Metric(name="top-1", value=0.5, low=0.4, high=0.6, cases=100), Metric(name="top-3", value=0.9)),
    known_failures=("it is a toy",),
    references=("A. Author, J. Toys 1, 2 (2003)",),
    classes=tuple(f"class {i}" for i in range(60)),
    constants={"temperature": 1.25, "mean": (0.1, 0.2)},
)


def test_a_card_survives_its_file(tmp_path):
    write_card(FULL, tmp_path / "toy-net.toml")
    assert read_card(tmp_path / "toy-net.toml") == FULL
    assert max(len(line) for line in (tmp_path / "toy-net.toml").read_text().splitlines()) <= 124


values = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text())
lists = st.one_of(st.lists(st.text(), max_size=40), st.lists(st.floats(allow_nan=False), max_size=40))


@given(
    st.recursive(
        st.dictionaries(st.text(), st.one_of(values, lists), max_size=4),
        lambda inner: st.dictionaries(st.text(), st.one_of(values, inner, st.lists(inner, min_size=1, max_size=3)), max_size=4),
        max_leaves=10,
    )
)
def test_any_nested_dictionary_is_written_as_toml_that_says_the_same(data):
    assert tomllib.loads(to_toml(data)) == data


def test_what_toml_cannot_say_is_refused():
    with pytest.raises(TypeError):
        to_toml({"a": None})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": "Not A Name"}, "name"),
        ({"file": "../elsewhere.onnx"}, "file"),
        ({"engine": "pickle"}, "engine"),
        ({"sha256": "abc"}, "sha256"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_field_is_named(change, named):
    data = tomllib.loads(FULL.to_text()) | change
    with pytest.raises(ModelError, match=named) as caught:
        Card.from_text(to_toml(data), where="toy-net.toml")
    assert str(caught.value).startswith("toy-net.toml: ")


def test_broken_files_are_told(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "b.toml").write_text("name = ")
    for name in ("a.toml", "b.toml", "c.toml"):
        with pytest.raises(ModelError, match=name):
            read_card(tmp_path / name)
