"""Bad input ends in an error that names file, line and remedy; nothing but a WhorlError ever leaves a reader."""

import gzip
import io
import os
import random
import zipfile

import h5py
import numpy as np
import pytest

from whorl.core.errors import PatternError, StructureError, UsageError, WhorlError
from whorl.formats import read, read_structure
from whorl.formats.registry import MEASUREMENTS, STRUCTURES

GOOD = "# r G(r)\n" + "\n".join(f"{0.1 * i:.2f} {np.sin(i):.5f}" for i in range(1, 60)) + "\n"


def _zip():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", "b")
    return stream.getvalue()


def broken(line, text):
    rows = GOOD.split("\n")
    rows[line - 1] = text
    return "\n".join(rows).encode()


BAD = {
    "empty": (b"", "empty", "Export"),
    "white space": (b" \n\t\r\n  ", "white space", "Export"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG", "text"),
    "zip": (_zip(), "zip", "Unpack"),
    "gzip": (gzip.compress(GOOD.encode()), "gzip", "gunzip"),
    "pickle": (b"\x80\x04\x95" + bytes(50), "pickle", "text"),
    "junk": (bytes(range(256)) * 8, "binary", "text"),
    "words": (b"Dear all,\nthe file is on the server.\n", "no row of numbers", "columns"),
    "html": (b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>", "no row of numbers", "columns"),
    "one column": (b"1\n2\n3\n4\n", "one column", "axis"),
    "one row": (b"0.1 0.2\n", "1 point", "two"),
    "all nan": (b"# r G\nnan nan\nnan nan\nnan nan\n", "NaN", "Export"),
    "nan inside": (broken(21, "2.00 nan"), "line 21: NaN", "Remove"),
    "inf inside": (broken(21, "2.00 -inf"), "line 21: NaN or infinity", "Remove"),
    "overflow": (broken(21, "2.00 ********"), r"line 21: '\*+' is not a number", "Correct"),
    "word": (broken(21, "2.00 abc"), "line 21: 'abc' is not a number", "Correct"),
    "torn": (broken(21, "hello"), "line 21: 'hello' is not a number", "Correct"),
    "short row": (broken(21, "2.00"), "line 21: 1 column where the other lines have 2", "line"),
    "long row": (broken(21, "2.00 1.0 7.0"), "line 21: 3 columns where the other lines have 2", "line"),
    "cut off": (GOOD[:-9].encode() + b"\n6.1", "1 column", "cut off"),
    "backwards": (broken(21, "0.05 1.0"), r"line 21: r is not increasing \(0.05 after 1.9\)", "sort=True"),
    "twice": (broken(21, "1.90 1.0"), "line 21: r = 1.9 occurs twice", "sort=True"),
    "mixed decimals": (b"1.5;2,3\n1.6;2,4\n", "mixed", "point"),
    "nul tail": (GOOD.encode() + bytes(4096), "NUL", "Export"),
    "underscore": (b"1_0 2\n2_0 3\n", "no row of numbers", "columns"),
    "D(r)": (b"# r D(r)\n1 2\n2 3\n", "D\\(r\\)", "Export"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_patterns(tmp_path, name):
    data, what, remedy = BAD[name]
    file = tmp_path / "bad.gr"
    file.write_bytes(data)
    with pytest.raises(PatternError, match=what) as caught:
        read(file)
    assert str(file) in caught.value.where
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == 3


def test_a_missing_file_a_folder_and_a_pipe(tmp_path):
    with pytest.raises(PatternError, match="no such file"):
        read(tmp_path / "none.gr")
    with pytest.raises(StructureError, match="no such file"):
        read_structure(tmp_path / "none.cif")
    with pytest.raises(PatternError, match="folder"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe.gr")
    with pytest.raises(PatternError, match="ordinary"):
        read(tmp_path / "pipe.gr")
    with pytest.raises(PatternError, match="cannot be opened"):
        read("a\x00b.gr")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path):
    file = tmp_path / "a.gr"
    file.write_text(GOOD)
    file.chmod(0)
    with pytest.raises(PatternError, match="permission denied"):
        read(file)


def test_a_huge_file_is_refused_by_its_size(tmp_path):
    file = tmp_path / "huge.gr"
    with file.open("wb") as stream:
        stream.truncate(200 * 1024 * 1024)
    with pytest.raises(PatternError, match=r"209\.7 MB") as caught:
        read(file)
    assert "max_bytes=209715200" in caught.value.remedy


def test_a_structure_is_not_a_pattern_and_unknown_formats(tmp_path):
    cif = tmp_path / "a.cif"
    cif.write_text("data_a\n_cell_length_a 3\n")
    with pytest.raises(PatternError, match="structure"):
        read(cif)
    with pytest.raises(UsageError, match="unknown format"):
        read(cif, format="raw")
    with pytest.raises(UsageError, match="unknown format"):
        read_structure(cif, format="raw")


CIF = """data_x
_cell_length_a 4
_cell_length_b 4
_cell_length_c 4
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""
BAD_STRUCTURES = {
    "no atoms.cif": ("data_x\n_cell_length_a 4\n", "without atoms"),
    "no usable atoms.cif": (CIF + "Fe1 ? ? ? 1\n", "without usable atoms"),
    "no data.cif": ("hello\n", "not a CIF"),
    "unknown element.cif": (CIF + "Fe1 0 0 0 1\nQq1 0 0 0.5 1\n", r"line 12: unknown element 'Qq1'"),
    "no cell.cif": (CIF.replace("_cell_length_a 4\n", "") + "Fe1 0 0 0 1\n", "_cell_length_a missing"),
    "zero cell.cif": (CIF.replace("_a 4", "_a 0") + "Fe1 0 0 0 1\n", "not a cell"),
    "occupancy.cif": (CIF + "Fe1 0 0 0 3\n", "occupancy 3"),
    "loop.cif": (CIF + "Fe1 0 0 0\n", "line"),
    "empty.cif": ("", "empty"),
    "blank.cif": ("  \n", "white space"),
    "blank.xyz": ("  \n", "white space"),
    "count.xyz": ("3\n\nAu 0 0 0\nAu 0 0 1\n", r"2 atoms where the first line says 3"),
    "many.xyz": ("300000000\n\nAu 0 0 0\n", "300000000 atoms"),
    "none.xyz": ("0\n\n", "no atoms"),
    "element.xyz": ("2\n\nAu 0 0 0\nQq 0 0 1\n", "line 4: unknown element 'Qq'"),
    "number.xyz": ("2\n\nAu 0 0 0\nAu 0 zero 1\n", "line 4: .*not an atom"),
    "nan.xyz": ("2\n\nAu 0 0 0\nAu 0 nan 1\n", "line 4: coordinates"),
    "words.xyz": ("gold\nsilver\n", "line 1: .*not the number"),
    "short.xyz": ("2\n\nAu 0 0 0\nAu 0 1\n", "line 4: .*not an atom"),
    "lattice.xyz": ('1\nLattice="1 0 0 0 1 0 0 0"\nAu 0 0 0\n', "line 2: the lattice"),
    "words.stru": ("title x\n", "no line 'atoms'"),
    "cell.stru": ("cell 1, 2\natoms\nNi 0 0 0\n", "six numbers"),
    "atoms.stru": ("cell 1,1,1,90,90,90\natoms\n", "no atoms"),
    "junk.cif": ("\x00\x01\x02" * 50, "binary"),
    "words.txt": ("hello", "no structure"),
}


@pytest.mark.parametrize("name", BAD_STRUCTURES)
def test_bad_structures(tmp_path, name):
    text, what = BAD_STRUCTURES[name]
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(StructureError, match=what) as caught:
        read_structure(file)
    assert str(file) in caught.value.where
    assert caught.value.remedy


def _seeds(tmp_path, built, build):
    nxs = tmp_path / "seed.h5"
    with h5py.File(nxs, "w") as file:
        group = file.create_group("entry/data")
        group.attrs.update({"NX_class": "NXdata", "signal": "gr", "axes": "r"})
        group["r"] = np.arange(1.0, 20)
        group["gr"] = np.sin(np.arange(1.0, 20))
    cif = CIF + "Fe1 0 0 0 1\n"
    xyz = "2\n\nAu 0 0 0\nAu 0 0 2.8\n"
    stru = "format pdffit\ncell 3,3,3,90,90,90\natoms\nNI 0 0 0 1\n0 0 0 0\n.1 .1 .1\n0 0 0\n0 0 0\n0 0 0\n"
    return [
        nxs.read_bytes(),
        GOOD.encode(),
        cif.encode(),
        xyz.encode(),
        stru.encode(),
        GOOD.encode("utf-16"),
        b'{"qmax": 1}\n1,5;2\n2,5;3\n',
        *(build(key) for key in (*built, "bruker-1", "bruker-2", "bruker-3")),
    ]


def _raised(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except WhorlError as error:
        return error
    return None


def test_random_and_truncated_bytes_raise_whorl_errors_only(tmp_path, built, build):
    seed = 20240607
    rng = random.Random(seed)
    seeds = _seeds(tmp_path, built, build)
    readers = [*MEASUREMENTS, *STRUCTURES]
    for trial in range(250):
        data = bytearray(rng.choice(seeds))
        how = rng.randrange(4)
        if how == 0:
            data = bytearray(rng.randbytes(rng.randrange(400)))
        elif how == 1 or data.startswith(b"\x89HDF"):
            # flipped bytes inside an HDF5 file can crash the HDF5 library itself: such files belong in a child process
            data = data[: rng.randrange(len(data))]
        else:
            for _ in range(rng.randrange(1, 12)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        file = tmp_path / f"fuzz{trial}"
        file.write_bytes(data)
        errors = [_raised(reader.read, str(file), max_bytes=1_000_000) for reader in readers]
        errors += [_raised(function, file) for function in (read, read_structure)]
        assert all(e is None or (e.where and e.remedy) for e in errors), (seed, trial)
        file.unlink()
