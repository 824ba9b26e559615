"""Least-squares refinement of a measured G(r) by PDFfit2 1.5.2.

Takes ``structures`` (a list, see ``_pdffit2.py``; one phase each) or ``structure``, ``radiation`` ("X" or "N"), ``q_max``,
``r``, ``g``, optionally ``dg``, ``fit_range`` (r_min, r_max), ``fixed`` (values of PDFfit2 variables that stay, such as
``{"qdamp": 0.03}``) and ``parameters``: for each free parameter a start ``value`` and what it ``drives``, PDFfit2 variables
with the formula in which ``@`` stands for the parameter::

    {"a": {"value": 3.52, "drives": {"lat(1)": "@", "lat(2)": "@", "lat(3)": "@"}}, "x": {..., "drives": {"x(2)": "1-@"}}}

A variable of the second phase is written ``2:lat(1)``. Gives ``values``, ``sigmas`` (meaningless without ``dg``), ``rw``,
``iterations``, ``cpu_seconds``, and the curve ``r``, ``g_fit`` in the range.
"""

from __future__ import annotations

import re
import time

import numpy as np
from _exchange import Payload, main
from _pdffit2 import quiet_pdffit, structure_text
from diffpy.pdffit2 import PdfFit


def variable(fit: PdfFit, name: str) -> object:
    """Turn ``2:lat(1)`` into PDFfit2's variable of phase 2 (phase 1 when it names none)."""
    found = re.fullmatch(r"(?:(\d+):)?(\w+)(?:\((\d+)\))?", name)
    assert found is not None, name
    phase, word, index = found.groups()
    fit.setphase(int(phase or 1))
    attribute = getattr(fit, word)
    return attribute(int(index)) if index else attribute


def sigmas(report: str, count: int) -> list[float]:
    """Read the standard uncertainties of the parameters 1..count from PDFfit2's printed results."""
    block = report.rpartition("Refinement parameters :")[2].partition("-----")[0]
    found = {int(n): float(s) for n, s in re.findall(r"(\d+):\s*\S+\s*\(([^)]+)\)", block)}
    return [found.get(n, float("nan")) for n in range(1, count + 1)]


def run(payload: Payload) -> Payload:
    """Fit once from the given start."""
    fit = quiet_pdffit()
    for structure in payload.get("structures") or [payload["structure"]]:
        fit.read_struct_string(structure_text(structure))
    data = np.array([payload["r"], payload["g"], payload.get("dg") or np.ones(len(payload["r"]))], dtype=float)
    r, g, dg = data[:, data[0] > 0]  # PDFfit2 refuses r = 0
    fit.read_data_lists(payload["radiation"], payload["q_max"], 0.0, r.tolist(), g.tolist(), dg.tolist())
    low, high = payload["fit_range"]
    fit.pdfrange(1, low, high)
    for name, value in payload.get("fixed", {}).items():
        fit.setvar(variable(fit, name), value)
    parameters = payload["parameters"]
    for number, parameter in enumerate(parameters.values(), start=1):
        for name, formula in parameter["drives"].items():
            fit.constrain(variable(fit, name), formula.replace("@", f"@{number}"))
        fit.setpar(number, parameter["value"])
    start = time.process_time()
    iterations = 0
    while True:
        iterations += 1
        if fit.refine_step(1e-8):
            break
    seconds = time.process_time() - start
    used = (r >= low - 1e-9) & (r <= high + 1e-9)
    g_fit = np.asarray(fit.getpdf_fit())  # the range only
    rw = float(np.sqrt(np.sum(((g[used] - g_fit) / dg[used]) ** 2) / np.sum((g[used] / dg[used]) ** 2)))
    return {
        "values": {name: fit.getpar(n) for n, name in enumerate(parameters, start=1)},
        "sigmas": dict(zip(parameters, sigmas(fit.save_res_string(), len(parameters)), strict=True)),
        "rw": rw,
        "rw_reported": fit.getrw(),
        "iterations": iterations,
        "cpu_seconds": seconds,
        "r": r[used],
        "g_fit": g_fit,
    }


if __name__ == "__main__":
    main(run)
