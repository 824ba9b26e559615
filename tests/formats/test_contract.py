"""The contract of every registered reader: key, suffixes, sniffing, refusal of what is not its own, provenance."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from whorl.core.errors import PatternError, StructureError, UsageError
from whorl.core.hypothesis import Cluster, Crystal, Site
from whorl.core.measurement import Measurement
from whorl.formats import read, read_structure, write_measurement, write_structure
from whorl.formats.registry import MEASUREMENTS, STRUCTURES

BODY = "0.1 1\n0.2 -2\n0.3 0.5\n"
CURVE = Measurement("gr", np.array([0.1, 0.2, 0.3]), np.array([1.0, -2.0, 0.5]))

#: reader -> text of a small file of its own
TEXTS = {
    "pdfgetx3": "[DEFAULT]\nversion = pdfgetx3-1.0\noutputtype = gr\n#### start data\n#S 1\n#L r($\\AA$)  G($\\AA^{-2}$)\n"
    + BODY,
    "pdfgetx2": "History written\n####### Get_XPDF #######\n##### start data\n#L r(A)    G(r)\n" + BODY,
    "pdfgetn": "##### start data\n#S 1 - PDF from PDFgetN\n#L r G(r) dr dG(r)\n" + BODY,
    "pdfgui": "##### PDFgui fit\n# type = X\n##### start data\n#L r(A) G(r)\n" + BODY,
    "columns": BODY,
    "cansas": "<SASroot version='1.1'><SASentry><Title/><SASdata>"
    "<Idata><Q unit='1/A'>0.1</Q><I unit='1/cm'>1</I></Idata><Idata><Q unit='1/A'>0.2</Q><I unit='1/cm'>-2</I></Idata>"
    "<Idata><Q unit='1/A'>0.3</Q><I unit='1/cm'>0.5</I></Idata></SASdata></SASentry></SASroot>",
    "pdh": "title\nSAXS BOX\n 3 0 0 0 0 0 0 0\n 0 261.2 0 1 0.1542\n 0 0 0 0 0\n1.0 1 0.1\n2.0 -2 0.1\n3.0 0.5 0.1\n",
}
SUFFIX = {"cansas": ".xml", "pdh": ".pdh"}


def make(key, folder):
    """Write a small file of the format."""
    if key == "nexus":
        file = folder / "a.nxs"
        write_measurement(CURVE, file)
    elif key == "whorl":
        file = folder / "a.gr"
        write_measurement(CURVE, file)
    else:
        file = folder / f"a{SUFFIX.get(key, '.gr')}"
        file.write_text(TEXTS[key])
    return file


def check(reader, file, x, y, kinds):
    head = file.read_bytes()[:16384]
    assert file.suffix in reader.suffixes
    assert all(s == s.lower() and s.startswith(".") for s in reader.suffixes)
    scores = {r.key: r.sniff(head, file) for r in MEASUREMENTS}
    assert all(0 <= s <= 1.01 for s in scores.values())
    assert max(scores, key=scores.get) == reader.key
    m = reader.read(str(file), max_bytes=10_000_000)
    assert m.format == reader.key == read(file).format
    assert np.allclose(m.x, x, rtol=0, atol=1e-5)  # float32 of the binary formats at 70 degrees
    assert np.allclose(m.signal, y, rtol=1e-6)
    assert m.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert m.path == str(file)
    for kind in kinds:
        assert reader.read(str(file), kind=kind, max_bytes=10_000_000).kind == kind
    with pytest.raises(UsageError, match="unknown kind"):
        reader.read(str(file), kind="xrd", max_bytes=10_000_000)
    for data in (b"", b"\x00", b"\xff" * 100, b"\n"):
        assert 0 <= reader.sniff(data, Path("x")) <= 1.01
        empty = file.with_name("other")
        empty.write_bytes(data)
        with pytest.raises(PatternError):
            reader.read(str(empty), max_bytes=1000)
    if reader.key != "nexus":
        with pytest.raises(PatternError, match="max_bytes"):
            reader.read(str(file), max_bytes=3)


@pytest.mark.parametrize("reader", MEASUREMENTS, ids=lambda r: r.key)
def test_measurement_readers(reader, tmp_path, built, build, pattern):
    if reader.key in built:
        file = tmp_path / built[reader.key]
        file.write_bytes(build(reader.key))
        check(reader, file, *pattern, ["powder"])
        head = file.read_bytes()
        for size in (3, 30, len(head) // 3, len(head) // 2):  # a file that was cut off
            file.write_bytes(head[:size])
            with pytest.raises(PatternError) as caught:
                reader.read(str(file), max_bytes=10_000_000)
            assert str(file) in caught.value.where
            assert caught.value.remedy
    elif reader.key in ("sesans", "image"):  # these say what a file is: tests of their own
        assert all(s == s.lower() and s.startswith(".") for s in reader.suffixes)
        assert reader.sniff(b"", Path("x")) == reader.sniff(b"\xff" * 100, Path("x")) == 0
    elif reader.key in SUFFIX:
        check(reader, make(reader.key, tmp_path), [0.1, 0.2, 0.3], [1, -2, 0.5], ["sas"])
    else:  # NXdata states the unit of its axis, so r cannot be taken for Q
        kinds = ["gr"] if reader.key == "nexus" else ["gr", "sq"]
        check(reader, make(reader.key, tmp_path), [0.1, 0.2, 0.3], [1, -2, 0.5], kinds)


ATOMS = {
    "cif": (
        "a.cif",
        Crystal("a", cell=(4, 4, 5, 90, 90, 90), space_group="P 4/m m m", sites=(Site("Fe", (0, 0, 0), 0.5, 0.01, "Fe1"),)),
    ),
    "xyz": ("a.xyz", Cluster("a", symbols=("Fe", "O"), positions=np.array([[0, 0, 0], [0, 0, 2.0]]))),
}


@pytest.mark.parametrize("reader", STRUCTURES, ids=lambda r: r.key)
def test_structure_readers(reader, tmp_path):
    if reader.key == "stru":
        file = tmp_path / "a.stru"
        file.write_text(
            "title x\nformat pdffit\ncell 3.5, 3.5, 3.5, 90, 90, 90\natoms\n"
            "NI 0 0 0 1.0\n0 0 0 0\n.004 .005 .006\n0 0 0\n0 0 0\n0 0 0\n"
        )
    else:
        name, structure = ATOMS[reader.key]
        file = tmp_path / name
        write_structure(structure, file)
    head = file.read_bytes()
    assert file.suffix in reader.suffixes
    assert max(STRUCTURES, key=lambda r: r.sniff(head, file)).key == reader.key
    found = reader.read(str(file), max_bytes=10_000)
    assert found.structure.source == str(file)
    assert found.structure.name == "a"
    assert read_structure(file, format=reader.key).formula == found.structure.formula
    with pytest.raises(StructureError, match="max_bytes"):
        reader.read(str(file), max_bytes=3)
    assert 0 <= reader.sniff(b"", Path("x")) <= 1
