"""Structure drawings and plots."""

from __future__ import annotations

import re
import threading
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.core.hypothesis import Cluster, Crystal, Reference, Site
from whorl.report.atoms import describe, element_key, structure_picture
from whorl.report.colours import ELEMENT_COLOURS, PALETTE
from whorl.report.frames import series_table
from whorl.report.plots import fit_figure, thin_out
from whorl.report.scenes import cell_matrix, scene_of
from whorl.report.vector import to_svg
from whorl.report.waterfall import waterfall_figure


def test_fcc_cell_shows_14_atoms_and_36_bonds(fake):
    """Eight corners and six faces; every face atom has 4 corner and 4 face neighbours inside the cell: (6*8 + 8*3) / 2 = 36."""
    scene = scene_of(fake.fcc("Ni", 3.524))
    assert len(scene.positions) == 14
    assert len(scene.bonds) == 36
    assert np.allclose(
        np.linalg.norm(scene.positions[scene.bonds[:, 0]] - scene.positions[scene.bonds[:, 1]], axis=1), 2.4918, atol=1e-3
    )


def test_hcp_is_drawn_with_atoms_at_the_corners(fake):
    assert len(scene_of(fake.hcp("Co", 2.507)).positions) == 9


def test_rock_salt_bonds_join_unlike_ions():
    salt = Crystal(
        "NaCl", cell=(5.64, 5.64, 5.64, 90, 90, 90), space_group="225", sites=(Site("Na", (0, 0, 0)), Site("Cl", (0.5, 0, 0)))
    )
    scene = scene_of(salt)
    assert len(scene.positions) == 27
    names = [m[0][0] for m in scene.species]
    assert len(scene.bonds) == 54
    assert all(names[i] != names[j] for i, j in scene.bonds)


def test_shared_site_is_one_cut_ball(fake):
    drawing = structure_picture(fake.doped(), "p")
    assert scene_of(fake.doped()).species[0] == (("La", 0.7), ("Ca", 0.2))
    assert drawing.count("<path") == 8 * 2
    assert "&lt;script&gt;" in drawing
    ET.fromstring(drawing)


def test_hidden_atoms_of_a_cluster_are_left_out(fake):
    cluster = fake.octahedron("Pt", 9)
    scene = scene_of(cluster)
    assert scene.hidden == len(cluster.symbols) - len(scene.positions)
    assert len(scene.positions) == 4 * 8**2 + 2  # the surface of an octahedron of n atoms on an edge: 4 (n - 1)^2 + 2


def test_open_element_and_unit_bond():
    shape = Cluster("ico", symbols=("X",) * 3, positions=np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.87, 0]]), bond_free=True)
    assert "any element" in element_key(shape)
    assert describe(shape) == "Cluster X3 of 3 atoms."
    ET.fromstring(structure_picture(shape, "p"))


def test_no_picture_without_atoms():
    assert structure_picture(Reference("r"), "p") is None
    assert element_key(Reference("r")) is None


def test_cell_matrix_has_the_metric_of_the_cell():
    crystal = Crystal("t", cell=(3.1, 4.2, 5.3, 81, 97, 113), sites=(Site("C", (0, 0, 0)),))
    matrix = cell_matrix(crystal.cell)
    assert np.allclose(matrix @ matrix.T, crystal.metric, atol=1e-12)


def test_colours():
    assert len(ELEMENT_COLOURS) == 105
    assert len(set(PALETTE.values())) == len(PALETTE)


def test_thinning_keeps_extremes():
    x = np.linspace(0, 30, 30001)
    y = np.sin(40 * x)
    y[12345] = 9.0
    xs, ys = thin_out(x, y, 500)
    assert xs.size <= 2000
    assert ys.max() == 9.0
    assert np.all(np.diff(xs) > 0)


def test_svg_follows_the_theme_and_keeps_text(pt):
    svg = to_svg(fit_figure(pt.candidates[0]), "a <title>", "what", "q")
    assert f"var(--fit,{PALETTE['fit']})" in svg
    assert "data − fit" in svg
    assert "a &lt;title&gt;" in svg
    assert "<style" not in svg
    assert all(i.startswith("q-") for i in re.findall(r' id="([^"]+)"', svg))
    ET.fromstring(svg)


def test_style_of_the_caller_is_untouched(pt):
    before = dict(mpl.rcParams)
    to_svg(fit_figure(pt.candidates[0]), "t", "d", "q")
    assert dict(mpl.rcParams) == before


def test_threads_draw_the_same(pt):
    found: list[str] = []

    def draw():
        found.append(to_svg(fit_figure(pt.candidates[0]), "t", "d", "q"))

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 3
    assert len(set(found)) == 1


def test_fit_needs_a_curve(pt):
    with pytest.raises(UsageError, match="no fitted curve"):
        fit_figure(pt.candidates[0].model_copy(update={"curve": None}))


@pytest.mark.parametrize("frames", [1, 2, 700])
def test_waterfall_of_any_length(frames):
    x = np.linspace(0, 10, 50)
    signals = np.sin(x) * np.linspace(1, 2, frames)[:, None]
    signals[0, :3] = np.nan
    figure = waterfall_figure(x, signals, np.linspace(500, 300, frames) if frames > 1 else None)
    picture = figure.axes[0].images[0]
    assert picture.get_cmap().name == "RdBu_r"
    low, high = picture.get_clim()
    assert low == -high
    if frames > 1:  # a falling coordinate is drawn upward, so the last frame (the largest signal) is at the bottom
        rows = np.abs(picture.get_array()).max(axis=1)
        assert rows[0] > rows[-1]


def test_waterfall_refuses_what_does_not_fit():
    with pytest.raises(UsageError, match="coordinates"):
        waterfall_figure(np.arange(5.0), np.zeros((3, 4)))


def test_series_columns(fake):
    verdicts, _ = fake.series(12)
    table = series_table(verdicts)
    assert table.phases[3] == "no answer"
    assert [r[2] for r in table.runs()] == ["Co (hcp)", "no answer", "Co (hcp)", "Co (fcc)"]
    assert table.columns["a"].unit == "angstrom"
    assert np.isnan(table.columns["Rw"].values[3])
    assert table.columns["a"].values[0] == pytest.approx(2.507)
