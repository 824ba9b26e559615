"""`whorl catalogue import` at the command line: what it says, writes and returns, and that Ctrl-C loses nothing."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from pathlib import Path

import pytest


@pytest.fixture
def nickel(tmp_path, write_pattern):
    return write_pattern(tmp_path / "measured.gr", "Ni", seed=3, r_max=20.0)


@pytest.fixture
def dump(tmp_path, four_cifs):
    """A zip archive of four good structures, one of them twice, and three that are bad in three ways."""
    path = tmp_path / "dump.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(four_cifs.glob("*.cif")):
            archive.write(file, f"cifs/{file.name}")
        archive.write(four_cifs / "Ni.cif", "again/=nickel.cif")
        archive.writestr("empty.cif", "")
        archive.writestr("blank.cif", " ")
        archive.writestr("../up.cif", (four_cifs / "Ni.cif").read_text())
        archive.writestr("README", "read me")
    return path


def test_import_list_show_search_remove(whorl, dump, tmp_path, four_cifs, nickel):
    table = tmp_path / "report.csv"
    count = len(list(four_cifs.glob("*.cif")))
    called = whorl("catalogue", "import", "cod", dump, "--report", table)
    assert called.code == 0
    assert called.out == f"cod: {count + 1} structures of the sources in it ({count + 1} new, 2 cannot be used, 1 refused)\n"
    assert f"the catalogue holds {count + 1} structures, 1 of which repeat others" in called.err
    assert "      2  the file holds nothing but white space" in called.err
    assert "its name leads out of the archive" in called.err
    assert "1 file of other kinds left alone" in called.err
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == count + 4
    by_entry = {row["entry"]: row for row in rows}
    assert by_entry["dump/cifs/Ni.cif"]["same_as"] == "dump/again/=nickel.cif"
    assert by_entry["dump/cifs/Ni.cif"]["family"] == "fcc"
    assert by_entry["dump/empty.cif"]["status"] == "failed"
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    dump.unlink()  # the source is not needed again

    assert f"  cod            {count + 1:>7}" in whorl("catalogue", "list").out
    shown = whorl("catalogue", "show", "cod", "--family", "fcc")
    assert "dump/cifs/Ni.cif" in shown.out
    assert "skipped dump/empty.cif" in shown.err
    row = whorl("identify", nickel, "--catalogue", "cod", "--only", "--json", "-").rows[0]
    assert row["candidates"][0]["formula"] == "Ni"
    assert list(row["provenance"]["catalogues"]) == ["cod"]
    assert whorl("convert", "cod/dump/cifs/Ni.cif", tmp_path / "out.cif").code == 0
    removed = whorl("catalogue", "remove", "cod")
    assert (removed.code, removed.out) == (0, "cod: forgotten; its sources stay where they are\n")
    assert whorl("catalogue", "show", "cod").code == 3


def test_exit_codes(whorl, dump, tmp_path):
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    (nothing / "a.cif").write_text("")
    called = whorl("catalogue", "import", "cod", nothing, "--report", tmp_path / "r.csv")
    assert called.code == 3
    assert "0 structures of the sources in it (1 cannot be used)" in called.out
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 2
    assert whorl("catalogue", "import", "cod", dump, "-q").err == ""
    assert whorl("catalogue", "import", "cod", dump).out.startswith("cod: 5 structures of the sources in it (5 known before")
    assert whorl("catalogue", "import", "cod", tmp_path / "nowhere").code == 3
    assert whorl("catalogue", "import", "bad name", dump).code == 2
    assert whorl("catalogue", "import", "elements", dump).code == 2
    assert whorl("catalogue", "import", "cod", dump, "--report", "r.pdf").code == 2
    assert whorl("catalogue", "import", "cod", dump, "--workers", "0").code == 2
    assert whorl("catalogue", "import", "cod").code == 2


def _hear_interrupts() -> None:
    """Undo what a shell does to a process in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _kept(store):
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT COUNT(*) FROM entry").fetchone()[0]


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_and_killed_imports_go_on(whorl, tmp_path, four_cifs, sent):
    place = tmp_path / "many"
    place.mkdir()
    text = (four_cifs / "Ni.cif").read_text()
    for number in range(600):
        (place / f"{number:04d}.cif").write_text(text)
    store = Path(os.environ["WHORL_HOME"], "catalogues", "many", "imported.sqlite")
    process = subprocess.Popen(
        [sys.executable, "-m", "whorl", "catalogue", "import", "many", str(place), "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_interrupts,  # noqa: PLW1509 - no threads here
    )
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None and not (store.is_file() and _settles(store)):
            time.sleep(0.01)
        process.send_signal(sent)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    if process.returncode == 0:
        pytest.skip("it was done before the signal came")
    if sent == signal.SIGINT:
        assert process.returncode == 130
        assert "what was read is kept" in said
    before = len(whorl("catalogue", "show", "many").out.splitlines())
    assert 200 <= before <= 600
    called = whorl("catalogue", "import", "many", place, "--workers", "1")
    assert called.code == 0
    assert f"{before} known before" in called.out
    assert "600 structures of the sources in it" in called.out
    shutil.rmtree(place)


def _settles(store):
    try:
        return _kept(store) >= 200
    except sqlite3.Error:
        return False
