"""A user's folder: parsed once, always up to date, bad files skipped with the reason, never changed."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from whorl.catalogues import FolderCatalogue, folder
from whorl.core.errors import CatalogueError, StructureError
from whorl.core.hypothesis import Cluster, Crystal, Site

CIF = """data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
{element}1 {element} 0 0 0
"""


def cif(element, a, name="x"):
    return CIF.format(element=element, a=a, name=name)


@pytest.fixture
def place(tmp_path):
    where = tmp_path / "my_cifs"
    (where / "sub").mkdir(parents=True)
    (where / "Ni.cif").write_text(cif("Ni", 3.524))
    (where / "sub" / "Pt.CIF").write_text(cif("Pt", 3.924))
    (where / "pair.xyz").write_text("2\nAu2\nAu 0 0 0\nAu 0 0 2.88\n")
    (where / "notes.txt").write_text("not a structure")
    return where


@pytest.fixture
def opened(place, tmp_path):
    return lambda: FolderCatalogue("mine", place, tmp_path / "index" / "index.sqlite")


def names(catalogue):
    return [entry.key for entry in catalogue.entries()]


def test_reads_all_structures_below_the_folder(opened, place):
    catalogue = opened()
    assert names(catalogue) == ["Ni.cif", "pair.xyz", "sub/Pt.CIF"]
    nickel, pair, _ = catalogue.entries()
    assert (nickel.formula, nickel.space_group, nickel.atoms, nickel.kind) == ("Ni", 225, 4, "crystal")
    assert (pair.formula, pair.atoms, pair.kind) == ("Au2", 2, "cluster")
    assert pair.size == pytest.approx(2.88)
    assert nickel.source == str(place / "Ni.cif")
    assert catalogue.load("Ni.cif").cell[0] == pytest.approx(3.524)
    assert catalogue.load("pair.xyz").positions.shape == (2, 3)
    assert (catalogue.report.added, catalogue.report.entries, catalogue.skipped) == (3, 3, ())


def test_filters_reach_the_index(opened):
    catalogue = opened()
    assert [e.key for e in catalogue.entries(elements={"Pt", "O"})] == ["sub/Pt.CIF"]
    assert [e.key for e in catalogue.entries(size=(0, 1))] == ["Ni.cif", "sub/Pt.CIF"]


def test_a_second_opening_parses_nothing(opened, monkeypatch):
    opened()
    monkeypatch.setattr(folder, "read_structure", lambda path: pytest.fail(f"{path} was parsed again"))
    report = opened().report
    assert (report.added, report.changed, report.removed, report.entries) == (0, 0, 0, 3)


def test_new_changed_and_deleted_files_take_effect(opened, place):
    before = opened().content_hash
    (place / "Cu.cif").write_text(cif("Cu", 3.615))
    (place / "Ni.cif").write_text(cif("Ni", 3.5301))
    (place / "pair.xyz").unlink()
    catalogue = opened()
    assert names(catalogue) == ["Cu.cif", "Ni.cif", "sub/Pt.CIF"]
    assert catalogue.load("Ni.cif").cell[0] == pytest.approx(3.5301)
    assert (catalogue.report.added, catalogue.report.changed, catalogue.report.removed) == (1, 1, 1)
    assert catalogue.content_hash != before


def test_bad_files_are_reported_and_skipped(opened, place):
    (place / "empty.cif").write_text("")
    (place / "junk.cif").write_bytes(bytes(range(256)) * 20)
    (place / "half.xyz").write_text("5\nfive atoms\nAu 0 0 0\n")
    (place / "gone.cif").symlink_to(place / "nowhere.cif")
    catalogue = opened()
    assert names(catalogue) == ["Ni.cif", "pair.xyz", "sub/Pt.CIF"]
    assert [s.path for s in catalogue.skipped] == ["empty.cif", "gone.cif", "half.xyz", "junk.cif"]
    assert all(len(s.reason) > 10 for s in catalogue.skipped)
    assert opened().skipped == catalogue.skipped
    (place / "empty.cif").write_text(cif("Ag", 4.086))
    assert "empty.cif" in names(opened())


def test_an_unexpected_failure_of_a_reader_is_a_skipped_file(opened, monkeypatch):
    def read(path):
        raise RuntimeError("surprise")

    monkeypatch.setattr(folder, "read_structure", read)
    assert [s.reason for s in opened().skipped] == ["cannot be read (RuntimeError: surprise)"] * 3


def test_repeated_structures_point_to_the_first(opened, place):
    (place / "Ni_again.cif").write_text(cif("Ni", 3.530))
    (place / "Ni_hot.cif").write_text(cif("Ni", 3.560))
    catalogue = opened()
    alias = {e.key: e.alias_of for e in catalogue.entries()}
    assert alias == {"Ni.cif": "", "Ni_again.cif": "Ni.cif", "Ni_hot.cif": "", "pair.xyz": "", "sub/Pt.CIF": ""}
    assert catalogue.report.aliases == 1
    (place / "Ni.cif").unlink()
    assert not any(e.alias_of for e in opened().entries())


def test_nothing_in_the_folder_is_touched(opened, place):
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in place.rglob("*") if p.is_file()}
    opened().load("Ni.cif")
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in place.rglob("*") if p.is_file()} == before


def test_a_missing_folder_says_how_to_go_on(opened, place):
    opened()
    shutil.rmtree(place)
    with pytest.raises(CatalogueError, match="whorl catalogue remove mine"):
        opened()


def test_a_damaged_index_is_made_again(opened, tmp_path):
    opened()
    (tmp_path / "index" / "index.sqlite").write_bytes(b"garbage" * 1000)
    for ending in ("-wal", "-shm"):
        (tmp_path / "index" / f"index.sqlite{ending}").unlink(missing_ok=True)
    assert len(names(opened())) == 3


def test_an_index_of_another_layout_is_made_again(opened, tmp_path):
    opened()
    with closing(sqlite3.connect(tmp_path / "index" / "index.sqlite")) as connection, connection:
        connection.execute("UPDATE meta SET value = '0' WHERE name = 'layout'")
    assert opened().report.added == 3


def test_works_where_the_index_cannot_be_written(place, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        if os.access(locked, os.W_OK):  # the superuser may write anywhere: stand a file in the way instead
            (locked / "index").write_text("")
        catalogue = FolderCatalogue("mine", place, locked / "index" / "index.sqlite")
        assert len(names(catalogue)) == 3
        assert len(names(pickle.loads(pickle.dumps(catalogue)))) == 3
    finally:
        locked.chmod(stat.S_IRWXU)


def test_a_file_name_that_is_no_utf8(opened, place):
    try:
        (Path(os.fsdecode(os.fsencode(place) + b"/caf\xe9.cif"))).write_text(cif("Cu", 3.615))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert names(opened())[:2] == ["Ni.cif", "caf\\udce9.cif"]
    assert opened().load("caf\\udce9.cif").formula == "Cu"


def test_unknown_key(opened):
    with pytest.raises(CatalogueError, match="whorl catalogue show mine"):
        opened().load("../../etc/passwd")


def test_processes_may_open_it_at_once(place, tmp_path):
    code = (
        "import sys; from pathlib import Path; from whorl.catalogues import FolderCatalogue;"
        "c = FolderCatalogue('mine', Path(sys.argv[1]), Path(sys.argv[2])); print(len(c.entries()), c.content_hash)"
    )
    for n in range(40):
        (place / f"extra{n}.cif").write_text(cif("Cu", 3.0 + 0.1 * n))
    index = tmp_path / "index.sqlite"
    command = [sys.executable, "-c", code, str(place), str(index)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {process.communicate(timeout=60)[0] for process in running}
    assert len(answers) == 1
    assert answers.pop().startswith("43 ")


def test_a_kill_loses_no_finished_batch(opened, monkeypatch):
    monkeypatch.setattr(folder, "BATCH", 1)
    real, calls = folder.read_structure, []

    def read(path):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(folder, "read_structure", read)
    with pytest.raises(KeyboardInterrupt):
        opened()
    monkeypatch.setattr(folder, "read_structure", real)
    report = opened().report
    assert (report.added, report.entries) == (1, 3)


def test_every_kind_of_structure_comes_back_as_it_was(opened, monkeypatch):
    identity = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    made = {
        "Ni.cif": Crystal(
            "odd",
            cell=(3.0, 4.0, 5.0, 80.0, 90.0, 100.0),
            space_group="P 1",
            sites=(Site("Ni", (0.1, 0.2, 0.3), 0.5, 0.004, "Ni1"), Site("O", (0.5, 0.5, 0.5))),
            operations=((identity, (0.0, 0.0, 0.0)), (identity, (0.5, 0.5, 0.0))),
        ),
        "pair.xyz": Cluster("mix", symbols=("Au", "Ag", "Au"), positions=np.eye(3), bond_free=False),
    }

    def read(path: Path):
        if path.name not in made:
            raise StructureError("no atoms", remedy="Give one.")
        return made[path.name]

    monkeypatch.setattr(folder, "read_structure", read)
    catalogue = opened()
    crystal = catalogue.load("Ni.cif")
    assert (crystal.cell, crystal.sites, crystal.operations) == (
        made["Ni.cif"].cell,
        made["Ni.cif"].sites,
        made["Ni.cif"].operations,
    )
    cluster = catalogue.load("pair.xyz")
    assert cluster.symbols == ("Au", "Ag", "Au")
    assert np.array_equal(cluster.positions, np.eye(3))
    assert [s.reason for s in catalogue.skipped] == ["no atoms. Give one."]
