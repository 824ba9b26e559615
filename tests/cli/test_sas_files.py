"""Small-angle files from the command line: converted, steered, and refused with a remedy."""

import numpy as np

from whorl.formats import read

Q = np.geomspace(0.008, 0.4, 60)
I = 100 * np.exp(-((30 * Q) ** 2) / 3) + 0.05


def put(tmp_path, name, q, *columns):
    np.savetxt(tmp_path / name, np.column_stack([q, *columns]), fmt="%.9g")
    return tmp_path / name


def test_convert_there_and_back(whorl, tmp_path):
    source = put(tmp_path, "a.dat", Q, I, 0.03 * I, 0.05 * Q)
    for first, second in (("a.dat", "b.h5"), ("b.h5", "c.xml"), ("c.xml", "b.txt")):
        assert whorl("convert", tmp_path / first, tmp_path / second).code == 0
    m, back = read(source), read(tmp_path / "b.txt")
    for name in ("x", "signal", "sigma", "resolution"):
        assert np.array_equal(getattr(m, name), getattr(back, name)), name


def test_settings_steer_the_reading(whorl, tmp_path):
    source = put(tmp_path, "a.dat", Q, I)
    done = whorl("convert", source, tmp_path / "nano.xml", "--set", "q_unit=1/nm")
    assert done.code == 0
    assert "as asked" in done.err
    assert np.allclose(read(tmp_path / "nano.xml").x, Q / 10, rtol=1e-8)
    wrong = whorl("convert", source, tmp_path / "x.xml", "--set", "entry=2")
    assert wrong.code == 2
    assert "means nothing for this file" in wrong.err
    assert whorl("convert", source, tmp_path / "x.xml", "--set", "q_unit=degree").code == 2


def test_an_image_by_its_sectors(whorl, tmp_path):
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(-0.1, 0.1, 41), np.linspace(-0.1, 0.1, 41)))
    source = put(tmp_path, "image.dat", x, y, 100 * np.exp(-((20 * x) ** 2)) + 1)
    for name, sector in (("along", "0:10"), ("across", "90:10")):
        assert whorl("convert", source, tmp_path / f"{name}.dat", "--set", f"sector={sector}", "--set", "bins=25").code == 0
    along, across = read(tmp_path / "along.dat"), read(tmp_path / "across.dat")
    assert np.allclose(across.signal[3:20], 101, rtol=0.1)
    assert along.signal[18] < 20
    assert along.settings["sector"] == "0:10"
