"""When a further phase is believed in."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from whorl.catalogues import Selection, open_catalogue
from whorl.core.measurement import Measurement
from whorl.fitting.evidence import Temper
from whorl.tasks.identify import identify
from whorl.tasks.mixtures import Judge, _support
from whorl.tasks.trying import Search
from whorl.techniques.pdf.simulate import simulate
from whorl.techniques.pdf.technique import PDF
from whorl.trust.probability import calibration

R = np.arange(1, 2501) * 0.01
SETTINGS = {"qmin": 0.8, "qmax": 20.0, "qdamp": 0.03, "u_iso": 0.006}


def measured(join, *parts, noise, seed=5):
    """A mixture by shares of the atoms, with noise that is white in Q."""
    structures, shares = zip(*parts, strict=True)
    total = join(R, structures, shares, [simulate(s, settings=SETTINGS, r=R).signal for s in structures])
    q = np.arange(1, 159) * np.pi / 25.0
    wave = np.sin(np.outer(R, q)) @ np.random.default_rng(seed).normal(size=q.size)
    total = total + noise * np.sqrt(np.mean(total**2) / np.mean(wave**2)) * wave
    settings = {k: SETTINGS[k] for k in ("qmin", "qmax")} | {"radiation": "x-ray"}
    return Measurement("gr", R, total, settings=settings, path="test")


@pytest.fixture(scope="module")
def compounds():
    families = {"rock salt", "spinel", "rutile", "corundum", "fluorite", "wurtzite", "zincblende", "perovskite"}
    return Selection(open_catalogue("compounds"), lambda e: e.family in families)


@pytest.fixture(scope="module")
def tried(compounds, join):
    """A search over a sample of one phase; a fit of it alone, a poor one of another alone, and one of both."""
    signal = PDF.prepare(measured(join, (compounds.load("NiO-rock-salt"), 1.0), noise=0.1))
    found = PDF.propose(signal, [compounds], also=["compounds/TiO2-rutile"])
    run = Search(PDF, signal, found.families, calibration("pdf"))
    known = {s.key: s for s in found.suggestions}
    one, other = known["compounds/NiO-rock-salt"], known["compounds/TiO2-rutile"]
    alone = run.fit([one], one.start, "quick")
    poor = replace(alone, suggestions=(other,), fit=replace(alone.fit, rw=0.9))
    both = run.fit([one, other], {"phases": [one.start, other.start], "values": {}}, "quick")
    return run, alone, poor, both


def test_a_faint_phase_is_found(compounds, join):
    """A part of G(r) of half the root mean square of the noise, over a hundred independent points."""
    parts = (compounds.load("ZnO-wurtzite"), 0.93), (compounds.load("CeO2-fluorite"), 0.07)
    verdict = identify(measured(join, *parts, noise=0.25), catalogues=[compounds], elements={"Zn", "O", "Ce"})
    assert set(verdict.best.family.split(" + ")) == {"wurtzite", "fluorite"}
    assert verdict.best.phases[0].weight_fraction.sigma > 0


def test_what_holds_a_phase_too_many_is_not_real(tried):
    """A wrong first phase does not make the right one a mixture: the right one alone is what has to be beaten."""
    run, right, wrong, both = tried
    significant = replace(both, fit=replace(both.fit, factors=np.ones(2), factor_sigma=np.full(2, 0.01)))
    judge = Judge(run, [wrong])
    assert judge.real(replace(significant, fit=replace(significant.fit, rw=0.97 * right.fit.rw)))
    judge.fewer.append(right)
    assert not judge.real(replace(significant, fit=replace(significant.fit, rw=0.97 * right.fit.rw)))
    assert judge.real(replace(significant, fit=replace(significant.fit, rw=0.8 * right.fit.rw)))
    faint = replace(significant, fit=replace(significant.fit, rw=0.8 * right.fit.rw, factor_sigma=np.array([0.01, 0.5])))
    assert not judge.real(faint)


def test_an_amount_is_a_parameter_too(tried):
    """The evidence of two phases where one is there pays for the second amount."""
    _, right, _, both = tried
    temper = Temper(0.03, 0.5)
    same = replace(both.fit, rw=right.fit.rw, support=right.fit.support)
    assert _support(same, temper) < _support(right.fit, temper) - 1.0


class _Same:
    """A problem whose second phase looks like its first."""

    def __init__(self, problem):
        self._problem = problem

    def __getattr__(self, name):
        return getattr(self._problem, name)

    def evaluate(self, values, *, jacobian):
        found = self._problem.evaluate(values, jacobian=jacobian)
        return replace(found, basis=np.repeat(found.basis[:, :1], 2, axis=1))


def test_the_score_of_a_mixture_is_ahead_by_its_worth(tried):
    run, right, _, both = tried
    judge = Judge(run, [right])
    ahead = judge.worth(both).score - right.score
    temper = Temper(run.constants.temper.discrepancy, 0.5)
    expected = _support(both.fit, temper) + both.prior - _support(right.fit, temper) - right.prior
    assert ahead == pytest.approx(expected)
    assert ahead < 0
    problem = both.fit.problem
    twice = replace(both, fit=replace(both.fit, problem=_Same(problem)))
    plain = run.constants.temper
    expected = _support(twice.fit, plain) + both.prior - _support(right.fit, plain) - right.prior
    assert judge.worth(twice).score - right.score == pytest.approx(expected)  # two of one pattern have no lines of their own
    with_cluster = replace(both, suggestions=(both.suggestions[0], replace(both.suggestions[1], kind="cluster")))
    assert judge.worth(with_cluster).score != pytest.approx(judge.worth(both).score)  # weighed like any other evidence


def test_a_first_fit_has_to_show_something(tried):
    run, right, wrong, both = tried
    judge = Judge(run, [right, wrong])
    left = right.fit.rw
    assert not judge.shows(replace(both, fit=replace(both.fit, rw=left)), right)
    assert judge.shows(replace(both, fit=replace(both.fit, rw=0.9 * left)), right)
    far = replace(wrong, fit=replace(wrong.fit, calculated=np.zeros_like(wrong.fit.calculated)))
    assert judge.shows(replace(both, fit=replace(both.fit, rw=0.9 * left)), far)
    assert not judge.shows(
        replace(both, fit=replace(both.fit, rw=2.0 * left)), far
    )  # better than its base, and far from the first


def test_a_crystal_that_has_shrunk_to_a_cell_is_no_phase(tried):
    run, right, _, both = tried
    judge = Judge(run, [right])
    better = replace(both.fit, rw=0.5 * right.fit.rw, factors=np.ones(2), factor_sigma=np.full(2, 0.01))
    parameters = better.problem.parameters
    for diameter, real in ((6.0, False), (40.0, True)):
        sized = SimpleNamespace(parameters=(replace(parameters[0], name="2:diameter"),))
        fit = replace(better, problem=sized, values=np.array([diameter]))
        assert judge.real(replace(both, fit=fit)) == real
