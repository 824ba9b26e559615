"""What people really feed a program: one line that names the file and the remedy, exit code 3, nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "\n".join(f"{0.02 * i:.2f} {((-1) ** i) * 0.1 * i % 7:.4f}" for i in range(1, 1000))

BAD = {
    "empty": (b"", "the file is empty"),
    "junk": (bytes(range(256)) * 40, ""),
    "text": (b"Dear colleague,\nplease find the data in my next mail.\n" * 5, ""),
    "one column": (b"\n".join(b"%d" % i for i in range(100)), ""),
    "nan": (GOOD.replace("0.10 ", "nan ").encode(), ""),
    "duplicate r": (GOOD.replace("0.12 ", "0.10 ").encode(), ""),
    "qmax 0": (f"qmax = 0\n#L r G(r)\n{GOOD}".encode(), "qmax"),
    "html": (b"<!DOCTYPE html><html><body>404 not found</body></html>" * 20, ""),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file(name, whorl, little, tmp_path):
    content, word = BAD[name]
    path = tmp_path / "bad.gr"
    path.write_bytes(content)
    called = whorl("identify", path, *little)
    assert called.code == 3
    assert "bad.gr" in called.err
    assert word in called.err
    assert called.err.startswith("whorl: ")
    assert called.err.rstrip().endswith(".")
    assert called.err.count(". ") >= 1, "there is no remedy"
    assert "Traceback" not in called.err
    assert "internal error" not in called.err
    assert "unexpected" not in called.err


def test_missing_file(whorl, little):
    called = whorl("identify", "nothing.gr", *little)
    assert called.code == 3
    assert called.err == "whorl: nothing.gr: no such file. Check the name and the folder.\n"


def test_folder_without_data(whorl, little, tmp_path):
    called = whorl("identify", tmp_path, *little)
    assert called.code == 3
    assert str(tmp_path) in called.err


def test_pattern_without_match(whorl, little, tmp_path):
    called = whorl("identify", tmp_path / "*.gr", *little)
    assert called.code == 3
    assert "no file matches" in called.err


def test_range_outside_the_data(whorl, little, tmp_path, write_pattern):
    called = whorl("identify", write_pattern(tmp_path / "ni.gr"), *little, "--range", "50:60")
    assert called.code == 3
    assert "ni.gr" in called.err
    assert "--range" in called.err


def test_impossible_setting_names_the_file(whorl, little, tmp_path, write_pattern):
    called = whorl("identify", write_pattern(tmp_path / "ni.gr"), *little, "--set", "qmax=0")
    assert called.code == 3
    assert "ni.gr" in called.err
    assert "--set qmax=" in called.err


def test_cif_without_atoms_and_with_unknown_elements(whorl, tmp_path, write_pattern):
    data = write_pattern(tmp_path / "ni.gr")
    cell = "".join(f"_cell_length_{x} 4\n" for x in "abc") + "".join(
        f"_cell_angle_{x} 90\n" for x in ("alpha", "beta", "gamma")
    )
    head = f"data_x\n{cell}_space_group_name_H-M_alt 'P 1'\n"
    atoms = "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    for name, text in (("empty.cif", head), ("odd.cif", f"{head}{atoms}Xx1 Xx 0 0 0\n"), ("void.cif", "")):
        path = tmp_path / name
        path.write_text(text)
        called = whorl("refine", data, path)
        assert called.code == 3, name
        assert name in called.err
        assert "Traceback" not in called.err


def test_one_bad_file_does_not_stop_the_others(whorl, little, tmp_path, write_pattern):
    (tmp_path / "a.gr").write_bytes(b"")
    write_pattern(tmp_path / "b.gr", "Ni")
    called = whorl("identify", tmp_path, *little, "--json", "-", "--workers", 1)
    assert called.code == 3
    rows = {row["file"].rpartition("/")[2]: row for row in called.rows}
    assert rows["a.gr"]["error"]["what"] == "the file is empty"
    assert rows["b.gr"]["candidates"][0]["formula"] == "Ni"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--range", "30:1"], "--range 1.5:30"),
        (["--range", "1.5"], "--range 1.5:30"),
        (["--range", "nan:3"], "--range 1.5:30"),
        (["--set", "qmax"], "NAME=VALUE"),
        (["--set", "qmax=inf"], "number"),
        (["--set", "qmaxx=3"], "Did you mean qmax?"),
        (["--set", "qmax=3", "--set", "qmax=4"], "once"),
        (["--elements", "Xx"], "unknown element 'Xx'"),
        (["--elements", ""], "chemical symbols"),
        (["--top", "0"], "--top"),
        (["--workers", "0"], "--workers"),
        (["--only"], "--catalogue"),
        (["--csv", "a.txt"], ".csv"),
        (["--curves", "a.pdf"], ".h5"),
        (["--csv", "a.csv", "--curves", "a.csv"], "same file name"),
        (["--frob"], "--frob"),
    ],
)
def test_bad_usage_ends_with_two(words, hint, whorl, tmp_path):
    path = tmp_path / "x.gr"
    path.write_text(GOOD)
    called = whorl("identify", path, *words)
    assert called.code == 2
    assert hint in called.err
    assert "Traceback" not in called.err


def test_unknown_catalogue(whorl, tmp_path):
    path = tmp_path / "x.gr"
    path.write_text(GOOD)
    called = whorl("identify", path, "--catalogue", "elemnts")
    assert called.code == 3
    assert "Did you mean 'elements'?" in called.err


def test_output_folder_that_cannot_be_written(whorl, little, tmp_path, write_pattern):
    (tmp_path / "file").write_text("")
    called = whorl("identify", write_pattern(tmp_path / "ni.gr"), *little, "--csv", tmp_path / "file" / "t.csv")
    assert called.code == 3
    assert "t.csv" in called.err


def test_internal_error_is_one_line_unless_debug(whorl, little, tmp_path, monkeypatch, write_pattern):
    from whorl.cli import batch

    def broken(*args):
        raise RuntimeError("boom")

    monkeypatch.setattr(batch, "run_batch", broken)
    path = write_pattern(tmp_path / "ni.gr")
    called = whorl("identify", path, *little)
    assert called.code == 70
    assert called.err.count("\n") == 1
    assert "--debug" in called.err
    debug = whorl("identify", path, *little, "--debug")
    assert "Traceback" in debug.err


def test_unexpected_error_in_one_file_is_a_failed_file(whorl, little, tmp_path, monkeypatch, write_pattern):
    import whorl.tasks.identify as task

    def broken(*args, **kwargs):
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(task, "identify", broken)
    path = write_pattern(tmp_path / "ni.gr")
    called = whorl("identify", path, *little)
    assert called.code == 3
    assert "ni.gr" in called.err
    assert "Traceback" not in called.err
    assert "Traceback" in whorl("--debug", "identify", path, *little).err


def test_report_folder_that_cannot_be_made(whorl, little, tmp_path, write_pattern):
    (tmp_path / "file").write_text("")
    called = whorl("identify", write_pattern(tmp_path / "ni.gr"), *little, "--report", tmp_path / "file" / "out")
    assert called.code == 3
    assert "out: " in called.err
    assert "internal" not in called.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_standard_output_on_a_full_disk():
    command = f"{sys.executable} -m whorl --help > /dev/full"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert found.returncode == 3
    assert found.stderr == "whorl: standard output: the disk is full. Free some space or choose another place.\n"
