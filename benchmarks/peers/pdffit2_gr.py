"""G(r) of a crystal by PDFfit2 1.5.2.

Takes ``structure`` (see ``_pdffit2.py``), ``radiation`` ("X" or "N"), ``q_max`` (0: no termination), ``r_min``, ``r_max``,
``r_step``, and optionally ``q_damp``, ``q_broad``, ``delta1``, ``delta2``, ``sp_diameter`` (sphere, angstrom), ``scale``,
``repeats``. Gives ``r``, ``g``, the scattering lengths it took (for X-rays f0 at Q = 0,
which it uses at every Q) and the CPU seconds of a calculation.

C. L. Farrow et al., J. Phys.: Condens. Matter 19, 335219 (2007), doi:10.1088/0953-8984/19/33/335219.
"""

from __future__ import annotations

import numpy as np
from _exchange import Payload, main, timed
from _pdffit2 import quiet_pdffit, structure_text


def run(payload: Payload) -> Payload:
    """Calculate one curve."""
    fit = quiet_pdffit()
    fit.read_struct_string(structure_text(payload["structure"]))
    r_min, r_max, r_step = payload["r_min"], payload["r_max"], payload["r_step"]
    points = round((r_max - r_min) / r_step) + 1
    fit.alloc(payload["radiation"], payload["q_max"], payload.get("q_damp", 0.0), r_min, r_max, points)
    settings = {
        fit.qbroad: payload.get("q_broad", 0.0),
        fit.delta1: payload.get("delta1", 0.0),
        fit.delta2: payload.get("delta2", 0.0),
        fit.spdiameter: payload.get("sp_diameter", 0.0),
        fit.pscale: payload.get("scale", 1.0),
    }
    for variable, value in settings.items():
        if value:
            fit.setvar(variable, value)
    _, timing = timed(fit.calc, payload.get("repeats", 1), warmup=0)
    lengths = {
        symbol: fit.get_scat(payload["radiation"], symbol.upper()) for symbol in sorted(set(payload["structure"]["elements"]))
    }
    return {"r": np.linspace(r_min, r_max, points), "g": fit.getpdf_fit(), "scattering_lengths": lengths, **timing}


if __name__ == "__main__":
    main(run)
