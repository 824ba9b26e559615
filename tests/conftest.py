"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_workspace(tmp_path_factory, monkeypatch):
    """Keep every test away from the user's own workspace."""
    monkeypatch.setenv("WHORL_HOME", str(tmp_path_factory.mktemp("whorl-home")))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with measured data and known truth, or skip."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("WHORL_DATA", default))
    if not (folder / "MANIFEST.tsv").is_file():
        pytest.skip(f"measured data not found at {folder}: set WHORL_DATA to the folder that holds MANIFEST.tsv")
    return folder


@pytest.fixture(scope="session")
def four_cifs(tmp_path_factory) -> Path:
    """Folder with the CIFs of Ni, Cu, Si and NaCl: a catalogue that is searched in no time."""
    from whorl.core.hypothesis import Crystal, Site
    from whorl.formats import write_structure

    folder = tmp_path_factory.mktemp("four-cifs")
    sodium_chloride = (Site("Na", (0, 0, 0), label="Na1"), Site("Cl", (0.5, 0.5, 0.5), label="Cl1"))
    for name, a, group, sites in (
        ("Ni", 3.5238, "225", (Site("Ni", (0, 0, 0), label="Ni1"),)),
        ("Cu", 3.6149, "225", (Site("Cu", (0, 0, 0), label="Cu1"),)),
        ("Si", 5.4310, "227", (Site("Si", (0.125, 0.125, 0.125), label="Si1"),)),
        ("NaCl", 5.6402, "225", sodium_chloride),
    ):
        write_structure(Crystal(name, cell=(a, a, a, 90, 90, 90), space_group=group, sites=sites), folder / f"{name}.cif")
    return folder


@pytest.fixture(scope="session")
def write_pattern(four_cifs):
    """Function that writes the G(r) of one of `four_cifs` to a file: ``write_pattern(path, "Ni", zoom=1.01, seed=3)``."""
    import numpy as np

    from whorl.formats import read_structure, write_measurement
    from whorl.tasks.simulate import simulate

    def write(path: Path, name: str = "Ni", *, seed: int = 0, noise: float = 0.02, r_max: float = 15.0, **settings) -> Path:
        given = {"qmin": 0.7, "qmax": 22.0, "qdamp": 0.04, "u_iso": 0.006} | settings
        structure = read_structure(four_cifs / f"{name}.cif")
        found = simulate(structure, settings=given, x=np.arange(1, round(r_max / 0.02) + 1) * 0.02)
        rough = noise * np.abs(found.signal).max() * np.random.default_rng(seed).standard_normal(found.x.size)
        stated = {k: v for k, v in found.settings.items() if k in ("qmin", "qmax", "qdamp", "radiation")}
        write_measurement(type(found)("gr", found.x, found.signal + rough, settings=stated), path)
        return path

    return write


@pytest.fixture(scope="session")
def join():
    """Join curves of phases as scattering joins them: F(Q) = sum_i x_i <f_i>^2 F_i / <f>^2, x_i the shares of the atoms."""
    import numpy as np
    from scipy.fft import dst, idst

    from whorl.physics.form_factors import xray

    def joined(r, structures, atoms, curves):
        q = np.arange(1, r.size + 1) * np.pi / ((r.size + 1) * (r[1] - r[0]))
        inside = q < 40.0  # the tables of form factors end near there
        means = []
        for s in structures:
            total = sum(s.contents.values())
            means.append(sum(n / total * xray(symbol, q[inside]) for symbol, n in s.contents.items()))
        whole = sum(x * f for x, f in zip(atoms, means, strict=True))
        spectrum = np.zeros(r.size)
        for g, x, f in zip(curves, atoms, means, strict=True):
            spectrum[inside] += dst(g, type=1)[inside] * x * f**2 / whole**2
        return idst(spectrum, type=1)

    return joined
