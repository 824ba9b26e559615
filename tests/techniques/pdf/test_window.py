"""What a first fit shows of the data: Q ends, loud short distances, noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.core.measurement import Measurement
from whorl.fitting.solve import solve
from whorl.techniques.pdf.noise import noise_share
from whorl.techniques.pdf.prepare import prepare, slow_curves
from whorl.techniques.pdf.simulate import simulate
from whorl.techniques.pdf.technique import PDF

R = np.arange(1, 3001) * 0.01
WINDOW = {"qmin": 0.8, "qmax": 20.0, "qdamp": 0.02, "u_iso": 0.006}


def measurement(structure, *, add=0.0, stated=("qmin", "qmax"), **settings):
    settings = WINDOW | settings
    found = simulate(structure, settings=settings, r=R)
    return Measurement("gr", R, found.signal + add, settings={k: settings[k] for k in stated} | {"radiation": "x-ray"})


def quick(signal, structure, **start):
    (problem, first), *_ = PDF.trials(signal, [structure], start=start, effort="rank")
    return solve(problem, start=first)


def band_noise(level, signal, seed=4):
    """Noise of a root mean square relative to the signal's, in Q up to 20."""
    q = np.arange(1, int(20 * 36 / np.pi)) * np.pi / 36
    wave = np.sin(np.outer(R, q)) @ np.random.default_rng(seed).normal(size=q.size)
    return wave * level * np.sqrt(np.mean(signal[R > 1.5] ** 2) / np.mean(wave**2))


def test_slow_curves_hold_every_slow_error():
    r = np.linspace(1.5, 30.0, 600)
    curves = slow_curves(r)
    for q in (0.03, 0.4, 1.234, 1.9):
        wave = np.sin(q * r)
        left = wave - curves @ np.linalg.lstsq(curves, wave, rcond=1e-6)[0]
        assert np.sqrt(np.mean(left**2)) < 0.03 * np.sqrt(np.mean(wave**2))
    fast = np.sin(5.0 * r)
    left = fast - curves @ np.linalg.lstsq(curves, fast, rcond=1e-6)[0]
    assert np.mean(left**2) > 0.95 * np.mean(fast**2)


@pytest.mark.parametrize("qmin", [0.2, 1.2, 2.1])
def test_qmin_of_a_cluster(structures, qmin):
    given = measurement(structures.icosahedron, qmin=qmin, stated=("qmax",))
    signal = prepare(given)
    settled = PDF.settle(signal, quick(signal, structures.icosahedron))
    assert settled.instrument.qmin == pytest.approx(qmin, abs=0.08)
    assert any(line.startswith(f"Qmin {settled.instrument.qmin:.2f}") for line in settled.assumptions)
    assert sum(line.startswith("Qmin") for line in settled.assumptions) == 1


def test_what_is_stated_stays(structures):
    signal = prepare(measurement(structures.icosahedron, qmin=1.4), settings={"qmin": 0.5})
    settled = PDF.settle(signal, quick(signal, structures.icosahedron))
    assert settled.instrument == signal.instrument


def test_a_fit_that_explains_nothing_settles_nothing(structures):
    signal = prepare(measurement(structures.nickel, stated=()))
    poor = replace(quick(signal, structures.nickel), rw=0.8)
    assert PDF.settle(signal, poor) is signal


def test_caution_where_something_else_shows(structures):
    clean = simulate(structures.nickel, settings=WINDOW, r=R).signal
    ligand = 0.5 * clean.max() * np.exp(-0.5 * ((R - 1.9) / 0.1) ** 2)
    signal = prepare(measurement(structures.nickel, add=ligand))
    settled = PDF.settle(signal, quick(signal, structures.nickel))
    near = (signal.r > 1.75) & (signal.r < 2.05)
    assert settled.caution[near].max() < 0.3
    assert settled.caution[signal.r > 4.6].min() == 1.0
    cautious = settled.cautious()
    assert cautious.caution is None
    assert cautious.weights[near].max() < 0.3 * signal.weights.max()
    assert settled.thinned(3.0).caution.size == settled.thinned(3.0).r.size


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_noise_of_a_crystal(structures, level):
    clean = simulate(structures.nickel, settings=WINDOW, r=R).signal
    signal = prepare(measurement(structures.nickel, add=band_noise(level, clean)))
    fit = quick(signal, structures.nickel)
    assert noise_share(signal, fit).level == pytest.approx(fit.rw, rel=0.35)
    assert noise_share(signal, fit).level <= fit.rw


def test_noise_of_a_particle_is_read_beyond_its_end(structures):
    clean = simulate(structures.icosahedron, settings=WINDOW, r=R).signal
    signal = prepare(measurement(structures.icosahedron, add=band_noise(0.1, clean)))
    assert signal.range[1] < 25.0
    fit = quick(signal, structures.icosahedron)
    assert noise_share(signal, fit).level == pytest.approx(fit.rw, rel=0.4)


def test_noise_of_a_particle_whose_range_is_given_is_read_beyond_the_model(structures):
    clean = simulate(structures.icosahedron, settings=WINDOW, r=R).signal
    signal = prepare(measurement(structures.icosahedron, add=band_noise(0.1, clean)), range=(1.5, 25.0))
    problem, first = PDF.trials(signal, [structures.icosahedron], effort="rank")[0]
    fit = solve(problem, start=first)
    found = noise_share(signal, fit)
    assert found.measured
    assert found.level == pytest.approx(fit.rw, rel=0.4)
    wrong, start = PDF.trials(signal, [structures.icosahedron], effort="rank", fixed={"zoom": 1.06})[0]
    poor = solve(wrong, start=start)
    assert noise_share(signal, poor).level < 0.6 * poor.rw


def test_a_wrong_crystal_is_no_noise(structures):
    signal = prepare(measurement(structures.nickel))
    wrong = replace(structures.nickel, cell=(3.62, 3.62, 3.62, 90, 90, 90))
    problem, first = PDF.trials(signal, [wrong], effort="rank", fixed={"a": 3.62})[0]
    fit = solve(problem, start=first)
    assert fit.rw > 0.3
    assert noise_share(signal, fit).level < 0.6 * fit.rw
