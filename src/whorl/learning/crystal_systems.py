"""Crystal system from peak positions: boosted trees over features that have names, trained on simulated peak lists.

The features are those of `whorl.techniques.pd.symmetry_features` (a quick indexing in every system, ratios of Q), so that what
decides can be told. Trees: XGBoost (T. Chen, C. Guestrin, KDD 2016, doi:10.1145/2939672.2939785). A temperature fitted on
held-out folds makes the shares of the answer probabilities.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.learning.crystal_systems_corpus import SHARES, make_corpus
from whorl.learning.space_groups import calibration_error, fit_temperature
from whorl.learning.space_groups_corpus import catalogue_state
from whorl.learning.steps import write_arrays
from whorl.learning.trainer import Request, Trained, Trainer
from whorl.models.card import Card, Interval, Metric, Port, Training
from whorl.models.inference import need_xgboost
from whorl.physics.indexing_lines import SYSTEMS
from whorl.techniques.pd.symmetry_features import FEWEST, MOST, NAMES

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

MODEL = "pd-symmetry"
_CHUNK = 50  # peak lists between two checkpoints
_FOLDS = 5


def train(request: Request) -> Trained:
    """Simulate the peak lists, grow the trees, measure them on folds.

    Raises
    ------
    MissingExtraError
        If XGBoost is not installed.
    """
    xgboost = need_xgboost()
    started = time.process_time()
    rows, systems, before = _corpus(request)
    out = np.zeros((systems.size, len(SYSTEMS)))
    fold = np.random.default_rng([request.seed, 2]).permutation(systems.size) % _FOLDS
    for k in range(_FOLDS):
        part = fold == k
        booster = _grow(xgboost, rows[~part], systems[~part], request)
        out[part] = booster.predict(xgboost.DMatrix(rows[part], nthread=1), output_margin=True)
        request.progress("growing trees, folds", k + 1, _FOLDS + 1)
    temperature = fit_temperature(out, systems, np.zeros(len(SYSTEMS)))
    booster = _grow(xgboost, rows, systems, request)
    request.progress("growing trees, folds", _FOLDS + 1, _FOLDS + 1)
    seconds = before + time.process_time() - started
    return Trained(
        _card(request, temperature, _metrics(out, temperature, rows, systems), seconds), bytes(booster.save_raw("json"))
    )


def _corpus(request: Request) -> tuple[Array, Labels, float]:
    """Features and systems, in chunks with random streams of their own; finished chunks are kept."""
    rows, systems, before = [], [], 0.0
    request.scratch.mkdir(parents=True, exist_ok=True)
    for chunk in range(-(-request.cases // _CHUNK)):
        path = request.scratch / f"chunk-{chunk}.npz"
        count = min(_CHUNK, request.cases - chunk * _CHUNK)
        if path.is_file():
            with np.load(path, allow_pickle=False) as kept:
                rows.append(kept["rows"])
                systems.append(kept["systems"])
                before += float(kept["seconds"])
        else:
            started = time.process_time()
            x, y = make_corpus(count, np.random.default_rng([request.seed, 1, chunk]))
            rows.append(x)
            systems.append(y)
            write_arrays(path, {"rows": x, "systems": y, "seconds": time.process_time() - started})
        request.progress("simulating peak lists", chunk * _CHUNK + count, request.cases)
    return np.concatenate(rows), np.concatenate(systems), before


def _grow(xgboost: Any, rows: Array, systems: Labels, request: Request) -> Any:
    settings = request.settings
    parameters = {
        "objective": "multi:softprob",
        "num_class": len(SYSTEMS),
        "max_depth": int(settings["depth"]),
        "eta": float(settings["rate"]),
        "subsample": 0.8,
        "colsample_bytree": 0.5,
        "min_child_weight": 1.0,
        "lambda": 2.0,
        "tree_method": "exact",
        "seed": request.seed,
        "nthread": 1,
        "verbosity": 0,
    }
    return xgboost.train(parameters, xgboost.DMatrix(rows, systems, nthread=1), int(settings["rounds"]))


def _metrics(margins: Array, temperature: float, rows: Array, systems: Labels) -> tuple[Metric, ...]:
    scaled = margins / temperature
    p = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    right = p.argmax(axis=1) == systems
    note = f"{_FOLDS}-fold cross-validation on simulated peak lists"
    out = [_share("crystal system", right, note)]
    out += [
        _share(f"crystal system, {name}", right[systems == s], note) for s, name in enumerate(SYSTEMS) if np.any(systems == s)
    ]
    out.append(
        _share("crystal system by evidence alone", rows[:, : len(SYSTEMS)].argmax(axis=1) == systems, "best quick lattice")
    )
    out.append(Metric(name="calibration error", value=round(calibration_error(p, systems), 4), cases=systems.size, note=note))
    return tuple(out)


def _share(name: str, right: NDArray[np.bool_], note: str) -> Metric:
    """A share with Wilson's interval at 95 % (E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927))."""
    z, p, n = 1.959964, float(right.mean()), float(right.size)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    low, high = round(max(centre - half, 0.0), 4), round(min(centre + half, 1.0), 4)
    return Metric(name=name, value=round(p, 4), low=low, high=high, cases=right.size, note=note)


def _card(request: Request, temperature: float, metrics: tuple[Metric, ...], seconds: float) -> Card:
    return Card(
        name=MODEL,
        title="Crystal system from the peak positions of a powder pattern",
        task="crystal system",
        technique="pd",
        engine="xgboost",
        file=f"{MODEL}.json",
        domain=f"The first {FEWEST} to {MOST} peaks of one crystalline phase, angles good to 0.05 degree, any composition",
        inputs=(Port(name="features", shape=f"n x {len(NAMES)}", meaning="of whorl.techniques.pd.symmetry_features"),),
        outputs=(
            Port(name="probability", shape=f"n x {len(SYSTEMS)}", meaning="of each crystal system, before the temperature"),
        ),
        ranges={
            "wavelength": Interval(low=0.45, high=1.788965, unit="angstrom", law="copper K-alpha half of the times"),
            "last_angle": Interval(low=60.0, high=110.0, unit="degree", law="uniform, scaled with the wavelength"),
            "fwhm": Interval(low=0.05, high=0.35, unit="degree", law="log-uniform, scaled with the wavelength"),
            "detection_limit": Interval(low=0.001, high=0.03, unit="of the strongest peak", law="log-uniform"),
            "zero_shift": Interval(low=-0.06, high=0.06, unit="degree", law="normal, two standard deviations"),
            "displacement": Interval(
                low=-0.08, high=0.08, unit="degree", law="normal, two standard deviations, times cos theta"
            ),
            "texture": Interval(low=0.55, high=1.5, law="March-Dollase, in 40 % of the patterns"),
            "spurious_lines": Interval(low=1, high=6, unit="lines", law="in 40 % of the patterns"),
        },
        training=Training(command="", seed=request.seed, cases=request.cases, cpu_seconds=round(seconds, 1)),
        metrics=metrics,
        known_failures=(
            "Trigonal crystals are counted as hexagonal: peak positions show the lattice, not the point group.",
            "A metrically higher lattice (monoclinic, with beta 90 within the resolution) is taken for the higher system.",
            "Mixtures: many lines of a second phase make the answer meaningless.",
            f"Catalogues whose compounds are among the simulated crystals: {catalogue_state()}.",
        ),
        references=(
            "Y. Suzuki et al., Sci. Rep. 10, 21790 (2020), doi:10.1038/s41598-020-77474-4: trees on peak positions",
            "T. Chen, C. Guestrin, XGBoost, KDD 2016, doi:10.1145/2939672.2939785",
        ),
        classes=SYSTEMS,
        constants={"temperature": round(temperature, 4), "shares": SHARES},
    )


TRAINERS = {
    MODEL: Trainer(
        name=MODEL,
        summary="crystal system from peak positions of powder patterns",
        seed=20260204,
        cases=900,
        meaning_of_cases="simulated peak lists",
        train=train,
        settings={"rounds": 160, "depth": 3, "rate": 0.07},
        libraries=("numpy", "xgboost"),
        resumes=True,
    )
}
