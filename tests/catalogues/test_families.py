"""What crystals are compared by: blind to cell, setting, origin and order of sites, sharp for everything else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.catalogues import builtin_catalogues
from whorl.catalogues.aliases import find_aliases
from whorl.catalogues.families import family_of, label
from whorl.catalogues.likeness import likeness
from whorl.catalogues.screening import screen
from whorl.catalogues.symmetrise import symmetrised
from whorl.core.errors import StructureError
from whorl.core.hypothesis import Crystal, Site

#: one compound of each built-in family; a bare list of atoms of no symmetry, kaolinite's, is left as it is
FIRSTS = list(
    {e.family: (c, e.key) for c in builtin_catalogues()[:2] for e in reversed(c.entries()) if e.space_group > 1}.values()
)
CUBIC = (5.0, 5.0, 5.0, 90.0, 90.0, 90.0)


def spelt_out(crystal, shift=(0.137, 0.241, 0.359), *, tripled=False):
    """All atoms in P 1, origin moved, order reversed, in a primitive-looking oblique cell or one of three times the volume."""
    whole = crystal.expansion
    sites = [
        replace(crystal.sites[int(i)], position=tuple(float(v) for v in (x + np.array(shift)) % 1.0))
        for i, x in zip(whole.site, whole.position, strict=True)
    ]
    cell = crystal.cell
    if tripled:
        many = []
        for site in sites:
            x, y, z = site.position
            many += [replace(site, position=(x, y, (z + n) / 3)) for n in range(3)]
        sites, cell = many, (cell[0], cell[1], 3 * cell[2], *cell[3:])
    return replace(crystal, cell=cell, space_group="P 1", sites=tuple(reversed(sites)), operations=None, family="")


def alike(one, other):
    rows = [(str(n), found.kind, found.measures.astype(np.float32).tobytes()) for n, found in enumerate((one, other))]
    return find_aliases(rows) == {"1": "0"}


@pytest.mark.parametrize(("catalogue", "key"), FIRSTS[::5])
def test_the_family_is_found_from_a_bare_list_of_atoms(catalogue, key):
    crystal = catalogue.load(key)
    found = symmetrised(spelt_out(crystal, tripled=len(crystal.expansion.site) < 40))
    assert found is not None
    like, known = likeness(found), likeness(crystal)
    assert (like.number, like.points) == (known.number, known.points)
    assert family_of(like) == crystal.family
    assert alike(like, known)


def test_every_built_in_compound_is_of_its_own_family():
    wrong = []
    for catalogue in builtin_catalogues()[:2]:
        for entry in catalogue.entries():
            found = family_of(likeness(catalogue.load(entry.key)))
            if found != entry.family:
                wrong.append((entry.key, found))
    assert wrong == []


def test_counts_are_those_of_the_expansion():
    for catalogue, key in FIRSTS[::3]:
        crystal = catalogue.load(key)
        found = likeness(crystal)
        assert found.atoms == len(crystal.expansion.site)
        assert found.contents == pytest.approx(crystal.contents)


def test_neighbours_are_those_of_the_textbook():
    copper = Crystal("Cu", cell=(3.6149,) * 3 + (90.0,) * 3, space_group="225", sites=(Site("Cu", (0, 0, 0)),))
    found = likeness(copper)
    edge = 3.6149 / 4 ** (1 / 3)
    assert found.edge == pytest.approx(edge)
    assert found.near[0] * edge == pytest.approx(np.full(12, 3.6149 / np.sqrt(2)))
    # Voronoi vectors of the face-centred lattice: six of half a face diagonal, one of an edge
    assert found.lattice == pytest.approx([3.6149 / np.sqrt(2)] * 6 + [3.6149])


def cubic(group, *sites):
    return likeness(Crystal("", cell=CUBIC, space_group=group, sites=tuple(Site(*site) for site in sites)))


def test_anions_and_cations_that_change_places_make_another_family():
    places = ((0, 0, 0), (0.25, 0.25, 0.25))
    assert family_of(cubic("225", ("Ba", places[0]), ("F", places[1]))) == "fluorite"
    assert family_of(cubic("225", ("O", places[0]), ("Li", places[1]))) == "antifluorite"
    lead = Crystal(
        "PbCl2",
        cell=(7.62, 4.53, 9.05, 90, 90, 90),
        space_group="62",
        sites=(Site("Pb", (0.246, 0.25, 0.0955)), Site("Cl", (0.86, 0.25, 0.07)), Site("Cl", (0.98, 0.25, 0.66))),
    )
    anti = replace(lead, sites=tuple(replace(s, element={"Pb": "S", "Cl": "Rb"}[s.element]) for s in lead.sites))
    assert family_of(likeness(lead)) == "cotunnite"
    assert family_of(likeness(anti)) == "Co2Si"


def test_solid_solutions_and_vacancies_belong_to_their_parent():
    layered = next(c.load(e.key) for c in builtin_catalogues() for e in c.entries(formula="LiCoO2", family="layered R-3m"))
    mixed = []
    for site in layered.sites:
        if site.element == "Co":
            mixed += [replace(site, element=element, occupancy=0.5) for element in ("Cr", "Fe")]
        else:
            mixed.append(replace(site, occupancy=0.4) if site.element == "Li" else site)
    found = symmetrised(spelt_out(replace(layered, sites=tuple(mixed))))
    assert found.space_group == "R -3 m:H"
    assert len(found.sites) == 4
    assert family_of(likeness(found)) == "layered R-3m"


def test_labels_do_not_depend_on_the_origin():
    one = cubic("227", ("Mg", (0, 0, 0)), ("Cu", (0.5, 0.5, 0.5)), ("Pb", (0.375, 0.375, 0.375)))
    text = label(one)
    moved = cubic("F d -3 m:1", ("Mg", (0.125, 0.125, 0.125)), ("Cu", (0.625,) * 3), ("Pb", (0.5, 0.5, 0.5)))
    assert label(moved) == text
    assert text == "AB2C2 Fd-3m 8(-43m) 2x16(-3m)"


def test_exchanged_elements_on_alike_sites_are_no_repeat():
    places = [(0, 0, 0), (0.25, 0.25, 0.25), (0.5, 0.5, 0.5), (0.75, 0.75, 0.75)]
    one = cubic("216", *zip(("Li", "Mg", "Pd", "Sn"), places, strict=True))
    same = cubic("216", *zip(("Pd", "Sn", "Li", "Mg"), places, strict=True))
    other = cubic("216", *zip(("Mg", "Li", "Pd", "Sn"), places, strict=True))
    assert alike(one, same)
    assert not alike(one, other)
    assert one.kind == other.kind  # it is the surroundings that tell them apart


def test_moved_atoms_are_no_repeat():
    def rutile(x):
        sites = (Site("Ti", (0, 0, 0)), Site("O", (x, x, 0)))
        return likeness(Crystal("", cell=(4.594, 4.594, 2.959, 90, 90, 90), space_group="136", sites=sites))

    assert alike(rutile(0.305), rutile(0.3055))
    assert not alike(rutile(0.305), rutile(0.32))


def test_repeats_cost_no_square(monkeypatch):
    from whorl.catalogues import aliases

    calls = []
    real = aliases._same
    monkeypatch.setattr(aliases, "_same", lambda one, other: calls.append(1) or real(one, other))
    rng = np.random.default_rng(3)
    rows = [(str(n), "kind", rng.uniform(3, 15, 7).astype(np.float32).tobytes()) for n in range(3000)]
    rows += [(f"again{n}", *rows[n][1:]) for n in range(0, 3000, 10)]
    found = find_aliases(rows)
    assert found == {f"again{n}": str(n) for n in range(0, 3000, 10)}
    assert len(calls) < 3 * len(rows)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cell": (1e6, 5, 5, 90, 90, 90)}, "absurd length"),
        ({"cell": (0.4, 5, 5, 90, 90, 90)}, "absurd length"),
        ({"cell": (5, 5, 5, 90, 90, 179)}, "absurd angle"),
        ({"cell": (50, 50, 50, 90, 90, 90)}, "absurd volume"),
        ({"cell": (1.1, 1.1, 1.1, 90, 90, 90)}, "absurd volume"),
        ({"sites": (Site("Fe", (0, 0, 0)), Site("O", (0, 0, 0)))}, "on top of each other"),
        ({"sites": (Site("Fe", (0, 0, 0), 1.0, None, "Fe1"), Site("O", (0.05, 0, 0), 0.5, None, "O1"))}, r"\(Fe1, O1\)"),
        ({"sites": tuple(Site("H", (n / 6000, 0.1, 0.2)) for n in range(21_000))}, "too large"),
    ],
)
def test_absurd_structures_are_refused(change, reason):
    good = Crystal("x", cell=(4.0, 4.0, 4.0, 90, 90, 90), space_group="P 1", sites=(Site("Fe", (0, 0, 0)),))
    assert screen(good, [])[0] is good
    with pytest.raises(StructureError, match=reason):
        screen(replace(good, **change), [])


def test_disorder_is_no_overlap():
    split = (Site("O", (0.02, 0, 0), 0.5), Site("O", (-0.02, 0, 0), 0.5), Site("Fe", (0.5, 0.5, 0.5)))
    crystal = Crystal("x", cell=(4.0, 4.0, 4.0, 90, 90, 90), space_group="P 1", sites=split)
    assert screen(crystal, [])[0].sites == split
    shared = (Site("Fe", (0, 0, 0), 0.6), Site("Mn", (0, 0, 0), 0.4))
    assert screen(replace(crystal, sites=shared), [])[1].contents == pytest.approx({"Fe": 0.6, "Mn": 0.4})


def test_a_cell_without_symmetry_stays_as_it_is():
    rng = np.random.default_rng(11)
    sites = tuple(Site("Si", tuple(float(v) for v in x)) for x in rng.random((6, 3)))
    assert symmetrised(Crystal("x", cell=(6.0, 7.0, 8.0, 81, 84, 97), sites=sites)) is None
