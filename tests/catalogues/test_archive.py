"""Archives that mean harm, or are broken: refused entry by entry, read in bounded memory, nothing written."""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import struct
import tarfile
import tracemalloc
import zipfile
import zlib

import pytest

from whorl.catalogues.archive import Limits, read_tar, read_zip, refusal

GOOD = b"data_good\n"
ZEROS = bytes(20_000_000)
TRAVERSAL = (
    "../up.cif",
    "a/../../up.cif",
    "/etc/passwd.cif",
    "C:\\x.cif",
    "c:x.cif",
    "..\\up.cif",
    "\\\\host\\x.cif",
    "a\nb.cif",
)


def everything(name):
    return True


def told(pieces):
    return {piece.name: piece.data if piece.data is not None else piece.reason for piece in pieces}


def zipped(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def tarred(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, data, kind in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize("name", TRAVERSAL)
def test_names_that_lead_elsewhere_are_refused_in_both_kinds(tmp_path, name):
    assert refusal(name)
    in_zip = told(read_zip(zipped(tmp_path / "a.zip", [(name, GOOD), ("good.cif", GOOD)]), everything, Limits()))
    in_tar = told(
        read_tar(
            tarred(tmp_path / "a.tgz", [(name, GOOD, tarfile.REGTYPE), ("good.cif", GOOD, tarfile.REGTYPE)]),
            everything,
            Limits(),
        )
    )
    for found in (in_zip, in_tar):
        assert found.pop("good.cif") == GOOD
        (reason,) = found.values()
        assert reason.startswith("its name")


@pytest.mark.parametrize("name", ["a.cif", "1/00/b.cif", "..a/b..cif", "~x.cif", "Größe.cif"])
def test_ordinary_names_are_not(name):
    assert refusal(name) == ""


def test_links_devices_and_archives_inside_are_refused(tmp_path):
    members = [
        ("link.cif", b"", tarfile.SYMTYPE),
        ("hard.cif", b"", tarfile.LNKTYPE),
        ("pipe.cif", b"", tarfile.FIFOTYPE),
        ("device.cif", b"", tarfile.CHRTYPE),
        ("folder", b"", tarfile.DIRTYPE),
        ("inner.tar.gz", b"123", tarfile.REGTYPE),
        ("good.cif", GOOD, tarfile.REGTYPE),
    ]
    found = told(read_tar(tarred(tmp_path / "a.tar", members, "w"), everything, Limits()))
    assert found == {
        "link.cif": "it is a link, not a file",
        "hard.cif": "it is a link, not a file",
        "pipe.cif": "it is no plain file",
        "device.cif": "it is no plain file",
        "inner.tar.gz": "an archive inside is not opened; unpack it, or import it by itself",
        "good.cif": GOOD,
    }
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link.cif")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("inner.zip", b"PK")
        archive.writestr("good.cif", GOOD)
    found = told(read_zip(tmp_path / "a.zip", everything, Limits()))
    assert found["link.cif"] == "it is a link, not a file"
    assert found["inner.zip"].startswith("an archive inside")
    assert found["good.cif"] == GOOD


def test_an_entry_that_swells_is_refused_and_the_rest_read(tmp_path):
    path = zipped(tmp_path / "a.zip", [("bomb.cif", ZEROS), ("good.cif", GOOD)])
    assert told(read_zip(path, everything, Limits())) == {
        "bomb.cif": "it swells more than 150 times when it is unpacked",
        "good.cif": GOOD,
    }
    small = Limits(entry_bytes=1 << 20, ratio=1e9)
    assert told(read_zip(path, everything, small)) == {"bomb.cif": "it is larger than 1 MB", "good.cif": GOOD}


def test_an_entry_that_is_too_large_is_refused_and_the_rest_read(tmp_path):
    members = [("large.cif", ZEROS[:3_000_000], tarfile.REGTYPE), ("good.cif", GOOD, tarfile.REGTYPE)]
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        path = tarred(tmp_path / "a.tar", members, mode)
        found = told(read_tar(path, everything, Limits(entry_bytes=1 << 20, ratio=1e9)))
        assert found == {"large.cif": "it is larger than 1 MB", "good.cif": GOOD}


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_bomb_is_stopped_in_little_memory(tmp_path, kind):
    path = tmp_path / f"bomb.{kind}"
    if kind == "zip":
        zipped(path, [(f"{n}.cif", ZEROS) for n in range(4)])
    else:
        tarred(path, [("0.cif", ZEROS, tarfile.REGTYPE)], f"w:{kind[4:]}")
    tracemalloc.start()
    try:
        pieces = list(read_zip(path, everything, Limits()) if kind == "zip" else read_tar(path, everything, Limits()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert all(piece.data is None for piece in pieces)
    assert "swells" in pieces[-1].reason
    assert peak < 20e6


def test_the_whole_of_an_archive_is_limited(tmp_path):
    entries = [(f"{n}.cif", bytes(range(256)) * 400) for n in range(20)]
    found = list(read_zip(zipped(tmp_path / "a.zip", entries), everything, Limits(total_bytes=1 << 20, ratio=1e9)))
    assert sum(piece.data is not None for piece in found) == 10
    assert found[-1].reason == "the archive was not read to its end: it holds more than 1 MB"
    found = list(read_zip(tmp_path / "a.zip", everything, Limits(entries=7, ratio=1e9)))
    assert sum(piece.data is not None for piece in found) == 7
    assert "more than 7 entries" in found[-1].reason


@pytest.mark.parametrize("declared", [10, 10**9])
def test_declared_sizes_are_not_believed(tmp_path, declared):
    path = zipped(tmp_path / "a.zip", [("lie.cif", ZEROS[:5_000_000]), ("good.cif", GOOD)])
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\x01\x02")  # the first header of the central directory; the size stands at its byte 24
    raw[at + 24 : at + 28] = struct.pack("<I", declared)
    path.write_bytes(raw)
    found = told(read_zip(path, everything, Limits(ratio=1e9, entry_bytes=1 << 20)))
    assert found["good.cif"] == GOOD
    assert found["lie.cif"] == "it is larger than 1 MB" or found["lie.cif"].startswith("damaged in the archive")


def test_overlapping_entries_are_counted_each_time(tmp_path):
    path = zipped(tmp_path / "a.zip", [("0.cif", ZEROS[:900_000])])
    raw = path.read_bytes()
    at, end = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
    many = 4000  # entries that all point to the same bytes
    tail = bytearray(raw[end:])
    tail[8:12] = struct.pack("<HH", many, many)
    tail[12:16] = struct.pack("<I", many * (end - at))
    path.write_bytes(raw[:at] + raw[at:end] * many + bytes(tail))
    found = list(read_zip(path, everything, Limits()))
    assert sum(len(piece.data or b"") for piece in found) < 70e6
    assert found[-1].reason


def test_encrypted_and_odd_compression_are_said(tmp_path):
    path = zipped(tmp_path / "a.zip", [("secret.cif", GOOD), ("good.cif", GOOD)])
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    assert told(read_zip(path, everything, Limits())) == {"secret.cif": "it is encrypted", "good.cif": GOOD}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("odd.cif", GOOD)
    assert "pack it again with deflate" in told(read_zip(path, everything, Limits()))["odd.cif"]


def test_damage_leaves_what_came_before(tmp_path):
    text = bytes(range(1, 250)) * 3
    path = zipped(tmp_path / "a.zip", [("bad.cif", text), ("good.cif", GOOD)])
    raw = bytearray(path.read_bytes())
    raw[60] ^= 0xFF
    path.write_bytes(raw)
    found = told(read_zip(path, everything, Limits()))
    assert found["good.cif"] == GOOD
    assert found["bad.cif"].startswith("damaged in the archive")
    path.write_bytes(raw[:100])
    assert told(read_zip(path, everything, Limits()))["a.zip"].startswith("the archive was not read to its end")
    members = [(f"{n}.cif", bytes(str(n) * 5000, "ascii"), tarfile.REGTYPE) for n in range(100)]
    path = tarred(tmp_path / "a.tar", members, "w")
    path.write_bytes(gzip.compress(path.read_bytes())[:-2000])
    found = list(read_tar(path, everything, Limits()))
    assert found[0].data == b"0" * 5000
    assert found[-1].reason.startswith("the archive was not read to its end")


def test_headers_that_swell_are_not_held_in_memory(tmp_path):
    path = tmp_path / "a.tar.gz"
    header = tarfile.TarInfo("pax")
    header.type = tarfile.XHDTYPE
    header.size = 60 << 20
    with gzip.open(path, "wb") as stream:
        stream.write(header.tobuf(tarfile.USTAR_FORMAT))
        for _ in range(3):
            stream.write(ZEROS)
    tracemalloc.start()
    try:
        (piece,) = read_tar(path, everything, Limits(ratio=1e9))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert piece.reason.endswith("a header in it is too large")
    assert peak < 20e6


def test_an_xz_stream_may_not_ask_for_much_memory(tmp_path):
    path = tarred(tmp_path / "a.tar", [("good.cif", GOOD, tarfile.REGTYPE)], "w")
    head = lzma.compress(path.read_bytes(), filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])
    assert told(read_tar(_written(tmp_path / "b.tar.xz", head), everything, Limits())) == {"good.cif": GOOD}
    greedy = _with_dictionary(head, 0x26)  # a dictionary of 2 GB
    (piece,) = read_tar(_written(tmp_path / "c.tar.xz", greedy), everything, Limits())
    assert piece.reason.startswith("the archive was not read to its end")


def _with_dictionary(data, code):
    """Change the size of the dictionary in the header of the first block, and its check sum."""
    raw = bytearray(data)
    size = (raw[12] + 1) * 4
    at = raw.index(b"\x21\x01", 12) + 2
    raw[at] = code
    raw[12 + size - 4 : 12 + size] = struct.pack("<I", zlib.crc32(bytes(raw[12 : 12 + size - 4])))
    return raw


def _written(path, data):
    path.write_bytes(data)
    return path


def test_other_files_are_left_alone(tmp_path):
    path = zipped(tmp_path / "a.zip", [("README.txt", b"x"), ("a.cif", GOOD)])
    found = list(read_zip(path, lambda name: name.endswith(".cif"), Limits()))
    assert [(piece.name, piece.data, piece.reason) for piece in found] == [("README.txt", None, ""), ("a.cif", GOOD, "")]
