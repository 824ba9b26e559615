"""POMFinder 1.0.2's shipped model on G(r) of X-rays: which of its 443 polyoxometalate clusters, with which probability.

Takes ``curves``, a list of ``{"g": ..., "qmin": ..., "qmax": ..., "qdamp": ...}`` with G(r) on r = 0, 0.1 ... 10 angstrom or
longer (1/angstrom^2; it is cut at 10), and ``top``, how many names to give (default 5). Gives ``names`` and ``probabilities``
(one list per curve, best first; a name is the first 20 characters of a file of its catalogue, ending included, as its labels
are), the CPU seconds of a curve and of loading the model.

Its own preparation and its own model are called. Three repairs of its surroundings are needed: setuptools below 80 (it
imports ``pkg_resources``), xgboost 2.1.4 (the model's binary format was dropped in 3.1), and its two files opened by name (it
takes them by their order in the folder). Its preparation rewrites the file that it reads, so it is given a copy.

A. S. Anker et al., J. Appl. Cryst. 57, 34 (2024), doi:10.1107/S1600576723010014.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from _exchange import Payload, main

warnings.filterwarnings("ignore", category=UserWarning)  # pkg_resources and the old model format announce their end

import h5py  # noqa: E402
import xgboost  # noqa: E402
from POMFinder import cli  # noqa: E402


def run(payload: Payload) -> Payload:
    """Predict every curve."""
    start = time.process_time()
    backend = Path(cli.__file__).parent / "Backend"
    with h5py.File(next(backend.glob("*.h5")), "r") as store:
        known = sorted({row[0].decode() for row in np.array(store["y"])})
    model = xgboost.XGBClassifier()
    model.load_model(next(backend.glob("*.model")))
    loading = time.process_time() - start
    top = int(payload.get("top", 5))
    names, probabilities = [], []
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "curve.gr")
        for curve in payload["curves"]:
            g = np.asarray(curve["g"], dtype=np.float64)
            np.savetxt(copy, np.column_stack([np.arange(g.size) * 0.1, g]), fmt="%.6f")
            _, features = cli.PDF_Preparation(
                str(copy), curve["qmin"], curve["qmax"], curve["qdamp"], rmax=10, nyquist="yes", plot=False
            )
            found = model.predict_proba(features)[0]
            best = np.argsort(-found, kind="stable")[:top]
            names.append([known[i] for i in best])
            probabilities.append(found[best])
    seconds = (time.process_time() - start) / max(len(names), 1)
    return {
        "names": names,
        "probabilities": [p.tolist() for p in probabilities],
        "cpu_seconds": seconds,
        "loading_seconds": loading,
    }


if __name__ == "__main__":
    main(run)
