"""Instrument parameters and the errors of impossible ones."""

from __future__ import annotations

import pytest

from whorl.core.errors import UsageError
from whorl.techniques import get_technique, technique_for
from whorl.techniques.pdf.instrument import SETTINGS, PdfInstrument, make_instrument


def test_defaults_are_none_of_the_files_business():
    made = make_instrument({})
    assert (made.radiation, made.qmin, made.qmax, made.qdamp, made.qbroad) == ("x-ray", 0.5, None, 0.03, 0.0)


def test_other_settings_and_none_are_passed_over():
    made = make_instrument({"composition": "Ni", "temperature": 300.0, "qmax": None, "qdamp": 0.05})
    assert made == PdfInstrument(qdamp=0.05)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"qmax": 0.0}, "qmax"),
        ({"qmax": -3.0}, "qmax"),
        ({"qmax": float("nan")}, "qmax"),
        ({"qmax": 1e6}, "qmax"),
        ({"qmin": -0.1}, "qmin"),
        ({"qdamp": -0.1}, "qdamp"),
        ({"qbroad": 2.0}, "qbroad"),
        ({"radiation": "muon"}, "radiation"),
        ({"qmax": "wide"}, "qmax"),
        ({"qmin": 9.0, "qmax": 5.0}, "qmax 5 is not above qmin 9"),
    ],
)
def test_impossible_values_are_named_with_their_place(settings, name):
    with pytest.raises(UsageError, match=name) as caught:
        make_instrument(settings, where="Ni.gr")
    assert caught.value.where == "Ni.gr"


def test_numbers_may_come_as_text():
    assert make_instrument({"qmax": "22.5"}).qmax == 22.5


def test_every_parameter_can_be_set():
    assert set(PdfInstrument.model_fields) <= set(SETTINGS)


def test_the_registry():
    assert get_technique("pdf").key == "pdf"
    assert all(technique_for(kind).key == "pdf" for kind in ("gr", "fq", "sq", "iq"))
    with pytest.raises(UsageError, match="unknown technique 'xrd'"):
        get_technique("xrd")
    with pytest.raises(UsageError, match="no technique takes"):
        technique_for("mu")
