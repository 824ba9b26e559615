"""SCAN's recipe retrained: scaled raw intensities on its 500 points of q, and the best of its classifiers.

Takes ``file``, a numpy archive with ``train`` (n, 500), ``label`` (n,), and any number of ``test_NAME`` (m, 500); ``seed``.
Gives for each classifier, and for each NAME, the order of the classes for every curve: ``ranked`` (m, classes).

SCAN: https://github.com/RI-SE/scan, arXiv:2111.08645. StandardScaler on I(q), then random forest, boosted trees, nearest
neighbours, a multilayer perceptron, a support vector machine, and a stack of them (logistic regression over probabilities,
fitted to a fifth of the training curves that they had not seen).
"""

from __future__ import annotations

import time

import numpy as np
from _exchange import Payload, main
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier


def run(payload: Payload) -> Payload:
    with np.load(payload["file"], allow_pickle=False) as kept:
        x, y = kept["train"].astype(float), kept["label"]
        tests = {name[5:]: kept[name].astype(float) for name in kept.files if name.startswith("test_")}
    started = time.process_time()
    seed = int(payload["seed"])
    scaler = StandardScaler().fit(x)
    x = scaler.transform(x)
    order = np.random.default_rng(seed).permutation(len(y))
    most = order[len(y) // 5 :]
    rest = order[: len(y) // 5]
    models = {
        "random forest": RandomForestClassifier(200, random_state=seed, n_jobs=1),
        "boosted trees": XGBClassifier(n_estimators=100, max_depth=6, tree_method="hist", random_state=seed, nthread=1),
        "nearest neighbours": KNeighborsClassifier(5),
        "perceptron": MLPClassifier((256, 128), max_iter=60, early_stopping=True, random_state=seed),
        "support vectors": SVC(C=10.0, random_state=seed),
    }
    answers: dict[str, dict[str, np.ndarray]] = {}
    seconds = {}
    stack_in, stack_tests = [], {name: [] for name in tests}
    for name, model in models.items():
        begun = time.process_time()
        model.fit(x[most], y[most])
        seconds[name] = time.process_time() - begun
        answers[name] = {}
        stack_in.append(odds(model, x[rest]))
        for key, curves in tests.items():
            p = odds(model, scaler.transform(curves))
            stack_tests[key].append(p)
            answers[name][key] = np.argsort(-p, axis=1)
    stack = LogisticRegression(max_iter=300).fit(np.concatenate(stack_in, axis=1), y[rest])
    answers["stack"] = {k: np.argsort(-stack.predict_proba(np.concatenate(v, axis=1)), axis=1) for k, v in stack_tests.items()}
    return {"ranked": answers, "seconds": seconds, "cpu_seconds": time.process_time() - started}


def odds(model: object, x: np.ndarray) -> np.ndarray:
    """Probabilities of the classes, or what ranks them."""
    return model.predict_proba(x) if hasattr(model, "predict_proba") else model.decision_function(x)


if __name__ == "__main__":
    main(run)
