"""Small-angle curves as text: dialects, units of q, columns, and what is wrong in files, one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whorl.core.errors import PatternError, UsageError
from whorl.formats import read, sas, saslabels, sasunits
from whorl.formats.powder import Source
from whorl.formats.sascurve import SasCurve

Q = np.geomspace(0.008, 0.4, 60)
I = 100 * np.exp(-((30 * Q) ** 2) / 3) + 0.05
DI, DQ = 0.03 * I, 0.05 * Q
SOURCE = Source("a.dat", "", "columns")


def rows(*columns, mark=" "):
    return "\n".join(mark.join(f"{v:.8g}" for v in row) for row in zip(*columns, strict=True)) + "\n"


def put(tmp_path, text, name="a.dat"):
    file = tmp_path / name
    file.write_text(text, newline="")
    return file


HEADERS = {
    "GRASP": ("GRASP V.7.11CD  Instrument: ILL_d22\nIntensity units are:  cm-1\nMod_Q\tI\tErr_I\tSigma_Q\n\n", 1, "absolute"),
    "ISIS": ((" LOQ Wed  4-JUN-2003 14:21 SAMPLE: 98929\n a run\n   60    0    0    0    1   60    0\n"
             "         0         0         0         0\n 3 (F12.5,2E16.6)\n"), 1, "absolute"),
    "NIST": (("FILE: a.raw  CREATED: today\nMON CNT   LAMBDA   DET ANG   DET DIST   TRANS   THICK   AVE   STEP\n"
             " 1e+08   6   0   4.8   0.894   0.2   C   1\n"
             "The 4 columns are | Q (1/A) | I(Q) (1/cm) | std. dev. I(Q) (1/cm) | sigmaQ |\n"), 1, "absolute"),
    "SasView": ('"Data created by SasView 5.0.1"\n<X>\t<Y>\t<dY>\t<dsigQ>\n', 1, None),
    "Mantid": ("# X , Y , E , DX\n", 1, None),
    "XSACT": ("q(A-1)\tI(q)(cm-1)\tSig(q)(cm-1)\tdq(A-1)\n", 1, None),
    "lab": ("q [nm-1];I [a.u.];Sigma;dq [nm-1]\n", 10, "arbitrary"),
    "pyFAI": ("# wavelength: 1.0e-10\n# q_nm^-1 I sigma dq\n", 10, None),
    "Irena": ("# Q_invA I_cm-1 Idev Qdev\n", 1, "absolute"),
    "DAWN": ("# q (1/nm)  Intensity  error  dq\n", 10, None),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_dialects(tmp_path, name):
    header, scale, intensity = HEADERS[name]
    mark = ";" if name == "lab" else "\t"
    m = read(put(tmp_path, header + rows(scale * Q, I, DI, scale * DQ, mark=mark)))
    assert m.kind == "sas"
    for found, expected in ((m.x, Q), (m.signal, I), (m.resolution, DQ)):
        assert np.allclose(found, expected, rtol=1e-6), name
    if name != "XSACT":  # its label of the uncertainty, Sig(q), is no word of ours
        assert np.allclose(m.sigma, DI, rtol=1e-6)
    if intensity is not None:
        assert m.settings["intensity"] == intensity


def test_nist_header_and_columns(tmp_path):
    header = "MON CNT   LAMBDA   DET ANG   DET DIST   TRANS   THICK   AVE   STEP\n 1e8  6  0  4.8  0.894  0.2  C  1\n"
    shadow = np.where(np.arange(60) < 3, 0.7, 1.0)
    m = read(put(tmp_path, header + rows(Q, I, DI, DQ, 1.01 * Q, shadow), "a.ABS"))
    assert (m.settings["wavelength"], m.settings["thickness"], m.settings["radiation"]) == (6.0, 0.2, "neutron")
    assert m.mask.tolist() == [False] * 3 + [True] * 57
    slit = read(put(tmp_path, header + rows(Q, I, DI, np.full(60, -0.117), Q, np.ones(60)), "b.ABS"))
    assert slit.settings["slit_length"] == 0.117
    assert slit.resolution is None


def test_slit_in_the_header(tmp_path):
    text = "# SlitLength=0.0279\n# Q_invA I_cm-1 Idev\n"
    assert read(put(tmp_path, text + rows(Q, I, DI))).settings["slit_length"] == 0.0279
    nano = "# q_nm^-1 I err dQl\n" + rows(10 * Q, I, DI, np.full(60, 0.5))
    assert read(put(tmp_path, nano)).settings["slit_length"] == pytest.approx(0.05)


@pytest.mark.parametrize("columns", [2, 3, 4])
@pytest.mark.parametrize(
    ("mark", "comma"), [(" ", False), (",", False), ("\t", False), ("; ", True), (";", False), (" ", True)]
)
def test_plain_columns(tmp_path, columns, mark, comma):
    text = rows(*(Q, I, DI, DQ)[:columns], mark=mark)
    file = put(tmp_path, text.replace(".", ",") if comma else text)
    m = read(file, settings={"q_unit": "1/angstrom"})
    assert m.kind == read(file).kind == "sas"
    assert np.allclose(m.x, Q, rtol=1e-6)
    assert np.allclose(m.signal, I, rtol=1e-6)
    assert (m.sigma is not None, m.resolution is not None) == (columns > 2, columns > 3)


def test_unlabelled_q_is_guessed_said_and_overridden(tmp_path):
    angstrom, nano = put(tmp_path, rows(Q, I), "a.dat"), put(tmp_path, rows(10 * Q, I), "b.dat")
    for file, unit in ((angstrom, "1/angstrom"), (nano, "1/nm")):
        m = read(file)
        assert np.allclose(m.x, Q, rtol=1e-6)
        assert any(unit in note and "not stated" in note and "q_unit=" in note for note in m.notes)
    assert np.allclose(read(nano, settings={"q_unit": "1/A"}).x, 10 * Q, rtol=1e-6)
    assert np.allclose(read(angstrom, settings={"q_unit": "nm^-1"}).x, Q / 10, rtol=1e-6)
    stated = put(tmp_path, "# Q_invA I\n" + rows(Q, I), "c.dat")
    assert np.allclose(read(stated, settings={"q_unit": "1/nm"}).x, Q / 10, rtol=1e-6)
    with pytest.raises(UsageError, match="unit of q"):
        read(angstrom, settings={"q_unit": "degree"})


@settings(max_examples=60, deadline=None, derandomize=True)
@given(low=st.floats(0.005, 0.02), high=st.floats(0.25, 0.8), nano=st.booleans())
def test_ranges_of_instruments_are_told_apart(low, high, nano):
    """Instruments with the usual range in 1/angstrom, written in either unit."""
    q = np.geomspace(low, high, 50)
    assert sasunits.guess(10 * q if nano else q).factor == (0.1 if nano else 1.0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(unit=st.sampled_from(["1/A", "1/nm", "A^-1", "nm^-1", "nm-1", "Å⁻¹", "1/angstrom", "nm^{-1}", "1/Ang", "(nm)^-1"]))
def test_units_of_q(unit):
    assert sasunits.q_factor(unit) == (0.1 if "nm" in unit else 1.0)
    assert sasunits.q_factor(f" {unit} ") == sasunits.q_factor(unit)


def test_header_speaks_of_the_unit(tmp_path):
    m = read(put(tmp_path, "SAXS of sample 4\nunits: q in 1/nm\n" + rows(2 * Q, I)))
    assert np.allclose(m.x, Q / 5, rtol=1e-6)
    assert "q in 1/nm by the header, turned into 1/angstrom" in m.notes


def test_mcsas(tmp_path):
    text = rows(10 * Q, I, DI, mark="; ").replace("\n", "\r")
    m = read(put(tmp_path, text, "a.csv"))
    assert np.allclose(m.x, Q, rtol=1e-6)
    assert any("McSAS" in note for note in m.notes)


def test_atsas(tmp_path):
    text = " TIME  \r\n 1.0   \r\n 60\r\n" + rows(Q, I, DI, np.ones(60)).replace("\n", "\r\n")
    m = read(put(tmp_path, text))
    assert m.resolution is None
    assert np.allclose(m.sigma, DI, rtol=1e-6)
    footer = "Sample: lysozyme c= 1.2 mg/ml\n" + rows(Q, I, DI) + "creator: datop\nparent: a.dat\n"
    assert read(put(tmp_path, footer)).x.size == 60


def test_a_fit_in_the_third_column_is_no_uncertainty(tmp_path):
    m = read(put(tmp_path, rows(Q, I, I * 1.001)))
    assert m.sigma is None
    assert any("fit" in note for note in m.notes)


def test_intensity_per_metre(tmp_path):
    m = read(put(tmp_path, "q(nm^-1)\tI(m^-1)\tsigma(m^-1)\n" + rows(10 * Q, 100 * I, 100 * DI, mark="\t")))
    assert np.allclose(m.signal, I, rtol=1e-6)
    assert np.allclose(m.sigma, DI, rtol=1e-6)
    assert m.settings["intensity"] == "absolute"


def test_other_kinds_stay_what_they_are(tmp_path):
    r = np.arange(0.01, 10, 0.01)
    assert read(put(tmp_path, rows(r, np.sin(5 * r) / r))).kind == "gr"
    q = np.arange(0.7, 25, 0.02)
    assert read(put(tmp_path, "# Q I(Q)\n" + rows(q, 100 / q))).kind == "iq"
    assert read(put(tmp_path, rows(Q, I), "a.iq")).kind == "iq"
    assert read(put(tmp_path, "# Q S(Q)\n" + rows(Q, I))).kind == "sq"
    angle = np.arange(10, 80, 0.02)
    assert read(put(tmp_path, rows(angle, 100 + angle))).kind == "powder"
    with pytest.raises(UsageError, match="q_unit"):
        read(put(tmp_path, "# r G(r)\n" + rows(r, np.sin(5 * r))), settings={"q_unit": "1/nm"})
    assert read(put(tmp_path, rows(q, 100 / q)), kind="sas", settings={"q_unit": "1/nm"}).x[0] == pytest.approx(0.07)


def test_a_wide_range_wants_a_word(tmp_path):
    q = np.geomspace(0.02, 12, 80)
    m = read(put(tmp_path, "# Q_invA I_cm-1\n" + rows(q, 1 / q)), kind="sas")
    assert any("q_unit=1/nm" in note for note in m.notes)


# --- bad input, one by one


def test_points_without_numbers(tmp_path):
    text = rows(Q, I, DI).split("\n")
    text[5], text[6] = "0.0105 nan 0.1", "0.0112 -1.#IND 0.1"
    m = read(put(tmp_path, "# Q_invA I_cm-1 Idev\n" + "\n".join(text)))
    assert m.x.size == 58
    assert "2 points without a number were left out" in m.notes


def test_q_of_zero_and_below(tmp_path):
    m = read(put(tmp_path, "# Q_invA I\n" + rows(np.r_[-0.01, 0, Q], np.r_[1, 1, I])))
    assert np.allclose(m.x, Q, rtol=1e-6)
    assert "2 points at q of 0 or less were left out" in m.notes
    with pytest.raises(PatternError, match=r"no q is positive.*log q"):
        read(put(tmp_path, "# Q_invA I\n" + rows(np.log10(Q), I)), kind="sas")


def test_order_of_the_points(tmp_path):
    falling = read(put(tmp_path, "# Q_invA I\n" + rows(Q[::-1], I[::-1])))
    assert np.allclose(falling.signal, I, rtol=1e-6)
    assert any("turned round" in note for note in falling.notes)
    two = read(put(tmp_path, "# Q_invA I\n" + rows(np.r_[Q[:35], Q[30:]], np.r_[I[:35], I[30:]])))
    assert np.allclose(two.x, Q, rtol=1e-6)
    assert np.allclose(two.signal, I, rtol=1e-6)
    assert any("sorted by q (2 stretches" in note for note in two.notes)
    shuffled = np.random.default_rng(3).permutation(60)
    file = put(tmp_path, "# Q_invA I\n" + rows(Q[shuffled], I[shuffled]))
    with pytest.raises(PatternError, match=r"no order.*sort=True"):
        read(file)
    assert np.allclose(read(file, sort=True).signal, I, rtol=1e-6)


def test_two_curves_in_one_file(tmp_path):
    one = read(put(tmp_path, "# Q_invA I\n" + rows(np.r_[Q, Q], np.r_[I, 3 * I])))
    assert (one.frames, one.x.size) == (2, 60)
    other = np.geomspace(0.009, 0.39, 50)
    with pytest.raises(PatternError, match="two different curves"):
        read(put(tmp_path, "# Q_invA I\n" + rows(np.r_[Q, other], np.r_[I, 3 / other])))


def test_equal_q_is_averaged(tmp_path):
    text = "# Q_invA I Idev Qdev\n" + rows(np.r_[Q, Q[-1]], np.r_[I, 3 * I[-1]], np.r_[DI, DI[-1]], np.r_[DQ, DQ[-1]])
    m = read(put(tmp_path, text))
    assert m.signal[-1] == pytest.approx(2 * I[-1], rel=1e-6)
    assert m.sigma[-1] == pytest.approx(DI[-1] / np.sqrt(2), rel=1e-6)
    assert m.resolution[-1] == pytest.approx(DQ[-1], rel=1e-6)


def test_no_positive_intensity(tmp_path):
    for values in (-I, 0 * I):
        with pytest.raises(PatternError, match=r"no intensity is positive.*background"):
            read(put(tmp_path, "# Q_invA I\n" + rows(Q, values)))


def test_negative_intensities_are_data(tmp_path):
    y = I - 1.0
    m = read(put(tmp_path, "# Q_invA I\n" + rows(Q, y)))
    assert np.allclose(m.signal, y, rtol=1e-6)
    assert (m.signal < 0).sum() > 10


def test_beam_stop_and_gaps(tmp_path):
    y = I.copy()
    y[:4] = 0
    y[30:34] = 0
    m = read(put(tmp_path, "# Q_invA I\n" + rows(Q, y)))
    assert m.x.size == 52
    assert any("8 points of intensity 0" in note for note in m.notes)
    lone = I.copy()
    lone[40] = 0
    assert read(put(tmp_path, "# Q_invA I\n" + rows(Q, lone))).x.size == 60
    y = np.exp(-((30 * Q) ** 2) / 3)
    y[:4] *= [0.001, 0.002, 0.01, 0.3]
    m = read(put(tmp_path, "# Q_invA I\n" + rows(Q, y)))
    assert any("beam stop? Cut it off with range=0.0104:0.4" in note for note in m.notes)
    assert m.x.size == 60
    gap = (Q < 0.05) | (Q > 0.1)
    assert any("gap of the detectors" in note for note in read(put(tmp_path, "# Q_invA I\n" + rows(Q[gap], I[gap]))).notes)


def test_uncertainties_that_are_none(tmp_path):
    m = read(put(tmp_path, "# Q_invA I Idev\n" + rows(Q, I, 0 * Q)))
    assert m.sigma is None
    some = DI.copy()
    some[[3, 7]] = 0
    m = read(put(tmp_path, "# Q_invA I Idev\n" + rows(Q, I, some)))
    assert np.flatnonzero(~m.mask).tolist() == [3, 7]
    assert np.isinf(m.sigma[3])
    width = DQ.copy()
    width[2] = -1
    m = read(put(tmp_path, "# Q_invA I Idev Qdev\n" + rows(Q, I, DI, width)))
    assert m.resolution is None
    assert any("resolutions" in note for note in m.notes)


def test_a_curve_of_eight_points(tmp_path):
    m = read(put(tmp_path, "# Q_invA I_cm-1\n" + rows(Q[::8], I[::8])))
    assert m.x.size == 8
    assert any("only 8 points" in note for note in m.notes)


def test_settings_that_mean_nothing(tmp_path):
    file = put(tmp_path, "# Q_invA I\n" + rows(Q, I))
    with pytest.raises(UsageError, match="entry"):
        read(file, settings={"entry": 2})
    with pytest.raises(UsageError, match="does not steer"):
        read(file, settings={"qmax": 2})
    with pytest.raises(UsageError, match="small-angle"):
        read(put(tmp_path, "a\nSAXS BOX\n 2 0 0 0 0 0 0 0\n0 1 0 1 0.1\n0 0 0 0 0\n1 2\n2 3\n", "a.pdh"), kind="gr")


def test_pdh(tmp_path):
    text = "silica\nSAXS BOX\n 60 0 0 0 0 0 0 0\n 0 261.2 0 1 0.1542\n 0 0 0 0 0\n" + rows(10 * Q, I, DI)
    m = read(put(tmp_path, text, "a.pdh"))
    assert np.allclose(m.x, Q, rtol=1e-6)
    assert m.settings["wavelength"] == 1.542
    assert np.allclose(read(tmp_path / "a.pdh", settings={"q_unit": "1/A"}).x, 10 * Q, rtol=1e-6)
    unit = "<?xml version='1.0'?><fileinfo><column key='X'><value key='unit'>A^-1</value></column></fileinfo>"
    assert np.allclose(read(put(tmp_path, text + unit, "b.pdh")).x, 10 * Q, rtol=1e-6)
    with pytest.raises(PatternError, match="30 points where the header says 60"):
        read(put(tmp_path, "\n".join(text.split("\n")[:35]), "c.pdh"))
    with pytest.raises(PatternError, match="header of a PDH file"):
        read(put(tmp_path, "only\nwords\n", "d.pdh"), format="pdh")


def test_labels_and_roles():
    found = saslabels.find(["# index q(A^-1) I(cm^-1) dI"], 4)
    assert found.roles == ("", "q", "i", "di")
    assert saslabels.find(["# r  G(r)"], 2) is None
    assert saslabels.find(["# Q I FWHM_q"], 3).roles == ("q", "i", "fwhm")


def test_resolutions_as_parts_of_q(tmp_path):
    m = read(put(tmp_path, "# q_nm^-1 I sigma dq/q\n" + rows(10 * Q, I, DI, np.full(60, 0.05))))
    assert np.allclose(m.resolution, DQ, rtol=1e-6)


def test_a_second_sigma_is_that_of_q(tmp_path):
    m = read(put(tmp_path, "Q [1/A]  I [1/cm]  dI [1/cm]  Sigma\n" + rows(Q, I, DI, DQ)))
    assert np.allclose(m.resolution, DQ, rtol=1e-6)


def test_what_is_no_curve_over_q(tmp_path):
    angle = np.linspace(0.1, 5, 60)
    with pytest.raises(PatternError, match=r"scattering angle.*Export"):
        read(put(tmp_path, "# 2theta I\n" + rows(angle, I)), kind="sas")
    isis = " SANS2D today\n  6 q (1/Angstrom)\n  6 q (1/Angstrom)\n  0 Cross Section (1/cm)\n  1\n a run\n  60\n"
    with pytest.raises(PatternError, match=r"two-dimensional text format of ISIS.*NXcanSAS"):
        read(put(tmp_path, isis + rows(Q, Q, Q, Q)))


def test_full_widths_become_standard_deviations(tmp_path):
    m = read(put(tmp_path, "# q_inva,I,sigma,fwhm_q\n" + rows(Q, I, DI, DQ * 2.3548200450309493, mark=",")))
    assert np.allclose(m.resolution, DQ, rtol=1e-6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_cleaning_keeps_every_good_point(data):
    """Whatever is mixed in, the good points come out once each, in order, with their columns beside them."""
    n = data.draw(st.integers(5, 40))
    q = np.cumsum(data.draw(st.lists(st.floats(1e-3, 0.1), min_size=n, max_size=n)))
    y = np.array(data.draw(st.lists(st.floats(0.1, 1e5), min_size=n, max_size=n)))
    bad = data.draw(st.lists(st.sampled_from([(np.nan, 1.0), (-0.1, 1.0), (0.0, 2.0), (0.05, np.inf)]), max_size=4))
    order = data.draw(st.booleans())
    both = np.r_[q, [b[0] for b in bad]], np.r_[y, [b[1] for b in bad]]
    both = tuple(a[::-1] if order else a for a in both)
    curve = SasCurve(*both, sigma=0.1 * both[1], resolution=np.abs(both[0]) * 0.05)
    m = sas.measurement_of(curve, SOURCE, [], sort=True)
    assert np.array_equal(m.x, q)
    assert np.array_equal(m.signal, y)
    assert np.array_equal(m.sigma, 0.1 * y)
    assert np.array_equal(m.resolution, q * 0.05)
