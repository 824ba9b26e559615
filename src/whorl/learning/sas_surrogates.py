"""Trainers of surrogates: curves of the exact model at quasi-random features, their components, a network between them.

Features are drawn from Sobol's sequence (scrambled by the seed), so that every part of the box is as well known. Lengths that
spread are taken at more points than a fit takes (`POINTS`), so that the surrogate does not learn the ripples of a coarse sum.
The error on the card is that against the exact model as fits use it, on features drawn apart, uniformly over the box.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from whorl.learning.sas_surrogates_network import components, fit_network, to_onnx
from whorl.learning.trainer import Request, Trained, Trainer
from whorl.models.card import Card, Interval, Metric, Port, Training
from whorl.physics.small_angle.models import find_model
from whorl.physics.small_angle.sizes import distribute
from whorl.techniques.sas.surrogate_forms import FORMS, SurrogateForm

Array = NDArray[np.float64]
#: ln G on the grid of a form, for features, shape (k,)
Exact = Callable[[SurrogateForm, Array], Array]

POINTS = 141
_TEST = 5
_CHUNK = 256


def draw(form: SurrogateForm, count: int, seed: int, *, sobol: bool = True) -> Array:
    """Draw features mapped to -1...1, shape (count, k): Sobol's sequence, or uniform random numbers."""
    if not sobol:
        return np.random.default_rng([seed, _TEST]).uniform(-1, 1, (count, len(form.features)))
    from scipy.stats import qmc

    power = int(np.ceil(np.log2(count)))
    return np.asarray(2 * qmc.Sobol(len(form.features), seed=np.random.default_rng(seed)).random_base2(power)[:count] - 1)


def values_of(form: SurrogateForm, unit: Array) -> Array:
    """Features from their place in -1...1, arrays of shape (m, k)."""
    return np.stack([f.value(column) for f, column in zip(form.features, unit.T, strict=True)], axis=-1)


def exact_model(form: SurrogateForm, features: Array, points: int = 35) -> Array:
    """Curve of the model as fits compute it, ln G on the grid, shape (count,)."""
    values, widths = form.parameters(features)
    sizes = {name: distribute(values[name], w, form.shape, points=points) for name, w in widths.items() if w > 0}
    x = form.grid.points()
    columns = {k: np.array([v]) for k, v in (find_model(form.model).defaults | values).items()}
    scaled = form.read(columns, {k: np.array([widths.get(k, 0.0)]) for k in form.spreads})
    intensity = find_model(form.model).intensity(x / float(scaled.length[0]), values | sizes)
    if scaled.times is not None:
        intensity = intensity / scaled.times(x / float(scaled.length[0]))[0]
    return np.asarray(np.log(intensity / scaled.factor[0]))


def fine_model(form: SurrogateForm, features: Array) -> Array:
    """Curve of the model with many sizes in each distribution."""
    return exact_model(form, features, POINTS)


def train_form(request: Request, form: SurrogateForm, exact: Exact) -> Trained:
    """Train the surrogate of one model.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    """
    started = time.process_time()
    unit = draw(form, request.cases, request.seed)
    features = values_of(form, unit)
    curves = np.empty((request.cases, form.grid.size))
    for i, one in enumerate(features):
        curves[i] = exact(form, one)
        if i % _CHUNK == _CHUNK - 1:
            request.progress("curves", i + 1, request.cases)
    mean, parts = components(curves, int(request.settings["components"]))
    network, scale = fit_network(
        unit,
        (curves - mean) @ parts.T,
        seed=request.seed,
        width=int(request.settings["width"]),
        epochs=int(request.settings["epochs"]),
        progress=request.progress,
    )
    weights = to_onnx(network, scale, mean, parts)
    metrics = judge(weights, form, exact, request)
    return Trained(_card(request, form, metrics, time.process_time() - started), weights)


def judge(weights: bytes, form: SurrogateForm, exact: Exact, request: Request) -> tuple[Metric, ...]:
    """Relative errors on features drawn apart: against the exact model as fits use it, and with many points."""
    from whorl.models.inference import OnnxModel

    model = OnnxModel(_card(request, form, (), 0.0), weights)
    unit = draw(form, int(request.settings["test"]), request.seed, sobol=False)
    features = values_of(form, unit)
    found = model.predict(unit)
    few = max(len(unit) // 5, 1)
    plain = _errors(found[:few], np.array([exact_model(form, one) for one in features[:few]]))
    fine = _errors(found, np.array([exact(form, one) for one in features]))
    out = [Metric(name=f"{name} relative error", value=value, cases=few) for name, value in plain.items()]
    note = f"with {POINTS} points of each distribution"
    return (*out, *(Metric(name=f"{k} relative error, fine", value=v, cases=len(unit), note=note) for k, v in fine.items()))


def _errors(found: Array, truth: Array) -> dict[str, float]:
    off = np.abs(np.expm1(found - truth))
    figures = {"median": np.median(off), "95th percentile": np.percentile(off, 95), "largest": np.max(off)}
    return {name: float(f"{value:.3g}") for name, value in figures.items()}


def _card(request: Request, form: SurrogateForm, metrics: tuple[Metric, ...], seconds: float) -> Card:
    grid = form.grid
    title = find_model(form.model).title
    return Card(
        name=form.name,
        title=f"Surrogate of the small-angle scattering of the model {form.model} ({title})",
        task="emulate",
        technique="sas",
        engine="onnx",
        file=f"{form.name}.onnx",
        domain=f"{form.model}, features within the ranges, q times length up to {grid.high:g}, beyond where a power law holds, "
        f"{form.shape} distributions by number; outside of these whorl computes the exact model",
        inputs=(Port(name="features", shape=f"n x {len(form.features)}", meaning="features mapped to -1...1"),),
        outputs=(Port(name="curve", shape=f"n x {grid.size}", meaning=f"ln G at q L from {grid.low:g} to {grid.high:g}"),),
        ranges={f.name: Interval(low=f.low, high=f.high, law=f.law) for f in form.features},
        training=Training(command="", seed=request.seed, cases=request.cases, cpu_seconds=round(seconds, 1)),
        metrics=metrics,
        known_failures=(
            "The largest errors are at high q: in narrow minima, and where the exact model's sum over sizes has ripples.",
            "The error is one of the intensity: a background makes it less, a fit of very precise data may still show it.",
        ),
        references=(
            "C. M. Heil et al., ACS Cent. Sci. 8, 996 (2022), doi:10.1021/acscentsci.2c00382: networks for scattering",
        ),
    )


def _trainer(
    form: SurrogateForm, exact: Exact, *, cases: int, width: int, count: int, epochs: int, seed: int, test: int = 1000
) -> Trainer:
    return Trainer(
        name=form.name,
        summary=f"surrogate of {form.model}: whole curves in microseconds",
        seed=seed,
        cases=cases,
        meaning_of_cases="curves",
        train=lambda request: train_form(request, form, exact),
        settings={"width": width, "components": count, "epochs": epochs, "test": test},
        libraries=("torch", "numpy", "scipy"),
    )


def _lattice(key: str, seed: int) -> Trainer:
    """Trainer of a paracrystal: one feature, curves by the exact model."""
    return _trainer(FORMS[key], exact_model, cases=192, width=64, count=32, epochs=8000, test=60, seed=seed)


TRAINERS = {
    FORMS["cylinder"].name: _trainer(FORMS["cylinder"], fine_model, cases=8192, width=128, count=64, epochs=1200, seed=70_101),
    FORMS["sc_paracrystal"].name: _lattice("sc_paracrystal", 70_111),
    FORMS["bcc_paracrystal"].name: _lattice("bcc_paracrystal", 70_112),
    FORMS["fcc_paracrystal"].name: _lattice("fcc_paracrystal", 70_113),
}
