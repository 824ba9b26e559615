"""What the user names, as a list of files."""

from __future__ import annotations

import pytest

from whorl.cli.expand import expand
from whorl.core.errors import PatternError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("a10.gr", "a9.gr", "a1.GR", "notes.txt", ".hidden.gr", "structure.cif", "b.sq"):
        (tmp_path / name).write_text("x")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "c.gr").write_text("x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folder_gives_its_data_in_the_order_people_count(folder):
    assert expand(["."]) == ["a1.GR", "a9.gr", "a10.gr", "b.sq"]


def test_folder_of_text_files(folder):
    for path in folder.iterdir():
        if path.suffix.lower() in (".gr", ".sq"):
            path.unlink()
    assert expand([str(folder)]) == [str(folder / "notes.txt")]


def test_patterns_and_folders_below(folder):
    assert expand(["a?.gr"]) == ["a9.gr"]
    assert expand(["**/*.gr"]) == ["a9.gr", "a10.gr", "below/c.gr"]
    assert expand(["a[0-9].gr", "a9.gr"]) == ["a9.gr"]


def test_file_whose_name_looks_like_a_pattern(folder):
    (folder / "a[1].gr").write_text("x")
    assert expand(["a[1].gr"]) == ["a[1].gr"]


def test_list_sorted_by_the_shell_is_put_in_the_order_people_count(folder):
    assert expand(["a10.gr", "a11.gr", "a9.gr"]) == ["a9.gr", "a10.gr", "a11.gr"]
    assert expand(["z.gr", "a.gr", "b.gr"]) == ["z.gr", "a.gr", "b.gr"]


def test_missing_file_is_left_to_its_reader(folder):
    assert expand(["nothing.gr", "s.nxs#3"]) == ["nothing.gr", "s.nxs#3"]


@pytest.mark.parametrize("word", ["*.xyz", "nowhere/*.gr", "below/none*"])
def test_pattern_without_file(folder, word):
    with pytest.raises(PatternError, match="no file matches"):
        expand([word])
