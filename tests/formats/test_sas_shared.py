"""The measured and computed small-angle files at hand, read with the points, ends, units and columns that they hold."""

import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.formats import read

#: file -> points, first q, last q (1/angstrom), sigma?, resolution?, intensity
CURVES = {
    "exp/10wtAOT_Reline_120_reduced.pdh": (748, 0.0072644, 0.50027, True, False, "arbitrary"),
    "exp/2epe.dat": (104, 0.009813, 0.408345, True, False, None),
    "exp/33837rear_1D_1.75_16.5_CanSAS1D.xml": (66, 0.00416, 0.618924, True, False, "absolute"),
    "exp/33837rear_1D_1.75_16.5_NXcanSAS.h5": (66, 0.00416, 0.618924, True, False, "arbitrary"),
    "exp/AOT_Microemulsion-Core_Contrast.xml": (137, 0.009, 0.281, True, False, "absolute"),
    "exp/Alumina_usaxs.csv": (112, 0.000246465, 0.675764, True, False, None),
    "exp/ILL_D22_SDS_093191_201.dat": (97, 0.0399306, 0.612818, True, True, "absolute"),
    "exp/ISIS_98929.TXT": (140, 0.007, 0.285, True, False, "absolute"),
    "exp/ISIS_Polymer_Blend_RT2.xml": (124, 0.008, 0.254, True, True, "absolute"),
    "exp/LAR1-2.dat": (205, 0.0082187, 0.494773, True, False, None),
    "exp/Ludox_silica.xml": (92, 0.00714, 0.251694, True, True, "absolute"),
    "exp/P123_D2O_30_percent.xml": (124, 0.009, 0.2545, True, False, "absolute"),
    "exp/S50_15kG_horizSector_RF+.txt": (105, 0.0111179, 0.255534, True, True, None),
    "exp/SASDJG5.dat": (723, 0.0124287, 0.604386, True, False, None),
    "exp/af1410/AF1410_20_AF1410_b20.txt": (73, 0.017675, 0.10441, True, False, "absolute"),
    "exp/apoferritin.txt": (395, 0.0055, 0.3995, True, True, "absolute"),
    "exp/hSDS_D2O_2p0_percent.xml": (137, 0.009, 0.281, True, False, "absolute"),
    "exp/usaxs_features/sample1.txt": (523, 9.719574e-05, 0.3000285, True, True, "absolute"),
    "exp/usaxs_features/sample11.txt": (650, 0.0001008465, 1.762449, True, True, "absolute"),
    "exp/xrsd_peaks_0.dat": (560, 0.04, 0.599, False, False, "arbitrary"),
    "ref/crease_Itot_disper_10_Ain12_B12_Aout12_nLP7_dR0.2.txt": (54, 0.003, 0.10849038, False, False, None),
    "ref/irena_CS_300A_10A_50_20_0.txt": (800, 1e-4, 1.0, True, False, "absolute"),
    "ref/jemian_bimodal-test1.txt": (91, 0.004015714, 0.38503, True, False, "absolute"),
    "ref/mcsas_quickstartdemo1.csv": (101, 0.001, 0.1, True, False, None),
    "ref/sasfit_sphere-10-1.dat": (501, 1e-4, 1.0, False, False, None),
    "ref/sasmodels_sphere.txt": (200, 0.001, 0.5, False, False, "absolute"),
}


def file_of(shared_data, name):
    file = shared_data / "sas" / name
    if not file.is_file():
        pytest.skip(f"{name} is not among the data")
    return file


@pytest.mark.parametrize("name", CURVES)
def test_curve(shared_data, name):
    points, low, high, sigma, resolution, intensity = CURVES[name]
    m = read(file_of(shared_data, name))
    assert (m.kind, m.x.size, m.frames) == ("sas", points, 1)
    assert m.x[[0, -1]] == pytest.approx([low, high], rel=1e-5)
    assert (m.sigma is not None, m.resolution is not None) == (sigma, resolution)
    assert m.settings.get("intensity") == intensity


def test_every_curve_reads(shared_data):
    folder = shared_data / "sas"
    files = [f for p in ("*.xml", "*.pdh", "*.dat", "*.txt", "*.TXT", "*.h5") for f in sorted(folder.glob(f"exp/**/{p}"))]
    files += [f for p in ("*.txt", "*.dat", "mcsas*.csv") for f in sorted(folder.glob(f"ref/{p}"))]
    files = [f for f in files if not f.name.startswith("automatedsas")]
    if len(files) < 50:
        pytest.skip("too few small-angle files among the data")
    for file in files:
        m = read(file)
        assert m.kind == "sas", file
        assert 0 < m.x[0] < 0.07, file
        assert 0.09 < m.x[-1] < 2, file
        assert m.resolution is None or np.median(m.resolution / m.x) < 0.5, file


def test_xml_and_hdf5_of_one_run_are_equal(shared_data):
    xml = read(file_of(shared_data, "exp/33837rear_1D_1.75_16.5_CanSAS1D.xml"))
    hdf = read(file_of(shared_data, "exp/33837rear_1D_1.75_16.5_NXcanSAS.h5"))
    for name in ("x", "signal", "sigma"):
        assert np.allclose(getattr(xml, name), getattr(hdf, name), rtol=1e-5), name  # six digits in the XML
    assert xml.settings["radiation"] == hdf.settings["radiation"] == "neutron"


def test_what_files_say_of_the_instrument(shared_data):
    assert read(file_of(shared_data, "exp/Ludox_silica.xml")).settings["thickness"] == 0.1  # 1 mm
    pdh = read(file_of(shared_data, "exp/10wtAOT_Reline_120_reduced.pdh")).settings
    assert (pdh["wavelength"], pdh["temperature"], pdh["radiation"]) == (1.542, 303.15, "x-ray")
    assert read(file_of(shared_data, "exp/ILL_D22_SDS_093191_201.dat")).settings["radiation"] == "neutron"


@pytest.mark.parametrize("radius", [2, 10, 20, 50, 100])
def test_the_guess_of_the_unit_agrees_with_the_size(shared_data, radius):
    """The first minimum of a sphere of R nanometres stands at 4.4934 / (10 R) 1/angstrom."""
    m = read(file_of(shared_data, f"ref/sasfit_sphere-{radius}-1.dat"))
    expected = 4.4934 / (10 * radius)
    near = (m.x > 0.7 * expected) & (m.x < 1.2 * expected)
    assert m.x[near][np.argmin(m.signal[near])] == pytest.approx(expected, rel=0.02)


def test_curves_below_each_other_are_a_series(shared_data):
    m = read(file_of(shared_data, "ref/crease_sample_iexp_pqsq.txt"))
    assert (m.frames, m.x.size, m.coordinates["entry"].tolist()) == (3, 54, [1, 2, 3])
    assert m.signal[:, 0].tolist() == [1, 1, 1]


def test_an_image_becomes_a_curve(shared_data):
    m = read(file_of(shared_data, "exp/SILIC010_noheader_3col.DAT"))
    assert m.x.size == 92
    assert any("pixels was averaged over all directions" in note for note in m.notes)
    assert any("beam stop" in note for note in m.notes)
    assert m.signal[10] == pytest.approx(401.3, abs=0.5)  # bright ring around the beam stop, counts a pixel


def test_what_is_no_curve_is_said(shared_data):
    with pytest.raises(PatternError, match="SESANS"):
        read(file_of(shared_data, "exp/sphere2micron.ses"))


def test_a_peak_is_no_shadow_of_the_beam_stop(shared_data):
    for name in ("exp/P123_D2O_30_percent.xml", "exp/ILL_D22_SDS_093191_201.dat", "exp/hSDS_D2O_2p0_percent.xml"):
        assert not any("beam stop" in note for note in read(file_of(shared_data, name)).notes), name
