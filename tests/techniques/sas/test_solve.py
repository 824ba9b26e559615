"""Geometries and genes of solve: columns against scatterers, spans, formulae, files of users, patterns in two dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import PatternError, StructureError, UsageError
from whorl.core.measurement import Measurement
from whorl.physics.small_angle.scatterers.debye import debye_histogram
from whorl.techniques.sas.solve import KEYS, boxes, find_geometry, problems
from whorl.techniques.sas.solve.custom import geometry_of, read_geometry
from whorl.techniques.sas.solve.formula import compiled
from whorl.techniques.sas.solve.genes import Gene, with_spans
from whorl.techniques.sas.solve.oriented import GEOMETRIES, pattern_problem
from whorl.techniques.sas.solve.pattern import Pattern2D, read_pattern

Q = np.linspace(0.004, 0.1, 40)
ONE = {
    "vesicle": {
        "core_radius": 120.0,
        "inner_a": 50.0,
        "layer_b": 80.0,
        "outer_a": 60.0,
        "composition": 0.6,
        "split": 0.3,
        "width": 0.0,
        "scatterer": 0.2,
    },
    "micelle": {"core_radius": 90.0, "corona": 60.0, "composition": 0.7, "width": 0.0, "scatterer": 0.2},
    "fibril": {"core_radius": 25.0, "shell": 15.0, "length": 800.0, "composition": 0.7, "width": 0.0, "scatterer": 0.2},
}
CHOSEN = {"distribution": "rectangle", "weighting": "mass"}


@pytest.mark.parametrize("key", list(ONE))
def test_columns_are_what_the_placed_scatterers_give(key):
    """The closed form against the Debye sum of the scatterers that are written to files, without pairs with themselves."""
    geometry, n = find_geometry(key), 6000
    placed = geometry.place(np.random.default_rng(1), ONE[key], CHOSEN, n)
    count = len(placed.kinds)
    found = (debye_histogram(placed.positions, np.ones(count), Q) - count) / count**2
    columns = geometry.columns(Q, ONE[key], CHOSEN)
    assert columns.shape == (Q.size, len(geometry.terms))
    assert np.abs(found - columns[:, 0]).max() < 0.01
    assert geometry.columns(np.array([1e-5]), ONE[key], CHOSEN)[0, 0] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("distribution", ["rectangle", "gaussian", "lognormal"])
def test_spread_of_sizes_is_an_average_over_particles(distribution):
    """By mass each size enters with I/N, by number with I: the columns against a sum of single sizes."""
    from whorl.techniques.sas.solve.layers import sizes

    geometry, values = find_geometry("micelle"), ONE["micelle"] | {"width": 0.2}
    radii, share = sizes(90.0, 0.2, {"distribution": distribution})
    one = np.array([geometry.columns(Q, values | {"core_radius": r, "width": 0.0}, CHOSEN)[:, 0] for r in radii])
    for weighting, power in (("mass", 3), ("number", 6)):
        weight = share * radii**power
        found = geometry.columns(Q, values, {"distribution": distribution, "weighting": weighting})[:, 0]
        assert found == pytest.approx(weight / weight.sum() @ one, rel=1e-9)
    assert np.sqrt(share @ (radii - share @ radii) ** 2) / 90 == pytest.approx(0.2, rel=0.03)


@pytest.mark.parametrize("key", KEYS)
def test_every_geometry(key):
    """Contract: finite columns over the whole span of the genes, a title, a source, places and values that go together."""
    geometry = find_geometry(key)
    rng = np.random.default_rng(2)
    for _ in range(5):
        places = rng.random(len(geometry.genes))
        values = {gene.name: gene.at(p) for gene, p in zip(geometry.genes, places, strict=True)}
        for chosen in geometry.chosen({}):
            found = geometry.columns(Q, values, chosen)
            assert found.shape == (Q.size, len(geometry.terms))
            assert np.all(np.isfinite(found))
            assert np.all(found >= 0)
        assert [gene.place(values[gene.name]) for gene in geometry.genes] == pytest.approx(places.tolist())
    assert geometry.title
    assert "doi" in geometry.source
    placed = geometry.place(rng, values, geometry.chosen({})[0], 100)
    assert placed.positions.shape == (len(placed.kinds), 3)


def test_surrogate_and_exact_boxes(monkeypatch):
    """Inside its ranges the network gives the intensity of packed boxes; outside boxes are packed; the grid ends are kept."""
    made = (0.25, 0.5, 0.8, 0.3)
    assert boxes.inside(made)
    assert not boxes.inside((0.25, 0.5, 0.4, 0.3))
    monkeypatch.setattr(boxes, "SPHERES", 400)
    said, packed = boxes.surrogate(made), boxes.exact(made, boxes=3)
    middle = boxes.grid() > 4
    assert np.abs(said - packed)[:, middle].mean() < 0.04  # three small boxes scatter by some 0.03 there
    monkeypatch.setattr(boxes, "BOXES", 1)
    outside = boxes.structure(np.array([0.1, 5.0, 100.0]), (0.02, 0.5, 1.0, 0.0))
    assert outside[:, -1].tolist() == [1.0, 0.0, 1.0]
    geometry = find_geometry("nanoparticle-assembly")
    assert geometry.warn is not None
    assert not geometry.warn(geometry.genes)
    assert "size_ratio" in geometry.warn(with_spans(geometry.genes, {"size_ratio": (0.3, 1.0)}))[0]


def test_spans():
    genes = find_geometry("vesicle").genes
    held = with_spans(genes, {"composition": (0.6, 0.6)})
    assert next(g for g in held if g.name == "composition").held
    for spans, match in (
        ({"colour": (0, 1)}, "no gene 'colour'"),
        ({"width": (0.1, 0.9)}, "width from 0.1 to 0.9"),
        ({"core_radius": (200.0, 100.0)}, "core_radius from 200 to 100"),
        ({"core_radius": (float("nan"), 100.0)}, "core_radius"),
    ):
        with pytest.raises(UsageError, match=match):
            with_spans(genes, spans)
    assert Gene("x", 3.0, 3.0, "1", "").place(3.0) == 0.5


def test_options():
    geometry = find_geometry("micelle")
    assert len(geometry.chosen({})) == 6
    assert geometry.chosen({"distribution": "gaussian", "weighting": "mass"}) == [
        {"distribution": "gaussian", "weighting": "mass"}
    ]
    with pytest.raises(UsageError, match="no option"):
        geometry.chosen({"colour": "red"})
    with pytest.raises(UsageError, match="distribution=flat"):
        geometry.chosen({"distribution": "flat"})
    with pytest.raises(UsageError, match="Did you mean 'vesicle'"):
        find_geometry("vesicles")


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "radius.real", "[1]", "radius if 1 else 2", "lambda: 1", "open('x')", "1 +", "wall", "'a'", "True"],
)
def test_formulae_are_arithmetic_only(text):
    with pytest.raises(StructureError):
        compiled(text, {"radius"}, where="x")


def test_formula_that_cannot_be_computed_is_nan():
    assert np.isnan(compiled("1 / radius", {"radius"}, where="")({"radius": 0.0}))
    assert np.isnan(compiled("radius ** 99999", {"radius"}, where="")({"radius": 1e9}))


SHELLS = """
name = "two shells"
[genes.radius]
low = 20
high = 200
[genes.wall]
low = 5
high = 50
[[parts]]
shape = "shell"
inner = 0
outer = "radius"
share = 2
[[parts]]
shape = "shell"
inner = "radius"
outer = "radius + wall"
share = 1
kind = "B"
"""


def test_geometry_of_a_file(tmp_path):
    """Concentric shells in closed form are what scatterers give when a part is moved by nothing."""
    path = tmp_path / "two.toml"
    path.write_text(SHELLS)
    values = {"radius": 80.0, "wall": 30.0}
    closed = read_geometry(path)
    path.write_text(SHELLS + "at = [0, 0, 0]\n")
    summed = read_geometry(path)
    one, two = (g.columns(Q, values, {})[:, 0] for g in (closed, summed))
    assert np.abs(one - two).max() < 0.02  # 1500 scatterers
    assert summed.columns(Q, values, {})[:, 0].tobytes() == two.tobytes()  # the same random numbers every time
    placed = closed.place(np.random.default_rng(1), values, {}, 300)
    assert (placed.kinds.count("A"), placed.kinds.count("B")) == (200, 100)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (("[[parts]]", "[[pieces]]"), "at least one gene and one part"),
        (('"shell"', '"cube"'), "shape 'cube'"),
        (('outer = "radius"', 'outer = "radius + size"'), "no gene 'size'"),
        (("low = 5", 'low = "a"'), "low and high are no span"),
        (("low = 5", "low = 60"), "low and high are no span"),
        (("low = 5", "low = 5\ncolour = 1"), "unknown word 'colour'"),
        (("inner = 0", ""), "inner is missing"),
        (("name =", "name"), "no TOML"),
    ],
)
def test_bad_geometry_files(tmp_path, change, match):
    path = tmp_path / "bad.toml"
    path.write_text(SHELLS.replace(*change))
    with pytest.raises(StructureError, match=match):
        read_geometry(path)
    with pytest.raises(StructureError, match="no table genes"):
        geometry_of({})


def test_problem_projects_scale_and_background():
    """The residual of the true genes is nought whatever scale and background the curve has; smearing is the file's."""
    geometry = find_geometry("micelle")
    y = 350.0 * geometry.columns(Q, ONE["micelle"], CHOSEN)[:, 0] + 0.7
    (problem,) = problems(
        Measurement("sas", Q, y), geometry, spans={"scatterer": (0.2, 0.2), "width": (0.0, 0.0)}, options=CHOSEN
    )
    places = np.array([gene.place(ONE["micelle"][gene.name]) for gene in problem.free])
    assert np.abs(problem.residual(places)).max() < 1e-6
    assert problem.linear(places) == pytest.approx({"scale": 350.0, "scatterers": 0.0, "background": 0.7}, abs=1e-5)
    smeared = Measurement("sas", Q, y, resolution=0.05 * Q)
    (other,) = problems(smeared, geometry, spans={"scatterer": (0.2, 0.2), "width": (0.0, 0.0)}, options=CHOSEN)
    assert np.abs(other.residual(places)).max() > 1


def _pattern(values, *, key="oriented-ellipsoids", n=64, counts=3000, seed=3):
    g = np.linspace(-0.1, 0.1, n)
    qx, qy = np.meshgrid(g, g)
    q = np.hypot(qx, qy)
    clean = GEOMETRIES[key].columns(np.column_stack([q.ravel(), np.arctan2(qy, qx).ravel()]), values, {})[:, 0]
    noisy = np.random.default_rng(seed).poisson(counts * clean / clean.max() + 2)
    return qx.ravel(), qy.ravel(), noisy.astype(float)


PARTICLE = {"radius": 40.0, "aspect": 2.5, "order": 0.5, "director": 30.0, "width": 0.1}


def test_patterns_in_files(tmp_path):
    qx, qy, y = _pattern(PARTICLE)
    table = np.column_stack([qx, qy, y])
    np.savetxt(tmp_path / "a.dat", table, header="Qx Qy I")
    np.savez(tmp_path / "a.npz", qx=np.unique(qx), qy=np.unique(qy), I=y.reshape(64, 64))
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/Qx"], file["entry/data/Qy"], file["entry/data/I"] = qx, qy, y
    one = read_pattern(tmp_path / "a.dat")
    for name in ("a.npz", "a.h5"):
        other = read_pattern(tmp_path / name)
        assert other.intensity.tolist() == one.intensity.tolist()
        assert other.qx == pytest.approx(one.qx)
    q, azimuth, level, error = one.cells()
    assert q.size == azimuth.size == level.size == error.size > 500
    assert 0 <= azimuth.min() <= azimuth.max() <= np.pi
    assert one.within(0.02, 0.05).qx.size < one.qx.size


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "0 rows"),
        ("1 2 3\n" * 300, "no qx and qy"),
        ("1 2\n" * 300, "2 columns"),
        ("1 2 3\n1 2\n" * 300, "not of one length"),
    ],
)
def test_bad_patterns(tmp_path, text, match):
    (tmp_path / "a.dat").write_text(text)
    with pytest.raises(PatternError, match=match):
        read_pattern(tmp_path / "a.dat")
    with pytest.raises(PatternError, match="cannot be read"):
        read_pattern(tmp_path / "missing.dat")
    with pytest.raises(PatternError, match="usable pixels"):
        Pattern2D(np.zeros(10), np.zeros(10), np.zeros(10))


def test_beam_stop_is_left_out():
    qx, qy, y = _pattern(PARTICLE)
    y[np.hypot(qx, qy) < 0.012] = 0.0
    q, *_ = Pattern2D(qx, qy, y).cells()
    assert q.min() > 0.011


def test_pattern_problem_knows_the_truth():
    """At the true genes the cells scatter as their stated noise does; the director's span is centred by the pattern itself."""
    qx, qy, y = _pattern(PARTICLE)
    problem = pattern_problem(Pattern2D(qx, qy, y), "oriented-ellipsoids", {})
    low, high = next((g.low, g.high) for g in problem.genes if g.name == "director")
    assert abs((low + high) / 2 - 30) < 8
    places = np.array([gene.place(PARTICLE[gene.name]) for gene in problem.free])
    residual = problem.residual(places)
    assert 0.3 < residual @ residual / residual.size < 1.3
    with pytest.raises(UsageError, match="in two dimensions"):
        pattern_problem(Pattern2D(qx, qy, y), "vesicle", {})
