"""Total scattering of clusters against the double sum, analytic cases and the symmetries of space."""

from __future__ import annotations

import numpy as np
import pytest
from ase.cluster import Icosahedron, Octahedron
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whorl.physics.debye import DebyeGrid, total_scattering
from whorl.physics.form_factors import xray

GRID = DebyeGrid(qmin=0.8, qmax=25.0, r_max=30.0, d_max=30.0)
SMALL = DebyeGrid(qmin=0.8, qmax=25.0, r_max=10.0, d_max=12.0)


def direct(q, positions, factors, u_iso):
    """I(Q) and F(Q) by the double sum: factors (n, m) and u_iso (n,) of each atom."""
    n = len(positions)
    damped = factors * np.exp(-0.5 * np.outer(u_iso, q**2))
    cross = np.zeros(q.size)
    for i in range(n - 1):
        d = np.linalg.norm(positions[i + 1 :] - positions[i], axis=1)
        cross += 2 * damped[i] * (damped[i + 1 :] * np.sinc(np.outer(d, q) / np.pi)).sum(axis=0)
    return (factors**2).sum(axis=0) + cross, q * cross / n / factors.mean(axis=0) ** 2


def rock_salt(n, a=2.82):
    index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    odd = index.sum(axis=1) % 2
    order = np.argsort(odd, kind="stable")
    return index[order] * a, np.array([0, int((odd == 0).sum()), odd.size])


def cluster(name):
    rng = np.random.default_rng(5)
    if name == "icosahedron of 147":
        return Icosahedron("Au", 4).positions, np.array([0, 147]), ("Au",)
    if name == "octahedron of 146":
        p = Octahedron("Pt", 6).positions
        return p, np.array([0, len(p)]), ("Pt",)
    if name == "rock salt of 216":
        return (*rock_salt(6), ("Na", "Cl"))
    if name == "three elements at random":
        p = rng.uniform(-7, 7, (300, 3))
        close = np.linalg.norm(p[:, None] - p[None], axis=-1) < 1.6
        keep = ~np.triu(close, 1).any(axis=0)
        p = p[keep]
        return p, np.array([0, 20, 45, len(p)]), ("Sr", "Fe", "As")
    p = np.array([[0, 0, 0], [0, 0, 28.0]])
    return p, np.array([0, 2]), ("Ni",)


CLUSTERS = ["icosahedron of 147", "octahedron of 146", "rock salt of 216", "three elements at random", "a far pair"]


@pytest.mark.parametrize(("bin_width", "level"), [(0.02, 1e-5), (0.01, 1e-6)])
@pytest.mark.parametrize("name", CLUSTERS)
def test_f_is_the_direct_double_sum(name, bin_width, level):
    grid = DebyeGrid(qmin=0.8, qmax=25.0, r_max=30.0, d_max=30.0, dr=bin_width)
    positions, starts, symbols = cluster(name)
    counts = np.diff(starts)
    factors = np.array([xray(s, grid.q) for s in symbols])
    u = 0.004 + 0.003 * np.arange(len(symbols))
    found = total_scattering(grid, positions, starts, factors, u)
    pick = np.arange(5, grid.q.size - 2, 3)
    i, f = direct(grid.q[pick], positions, np.repeat(factors[:, pick], counts, axis=0), np.repeat(u, counts))
    assert np.sqrt(np.mean((found.fq[pick] - f) ** 2) / np.mean(f**2)) < level
    assert found.iq[pick] == pytest.approx(i, rel=10 * level)
    assert found.sq[pick] == pytest.approx(1 + f / grid.q[pick], abs=level)


@pytest.mark.parametrize("name", ["cluster_au13", "cluster_au55", "cluster_nacl64"])
def test_reference_curves(reference, name):
    ref = reference(name)
    symbols = tuple(dict.fromkeys(ref["elements"]))
    label = np.array([symbols.index(e) for e in ref["elements"]])
    order = np.argsort(label, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(label))])
    grid = DebyeGrid(qmin=0.8, qmax=25.0, r_max=160.0, d_max=20.0)  # long in r for a fine step in Q
    factors = np.array([xray(s, grid.q) for s in symbols])
    found = total_scattering(grid, ref["positions"][order], starts, factors, np.full(len(symbols), ref["u_iso"]))
    for q, s, f in zip(ref["q"], ref["s"], ref["f"], strict=True):
        if grid.q[3] < q < 24.9:
            local = slice(np.searchsorted(grid.q, q) - 3, np.searchsorted(grid.q, q) + 3)
            x = grid.q[local]
            assert np.polyval(np.polyfit(x - q, found.fq[local], 5), 0) == pytest.approx(f, abs=2e-5)
            assert np.polyval(np.polyfit(x - q, found.sq[local], 5), 0) == pytest.approx(s, abs=2e-5)
    settings = ref["g_settings"]
    assert (settings["q_min"], settings["q_max"]) == (0.8, 25.0)
    g = np.interp(ref["r"], found.r, found.gr * np.exp(-0.5 * (settings.get("q_damp", 0.0) * found.r) ** 2))
    assert np.sqrt(np.mean((g - ref["g"]) ** 2) / np.mean(ref["g"] ** 2)) < 2e-3


@pytest.mark.parametrize("d", [2.0, 2.5, 2.777, 9.99])
def test_dimer_is_analytic(d):
    one = np.ones((1, SMALL.q.size))
    pair = np.array([[0.0, 0, 0], [0, d, 0]])
    s = total_scattering(SMALL, pair, np.array([0, 2]), one, np.array([0.005]))
    wave = np.exp(-(s.q**2) * 0.005) * np.sin(s.q * d) / (s.q * d)
    assert s.iq == pytest.approx(2 + 2 * wave, abs=1e-6)
    assert s.sq == pytest.approx(1 + wave, abs=1e-6)
    assert s.fq == pytest.approx(s.q * wave, abs=1e-5)


def test_dimer_without_band_limit_is_one_gaussian():
    grid = DebyeGrid(qmin=0.0, qmax=40.0, r_max=10.0, d_max=10.0)
    s = total_scattering(
        grid, np.array([[0, 0, 0], [2.5, 0, 0.0]]), np.array([0, 2]), np.ones((1, grid.q.size)), np.array([0.01])
    )
    sigma2 = 0.02
    expected = np.exp(-0.5 * (s.r - 2.5) ** 2 / sigma2) / 2.5 / np.sqrt(2 * np.pi * sigma2)
    assert s.gr == pytest.approx(expected, abs=2e-3 * expected.max())


def test_conventions_at_the_ends_of_q():
    positions, starts, symbols = cluster("rock salt of 216")
    factors = np.array([xray(s, GRID.q) for s in symbols])
    s = total_scattering(GRID, positions, starts, factors, np.array([0.03, 0.03]))
    end = s.q > 20
    assert s.sq[end] == pytest.approx(1.0, abs=1e-3)
    assert s.iq[end] == pytest.approx(108 * (factors[0] ** 2 + factors[1] ** 2)[end], rel=1e-3)
    # Q -> 0: all atoms in phase, I = (sum f)^2 exp(-Q^2 Rg^2 / 3)
    guinier = np.exp(-(s.q[0] ** 2) * np.mean(np.sum((positions - positions.mean(axis=0)) ** 2, axis=1)) / 3)
    assert s.iq[0] == pytest.approx((108 * factors[:, 0].sum()) ** 2 * guinier, rel=0.01)


def test_damping_multiplies_g():
    positions, starts, symbols = cluster("icosahedron of 147")
    factors = np.array([xray(s, GRID.q) for s in symbols])
    plain, damped = (total_scattering(GRID, positions, starts, factors, np.array([0.005]), qdamp=d) for d in (0.0, 0.05))
    assert damped.gr == pytest.approx(plain.gr * np.exp(-0.5 * (0.05 * plain.r) ** 2), abs=1e-12)
    assert np.all(damped.fq == plain.fq)


def test_one_element_does_not_need_its_form_factor_for_g():
    positions, starts, _ = cluster("icosahedron of 147")
    g = [total_scattering(GRID, positions, starts, xray(s, GRID.q)[None], np.array([0.005])).gr for s in ("Au", "Ni")]
    assert g[0] == pytest.approx(g[1], abs=1e-12)


def test_like_elements_with_two_labels_are_one():
    positions, _, _ = cluster("icosahedron of 147")
    f = xray("Au", GRID.q)
    whole = total_scattering(GRID, positions, np.array([0, 147]), f[None], np.array([0.005]))
    split = total_scattering(GRID, positions, np.array([0, 40, 147]), np.array([f, f]), np.array([0.005, 0.005]))
    assert split.gr == pytest.approx(whole.gr, abs=1e-9)
    assert split.iq == pytest.approx(whole.iq, rel=1e-9)


def test_a_cluster_beyond_the_grid_is_refused():
    grid = DebyeGrid(r_max=10.0, d_max=10.0)
    far = np.array([[0, 0, 0], [0, 0, 20.0]])
    with pytest.raises(ValueError, match=r"20\.0 angstrom across.*raise d_max"):
        total_scattering(grid, far, np.array([0, 2]), np.ones((1, grid.q.size)), np.zeros(1))


def test_the_largest_cluster_that_was_announced_fits():
    for r_max, d_max in ((30.0, 30.0), (10.0, 60.0), (50.0, 20.0)):
        grid = DebyeGrid(r_max=r_max, d_max=d_max)
        pair = np.array([[0, 0, 0], [0, 0, d_max]])
        s = total_scattering(grid, pair, np.array([0, 2]), np.ones((1, grid.q.size)), np.zeros(1))
        assert s.iq == pytest.approx(2 + 2 * np.sinc(s.q * d_max / np.pi), abs=1e-5)


def test_the_output_grid():
    assert GRID.r[0] == 0
    assert GRID.r[-1] == pytest.approx(30.0)
    assert np.diff(GRID.r) == pytest.approx(0.01)
    assert GRID.q[-1] > GRID.qmax > GRID.q[-3]


random_clusters = arrays(np.float64, (6, 3), elements=st.floats(-3, 3, width=32)).filter(
    lambda p: np.min(np.linalg.norm(p[:, None] - p[None], axis=-1) + 9 * np.eye(6)) > 0.8
)


def scatter(positions, starts=(0, 2, 6)):
    factors = np.array([np.full(SMALL.q.size, 3.0), np.full(SMALL.q.size, 5.0)])
    return total_scattering(SMALL, np.ascontiguousarray(positions), np.array(starts), factors, np.array([0.004, 0.008]))


@given(random_clusters, st.tuples(*[st.floats(-50, 50)] * 3), st.integers(0, 2**31))
def test_moving_turning_and_renumbering_change_nothing(positions, shift, seed):
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))  # improper ones too: G(r) knows no handedness
    order = np.concatenate([rng.permutation(2), 2 + rng.permutation(4)])
    before = scatter(positions)
    after = scatter((positions @ rotation.T + np.array(shift))[order])
    assert after.fq == pytest.approx(before.fq, abs=1e-6)
    assert after.gr == pytest.approx(before.gr, abs=1e-6)
