"""A file is there whole or as it was before."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from whorl.core.atomic import atomic, write_atomic
from whorl.core.errors import WhorlError, WorkspaceError


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_write_and_replace(tmp_path):
    path = tmp_path / "out.csv"
    write_atomic(path, "a\r\nb\n")
    assert path.read_bytes() == b"a\r\nb\n"
    path.chmod(0o640)
    write_atomic(path, b"second")
    assert path.read_bytes() == b"second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names(tmp_path) == ["out.csv"]


def test_new_files_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", b"")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [ValueError("stop"), KeyboardInterrupt()])
def test_a_failure_in_the_block_leaves_the_old_file_alone(tmp_path, error):
    path = tmp_path / "out.json"
    path.write_text("old")

    def write_half():
        with atomic(path, "w") as stream:
            stream.write("half")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.json"]


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "quota"), (errno.EROFS, "read-only"), (errno.EACCES, "no permission")],
)
@pytest.mark.parametrize("call", ["fsync", "open"])
def test_system_errors_carry_a_remedy(tmp_path, monkeypatch, number, words, call):
    path = tmp_path / "out.json"
    path.write_text("old")

    def fail(*args, **more):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(WorkspaceError, match=words) as caught:
        write_atomic(path, b"new", kind=WorkspaceError)
    monkeypatch.undo()
    assert caught.value.where == str(path)
    assert caught.value.remedy
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.json"]


def test_missing_folder_and_folder_as_file(tmp_path):
    with pytest.raises(WhorlError, match="folder does not exist"):
        write_atomic(tmp_path / "no" / "a.txt", b"")
    with pytest.raises(WhorlError, match="this is a folder"):
        write_atomic(tmp_path, b"")


def test_an_error_on_another_file_is_not_blamed_on_this_one(tmp_path):
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "out") as stream:
        stream.write((tmp_path / "absent").read_bytes())
    assert names(tmp_path) == []


def test_links_are_followed_and_pipes_written_straight(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
    reader, writer = os.pipe()
    try:
        write_atomic(f"/dev/fd/{writer}", b"through")
        assert os.read(reader, 20) == b"through"
    finally:
        os.close(reader)
        os.close(writer)
