"""Exports of refinements: the fit made again from its answer, uncertainties of the crystal, files of runs."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError, WorkspaceError
from whorl.core.workspace import Workspace
from whorl.formats import read, read_structure, write_measurement
from whorl.formats.powder_refinement import Origin
from whorl.physics.anomalous import anomalous
from whorl.physics.form_factors import xray
from whorl.tasks.batch import run_files
from whorl.tasks.export import export, export_run, fitted
from whorl.tasks.recipes import Refine
from whorl.tasks.sequence import refine_series
from whorl.tasks.start import Start
from whorl.techniques.pd.export import refined


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture(scope="module")
def answer(oxidised):
    """A frame with both phases, its recipe and its verdict."""
    recipe = Refine(structures=oxidised.structures)
    return recipe, oxidised.frames[3], recipe.run(oxidised.frames[3])


def test_the_fit_is_made_again(answer):
    recipe, frame, verdict = answer
    fit = fitted(recipe, verdict, frame)
    best = verdict.best
    assert fit.rw == pytest.approx(best.rw, rel=1e-9)
    np.testing.assert_allclose(fit.calculated, best.curve.calculated, rtol=1e-9)
    for p, value, sigma in zip(fit.problem.parameters, fit.values, fit.sigma, strict=True):
        kept = best.parameters[p.name]
        assert value == pytest.approx(kept.value, rel=1e-12, abs=1e-15)
        if kept.sigma:
            assert sigma == pytest.approx(kept.sigma, rel=1e-6)


def test_other_data_are_refused(answer, oxidised):
    recipe, _, verdict = answer
    with pytest.raises(WorkspaceError, match="when it is made again"):
        fitted(recipe, verdict, oxidised.frames[5])


def test_uncertainties_of_the_crystal(answer):
    """Cubic: a, b and c are one parameter, and the volume's relative uncertainty is thrice the length's."""
    recipe, frame, verdict = answer
    found = refined(fitted(recipe, verdict, frame), Origin("a"))
    for n, phase in enumerate(found.phases, 1):
        a = verdict.best.parameters[f"{n}:a"]
        assert [q.sigma for q in phase.cell[:3]] == pytest.approx([a.sigma] * 3, rel=1e-4)
        assert [q.sigma for q in phase.cell[3:]] == [None] * 3
        assert phase.volume.sigma / phase.volume.value == pytest.approx(3 * a.sigma / a.value, rel=1e-3)
        assert phase.formula_units == pytest.approx(4)
        assert all(q.sigma is None for site in phase.sites for q in site.position)
    assert found.phases[0].density == pytest.approx(4 * 58.693 * 1.66053907 / found.phases[0].volume.value, rel=1e-4)
    assert found.rwp == pytest.approx(verdict.best.rw, rel=1e-9)
    assert found.goodness**2 == pytest.approx(verdict.best.quality.reduced_chi_squared, rel=1e-6)
    assert found.parameters == verdict.best.quality.free_parameters


def test_reflections_of_the_phases(answer):
    """|F|^2 by a sum over all atoms of the cell; observed as calculated within the noise; the lines of an fcc cell."""
    recipe, frame, verdict = answer
    found = refined(fitted(recipe, verdict, frame), Origin("a"))
    for phase in found.phases:
        rows = phase.reflections
        assert {tuple(h % 2 for h in hkl) for hkl in rows.hkl.tolist()} <= {(0, 0, 0), (1, 1, 1)}
        np.testing.assert_allclose(rows.spacing, phase.cell[0].value / np.linalg.norm(rows.hkl, axis=1), rtol=1e-6)
        q = 2 * np.pi / rows.spacing
        atoms = phase.crystal.expansion
        total = np.zeros(len(q), dtype=complex)
        for site, position in zip(atoms.site, atoms.position, strict=True):
            s = phase.crystal.sites[int(site)]
            factor = xray(s.element, q) + anomalous(s.element, 0.7093)
            total += factor * np.exp(-s.u_iso * q**2 / 2) * np.exp(2j * np.pi * (rows.hkl @ position))
        np.testing.assert_allclose(rows.calculated, np.abs(total) ** 2, rtol=2e-3)
        assert 0 < rows.r_intensity < 0.05
        strong = rows.calculated > 0.1 * rows.calculated.max()
        np.testing.assert_allclose(rows.observed[strong], rows.calculated[strong], rtol=0.1)
        many = {tuple(sorted(np.abs(hkl))): m for hkl, m in zip(rows.hkl.tolist(), rows.multiplicity, strict=True)}
        assert (many[1, 1, 1], many[0, 0, 2], many[0, 2, 2], many[1, 1, 3]) == (8, 6, 12, 24)


def test_written_files_are_read(answer, tmp_path):
    recipe, frame, verdict = answer
    paths = export(recipe, verdict, frame, tmp_path / "out", stem="frame3")
    names = {str(p.relative_to(tmp_path / "out")) for p in paths}
    assert {"frame3.cif", "gsas2/frame3.py", "gsas2/frame3-2.cif", "topas/frame3.inp"} <= names
    again = read(tmp_path / "out/frame3.cif", kind="powder")
    np.testing.assert_allclose(again.signal, frame.signal)
    assert read_structure(tmp_path / "out/frame3.cif").cell[0] == pytest.approx(verdict.best.parameters["1:a"].value, abs=1e-3)
    second = read_structure(tmp_path / "out/gsas2/frame3-2.cif")
    assert second.cell[0] == pytest.approx(verdict.best.parameters["2:a"].value, rel=1e-12)


def test_export_of_a_kept_run(oxidised, workspace, tmp_path):
    write_measurement(oxidised.frames[4], tmp_path / "a.nxs")
    recipe = Refine(structures=oxidised.structures)
    (verdict,) = run_files(recipe, [tmp_path / "a.nxs"], workspace=workspace, workers=1)
    (tmp_path / "a.nxs").unlink()  # the workspace has it
    paths = export_run(verdict.run, tmp_path / "out", workspace=workspace)
    assert tmp_path / "out" / "a.cif" in paths
    text = (tmp_path / "out" / "a.cif").read_text()
    assert verdict.run in text
    assert verdict.sha256[:16] in text.replace("\n ", "")


def test_export_of_a_frame_with_a_held_phase(oxidised, workspace, tmp_path):
    write_measurement(oxidised.measurement, tmp_path / "scan.nxs")
    verdicts = list(
        refine_series(Refine(structures=oxidised.structures), [tmp_path / "scan.nxs"], workspace=workspace, workers=1)
    )
    last = next(v for v in verdicts if v.file.endswith("#7"))
    assert Start().after(last).held == (2,)
    export_run(last.run, tmp_path / "out", workspace=workspace)
    text = (tmp_path / "out" / "scan-7.cif").read_text()
    held = last.best.parameters["2:a"].value
    assert f"_cell_length_a                           {held:.6g}".rstrip("0") in text


def test_only_refinements_are_exported(answer, workspace, tmp_path):
    _, _, verdict = answer
    other = verdict.model_copy(update={"task": "identify"})
    run = workspace.save(other, key="k")
    with pytest.raises(UsageError, match="cannot be exported"):
        export_run(run, tmp_path / "out", workspace=workspace)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made(answer, tmp_path):
    recipe, frame, verdict = answer
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match="cannot be written"):
        export(recipe, verdict, frame, tmp_path / "file" / "out")


def test_techniques_without_files_say_so(answer, tmp_path):
    recipe, frame, verdict = answer
    with pytest.raises(UsageError, match="has no export"):
        export(recipe, verdict.model_copy(update={"technique": "pdf"}), frame, tmp_path)
