"""A refined series on a page: when phases were there, what is drawn, the table."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.core.verdict import Candidate, Phase, Quantity, Verdict
from whorl.report import course, write_series_report
from whorl.report.frames import series_table
from whorl.report.sequence_table import write_sequence


def frame(number: int, *, seen: bool, notes: tuple[str, ...] = ()) -> Verdict:
    """A frame of two phases, of which the second is refined or held."""
    q = Quantity
    sigma = 0.001 if seen else None
    share = 0.4 if seen else 0.0
    parameters = {
        "1:a": q(value=4.0 + 0.01 * number, sigma=0.002, unit="angstrom"),
        "2:a": q(value=3.0 + (0.02 * number if seen else 0.0), sigma=sigma, unit="angstrom"),
        "2:scale": q(value=share, sigma=0.01),
        "zero": q(value=0.01, sigma=0.001, unit="degree"),
    }
    phases = [
        Phase(name=n, formula="X", weight_fraction=q(value=w, sigma=0.01)) for n, w in (("host", 1 - share), ("guest", share))
    ]
    best = Candidate(
        rank=1, group=1, name="host + guest", kind="crystal", formula="X", probability=1.0, rw=0.05, evidence=0.0,
        parameters=parameters, phases=phases, notes=list(notes),
    )  # fmt: skip
    return Verdict(whorl="0.1.0", task="refine", file=f"{number}.xy", candidates=[best], none_probability=0.1)


@pytest.fixture
def verdicts():
    found = [frame(k, seen=k in (2, 3, 5)) for k in range(6)]
    found[3].candidates[0].notes.append("started anew: from the frame before Rw was 0.0600")
    failed = Verdict.failed("refine", "6.xy", {"where": "6.xy", "what": "the file is empty", "remedy": "Export it again."})
    return [*found, failed]


def test_story_of_the_phases(verdicts):
    columns = series_table(verdicts[:6], 300 + 10.0 * np.arange(6), "temperature (kelvin)")
    assert course.story(verdicts[:6], columns) == "Host throughout; guest is seen from 320 to 330, at 350 (temperature (K))."
    assert not course.there(verdicts[0].best, 2)
    assert course.there(verdicts[2].best, 2)
    assert course.story([verdicts[6]], series_table([verdicts[6]])) == "No frame could be refined."


def test_held_values_are_not_drawn(verdicts):
    """They stay in the table."""
    columns = series_table(verdicts)
    drawn = course._refined_only(columns).columns
    assert np.isfinite(drawn["2:a"].values).tolist() == [False, False, True, True, False, True, False]
    assert np.isfinite(drawn["1:a"].values).sum() == 6
    assert course.telling(columns, 3) == ["fraction of host", "fraction of guest", "1:a"]


def test_page_and_table(verdicts, tmp_path):
    coordinate = 300 + 10.0 * np.arange(7)
    page = write_series_report(verdicts, tmp_path, coordinate=coordinate, coordinate_label="temperature (kelvin)")
    text = page.read_text(encoding="utf-8")
    assert "Frame 3 started from the structures" in text
    assert "no answer: the file is empty" in text
    rows = list(csv.DictReader((tmp_path / "series.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["temperature (kelvin)"] for row in rows] == ["300", "310", "320", "330", "340", "350", "360"]
    assert [row["2:a sigma"] for row in rows] == ["", "", "0.001", "0.001", "", "0.001", ""]
    assert rows[0]["2:a (angstrom)"] == "3"
    assert rows[6]["status"] == "error"
    assert rows[6]["notes"] == "the file is empty"


def test_workbook_holds_the_same(verdicts, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    write_sequence(verdicts, tmp_path / "a.csv")
    write_sequence(verdicts, tmp_path / "a.xlsx")
    rows = list(csv.reader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()))
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    found = [
        [
            "" if cell.value is None else f"{cell.value:.10g}" if isinstance(cell.value, float) else str(cell.value)
            for cell in row
        ]
        for row in sheet
    ]
    assert found == rows


def test_unknown_suffix(verdicts, tmp_path):
    with pytest.raises(UsageError, match="no table can be written"):
        write_sequence(verdicts, tmp_path / "a.txt")
