"""Importing collections: what is good goes in, everything else is accounted for, and nothing is read twice."""

from __future__ import annotations

import io
import json
import pickle
import re
import shutil
import sqlite3
import tarfile
import zipfile
from contextlib import closing

import numpy as np
import pytest

from whorl.catalogues import (
    Catalogue,
    ImportedCatalogue,
    builtin_catalogues,
    examine,
    import_structures,
    importing,
    list_catalogues,
    open_catalogue,
    registry,
    remove,
)
from whorl.catalogues.home import user_catalogues
from whorl.core.errors import CatalogueError, UsageError
from whorl.formats.cif_write import cif_text

SALT = """data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
{symmetry}
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""
FCC = ((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0))
GROUP = "_symmetry_space_group_name_H-M 'F m -3 m'"


def salt(cation="Na", anion="Cl", a=5.64, *, name="x", occupancy=1.0):
    rows = f"{cation}1 {cation} 0 0 0 {occupancy}\n{anion}1 {anion} 0.5 0.5 0.5 {occupancy}\n"
    return SALT.format(name=name, a=a, symmetry=GROUP) + rows


def listed(cation="Na", anion="Cl", a=5.64, *, symmetry="_symmetry_space_group_name_H-M 'P 1'"):
    rows = [f"{cation}{n} {cation} {x} {y} {z} 1" for n, (x, y, z) in enumerate(FCC)]
    rows += [f"{anion}{n} {anion} {(x + 0.5) % 1} {(y + 0.5) % 1} {(z + 0.5) % 1} 1" for n, (x, y, z) in enumerate(FCC)]
    return SALT.format(name="listed", a=a, symmetry=symmetry) + "\n".join(rows) + "\n"


BAD = {
    "empty.cif": ("", "0 bytes|nothing but white space"),
    "blank.cif": ("  \n\n", "nothing but white space"),
    "junk.cif": (bytes(range(256)) * 40, "binary data"),
    "prose.cif": ("Dear editor,\nplease find enclosed", "no data block"),
    "atomless.cif": (salt().split("loop_")[0], "a CIF without atoms"),
    "positionless.cif": (salt().replace(" 0 0 0 ", " ? ? ? ").replace(" 0.5 0.5 0.5 ", " . . . "), "without usable atoms"),
    "nan.cif": (salt().replace(" 0 0 0 ", " nan 0 0 "), "line 16: coordinate 'nan' is no number"),
    "cellless.cif": (salt().replace("_cell_length_b 5.64", "_cell_length_b ?"), "no unit cell"),
    "flat.cif": (salt().replace("_gamma 90", "_gamma 0"), "not a cell|absurd angle"),
    "huge.cif": (salt(a=1e5), "absurd length"),
    "hollow.cif": (salt(a=90.0), "absurd volume"),
    "tight.cif": (salt(a=1.2), "absurd volume"),
    "element.cif": (salt(cation="Qq"), "line 16: unknown element 'Qq'"),
    "overfull.cif": (salt(occupancy=1.7), "occupancy 1.7"),
    "negative.cif": (salt(occupancy=-0.5), "occupancy -0.5"),
    "overlap.cif": (salt() + "Br1 Br 0.01 0 0 1\n", r"on top of each other \(Na1, Br1\)"),
    "quote.cif": (salt().replace("'F m -3 m'", "'F m -3 m"), "not a valid CIF"),
    "cut.cif": (salt()[:250], "not a valid CIF|without atoms|no unit cell"),
}


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))
    return folder


@pytest.fixture
def dump(tmp_path):
    """A dump of three structures in the manner of a database, in subfolders, with other files beside them."""
    files = {
        "1/00/a.cif": "#" * 80 + "\n# from a database; signed M\xfcller\n" + salt(),
        "1/01/b.cif": listed("Mg", "O", 4.2117).replace("\n", "\r\n"),
        "2/c.cif": salt("Ca", "O", 4.81, occupancy=0.9),
        "README.txt": "read me",
        ".hidden/d.cif": salt("K", "Cl", 6.29),
    }
    return write(tmp_path / "dump", files)


def rows(report):
    return {row.entry: row for row in report.rows}


def test_a_folder_goes_in(dump):
    report = import_structures("mine", [dump])
    assert report.counts == {"added": 3}
    assert (report.entries, report.went_in, report.aliases, report.ignored) == (3, 3, 0, 1)
    catalogue = open_catalogue("mine")
    assert isinstance(catalogue, ImportedCatalogue)
    assert isinstance(catalogue, Catalogue)
    found = {entry.key: entry for entry in catalogue.entries()}
    assert list(found) == ["dump/1/00/a.cif", "dump/1/01/b.cif", "dump/2/c.cif"]
    assert {entry.family for entry in found.values()} == {"rock salt"}
    assert {entry.space_group for entry in found.values()} == {225}
    assert {entry.catalogue for entry in found.values()} == {"mine"}
    assert found["dump/1/00/a.cif"].name == "NaCl (a)"
    assert len({entry.digest for entry in found.values()}) == 3
    for entry in found.values():
        crystal = catalogue.load(entry.key)
        assert (crystal.name, crystal.family, crystal.formula) == (entry.name, entry.family, entry.formula)
        assert (crystal.elements, len(crystal.expansion.site)) == (entry.elements, entry.atoms)
    assert catalogue.load("dump/2/c.cif").sites[0].occupancy == 0.9
    magnesia = catalogue.load("dump/1/01/b.cif")
    assert (magnesia.space_group, len(magnesia.sites)) == ("F m -3 m", 2)
    assert magnesia.cell == pytest.approx((4.2117, 4.2117, 4.2117, 90, 90, 90))
    assert "its atoms show F m -3 m" in rows(report)["dump/1/01/b.cif"].remark


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_and_the_rest_goes_in(tmp_path, name):
    text, reason = BAD[name]
    place = write(tmp_path / "dump", {name: text, "good.cif": salt()})
    report = import_structures("mine", [place])
    assert report.counts == {"added": 1, "failed": 1}
    (skipped,) = report.skipped
    assert skipped.path == f"dump/{name}"
    assert re.search(reason, skipped.reason), skipped.reason
    assert "dump" not in skipped.reason
    assert open_catalogue("mine").skipped == report.skipped


def test_structures_without_symmetry_say_so(tmp_path):
    files = {
        "silent.cif": listed(symmetry=""),
        "odd.cif": SALT.format(name="odd", a=6.0, symmetry="")
        + "Si1 Si 0 0.1 0.2 1\nSi2 Si 0.3 0.5 0.61 1\nC1 C 0.8 0.77 0.1 1\n",
    }
    report = rows(import_structures("mine", [write(tmp_path / "d", files)]))
    assert "the file states no symmetry; read as P 1" in report["d/silent.cif"].remark
    assert report["d/silent.cif"].space_group == 225
    assert report["d/odd.cif"].remark == "the file states no symmetry; read as P 1"
    assert report["d/odd.cif"].space_group == 1
    assert report["d/odd.cif"].family == "AB2 P1 3x1(1)"


def test_every_block_counts_and_a_broken_one_stops_no_other(tmp_path):
    two = salt(name="one") + "\n" + salt("K", "Cl", 6.29, name="two")
    broken = salt(name="b").replace("-3 m'", "-3 m")
    three = "\n".join([salt("Li", "F", 4.03, name="fine"), broken, salt(cation="Qq", name="c")])
    report = import_structures("mine", [write(tmp_path / "d", {"two.cif": two, "three.cif": three})])
    found = rows(report)
    assert found["d/two.cif#one"].name == "NaCl (two, one)"
    assert found["d/two.cif#two"].formula == "KCl"
    assert found["d/three.cif#fine"].status == "added"
    assert found["d/three.cif#fine"].remark == "another data block of the file is damaged"
    assert found["d/three.cif#b"].status == found["d/three.cif#c"].status == "failed"
    twins = salt(name="x") + "\n" + salt("K", "Cl", 6.29, name="x")
    assert list(rows(import_structures("twins", [write(tmp_path / "e", {"t.cif": twins})]))) == ["e/t.cif#x.1", "e/t.cif#x.2"]


def test_the_same_under_another_name_is_a_repeat(tmp_path):
    files = {
        "a.cif": salt(),
        "b.cif": listed(a=5.642),
        "c.cif": salt(a=5.75),
        "d.cif": salt(occupancy=0.8),
        "e.cif": salt("Cl", "Na"),
    }
    report = rows(import_structures("mine", [write(tmp_path / "d", files)]))
    assert {key: row.same_as for key, row in report.items()} == {
        "d/a.cif": "",
        "d/b.cif": "d/a.cif",
        "d/c.cif": "",
        "d/d.cif": "",
        "d/e.cif": "d/a.cif",
    }


def test_importing_again_reads_only_what_is_new(dump, monkeypatch):
    first = import_structures("mine", [dump])
    content = open_catalogue("mine").content_hash
    read = []
    monkeypatch.setattr(importing, "examine", lambda text: read.append(text.key) or examine.examine(text))
    again = import_structures("mine", [dump])
    assert (read, again.counts, again.entries) == ([], {"known": 3}, first.entries)
    assert open_catalogue("mine").content_hash == content
    write(dump, {"1/00/a.cif": salt(a=5.66), "new.cif": salt("K", "Br", 6.6), "bad.cif": ""})
    more = import_structures("mine", [dump])
    assert sorted(read) == ["dump/1/00/a.cif", "dump/bad.cif", "dump/new.cif"]
    assert more.counts == {"changed": 1, "added": 1, "failed": 1, "known": 2}
    assert open_catalogue("mine").load("dump/1/00/a.cif").cell[0] == 5.66
    assert open_catalogue("mine").content_hash != content
    (dump / "new.cif").unlink()
    kept = import_structures("mine", [dump])
    assert (kept.counts, kept.entries) == ({"failed": 1, "known": 3}, 4)


def test_an_interrupted_import_goes_on_where_it_was(tmp_path, monkeypatch):
    files = {f"{n:02d}.cif": salt(a=5.0 + 0.1 * n) for n in range(12)}
    place = write(tmp_path / "d", files)
    read = []

    def stop_at_seven(text):
        read.append(text.key)
        if len(read) == 7:
            raise KeyboardInterrupt
        return examine.examine(text)

    monkeypatch.setattr(importing, "examine", stop_at_seven)
    with pytest.raises(KeyboardInterrupt):
        import_structures("mine", [place])
    assert len(open_catalogue("mine").entries()) == 6
    report = import_structures("mine", [place])
    assert len(read) == 13
    assert report.counts == {"known": 6, "added": 6}
    assert report.entries == 12


def test_a_kill_before_the_end_is_made_good_at_the_next_opening(tmp_path, monkeypatch):
    place = write(tmp_path / "d", {"a.cif": salt(), "b.cif": salt(a=5.641)})
    with monkeypatch.context() as patch:
        patch.setattr(importing.settling, "settle", lambda connection: None)
        import_structures("mine", [place])
    catalogue = open_catalogue("mine")
    assert [entry.alias_of for entry in catalogue.entries()] == ["", "d/a.cif"]
    assert len(catalogue.content_hash) == 64


def test_workers_give_what_one_process_gives(tmp_path):
    files = {f"{n}.cif": salt(a=5.0 + 0.1 * n) for n in range(8)} | {"bad.cif": ""}
    place = write(tmp_path / "d", files)
    one, two = (import_structures(f"by{n}", [place], workers=n) for n in (1, 2))
    assert one.rows == two.rows
    assert open_catalogue("by1").content_hash == open_catalogue("by2").content_hash
    with pytest.raises(UsageError):
        import_structures("by0", [place], workers=0)


def archive(path, folder):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as stream:
            for file in sorted(folder.rglob("*.*")):
                if file.is_file():
                    stream.write(file, file.relative_to(folder))
    else:
        with tarfile.open(path, f"w:{path.suffix[1:]}") as stream:
            stream.add(folder, arcname=".")
    return path


@pytest.mark.parametrize("name", ["dump.zip", "dump.tar.gz", "dump.tar.xz"])
def test_archives_give_what_the_folder_gives(dump, tmp_path, name):
    shutil.rmtree(dump / ".hidden")
    path = archive(tmp_path / name, dump)
    import_structures("folder", [dump])
    before = {p for p in tmp_path.rglob("*") if "whorl" not in p.parts}
    report = import_structures("archive", [path])
    assert report.counts == {"added": 3}
    folder, packed = open_catalogue("folder"), open_catalogue("archive")
    assert [e.key.replace("/./", "/") for e in packed.entries()] == [e.key for e in folder.entries()]
    assert [e.digest for e in packed.entries()] == [e.digest for e in folder.entries()]
    assert import_structures("archive", [path]).counts == {"known": 3}
    kept = user_catalogues()
    assert {p for p in tmp_path.rglob("*") if kept not in p.parents and p != kept and "whorl" not in p.parts} >= before
    assert sorted(p.name for p in (kept / "archive").iterdir()) == ["imported.sqlite"]


def test_an_archive_that_means_harm_gives_what_is_good_in_it(tmp_path):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as stream:
        stream.writestr("../../escaped.cif", salt())
        stream.writestr("/tmp/escaped.cif", salt())
        stream.writestr("bomb.cif", bytes(30_000_000))
        stream.writestr("inner.zip", b"PK\x03\x04")
        stream.writestr("good.cif", salt())
    before = sorted(tmp_path.parent.rglob("escaped.cif"))
    report = import_structures("mine", [path])
    assert report.counts == {"refused": 4, "added": 1}
    assert {s.path: s.reason.split(" (")[0] for s in report.skipped} == {
        "evil/../../escaped.cif": "its name leads out of the archive",
        "evil//tmp/escaped.cif": "its name is an absolute path",
        "evil/bomb.cif": "it swells more than 150 times when it is unpacked",
        "evil/inner.zip": "an archive inside is not opened; unpack it, or import it by itself",
    }
    assert sorted(tmp_path.parent.rglob("escaped.cif")) == before
    assert [e.key for e in open_catalogue("mine").entries()] == ["evil/good.cif"]


def test_a_repaired_archive_is_no_longer_called_damaged(dump, tmp_path):
    path = archive(tmp_path / "dump.tar.gz", dump)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    damaged = import_structures("mine", [path])
    assert "not read to its end" in damaged.skipped[-1].reason
    path.write_bytes(whole)
    assert import_structures("mine", [path]).skipped == ()
    assert open_catalogue("mine").skipped == ()


def test_links_that_lead_out_of_a_folder_are_refused(dump, tmp_path):
    outside = write(tmp_path / "outside", {"secret.cif": salt("K", "Cl", 6.29)})
    (dump / "link.cif").symlink_to(outside / "secret.cif")
    (dump / "inside.cif").symlink_to(dump / "1" / "00" / "a.cif")
    (dump / "gone.cif").symlink_to(dump / "nowhere.cif")
    (dump / "way").symlink_to(outside)
    report = import_structures("mine", [dump])
    assert {s.path for s in report.skipped} == {"dump/link.cif", "dump/gone.cif"}
    assert report.counts["added"] == 4


def structure():
    matrix = (np.eye(3) * 5.64).tolist()
    sites = []
    for element, shift in (("Na", 0.0), ("Cl", 0.5)):
        species = [{"element": element, "occu": 1}]
        sites += [{"species": species, "abc": [(v + shift) % 1 for v in place]} for place in FCC]
    return {"@class": "Structure", "lattice": {"matrix": matrix}, "sites": sites}


ONE, OTHER = salt(), salt("K", "Cl", 6.29)


@pytest.mark.parametrize(
    "content",
    [
        [{"material_id": "mp-1", "cif": ONE}, {"material_id": "mp-2", "cif": OTHER}],
        {"mp-1": ONE, "mp-2": OTHER},
        {"mp-1": {"cif": ONE}, "mp-2": {"cif": OTHER}},
        {"meta": {"total": 2}, "data": [{"material_id": "mp-1", "structure": structure()}, {"id": "mp-2", "cif": OTHER}]},
        f'{{"material_id": "mp-1", "cif": {json.dumps(ONE)}}}\n{{"task_id": "mp-2", "cif": {json.dumps(OTHER)}}}\n',
    ],
    ids=["list", "texts", "objects", "response", "lines"],
)
def test_exports_in_json(tmp_path, content):
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "mp.json").write_text(text)
    report = import_structures("mine", [tmp_path / "mp.json"])
    assert [(row.entry, row.status, row.formula) for row in report.rows] == [
        ("mp/mp-1", "added", "NaCl"),
        ("mp/mp-2", "added", "KCl"),
    ]
    assert report.rows[0].name == "NaCl (mp-1)"
    assert report.rows[0].space_group == 225


def test_rows_of_json_that_cannot_be_used(tmp_path):
    broken = structure()
    del broken["lattice"]["matrix"]
    content = [
        {"material_id": "mp-1", "cif": salt()},
        {"material_id": "mp-2"},
        {"material_id": "mp-3", "cif": None},
        {"material_id": "mp-4", "structure": broken},
        {"material_id": "mp-1", "cif": salt("K", "Cl", 6.29)},
        7,
    ]
    (tmp_path / "mp.json").write_text(json.dumps(content))
    report = import_structures("mine", [tmp_path / "mp.json"])
    assert report.counts == {"added": 1, "refused": 5}
    reasons = {row.remark.split(" (")[0] for row in report.rows if row.status == "refused"}
    assert reasons == {"no CIF text and no structure in this row", "its structure is not understood", "its name occurs twice"}


@pytest.mark.parametrize("text", ["", "[1, 2", "[" * 100_000, '{"a": 1}', "[]", "[[[[]]]]"])
def test_other_json_gives_nothing_and_harms_nothing(tmp_path, text):
    (tmp_path / "x.json").write_text(text or "{}")
    report = import_structures("mine", [tmp_path / "x.json"])
    assert report.went_in == 0
    assert len(report.skipped) == 1
    assert not (user_catalogues() / "mine").exists()


def test_several_sources_and_single_files(dump, tmp_path):
    (tmp_path / "other").mkdir()
    twin = shutil.copytree(dump, tmp_path / "other" / "dump")
    single = write(tmp_path, {"single.cif": salt("K", "Br", 6.6)}) / "single.cif"
    report = import_structures("mine", [dump, twin, single, dump])
    assert report.counts == {"added": 7}
    keys = [row.entry for row in report.rows]
    assert "single.cif" in keys
    assert sum(key.startswith("dump~2/") for key in keys) == 3
    assert report.aliases == 3


def test_nothing_usable_leaves_no_catalogue(tmp_path):
    place = write(tmp_path / "d", {"a.cif": "", "b.txt": "x"})
    report = import_structures("mine", [place])
    assert (report.went_in, report.entries, report.counts) == (0, 0, {"failed": 1})
    assert not (user_catalogues() / "mine").exists()


def test_listed_removed_and_kept_apart_from_folders(dump, tmp_path):
    import_structures("mine", [write(dump, {"bad.cif": ""})])
    listed = list_catalogues()[-1]
    assert (listed.name, listed.entries, listed.skipped, listed.imported) == ("mine", 3, 1, True)
    with pytest.raises(UsageError, match="was imported"):
        registry.add_folder("mine", dump)
    registry.add_folder("folder", dump)
    with pytest.raises(UsageError, match="points to the folder"):
        import_structures("folder", [dump])
    remove("mine")
    assert not (user_catalogues() / "mine").exists()
    assert (dump / "1" / "00" / "a.cif").is_file()
    with pytest.raises(CatalogueError, match="no catalogue"):
        open_catalogue("mine")


def test_wrong_calls_say_what_to_do(tmp_path, monkeypatch, dump):
    for name in ("", "../up", "elements", "a/b"):
        with pytest.raises(UsageError):
            import_structures(name, [dump])
    with pytest.raises(UsageError, match="nothing to import"):
        import_structures("mine", [])
    with pytest.raises(CatalogueError, match="no such file or folder"):
        import_structures("mine", [tmp_path / "nowhere.zip"])
    (tmp_path / "block").write_text("")
    monkeypatch.setenv("WHORL_HOME", str(tmp_path / "block" / "home"))
    with pytest.raises(CatalogueError, match="WHORL_HOME"):
        import_structures("mine", [dump])


def test_damaged_and_older_records_say_what_to_do(dump):
    import_structures("mine", [dump])
    path = user_catalogues() / "mine" / "imported.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET value = '0' WHERE name = 'layout'")
    with pytest.raises(CatalogueError, match="another version"):
        open_catalogue("mine")
    assert list_catalogues()[-1].entries == 0
    path.write_bytes(b"garbage" * 1000)
    with pytest.raises(CatalogueError, match="whorl catalogue remove mine"):
        open_catalogue("mine")
    remove("mine")


def test_travels_to_other_processes_and_lists_from_memory(dump, monkeypatch):
    import_structures("mine", [dump])
    catalogue = open_catalogue("mine")
    entries = catalogue.entries()
    twin = pickle.loads(pickle.dumps(catalogue))
    assert twin.entries() == entries
    assert twin.load(entries[0].key) == catalogue.load(entries[0].key)
    from whorl.catalogues import store

    monkeypatch.setattr(store, "list_entries", lambda *_: pytest.fail("the rows were read again"))
    assert catalogue.entries(elements={"Na", "Cl"})[0].formula == "NaCl"
    with pytest.raises(CatalogueError, match="whorl catalogue show mine"):
        catalogue.load("../../etc/passwd")


def test_readable_where_nothing_can_be_written(dump):
    import_structures("mine", [dump])
    place = user_catalogues() / "mine"
    place.chmod(0o555)
    (place / "imported.sqlite").chmod(0o444)
    try:
        assert len(open_catalogue("mine").entries()) == 3
    finally:
        place.chmod(0o755)


def test_built_in_structures_come_back(tmp_path):
    """Built-in compounds written as CIF go in, none refused; each keeps its prototype."""
    path = tmp_path / "all.tar.gz"
    wanted = {}
    with tarfile.open(path, "w:gz", compresslevel=1) as stream:
        for catalogue in builtin_catalogues()[:2]:
            for entry in catalogue.entries()[::4]:
                name = f"{catalogue.name}-{entry.key}.cif"
                data = cif_text(catalogue.load(entry.key)).encode()
                member = tarfile.TarInfo(name)
                member.size = len(data)
                stream.addfile(member, io.BytesIO(data))
                wanted[f"all/{name}"] = (entry.family, entry.formula, entry.space_group, entry.atoms)
    report = import_structures("mine", [path], workers=1)
    assert report.skipped == ()
    found = {e.key: (e.family, e.formula, e.space_group, e.atoms) for e in open_catalogue("mine").entries()}
    assert found == wanted
