"""The same numbers are read however a program, a locale or a person has written them."""

import codecs

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whorl.core.errors import PatternError, UsageError
from whorl.formats import read

SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def put(folder, text, name="a.gr", encoding="utf-8"):
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return file


@st.composite
def curves(draw):
    n = draw(st.integers(2, 40))
    step = draw(st.sampled_from([0.01, 0.02, 0.1, 0.5]))
    start = draw(st.sampled_from([0.0, 0.01, 1.5]))
    x = start + step * np.arange(n)
    y = np.array(draw(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=n, max_size=n)))
    return x, y


@SETTINGS
@given(
    curve=curves(),
    style=st.sampled_from(
        [
            (" ", "."),
            ("   ", "."),
            ("\t", "."),
            (",", "."),
            (", ", "."),
            (";", "."),
            ("; ", ","),
            (";", ","),
            ("\t", ","),
            ("  ", ","),
        ]
    ),
    comment=st.sampled_from(["#", "!", "%", ";", "//", "'", '"', "# ", None]),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"]),
    exponent=st.sampled_from(["e", "E", "D"]),
    ending=st.booleans(),
    blank=st.booleans(),
)
def test_any_style_gives_the_same_numbers(tmp_path, curve, style, comment, newline, encoding, exponent, ending, blank):
    x, y = curve
    separator, decimal = style
    rows = (
        [] if comment is None else [f"{comment}Messung für Åse, Qmax siehe unten", f"{comment} qmax = 25.5", f"{comment}r G(r)"]
    )
    for a, b in zip(x, y, strict=True):
        row = separator.join(format(v, ".17e") for v in (a, b))
        rows.append("".join(row) if decimal == "." else row.replace(".", ","))
        rows[-1] = rows[-1].replace("e", exponent)
    if blank:
        rows.insert(len(rows) // 2 + 2, "   ")
    text = newline.join(rows) + (newline if ending else "")
    data = text.encode(encoding)
    if encoding in ("utf-16-le", "utf-16-be") and comment is None:
        data = (codecs.BOM_UTF16_LE if encoding.endswith("le") else codecs.BOM_UTF16_BE) + data
    m = read(put(tmp_path, data))
    assert np.array_equal(m.x, x)
    assert np.array_equal(m.signal, y)
    assert m.settings.get("qmax") == (None if comment is None else 25.5)
    assert m.sigma is None


@pytest.mark.parametrize(
    ("text", "x", "y", "note"),
    [
        ("1,5;2,3\n1,6;2,4\n", [1.5, 1.6], [2.3, 2.4], "decimal comma"),
        ("1,5 2,3\n1,6 -2,4\n", [1.5, 1.6], [2.3, -2.4], "decimal comma"),
        ("0 0\n0,1 2,4\n", [0, 0.1], [0, 2.4], "decimal comma"),
        ("1.5,2.3\n1.6,2.4\n", [1.5, 1.6], [2.3, 2.4], None),
        ("1, 2\n2, 5\n", [1, 2], [2, 5], None),
        ("0,01,1,5\n0,02,1,7\n", [0.01, 0.02], [1.5, 1.7], "commas both"),
        ('"0.1","2.0"\n"0.2","3.0"\n', [0.1, 0.2], [2, 3], None),
        (".1 -.5\n.2 5.\n", [0.1, 0.2], [-0.5, 5], None),
        ("0.1 1.5-101\n0.2 2.0\n", [0.1, 0.2], [1.5e-101, 2], None),
        ("0.1 1\n0.2 2 # last good\n0.3 3\n", [0.1, 0.2, 0.3], [1, 2, 3], None),
        ("0.1 1\n# pause\n0.2 2\n", [0.1, 0.2], [1, 2], None),
        ("0.1 1\n; 0.15 9\n;0.16 9\n'0.17 9\n% 0.18 9\n0.2 2\n", [0.1, 0.2], [1, 2], None),
        ("0.1\u00a0\u22121\n0.2\u00a02\n", [0.1, 0.2], [-1, 2], None),
        ("3\n0.1 1\n0.2 2\n0.3 4\n", [0.1, 0.2, 0.3], [1, 2, 4], "header"),
        ("0.1 1\n0.2 2\nTotal: two points\n", [0.1, 0.2], [1, 2], "not read"),
        ("NaN NaN\n0.1 1\n0.2 2\n0.3 nan\n", [0.1, 0.2], [1, 2], "ends"),
        ("0.1 1\n0.1 1\n0.2 2\n", [0.1, 0.2], [1, 2], "repeated"),
        ("0 0.1 1\n1 0.2 2\n2 0.3 4\n", [0.1, 0.2, 0.3], [1, 2, 4], "index"),
        ("# index r G(r)\n0 0.1 1\n1 0.2 2\n2 0.3 4\n", [0.1, 0.2, 0.3], [1, 2, 4], None),
    ],
)
def test_what_people_write(tmp_path, text, x, y, note):
    m = read(put(tmp_path, text))
    assert m.x.tolist() == x
    assert m.signal.tolist() == y
    assert (note is None and not m.notes) or any(note in n for n in m.notes if note)


@pytest.mark.parametrize(
    ("text", "sigma"),
    [
        ("#L r G(r) dr dG(r)\n0.1 1 0 0.5\n0.2 2 0 0.6\n", [0.5, 0.6]),
        ("#L r(A)    G(r)    d_r    d_Gr\n0.1 1 -3 0.5\n0.2 2 -3 0.6\n", [0.5, 0.6]),
        ("# r G dG\n0.1 1 0.5\n0.2 2 0.6\n", [0.5, 0.6]),
        ("0.1 1 0.5\n0.2 2 0.6\n", [0.5, 0.6]),
        ("0.1 1 0 0.5\n0.2 2 0 0.6\n", [0.5, 0.6]),
        ("0.1 1 0 0\n0.2 2 0 0\n", None),
        ("# r G dG\n0.1 1 -0.5\n0.2 2 0.6\n", None),
        ("#L r(A) G(r) d_r d_Gr Gdiff\n0.1 1 0 0 7\n0.2 2 0 0 8\n", None),
    ],
)
def test_columns_of_uncertainty(tmp_path, text, sigma):
    m = read(put(tmp_path, text))
    assert (m.sigma is None) if sigma is None else (m.sigma.tolist() == sigma)
    assert m.signal.tolist() == [1, 2]


def test_a_first_point_without_uncertainty_is_masked(tmp_path):
    rows = ["# r G dG", "0 0 0", *(f"{0.1 * i} {i} 0.5" for i in range(1, 30))]
    m = read(put(tmp_path, "\n".join(rows)))
    assert m.mask.tolist() == [False] + 29 * [True]
    assert np.isinf(m.sigma[0])
    assert m.x[0] == 0


@pytest.mark.parametrize(
    ("label", "kind", "x", "y"),
    [
        ("r(nm) G(nm^-2)", "gr", 1.0, 0.5),
        ("r (nm)  G(r) (nm^-2)", "gr", 1.0, 0.5),
        ("r(A) G(A^-2)", "gr", 0.1, 50),
        ("Q(nm-1) F(Q)", "fq", 0.01, 5),
        ("Q[1/nm]  S(Q)", "sq", 0.01, 50),
        ("Q(1/A)  I(Q)", "iq", 0.1, 50),
        ("       q_nm^-1             I ", "iq", 0.01, 50),
        ("Ni.tif\nQ (1/nm)\nIntensity\n2", "iq", 0.01, 50),
    ],
)
def test_nanometres_in_the_label(tmp_path, label, kind, x, y):
    m = read(put(tmp_path, f"# {label}\n0.1 50\n0.2 60\n", name="a.dat"))
    assert m.kind == kind
    assert m.x[0] == pytest.approx(x)
    assert m.signal[0] == pytest.approx(y)
    assert any("turned into" in note for note in m.notes) == ("nm" in label)


def test_kind_is_decided_by_label_then_header_then_name(tmp_path):
    body = "0.1 1\n0.2 -2\n"
    assert read(put(tmp_path, body, "a.sq")).kind == "sq"
    assert read(put(tmp_path, "outputtype = fq\n" + body, "a.dat")).kind == "fq"
    assert read(put(tmp_path, "outputtype = fq\n#L Q S(Q)\n" + body, "a.fq")).kind == "sq"
    assert read(put(tmp_path, body, "Ni_Fq.txt")).kind == "fq"
    assert read(put(tmp_path, body, "a.gr"), kind="iq").kind == "iq"
    guessed = read(put(tmp_path, body, "a.txt"))
    assert guessed.kind == "gr"
    assert "kind of signal is not stated" in guessed.notes[0]
    with pytest.raises(PatternError, match="not stated"):
        read(put(tmp_path, "10 1\n20 2\n", "a.dat"))
    with pytest.raises(UsageError, match="kind"):
        read(put(tmp_path, body, "a.gr"), kind="xrd")


@pytest.mark.parametrize(
    ("header", "settings"),
    [
        ("# qmax = 25", {"qmax": 25.0}),
        ("# Qmax: 25 1/A", {"qmax": 25.0}),
        ("# Qmax 25.0", {"qmax": 25.0}),
        ("qmax = 250 nm^-1", {"qmax": 25.0}),
        ('# {"qmax": 25, "composition": "Ni"}', {"qmax": 25.0, "composition": "Ni"}),
        ("stype = N\nqdamp=0.02   qbroad=0.01", {"radiation": "neutron", "qdamp": 0.02, "qbroad": 0.01}),
        ("mode = electrons\ntemperature = 27 C", {"radiation": "electron", "temperature": 300.15}),
        ("wavelength = 0.02 nm", {"wavelength": 0.2}),
        ("# Wavelength: 1.5e-11 m", {"wavelength": 0.15}),
        ("qmaxinst = 30", {"scattering_vector_max_instrument": 30.0}),
        ("temperature=", {}),
    ],
)
def test_headers(tmp_path, header, settings):
    found = dict(read(put(tmp_path, header + "\n#L r G(r)\n0.1 1\n0.2 2\n")).settings)
    found.pop("header", None)
    assert found == {k: pytest.approx(v) if isinstance(v, float) else v for k, v in settings.items()}


def test_header_kept_is_bounded(tmp_path):
    rows = [f"# key{i} = {'x' * 5000}" for i in range(3000)]
    m = read(put(tmp_path, "\n".join(rows) + "\n0.1 1\n0.2 2\n"))
    assert len(m.settings["header"]) <= 200
    assert max(map(len, m.settings["header"].values())) <= 500


def test_sort_repairs_and_averages(tmp_path):
    file = put(tmp_path, "# r G dG\n0.3 3 0.3\n0.1 1 0.3\n0.2 2 0.3\n0.2 4 0.4\n")
    with pytest.raises(PatternError, match=r"line 3: r is not increasing \(0\.1 after 0\.3\)\. .*sort=True"):
        read(file)
    m = read(file, sort=True)
    assert m.x.tolist() == [0.1, 0.2, 0.3]
    assert m.signal.tolist() == [1, 3, 3]
    assert m.sigma[1] == pytest.approx(0.25)


def test_reading_leaves_the_file_alone(tmp_path):
    file = put(tmp_path, "0.1 1\r\n0.2 2")
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    read(file)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.gr"]


def test_large_files_are_read_in_pieces(tmp_path):
    n = 120_001
    x = np.arange(n) * 0.01
    file = put(tmp_path, "\n".join(f"{a:.2f} {a % 7:.2f}" for a in x))
    m = read(file)
    assert m.x.size == n
    assert m.x[-1] == pytest.approx(1200.0)
