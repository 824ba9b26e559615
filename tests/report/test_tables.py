"""Batch tables, curve exports and the series page."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET

import h5py
import numpy as np
import openpyxl
import pytest

from whorl.core.errors import UsageError, WhorlError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.report import TableWriter, write_curves, write_series_report
from whorl.report.storage import safe_stem

ERROR = {"where": "x.gr", "what": "the file is empty", "remedy": "Export it again."}


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_csv_row(pt, tmp_path):
    with TableWriter(tmp_path / "t.csv") as table:
        table.append(pt)
    (row,) = read_csv(tmp_path / "t.csv")
    assert row["file"] == "data/Pt_np_S1.gr"
    assert (row["best"], row["formula"], row["space_group"], row["status"]) == ("Pt (fcc)", "Pt", "225", "ok")
    assert (float(row["rw"]), float(row["none_probability"]), float(row["a"]), float(row["a_sigma"])) == (
        0.118,
        0.011,
        3.92331,
        0.00042,
    )
    assert row["qdamp_sigma"] == ""
    assert row["group_members"] == "Pt (fcc)"
    assert row["weight_fractions"] == "1"
    assert next(iter(row)) == "file"
    assert list(row).index("a") < list(row).index("phases") < list(row).index("run")


def test_csv_is_complete_after_every_row_and_widens(fake, pt, tmp_path):
    path = tmp_path / "t.csv"
    table = TableWriter(path)
    verdicts, _ = fake.series(4)
    for n, verdict in enumerate([verdicts[3], verdicts[0], pt], 1):
        table.append(verdict)
        rows = read_csv(path)  # as a reader sees it after a kill at this moment
        assert len(rows) == n
    assert (rows[0]["error"], rows[0]["a"]) == ("the file is empty. Export it again.", "")
    assert float(rows[1]["a"]) == pytest.approx(2.507)
    assert float(rows[2]["diameter"]) == 32.1
    table.close()


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_resume_keeps_whole_rows_only(fake, tmp_path, suffix):
    path = tmp_path / f"t.{suffix}"
    verdicts, _ = fake.series(3)
    table = TableWriter(path)
    table.append(verdicts[0])
    table.append(verdicts[1])
    table.close()
    path.write_bytes(path.read_bytes()[:-7])  # a kill in the middle of the second row
    with TableWriter(path, resume=True) as again:
        again.append(verdicts[2])
    rows = read_csv(path) if suffix == "csv" else [json.loads(line) for line in path.read_text().splitlines()]
    assert [r["file"] for r in rows] == ["co_000.gr", "co_002.gr"]


def test_json_lines_are_the_published_object(pt, tmp_path):
    with TableWriter(tmp_path / "t.json") as table:
        table.append(pt)
        table.append(Verdict.failed("identify", "x.gr", ERROR))
    first, second = [json.loads(line) for line in (tmp_path / "t.json").read_text(encoding="utf-8").splitlines()]
    assert first == pt.to_json_dict()
    assert second["error"] == ERROR


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
def test_no_formula_gets_into_a_spreadsheet(name, tmp_path):
    verdict = Verdict(whorl="0", task="identify", file=name, warnings=[name])
    for suffix in ("csv", "xlsx"):
        with TableWriter(tmp_path / f"t.{suffix}") as table:
            table.append(verdict)
    (row,) = read_csv(tmp_path / "t.csv")
    assert row["file"][0] == "'"
    assert row["warnings"][0] == "'"
    cell = openpyxl.load_workbook(tmp_path / "t.xlsx").active["A2"]
    assert cell.data_type == "s"
    assert cell.value == name


def test_name_that_is_no_utf8(tmp_path):
    verdict = Verdict(whorl="0", task="identify", file="caf\udce9.gr", warnings=["caf\udce9"])
    for suffix in ("csv", "xlsx", "json"):
        with TableWriter(tmp_path / f"t.{suffix}") as table:
            table.append(verdict)
    assert read_csv(tmp_path / "t.csv")[0]["file"] == "caf?.gr"
    assert json.loads((tmp_path / "t.json").read_text())["file"] == "caf?.gr"


def test_xlsx_survives_an_interruption(pt, tmp_path):
    path = tmp_path / "t.xlsx"

    def batch():
        with TableWriter(path) as table:
            table.append(pt)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch()
    sheet = openpyxl.load_workbook(path).active
    head = [c.value for c in sheet[1]]
    row = dict(zip(head, [c.value for c in sheet[2]], strict=True))
    assert (row["best"], row["a"], row["none_probability"]) == ("Pt (fcc)", 3.92331, 0.011)
    assert [p.name for p in tmp_path.iterdir()] == ["t.xlsx"]


def test_wrong_use(tmp_path):
    with pytest.raises(UsageError, match=r"\.ods"):
        TableWriter(tmp_path / "t.ods")
    with pytest.raises(UsageError, match="resumed"):
        TableWriter(tmp_path / "t.xlsx", resume=True)
    (tmp_path / "f").write_text("")
    with pytest.raises(WhorlError, match="cannot be written"):
        TableWriter(tmp_path / "f" / "t.csv")
    with pytest.raises(UsageError, match="curves"):
        write_curves([], tmp_path / "c.txt")


def test_curves_hdf5_is_nexus(fake, pt, tmp_path):
    verdicts, _ = fake.series(5)
    path = write_curves([pt, *verdicts], tmp_path / "c.h5")
    with h5py.File(path) as root:
        assert root.attrs["NX_class"] == "NXroot"
        assert len(root) == 1 + 4  # the failed frame has no curve
        data = root[root.attrs["default"]]["fit"]
        assert (data.attrs["NX_class"], data.attrs["signal"], list(data.attrs["axes"])) == ("NXdata", "observed", ["x"])
        curve = pt.candidates[0].curve
        assert np.array_equal(data["observed"][:], curve.observed)
        assert np.array_equal(data["difference"][:], curve.observed - curve.calculated)
        assert data["x"].attrs["units"] == "angstrom"


def test_curves_csv_is_wide(fake, pt, tmp_path):
    verdicts, _ = fake.series(2)
    with write_curves([pt, *verdicts], tmp_path / "c.csv").open(encoding="utf-8") as stream:
        head, *rows = csv.reader(stream)
    assert len(head) == 12
    assert len(rows) == fake.R.size
    assert float(rows[0][0]) == 1.5


def test_series_page(fake, tmp_path):
    verdicts, signals = fake.series(30)
    (tmp_path / "co_000.html").write_text("x")
    links = {0: "co_000.html", 1: "missing.html", 2: "../../etc/passwd"}
    temperature = 300 + 5.0 * np.arange(30)
    path = write_series_report(
        verdicts, tmp_path, measurements=[Measurement("gr", fake.R, signals)], coordinate=temperature,
        coordinate_label="temperature (kelvin)", title="<script>", links=links,
    )  # fmt: skip
    text = path.read_text(encoding="utf-8")
    ET.fromstring(text)
    assert "<script" not in text
    assert "The best phase goes from Co (hcp) to Co (fcc)." in text
    assert 'href="co_000.html"' in text
    assert "missing.html" not in text
    assert "passwd" not in text
    assert "Temperature (K)" in text
    assert "no answer: the file is empty" in text
    assert len(read_csv(tmp_path / "series.csv")) == 30
    assert path.stat().st_size < 1_500_000


def test_series_without_measurements_or_answers(fake, tmp_path):
    verdicts, _ = fake.series(6)
    assert "Waterfall" in write_series_report(verdicts, tmp_path).read_text(encoding="utf-8")
    failed = [Verdict.failed("identify", f"{k}.gr", ERROR) for k in range(3)]
    assert "No frame is explained" in write_series_report(failed, tmp_path, stem="f").read_text(encoding="utf-8")


def test_names_are_safe():
    assert safe_stem("..") == "unnamed"
    assert safe_stem("a\x00b/../c") == "a_b_.._c"
    assert len(safe_stem("x" * 300)) == 80
