"""Space groups from G(r) with the shipped network: what it must get right, what must not matter, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.core.hypothesis import Crystal, Site
from whorl.core.measurement import Measurement
from whorl.formats import read
from whorl.models.inference import open_model
from whorl.models.registry import find_model
from whorl.techniques.pdf import space_groups
from whorl.techniques.pdf.prepare import prepare
from whorl.techniques.pdf.simulate import simulate

SETTINGS = {"qmin": 0.6, "qmax": 22.0, "qdamp": 0.035, "u_iso": 0.007}


@pytest.fixture(scope="module", autouse=True)
def _needs_onnxruntime():
    pytest.importorskip("onnxruntime")


def crystal(number: int, cell: tuple[float, float, float, float, float, float], **sites: tuple[float, float, float]) -> Crystal:
    """Invented compound: sites are named by element and number."""
    found = tuple(Site(name.rstrip("0123456789"), place) for name, place in sites.items())
    return Crystal("invented", cell=cell, space_group=str(number), sites=found)


#: invented members of known structure types: cells and coordinates that no compound of the catalogue has
INVENTED = {
    225: crystal(225, (6.21, 6.21, 6.21, 90, 90, 90), Yb=(0, 0, 0), Te=(0.5, 0.5, 0.5)),
    221: crystal(221, (4.16, 4.16, 4.16, 90, 90, 90), Sr=(0, 0, 0), Hf=(0.5, 0.5, 0.5), O=(0.5, 0.5, 0)),
    227: crystal(227, (10.91, 10.91, 10.91, 90, 90, 90), Cd=(0.125, 0.125, 0.125), Tm=(0.5, 0.5, 0.5), S=(0.2555,) * 3),
    136: crystal(136, (4.79, 4.79, 3.13, 90, 90, 90), Re=(0, 0, 0), O=(0.3021, 0.3021, 0)),
    194: crystal(194, (3.71, 3.71, 5.39, 90, 90, 120), Ti=(0, 0, 0), Se=(1 / 3, 2 / 3, 0.25)),
    62: crystal(
        62,
        (5.63, 7.85, 5.44, 90, 90, 90),
        Nd=(0.052, 0.25, 0.988),
        Cr=(0, 0, 0.5),
        O1=(0.483, 0.25, 0.082),
        O2=(0.292, 0.041, 0.711),
    ),
}


def ranked(structure: Crystal, **changes: float) -> list[int]:
    signal = prepare(simulate(structure, settings=SETTINGS | changes))
    return [group.number for group in space_groups.likelihood(signal)]


@pytest.mark.parametrize("number", INVENTED)
def test_invented_members_of_known_types_are_in_the_first_six(number):
    assert number in ranked(INVENTED[number])[:6]


def test_probabilities_and_systems_sum_to_one():
    found = space_groups.likelihood(prepare(simulate(INVENTED[225], settings=SETTINGS)))
    p = np.array([group.probability for group in found])
    assert len({group.number for group in found}) == 45
    assert p.sum() == pytest.approx(1.0)
    assert np.all(np.diff(p) <= 0)
    systems = space_groups.crystal_systems(found)
    assert sum(systems.values()) == pytest.approx(1.0)
    assert systems["cubic"] == pytest.approx(sum(g.probability for g in found if g.number >= 195))


def test_the_prior_is_what_the_declared_frequencies_say():
    """Of one curve: the ratio of both answers is the ratio of the frequencies."""
    model = open_model(space_groups.MODEL)
    curves = space_groups.curve(prepare(simulate(INVENTED[62], settings=SETTINGS)))[None, :]
    frequencies = np.array(list(space_groups.FREQUENCIES.values()))
    informed, equal = (np.log(space_groups.posterior(model, curves, prior=p)[0]) for p in ("database", "equal"))
    assert np.ptp(informed - equal - np.log(frequencies)) < 1e-6


def test_an_entry_of_a_database_is_told_with_more_confidence():
    signal = prepare(simulate(INVENTED[227], settings=SETTINGS))
    modest, bold = (space_groups.likelihood(signal, prior="equal", known_types=known) for known in (False, True))
    assert [g.number for g in modest] == [g.number for g in bold]  # a temperature changes no order under an equal prior
    assert modest[0].probability < bold[0].probability


def test_scale_does_not_matter_and_the_answer_repeats():
    signal = prepare(simulate(INVENTED[136], settings=SETTINGS))
    first = space_groups.likelihood(signal)
    assert first == space_groups.likelihood(signal)
    scaled = space_groups.likelihood(replace(signal, g=signal.g * 7.3))
    assert [g.number for g in scaled] == [g.number for g in first]
    assert [g.probability for g in scaled] == pytest.approx([g.probability for g in first], abs=1e-5)


@pytest.mark.parametrize("step", [0.005, 0.02, 0.05, 0.1])
def test_the_grid_of_the_file_does_not_matter(step):
    """2e-3 of unit root mean square: what interpolation leaves at Qmax 22 on a step of 0.05."""
    reference = space_groups.curve(prepare(simulate(INVENTED[227], settings=SETTINGS)))
    r = np.arange(1, round(30 / step) + 1) * step
    found = space_groups.curve(prepare(simulate(INVENTED[227], settings=SETTINGS, r=r)))
    assert np.sqrt(np.mean((found - reference) ** 2)) < (2e-3 if step < 0.04 else 2e-2)


def test_what_lies_above_the_trained_q_is_filtered_out():
    wide = space_groups.curve(prepare(simulate(INVENTED[136], settings=SETTINGS | {"qmax": 38.0})))
    narrow = space_groups.curve(prepare(simulate(INVENTED[136], settings=SETTINGS | {"qmax": 26.0})))
    inside = (space_groups.GRID > 2.5) & (space_groups.GRID < 29.0)
    assert np.sqrt(np.mean((wide - narrow)[inside] ** 2)) < 0.02


def test_short_data_are_used_and_too_short_data_refused():
    measurement = simulate(INVENTED[225], settings=SETTINGS)
    found = space_groups.likelihood(prepare(measurement, range=(1.5, 16.0)))
    assert 225 in [g.number for g in found[:6]]
    with pytest.raises(PatternError, match="too early"):
        space_groups.likelihood(prepare(measurement, range=(1.5, 9.0)))


def test_a_flat_file_is_refused():
    r = np.arange(1, 3001) * 0.01
    with pytest.raises(PatternError, match="zero throughout"):
        space_groups.likelihood(prepare(Measurement("gr", r, np.zeros(r.size), settings={"qmax": 20.0})))


def test_the_card_is_complete_and_the_weights_are_small():
    found = find_model(space_groups.MODEL)
    card = found.card
    assert len(card.classes) == 45
    assert card.grid is not None
    assert card.grid.count == space_groups.GRID.size
    for name in ("temperature", "temperature_new"):
        assert 0.3 < float(np.asarray(card.constants[name]).item()) < 6.0
    assert card.constants["frequencies"] == tuple(map(float, space_groups.FREQUENCIES.values()))
    assert card.classes == tuple(map(str, space_groups.FREQUENCIES))
    assert card.known_failures
    assert card.training.cpu_seconds < 3300
    assert len(found.weights()) < 5e6
    assert open_model(space_groups.MODEL).predict(np.zeros((3, card.grid.count))).shape == (3, 45)


@pytest.mark.parametrize(
    ("number", "system"), [(1, "triclinic"), (3, "monoclinic"), (74, "orthorhombic"), (75, "tetragonal"), (167, "trigonal")]
)
def test_crystal_systems(number, system):
    assert space_groups.crystal_system(number) == system


@pytest.mark.parametrize(("name", "number"), [("Ni_bulk", 225), ("mix_Ni", 225), ("mix_Si", 227)])
def test_measured_standards(shared_data, name, number):
    signal = prepare(read(shared_data / "pdf" / "exp" / f"{name}.gr"))
    assert number in [group.number for group in space_groups.likelihood(signal)[:6]]
