"""The smaller commands: refine, simulate, show, replay, convert, catalogue, --version."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import whorl as api


@pytest.fixture
def nickel(tmp_path, write_pattern):
    return write_pattern(tmp_path / "nickel.gr", "Ni", zoom=1.01)


def test_version_and_module_call():
    found = subprocess.run([sys.executable, "-m", "whorl", "--version"], capture_output=True, text=True, check=True)
    assert found.stdout == f"whorl {api.__version__}\n"


def test_help_of_every_command(whorl):
    for words in ([], ["identify"], ["refine"], ["simulate"], ["show"], ["replay"], ["convert"], ["catalogue"]):
        called = whorl(*words, "--help")
        assert called.code == 0
        assert called.out.startswith("Usage: whorl")


def test_refine_a_file_and_an_entry(whorl, nickel, four_cifs):
    mine = whorl("refine", nickel, four_cifs / "Ni.cif", "--no-size", "--json", "-").rows[0]
    entry = whorl("refine", nickel, "Ni (fcc)", "--no-size", "--json", "-").rows[0]
    for row in (mine, entry):
        a = row["candidates"][0]["parameters"]["a"]
        assert a["value"] == pytest.approx(3.5238 * 1.01, abs=5 * a["sigma"])
    assert mine["run"] != entry["run"]


def test_refine_two_phases_and_hold_a_parameter(whorl, nickel, four_cifs):
    called = whorl(
        "refine", nickel, four_cifs / "Ni.cif", four_cifs / "Si.cif", "--no-size", "--fix", "1:delta2=0", "--json", "-"
    )
    (best,) = called.rows[0]["candidates"]
    assert [p["name"] for p in best["phases"]] == ["Ni", "Si"]
    assert best["phases"][0]["weight_fraction"]["value"] > 0.9
    assert called.rows[0]["provenance"]["command"].endswith("--fix 1:delta2=0 --no-size")


def test_refine_table_shows_all_parameters(whorl, nickel, four_cifs):
    called = whorl("refine", nickel, four_cifs / "Ni.cif", "--no-size")
    assert called.code == 0
    assert "  a " in called.out
    assert "U_Ni" in called.out
    assert "scale" in called.out


def test_refine_with_unknown_entry_suggests_one(whorl, nickel):
    called = whorl("refine", nickel, "Ni(fcc)")
    assert called.code == 3
    assert "Did you mean 'Ni (fcc)'" in called.err


def test_refine_fix_wants_numbers(whorl, nickel):
    called = whorl("refine", nickel, "Ni (fcc)", "--fix", "a=long")
    assert called.code == 2


def test_simulate_to_a_file_and_to_standard_output(whorl, tmp_path):
    whorl("simulate", "Ni (fcc)", "--set", "qmax=25", "--range", "0.02:10", "--step", "0.02", "--out", tmp_path / "ni.gr")
    found = api.read(tmp_path / "ni.gr")
    assert found.x.size == 500
    assert found.x[-1] == 10.0
    np.testing.assert_array_equal(found.signal, api.simulate("Ni (fcc)", qmax=25.0, x=found.x).signal)
    assert abs(found.x[np.argmax(found.signal[found.x < 3])] - 3.52 / 2**0.5) < 0.03
    text = whorl("simulate", "Ni (fcc)", "--set", "qmax=25", "--range", "0.02:10", "--step", "0.02").out
    assert text == (tmp_path / "ni.gr").read_text()


@pytest.mark.parametrize("words", [["--step", "0"], ["--step", "50"], ["--step", "1e-9"], ["--technique", "nmr"]])
def test_simulate_refuses_nonsense(words, whorl):
    assert whorl("simulate", "Ni (fcc)", *words).code == 2


def test_show_and_list(whorl, nickel, little, tmp_path):
    assert "No runs" in whorl("show").err
    row = whorl("identify", nickel, *little, "--json", "-").rows[0]
    assert row["run"] in whorl("show", "list").out
    assert row["run"] in whorl("show", "list", "--file", "nickel.gr").out
    assert whorl("show", "list", "--file", "other.gr").out == ""
    shown = whorl("show", row["run"][-6:])
    assert "nickel.gr: Ni" in shown.out
    assert "Command whorl identify" in shown.out
    assert whorl("show", "last", "--json").rows == [row]
    assert whorl("show", "nonsense").code == 3


def test_report_is_made_again_from_the_kept_run(whorl, nickel, little, tmp_path):
    whorl("identify", nickel, *little, "--report", tmp_path / "first")
    nickel.unlink()  # the workspace has its own copy
    assert whorl("show", "last", "--report", tmp_path / "second").code == 0
    for name in ("nickel.html", "nickel.fgr", "nickel.fit.csv", "nickel.verdict.json"):
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "first" / name).read_bytes(), name
    cifs = [sorted(path.name for path in (tmp_path / part).glob("*.cif")) for part in ("first", "second")]
    assert cifs[0] == cifs[1] != []


def test_replay_is_identical_and_a_series_frame_too(whorl, nickel, little):
    whorl("identify", nickel, *little, "--range", "1.5:12", "--elements", "Ni,Cu")
    nickel.unlink()
    called = whorl("replay", "last")
    assert called.code == 0
    assert called.out.rstrip().endswith("identical")


def test_replay_of_a_refinement_needs_no_file(whorl, nickel, four_cifs, tmp_path):
    mine = tmp_path / "mine.cif"
    mine.write_bytes((four_cifs / "Ni.cif").read_bytes())
    whorl("refine", nickel, mine, "--no-size")
    mine.unlink()
    assert whorl("replay", "last").code == 0


def test_replay_says_what_differs_and_why(whorl, nickel, four_cifs, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("Ni", "Cu"):
        (mine / f"{name}.cif").write_bytes((four_cifs / f"{name}.cif").read_bytes())
    whorl("identify", nickel, "--catalogue", mine, "--only")
    (mine / "Ni.cif").unlink()
    called = whorl("replay", "last")
    assert called.code == 1
    assert "differ" in called.out
    assert "catalogue mine has changed" in called.out


def test_replay_of_a_failed_run(whorl, tmp_path, little):
    (tmp_path / "bad.gr").write_text("")
    whorl("identify", tmp_path / "bad.gr", *little)
    assert whorl("replay", "last").code == 3


def test_convert_measurements_and_structures(whorl, nickel, tmp_path, four_cifs):
    assert whorl("convert", nickel, tmp_path / "n.nxs").code == 0
    assert whorl("convert", tmp_path / "n.nxs", tmp_path / "back.gr").code == 0
    np.testing.assert_array_equal(api.read(tmp_path / "back.gr").signal, api.read(nickel).signal)
    assert whorl("convert", four_cifs / "Si.cif", tmp_path / "si.xyz").code == 0
    assert len((tmp_path / "si.xyz").read_text().splitlines()) == 10  # count, comment, eight atoms
    assert whorl("convert", nickel, tmp_path / "n.nxs").code == 2  # it exists
    assert whorl("convert", nickel, tmp_path / "n.nxs", "--force").code == 0
    assert "input itself" in whorl("convert", nickel, nickel).err
    assert whorl("convert", nickel, tmp_path / "n.pdf").code == 2


def test_catalogue_add_list_show_remove(whorl, tmp_path, four_cifs, nickel):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "Ni.cif").write_bytes((four_cifs / "Ni.cif").read_bytes())
    (mine / "bad.cif").write_text("data_nothing\n")
    added = whorl("catalogue", "add", "my-cifs", mine)
    assert added.code == 0
    assert "1 structures" in added.out or "1 structure" in added.out
    assert "skipped bad.cif" in added.err
    listed = whorl("catalogue", "list").out
    assert all(name in listed for name in ("elements", "compounds", "nanoparticles", "my-cifs"))
    shown = whorl("catalogue", "show", "my-cifs")
    assert "Ni.cif" in shown.out
    row = whorl("identify", nickel, "--catalogue", "my-cifs", "--only", "--json", "-").rows[0]
    assert list(row["provenance"]["catalogues"]) == ["my-cifs"]
    assert whorl("catalogue", "remove", "my-cifs").code == 0
    assert (mine / "Ni.cif").exists()
    assert whorl("identify", nickel, "--catalogue", "my-cifs").code == 3
    assert whorl("catalogue", "remove", "elements").code == 2
    assert whorl("catalogue", "add", "bad name", mine).code == 2


def test_catalogue_show_filters(whorl):
    assert whorl("catalogue", "show", "elements", "--elements", "Ni").out.splitlines()[0].startswith("Ni-fcc")
    assert whorl("catalogue", "show", "elements", "--elements", "Xx").code == 2
