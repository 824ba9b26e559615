"""Surrogates of slow small-angle models: error on fresh draws, time against whorl's exact model and sasmodels, falls back.

Draws are uniform over the box of each surrogate, with another seed than its training and its card; curves have 256 points. The
error is that against whorl's exact model as fits use it (35 sizes of each distribution). Fall-backs are counted over what the
model's own table calls typical, with spreads from 0.02 to 0.4 and q from 0.003 to 0.3 1/angstrom.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from _harness import Table, arguments, cpu_time

Array = NDArray[np.float64]

_BATCH = 1000


@cache
def peer_model(name: str) -> Any:
    """Kernel of sasmodels, compiled; None where it is not installed or cannot compile."""
    os.environ.setdefault("SAS_OPENCL", "none")
    try:
        from sasmodels.core import load_model

        return load_model(name, platform="dll")
    except Exception as error:  # noqa: BLE001 - whatever keeps the peer from running, the table is still made
        print(f"sasmodels does not run here: {error}")
        return None


def peer_seconds(name: str, q: Array, values: dict[str, float], repeats: int) -> float | None:
    """CPU seconds of one curve by sasmodels, lognormal distributions of 35 points."""
    model = peer_model(name)
    if model is None:
        return None
    from sasmodels.direct_model import call_kernel

    given: dict[str, Any] = dict(values)
    for key in list(given):
        if key.endswith("_pd"):
            given |= {f"{key}_type": "lognormal", f"{key}_n": 35, f"{key}_nsigma": 3.0}
    kernel = model.make_kernel([q])
    return cpu_time(lambda: call_kernel(kernel, given), repeats=repeats).minimum


def draws(form: Any, count: int, rng: np.random.Generator) -> list[tuple[Array, dict[str, float]]]:
    """Parameters over the box, each with a q window that the surrogate covers."""
    out = []
    for _ in range(count):
        features = np.array([float(f.value(np.array(rng.uniform(-1, 1)))) for f in form.features])
        values, widths = form.parameters(features)
        size = 10 ** rng.uniform(1.0, 2.5)
        scaled = {k: v * size if k in ("radius", "length", "dnn") else v for k, v in values.items()}
        if form.model.endswith("paracrystal"):
            scaled["radius"] = scaled["dnn"] * rng.uniform(0.2, 0.45)
            widths = {"radius": rng.uniform(0.02, 0.2)}
        columns = [{k: np.array([v]) for k, v in one.items()} for one in (scaled, widths)]
        length = float(form.read(*columns).length[0])
        high = form.grid.high / length * rng.uniform(0.2, 1.0)
        q = np.geomspace(high * 10 ** -rng.uniform(1.5, 2.2), high, 256)
        out.append((q, scaled | {f"{name}_pd": w for name, w in widths.items()}))
    return out


def fresh(key: str, q: Array, values: dict[str, float]) -> None:
    """Compute a curve by the exact model that nothing computed before could help with."""
    from whorl.techniques.sas.emulate import emulate

    _calls.append(0)
    emulate(key, q, {k: v * (1 + 1e-9 * len(_calls)) for k, v in values.items()}, surrogate="off")


_calls: list[int] = []


def one(table: Table, key: str, options: Any) -> None:
    from whorl.physics.small_angle.models import find_model
    from whorl.techniques.sas.emulate import emulate
    from whorl.techniques.sas.surrogates import surrogate_of

    surrogate = surrogate_of(key)
    if surrogate is None:
        table.add(f"{key}: no surrogate is installed", "", "")
        return
    rng = np.random.default_rng([80_001, len(key)])
    cases = draws(surrogate.form, 8 if options.quick else 60, rng)
    errors, plain = [], []
    for number, (q, values) in enumerate(cases):
        exact = emulate(key, q, values, surrogate="off").intensity[0]
        errors.append(np.abs(emulate(key, q, values, surrogate="only").intensity[0] / exact - 1))
        if number < (2 if options.quick else 8):
            plain.append(cpu_time(lambda: fresh(key, q, values), repeats=2).minimum)  # noqa: B023
    off = np.concatenate(errors)
    median = float(np.median(off))
    table.add(
        f"{key}: median relative error ({len(cases)} curves)",
        "<= 1 %",
        f"{median:.2%}",
        "",
        f"95th percentile {np.percentile(off, 95):.2%}, largest {np.max(off):.1%}; largest of a curve, median "
        f"{np.median([e.max() for e in errors]):.1%}",
        met=median <= 0.01,
    )
    q, values = cases[0]
    single = cpu_time(lambda: surrogate.intensity(q, values), repeats=200, warmup=5).median
    chosen = [cases[i % len(cases)][1] for i in range(_BATCH)]
    many = {name: np.array([c[name] for c in chosen]) for name in chosen[0]}
    highest = float(np.max(surrogate.form.read(*surrogate._columns(many, None)[:2]).length))  # noqa: SLF001
    grid = np.geomspace(0.005, 1.0, 256) * surrogate.form.grid.high / highest
    batch = cpu_time(lambda: surrogate.intensities(grid, many), repeats=5).minimum / _BATCH
    exact_time = float(np.median(plain))
    peer = peer_seconds(key, *cases[0], 1)
    against = f"sasmodels {peer:.1f} s" if peer else ""
    table.add(
        f"{key}: times as fast as whorl's exact model, one curve",
        "",
        f"{exact_time / single:.0f}",
        "",
        f"exact {1e3 * exact_time:.2f} ms (median of {len(plain)}), surrogate {1e3 * single:.3f} ms",
    )
    table.add(
        f"{key}: the same, {_BATCH} curves at once",
        ">= 100",
        f"{exact_time / batch:.0f}",
        "",
        f"surrogate {1e3 * batch:.4f} ms a curve",
        met=exact_time / batch >= 100,
    )
    if peer:
        table.add(
            f"{key}: times as fast as sasmodels, one curve", ">= 100", f"{peer / single:.0f}", against, met=peer / single >= 100
        )
    model = find_model(key)
    count = 500
    drawn = [model.draw(rng) | {f"{n}_pd": float(rng.uniform(0.02, 0.4)) for n in surrogate.form.spreads} for _ in range(count)]
    inside = surrogate.inside({k: np.array([d[k] for d in drawn]) for k in drawn[0]}, None, np.array([0.003, 0.3]))
    wide = 1 - float(np.mean(inside))
    inside = surrogate.inside({k: np.array([d[k] for d in drawn]) for k in drawn[0]}, None, None)
    table.add(
        f"{key}: falls back to the exact model",
        "",
        f"{wide:.0%}",
        "",
        f"{1 - np.mean(inside):.0%} for the parameters, the rest for q times length above {surrogate.form.grid.high:g}",
    )


def main() -> int:
    options = arguments("surrogates of small-angle models: error, speed, falls back")
    from whorl.techniques.sas.surrogate_forms import FORMS

    table = Table("Surrogates of small-angle models")
    for key in FORMS:
        one(table, key, options)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
