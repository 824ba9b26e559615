"""Structure factors against direct sums, gemmi, and analytic cases."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from whorl.core.hypothesis import Crystal, Site
from whorl.physics import structure_factors as sf
from whorl.physics.anomalous import anomalous
from whorl.physics.form_factors import xray
from whorl.physics.reflections import inverse_d2, reflections
from whorl.techniques.crystal_freedom import Freedom

SPINEL = Crystal(
    "MgAl2O4",
    cell=(8.08, 8.08, 8.08, 90, 90, 90),
    space_group="F d -3 m:2",
    sites=(
        Site("Mg", (0.125, 0.125, 0.125), 1.0, 0.005),
        Site("Al", (0.5, 0.5, 0.5), 0.9, 0.004),
        Site("O", (0.2624, 0.2624, 0.2624), 1.0, 0.007),
    ),
)
WURTZITE = Crystal(
    "ZnO",
    cell=(3.25, 3.25, 5.207, 90, 90, 120),
    space_group="P 63 m c",
    sites=(Site("Zn", (1 / 3, 2 / 3, 0.0), 1.0, 0.006), Site("O", (1 / 3, 2 / 3, 0.382), 1.0, 0.007)),
)


def setup(crystal: Crystal, d_min: float = 0.9, *, positions: bool = False):
    found = reflections(crystal.metric, *crystal.symmetry, d_min)
    e = crystal.expansion
    atoms = sf.without_centring(e.position, e.site, e.rotation, *crystal.symmetry)
    s2 = inverse_d2(found.hkl, crystal.metric) / 4
    factors = np.array([xray(s.element, 4 * np.pi * np.sqrt(s2)) + anomalous(s.element, 1.5406) for s in crystal.sites])
    occupancy = np.array([s.occupancy for s in crystal.sites])
    u = np.array([s.u_iso for s in crystal.sites])
    free = Freedom(crystal, positions=positions)
    sums = sf.geometry(found.hkl, atoms, len(crystal.sites), directions=free.directions, of=free.site_of)
    return found, atoms, s2, factors, occupancy, u, sums, free


@pytest.mark.parametrize("crystal", [SPINEL, WURTZITE], ids=lambda c: c.name)
def test_against_the_sum_over_all_atoms(crystal):
    """Mean of |F(h)|^2 and |F(-h)|^2 summed atom by atom over the whole cell."""
    found, _, s2, factors, occupancy, u, sums, _ = setup(crystal)
    mine = sf.intensities(sums, factors, occupancy, u, s2, slopes=False).value
    e = crystal.expansion
    for i, h in enumerate(found.hkl):
        both = []
        for sign in (1, -1):
            phase = np.exp(2j * np.pi * sign * (e.position @ h))
            damp = occupancy * factors[:, i] * np.exp(-8 * np.pi**2 * u * s2[i])
            both.append(abs(np.sum(damp[e.site] * phase)) ** 2)
        assert mine[i] == pytest.approx(np.mean(both), rel=1e-9, abs=1e-8)


def test_against_gemmi():
    """Gemmi sums with another table (International Tables 1992), without dispersion: equal to half a per cent."""
    small = gemmi.SmallStructure()
    small.cell = gemmi.UnitCell(*SPINEL.cell)
    small.spacegroup_hm = "F d -3 m:2"
    small.spacegroup = gemmi.SpaceGroup("F d -3 m:2")
    for s in SPINEL.sites:
        site = gemmi.SmallStructure.Site()
        site.label = site.type_symbol = s.element
        site.element = gemmi.Element(s.element)
        site.fract = gemmi.Fractional(*s.position)
        site.occ, site.u_iso = s.occupancy, s.u_iso
        small.add_site(site)
    small.setup_cell_images()
    small.change_occupancies_to_crystallographic()
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    found, _, s2, factors, occupancy, u, sums, _ = setup(SPINEL, 1.0)
    plain = np.array([xray(s.element, 4 * np.pi * np.sqrt(s2)) for s in SPINEL.sites]).astype(np.complex128)
    mine = sf.intensities(sums, plain, occupancy, u, s2, slopes=False).value
    theirs = np.array([abs(calculator.calculate_sf_from_small_structure(small, h.tolist())) ** 2 for h in found.hkl])
    del factors
    assert mine == pytest.approx(theirs, rel=5e-3, abs=2e-3 * theirs.max())


def test_centring_counts_atoms_once():
    _, atoms, *_ = setup(SPINEL)
    assert atoms.centring == 4
    assert len(atoms.position) * 4 == len(SPINEL.expansion.position) == 56


def test_diamond_extinctions():
    """h + k + l = 4n + 2 vanishes in diamond though the group allows it (222)."""
    diamond = Crystal("C", cell=(3.567,) * 3 + (90,) * 3, space_group="F d -3 m:1", sites=(Site("C", (0, 0, 0), 1.0, 0.002),))
    found, _, s2, factors, occupancy, u, sums, _ = setup(diamond, 0.8)
    value = sf.intensities(sums, factors, occupancy, u, s2, slopes=False).value
    index = {tuple(h): v for h, v in zip(found.hkl.tolist(), value, strict=True)}
    assert index[2, 2, 2] == pytest.approx(0.0, abs=1e-9)
    assert index[1, 1, 1] > 100


@pytest.mark.parametrize("crystal", [SPINEL, WURTZITE], ids=lambda c: c.name)
def test_derivatives(crystal):
    """Coordinates, U and occupancies against central differences."""
    found, atoms, s2, factors, occupancy, u, sums, free = setup(crystal, positions=True)
    exact = sf.intensities(sums, factors, occupancy, u, s2)

    def value(shift, u_iso, occ):
        move = np.zeros((len(u), 3))
        np.add.at(move, free.site_of, shift[:, None] * free.directions)
        position = atoms.position + np.einsum("kij,kj->ki", atoms.rotation, move[atoms.site])
        moved = sf.Atoms(position, atoms.site, atoms.rotation, atoms.centring)
        return sf.intensities(sf.geometry(found.hkl, moved, len(u)), factors, occ, u_iso, s2, slopes=False).value

    none = np.zeros(len(free.site_of))
    scale = exact.value.max()
    for p in range(len(none)):
        step = 1e-5 * np.eye(len(none))[p]
        slope = (value(step, u, occupancy) - value(-step, u, occupancy)) / 2e-5
        assert exact.by_coordinate[p] == pytest.approx(slope, rel=1e-5, abs=1e-6 * scale)
    for s in range(len(u)):
        step = 1e-5 * np.eye(len(u))[s]
        by_u = (value(none, u + step, occupancy) - value(none, u - step, occupancy)) / 2e-5
        by_occupancy = (value(none, u, occupancy + step) - value(none, u, occupancy - step)) / 2e-5
        assert exact.by_u[s] == pytest.approx(by_u, rel=1e-5, abs=1e-5 * scale)
        assert exact.by_occupancy[s] == pytest.approx(by_occupancy, rel=1e-5, abs=1e-6 * scale)


def test_dispersion_of_iron_below_and_above_its_edge():
    """f' of iron dips near its K edge at 1.7433 angstrom; f'' jumps there (Int. Tables C, 4.2.6)."""
    assert anomalous("Fe", 1.5406).imag > 3.0
    assert anomalous("Fe", 1.79).imag < 0.6
    assert anomalous("Fe", 1.745).real < -5
    assert anomalous("Og", 1.0) == 0j or anomalous("Np", 1.0) == 0j
