"""`whorl identify`: the table, the JSON, the files it writes, its exit codes."""

from __future__ import annotations

import csv
import json
import shlex

import pytest

from whorl.core.workspace import Workspace


@pytest.fixture
def nickel(tmp_path, write_pattern):
    return write_pattern(tmp_path / "nickel.gr", "Ni", zoom=1.01)


def test_table_names_the_structure_and_its_parameters(whorl, nickel, little):
    called = whorl("identify", nickel, *little)
    assert called.code == 0
    assert "nickel.gr: Ni" in called.out.splitlines()[0]
    row = next(line for line in called.out.splitlines() if line.split()[:2] == ["1", "1"])
    value = float(row.split(" a ")[1].split("(")[0])
    assert value == pytest.approx(3.5238 * 1.01, abs=0.003)  # noise of 2 % leaves a few 1e-4
    assert "Assumed" in called.out
    assert called.err == ""


def test_json_lines_and_nothing_else_on_standard_output(whorl, nickel, little):
    called = whorl("identify", nickel, *little, "--json", "-")
    (row,) = called.rows
    assert row["status"] == "ok"
    assert row["candidates"][0]["formula"] == "Ni"
    assert row["file"] == str(nickel)
    assert len(row["sha256"]) == 64
    assert row["provenance"]["command"].startswith("whorl identify ")


def test_quiet_says_nothing(whorl, nickel, little):
    called = whorl("identify", nickel, *little, "--quiet")
    assert (called.code, called.out, called.err) == (0, "", "")


def test_answer_is_kept_and_given_again(whorl, nickel, little):
    first = whorl("identify", nickel, *little, "--json", "-").rows[0]
    second = whorl("identify", nickel, *little, "--json", "-").rows[0]
    fresh = whorl("identify", nickel, *little, "--json", "-", "--no-cache").rows[0]
    assert second == first
    assert fresh["run"] != first["run"]
    assert fresh["candidates"] == first["candidates"]  # the same call gives the same bits


def test_other_parameters_are_another_answer(whorl, nickel, little):
    first = whorl("identify", nickel, *little, "--json", "-").rows[0]
    other = whorl("identify", nickel, *little, "--json", "-", "--range", "2:12", "--set", "qmax=21", "--top", "1").rows[0]
    assert other["run"] != first["run"]
    assert len(other["candidates"]) == 1
    assert other["candidates"][0]["quality"]["range"] == pytest.approx([2, 12], abs=0.02)
    assert any("qmax: 21" in text for text in other["assumptions"])


def test_catalogue_that_changed_is_searched_anew(whorl, nickel, four_cifs, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "Si.cif").write_bytes((four_cifs / "Si.cif").read_bytes())
    before = whorl("identify", nickel, "--catalogue", mine, "--only", "--json", "-").rows[0]
    (mine / "Ni.cif").write_bytes((four_cifs / "Ni.cif").read_bytes())
    after = whorl("identify", nickel, "--catalogue", mine, "--only", "--json", "-").rows[0]
    assert [c["formula"] for c in before["candidates"]] == ["Si"]
    assert after["candidates"][0]["formula"] == "Ni"


def test_elements_filter(whorl, nickel, little):
    row = whorl("identify", nickel, *little, "--elements", "Cu,Si", "--json", "-").rows[0]
    assert {c["formula"] for c in row["candidates"]} <= {"Cu", "Si"}


def test_strict_ends_with_one_when_nothing_fits(whorl, tmp_path, write_pattern, little):
    strange = write_pattern(tmp_path / "strange.gr", "NaCl", noise=1.0)
    called = whorl("identify", strange, *little, "--elements", "Si", "--strict", "--json", "-")
    assert called.rows[0]["none_probability"] > 0.5
    assert called.code == 1
    assert whorl("identify", strange, *little, "--elements", "Si", "-q").code == 0


def test_many_files_one_line_each_and_all_tables(whorl, tmp_path, write_pattern, little):
    for number in (1, 2, 10):
        write_pattern(tmp_path / f"frame{number}.gr", "Cu", zoom=1 + 0.001 * number, seed=number)
    (tmp_path / "frame11.gr").write_bytes(b"")
    out = tmp_path / "out"
    called = whorl(
        "identify", tmp_path / "frame*.gr", *little, "--workers", "1", "--csv", out / "t.csv", "--xlsx", out / "t.xlsx",
        "--json", out / "t.jsonl", "--curves", out / "t.nxs",
    )  # fmt: skip
    assert called.code == 3
    assert "frame11.gr: the file is empty" in called.err
    assert [line.split(":")[0] for line in called.out.splitlines()[:3]] == ["frame1.gr", "frame2.gr", "frame10.gr"]
    assert "3 of 4 done, 1 failed" in called.out
    rows = list(csv.DictReader((out / "t.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["status"] for row in rows] == ["ok", "ok", "ok", "error"]
    assert [float(row["a"]) for row in rows[:3]] == pytest.approx([3.6149 * (1 + 0.001 * n) for n in (1, 2, 10)], abs=0.003)
    assert [json.loads(line)["status"] for line in (out / "t.jsonl").read_text().splitlines()].count("ok") == 3
    assert (out / "t.xlsx").read_bytes()[:2] == b"PK"
    import h5py

    with h5py.File(out / "t.nxs") as root:
        assert len(root) == 3


def test_two_workers_give_the_same_as_one(whorl, tmp_path, write_pattern, little):
    for number in range(3):
        write_pattern(tmp_path / f"f{number}.gr", "Si", seed=number)
    one = whorl("identify", tmp_path, *little, "--json", "-", "--workers", 1, "--workspace", tmp_path / "one")
    two = whorl("identify", tmp_path, *little, "--json", "-", "--workers", 2, "--workspace", tmp_path / "two")
    found = [{row["file"]: row["candidates"] for row in called.rows} for called in (one, two)]
    assert found[0] == found[1]
    assert len(found[0]) == 3


def test_report_of_one_file_carries_the_command(whorl, nickel, little, tmp_path):
    called = whorl("identify", nickel, *little, "--report", tmp_path / "report", "--set", "qmax=22")
    page = tmp_path / "report" / "nickel.html"
    assert f"Written {page}" in called.out
    text = page.read_text(encoding="utf-8")
    with Workspace.open() as workspace:
        command = workspace.load("last").verdict.provenance.command
    assert shlex.split(command)[:3] == ["whorl", "identify", str(nickel)]
    assert "--set qmax=22" in text
    assert workspace.load("last").id in text
    again = whorl(*shlex.split(command)[1:], "--json", "-")
    assert again.rows[0]["run"] == workspace.load("last").id  # the same recipe


def test_report_of_several_files_has_a_page_each_and_an_index(whorl, tmp_path, write_pattern, little):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        write_pattern(tmp_path / folder / "same.gr", "Ni", seed=len(folder), zoom=1.0 if folder == "x" else 1.02)
    whorl("identify", tmp_path / "x/same.gr", tmp_path / "y/same.gr", *little, "--report", tmp_path / "out", "--workers", 1)
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    pages = sorted((tmp_path / "out").glob("*/same.html"))
    assert len(pages) == 2
    assert all(f"{page.parent.name}/same.html" in text for page in pages)
    assert "whorl identify" in text


def test_series_in_one_file_is_a_batch_of_frames(whorl, tmp_path, write_pattern, little):
    import numpy as np

    from whorl.core.measurement import Measurement
    from whorl.formats import read, write_measurement

    frames = [read(write_pattern(tmp_path / f"{k}.gr", "Ni", zoom=1 + 0.002 * k, seed=k)) for k in range(3)]
    series = Measurement(
        "gr", frames[0].x, np.array([f.signal for f in frames]), settings=frames[0].settings,
        coordinates={"temperature": np.array([300.0, 400.0, 500.0])},
    )  # fmt: skip
    write_measurement(series, tmp_path / "s.nxs")
    called = whorl("identify", tmp_path / "s.nxs", *little, "--json", "-", "--workers", 1, "--report", tmp_path / "out")
    assert [row["file"].rpartition("#")[2] for row in called.rows] == ["0", "1", "2"]
    a = [row["candidates"][0]["parameters"]["a"]["value"] for row in called.rows]
    assert a == pytest.approx([3.5238 * (1 + 0.002 * k) for k in range(3)], abs=0.003)
    assert "temperature" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    one = whorl("identify", f"{tmp_path / 's.nxs'}#1", *little, "--json", "-")
    assert one.rows == [called.rows[1]]


def test_same_bytes_under_two_names_are_computed_once(whorl, tmp_path, nickel, little):
    copy = tmp_path / "copy.gr"
    copy.write_bytes(nickel.read_bytes())
    rows = whorl("identify", nickel, copy, *little, "--json", "-", "--workers", 1).rows
    assert {row["file"] for row in rows} == {str(nickel), str(copy)}
    assert rows[0]["candidates"] == rows[1]["candidates"]
    with Workspace.open() as workspace:
        assert len(workspace.runs()) == 1
