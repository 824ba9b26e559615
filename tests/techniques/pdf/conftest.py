"""Structures and signals that the tests of the technique share."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from ase.cluster import Icosahedron, Octahedron
from hypothesis import settings

from whorl.core.hypothesis import Cluster, Crystal, Site
from whorl.core.measurement import Measurement
from whorl.techniques.pdf.instrument import PdfInstrument
from whorl.techniques.pdf.prepare import PdfSignal

settings.register_profile("seeded", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("seeded")


def make_nickel(a=3.524):
    return Crystal("Ni", cell=(a, a, a, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),))


def make_rock_salt_block(n=4, bond=2.82):
    index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return Cluster("NaCl block", symbols=tuple("Na" if i.sum() % 2 else "Cl" for i in index), positions=index * bond)


STRUCTURES = SimpleNamespace(
    nickel=make_nickel(),
    silicon=Crystal(
        "Si", cell=(5.431, 5.431, 5.431, 90, 90, 90), space_group="227", sites=(Site("Si", (0.125, 0.125, 0.125)),)
    ),
    platinum=Crystal("Pt", cell=(3.923, 3.923, 3.923, 90, 90, 90), space_group="225", sites=(Site("Pt", (0, 0, 0)),)),
    wurtzite=Crystal(
        "CdSe",
        cell=(4.30, 4.30, 7.01, 90, 90, 120),
        space_group="186",
        sites=(Site("Cd", (1 / 3, 2 / 3, 0)), Site("Se", (1 / 3, 2 / 3, 0.377))),
    ),
    monoclinic=Crystal(
        "ZrO2",
        cell=(5.15, 5.21, 5.31, 90, 99.2, 90),
        space_group="14",
        sites=(Site("Zr", (0.275, 0.04, 0.208)), Site("O", (0.07, 0.332, 0.345)), Site("O", (0.45, 0.757, 0.479))),
    ),
    rhombohedral=Crystal(
        "Bi", cell=(4.746, 4.746, 4.746, 57.23, 57.23, 57.23), space_group="R -3 m:R", sites=(Site("Bi", (0.234,) * 3),)
    ),
    arsenide=Crystal(
        "SrFe2As2",
        cell=(3.925, 3.925, 12.37, 90, 90, 90),
        space_group="139",
        sites=(Site("Sr", (0, 0, 0)), Site("Fe", (0.5, 0, 0.25)), Site("As", (0, 0, 0.3604))),
    ),
    icosahedron=Cluster("Au55", symbols=("Au",) * 55, positions=Icosahedron("Au", 3).positions),
    octahedron=Cluster("Pt146", symbols=("Pt",) * 146, positions=Octahedron("Pt", 6).positions),
    open_icosahedron=Cluster("X55", symbols=("X",) * 55, positions=Icosahedron("Au", 3).positions / 2.885, bond_free=True),
    salt=make_rock_salt_block(),
)


@pytest.fixture(scope="session")
def structures():
    return STRUCTURES


@pytest.fixture(scope="session")
def blank():
    """Function that makes an empty signal on a grid: ``blank(qmax=25, r_max=12)``."""

    def make(*, r_min=1.5, r_max=12.0, step=0.05, g=None, weights=None, known=frozenset(), **instrument):
        r = np.arange(round(r_min / step), round(r_max / step) + 1) * step
        values = np.zeros(r.size) if g is None else np.asarray(g(r) if callable(g) else g)
        full = PdfInstrument(**({"qmin": 0.8, "qmax": 22.0, "qdamp": 0.03, "qbroad": 0.01} | instrument))
        measured = Measurement("gr", r, values)
        w = np.ones(r.size) if weights is None else weights
        return PdfSignal(r, values, w, False, full, frozenset(known), (float(r[0]), float(r[-1])), frozenset(), measured)

    return make


@pytest.fixture(scope="session")
def misfit():
    """Function that gives the R_w of two curves."""
    return lambda found, expected: float(np.sqrt(np.sum((found - expected) ** 2) / np.sum(expected**2)))
