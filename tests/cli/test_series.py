"""``whorl refine --series`` and ``--export``: tables, pages, exit codes, going on after a stop."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from whorl.core.hypothesis import Crystal, Site
from whorl.core.measurement import Measurement
from whorl.formats import write_measurement, write_structure
from whorl.techniques.pd.simulate import simulate

NICKEL = Crystal("nickel", cell=(3.524, 3.524, 3.524, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),))
COPPER = Crystal("copper", cell=(3.615, 3.615, 3.615, 90, 90, 90), space_group="225", sites=(Site("Cu", (0, 0, 0)),))
X = np.arange(35.0, 80.0, 0.05)


@pytest.fixture
def scan(tmp_path):
    """Three frames of growing cells, the second phase in the last two only; structures and a log beside them."""
    folder = tmp_path / "scan"
    folder.mkdir()
    rng = np.random.default_rng(8)
    for k, share in enumerate((0.0, 0.4, 0.6)):
        shares = ((NICKEL, 1 - share), (COPPER, share))
        parts = [s * simulate(c, settings={"zoom": 1 + 0.001 * k, "size": 400.0}, two_theta=X).signal for c, s in shares]
        counts = rng.poisson(3.0 * sum(parts) + 60.0).astype(float)
        settings = {"wavelength": 1.540593, "wavelength2": 1.544427, "intensity": "counts", "source": "lab"}
        write_measurement(Measurement("powder", X, counts, settings=settings), folder / f"frame_{k}.nxs")
    write_structure(NICKEL, tmp_path / "nickel.cif")
    write_structure(COPPER, tmp_path / "copper.cif")
    (tmp_path / "log.csv").write_text("frame,temperature\n0,300\n1,350\n2,400\n")
    return tmp_path


def words(scan: Path, *more: object) -> list[object]:
    phases = [scan / "nickel.cif", scan / "copper.cif"]
    return ["refine", f"{scan}/scan/*.nxs", *phases, "--series", "--workspace", scan / "ws", "--workers", "1", *more]


def test_table_page_and_files(whorl, scan):
    options = ("--coordinate", scan / "log.csv", "--csv", scan / "a.csv", "--xlsx", scan / "a.xlsx", "--report", scan / "rep")
    called = whorl(*words(scan, *options, "--export", scan / "out"))
    assert called.code == 0, called.err
    assert "3 of 3 done" in called.out
    rows = list(csv.DictReader((scan / "a.csv").read_text(encoding="utf-8").splitlines()))
    assert [float(row["temperature"]) for row in rows] == [300, 350, 400]
    for k, row in enumerate(rows):
        sigma = float(row["1:a sigma"])
        assert 0 < sigma < 0.002
        assert float(row["1:a (angstrom)"]) == pytest.approx(3.524 * (1 + 0.001 * k), abs=4 * sigma)
    assert [bool(row["2:a sigma"]) for row in rows] == [False, True, True]
    assert float(rows[0]["2:a (angstrom)"]) == pytest.approx(3.615)
    fractions = [float(row["fraction of copper"]) for row in rows]
    assert fractions == sorted(fractions)
    openpyxl = pytest.importorskip("openpyxl")
    sheet = openpyxl.load_workbook(scan / "a.xlsx").active
    assert [c.value for c in sheet[1]] == list(rows[0])
    assert sheet.cell(2, 3).value == 300
    page = (scan / "rep" / "index.html").read_text(encoding="utf-8")
    assert "copper is seen from 350 to 400 (temperature)" in page.lower()
    for title in ("Weight fractions", "Cells", "Phases"):
        assert f">{title}<" in page
    assert (scan / "rep" / "index.csv").read_text(encoding="utf-8").splitlines()[0].startswith("number,file,temperature")
    assert (scan / "out" / "frame_2" / "frame_2.cif").exists()
    assert (scan / "out" / "frame_1" / "topas" / "frame_1.inp").exists()


def test_the_same_command_finds_what_is_done(whorl, scan):
    first = whorl(*words(scan, "--json", scan / "a.json"))
    again = whorl(*words(scan, "--json", scan / "b.json"))
    assert first.code == again.code == 0
    assert (scan / "a.json").read_text() == (scan / "b.json").read_text()  # the runs, their ids and times are those kept


def test_backwards(whorl, scan):
    called = whorl(*words(scan, "--backward", "--json", "-"))
    assert [Path(row["file"]).name for row in called.rows] == ["frame_2.nxs", "frame_1.nxs", "frame_0.nxs"]
    last = called.rows[-1]["candidates"][0]["parameters"]["2:a"]
    assert last["sigma"] is None
    assert last["value"] == called.rows[1]["candidates"][0]["parameters"]["2:a"]["value"]  # held where it was, not at the CIF's


def test_bad_use(whorl, scan):
    called = whorl("refine", f"{scan}/scan/*.nxs", scan / "nickel.cif", "--backward")
    assert called.code == 2
    assert "--series" in called.err
    one = whorl("refine", scan / "scan/frame_0.nxs", scan / "nickel.cif", "--series")
    assert one.code == 2
    assert "a series of one frame" in one.err
    late = whorl(*words(scan, "--first", "7"))
    assert late.code == 2
    assert "first frame 7 of 3" in late.err
    lost = whorl(*words(scan, "--coordinate", scan / "none.csv"))
    assert lost.code == 2


def test_show_exports_a_kept_run(whorl, scan):
    whorl("refine", scan / "scan/frame_2.nxs", scan / "nickel.cif", scan / "copper.cif", "--workspace", scan / "ws")
    called = whorl("show", "last", "--workspace", scan / "ws", "--export", scan / "files")
    assert called.code == 0, called.err
    assert "frame_2.cif" in called.out
    assert sorted(p.name for p in (scan / "files").iterdir()) == ["frame_2.cif", "gsas2", "topas"]
    listed = whorl("show", "list", "--workspace", scan / "ws", "--export", scan / "files")
    assert listed.code == 2
