"""Small-angle models: CPU time and deviation against sasmodels, one size and distributed sizes; the time of a mixed corpus.

The peer is sasmodels with compiled kernels (``SAS_OPENCL=none``, ``platform="dll"``), if it is installed beside whorl: both run
in this process, on one thread, warm, and the least CPU time of several calls counts. A distribution has 35 points over 3
standard deviations (of both programs the same points).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np

from _harness import Table, arguments, cpu_time
from whorl.physics.small_angle import axial, bricks, ellipsoidal, orientation
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models import all_models, find_model
from whorl.physics.small_angle.sizes import distribute
from whorl.physics.small_angle.smearing import Smearing

Q = np.geomspace(0.001, 0.5, 256)
WIDTH = 0.1
CORPUS = 100_000
SEED = 20261121

#: names of sasmodels for models that restrict one of its own
SASMODELS = {
    "core_two_shell_sphere": "core_multi_shell",
    "rod": "cylinder",
    "disk": "cylinder",
    "tube": "hollow_cylinder",
    "ring": "hollow_cylinder",
    "core_shell_rod": "core_shell_cylinder",
    "core_shell_disk": "core_shell_cylinder",
    "prolate_ellipsoid": "ellipsoid",
    "oblate_ellipsoid": "ellipsoid",
}
FIXED = {"core_two_shell_sphere": {"n": 2}}
BARS = {"sphere": 0.05e-3, "cylinder": 1e-3}
TOO_SLOW = 0.2  # seconds for one size: the peer is not asked for 35 of them


def peer(key: str) -> Callable[..., Any] | None:
    """Give the function of sasmodels for a model of whorl, or None where there is none or it is not installed."""
    os.environ.setdefault("SAS_OPENCL", "none")
    try:
        from sasmodels.core import load_model
        from sasmodels.data import empty_data1D
        from sasmodels.direct_model import DirectModel
    except ImportError:
        return None
    try:
        model = load_model(SASMODELS.get(key, key), platform="dll", dtype="double")
    except (ImportError, FileNotFoundError, ValueError, OSError):
        return None
    names = {p.name for p in model.info.parameters.call_parameters}
    if not set(find_model(key).defaults) <= names:
        return None  # the same name with other parameters
    calculator = DirectModel(empty_data1D(Q), model)
    return lambda **values: calculator(scale=1.0, background=0.0, **(FIXED.get(key, {}) | values))


@contextmanager
def twice_the_orientations():
    """Let the rules for orientation believe that particles are twice as large, and 60 inverse angstrom times angstrom more."""
    original = orientation.rules

    def more(reach: float) -> orientation.Rules:
        found = original(2 * reach + 60)
        return found._replace(reach=(found.reach - 60) / 2)

    modules = (axial, bricks, ellipsoidal)
    for module in modules:
        module.rules = more
    try:
        yield
    finally:
        for module in modules:
            module.rules = original


def deviation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Relative deviation at every q; 0 where both are zero or no number."""
    same = (one == other) | ~(np.isfinite(one) | np.isfinite(other))
    return np.where(same, 0.0, np.abs(one - other) / np.where(same, 1.0, np.abs(other)))


def compare(table: Table, model: Model, length: str | None, repeats: int) -> None:
    """Add the row of a model with one size, or with the sizes of ``length`` distributed."""
    values: dict[str, Any] = dict(model.defaults)
    if length:
        values[length] = distribute(model.defaults[length], WIDTH)
    mine = cpu_time(lambda: model.intensity(Q, values), repeats=repeats)
    intensity = model.intensity(Q, values)
    with twice_the_orientations():
        change = float(deviation(model.intensity(Q, values), intensity).max())
    bar = BARS.get(model.key) if length else None
    other = peer(model.key)
    text, note, right = "", f"own change with twice the orientations {change:.0e}", True
    if other is not None:
        spread = {f"{length}_pd": WIDTH, f"{length}_pd_type": "lognormal", f"{length}_pd_n": 35, f"{length}_pd_nsigma": 3}
        asked = dict(model.defaults) | (spread if length else {})
        first = cpu_time(lambda: other(**model.defaults), repeats=2)
        if not length or first.minimum < TOO_SLOW:
            theirs = cpu_time(lambda: other(**asked), repeats=3 if first.minimum > 1e-3 else 10)
            off = deviation(intensity, np.asarray(other(**asked)))
            text = f"{theirs.minimum * 1e3:.2f} ms ({theirs.minimum / mine.minimum:.1f}x)"
            note = f"largest deviation {off.max():.0e}, above 1e-3 at {np.sum(off > 1e-3)} of {Q.size}; {note}"
            right = bool(off.max() < 1e-3)
    what = f"{model.key}, {'one size' if not length else f'{length} distributed'}"
    met = bool(mine.minimum <= bar and right) if bar else None
    table.add(what, f"<= {bar * 1e3:g} ms, 1e-3" if bar else "", f"{mine.minimum * 1e3:.3f} ms", text, note, met=met)


def draw(model: Model, rng: np.random.Generator) -> dict[str, Any]:
    """Draw a sample: typical values; the first length that may be distributed is, any other with a chance of a half."""
    values: dict[str, Any] = model.draw(rng)
    lengths = [p.name for p in model.parameters if p.spreads]
    for k, name in enumerate(lengths):
        if k == 0 or rng.random() < 0.5:
            values[name] = distribute(
                values[name], float(rng.uniform(0.02, 0.25)), str(rng.choice(["lognormal", "gaussian", "schulz"]))
            )
    return values


def corpus(table: Table, each: int) -> None:
    """Add the time of curves of all classes: random parameters, sizes and pinhole smearing."""
    rng = np.random.default_rng(SEED)
    candidates = [model for model in all_models() if model.candidate]
    seconds: dict[str, list[float]] = {model.key: [] for model in candidates}
    for k in range(each + 1):  # the first round warms up
        for model in candidates:
            values = draw(model, rng)
            width = rng.uniform(0.01, 0.12)
            start = time.process_time()
            smearing = Smearing.pinhole(Q, width * Q)
            smearing.apply(model.intensity(smearing.q, values))
            if k:
                seconds[model.key].append(time.process_time() - start)
    mean = float(np.mean([np.mean(s) for s in seconds.values()]))
    minutes = CORPUS * mean / 2 / 60
    slowest = sorted(seconds, key=lambda key: -float(np.mean(seconds[key])))[:4]
    worst = ", ".join(f"{key} {np.mean(seconds[key]) * 1e3:.1f}" for key in slowest)
    table.add(
        f"corpus: {CORPUS} curves of {len(candidates)} classes on 2 cores",
        "<= 10 min",
        f"{minutes:.1f} min",
        "",
        f"from {each * len(candidates)} curves, {mean * 1e3:.2f} ms each; slowest classes (ms): {worst}",
        met=minutes <= 10,
    )


def main() -> int:
    """Fill the table."""
    options = arguments(str(__doc__).splitlines()[0])
    table = Table("Small-angle models: 256 points of q from 0.001 to 0.5")
    models = [find_model("sphere"), find_model("cylinder")] if options.quick else list(all_models())
    for model in models:
        compare(table, model, None, 5 if options.quick else 20)
        lengths = [p.name for p in model.parameters if p.spreads]
        if lengths:
            compare(table, model, lengths[0], 5 if options.quick else 20)
    corpus(table, 1 if options.quick else 20)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
