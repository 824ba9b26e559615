"""Powder sticks by pymatgen's XRDCalculator, its form factors, and its CPU seconds.

Takes ``cifs`` (list of CIF texts), ``low``, ``high`` (degrees), ``wavelength`` (angstrom), ``repeats``. Gives for each
``two_theta``, ``intensity`` (100 for the strongest), ``seconds`` (least CPU seconds of one call) and ``factors``: for each
element the atomic number and the pairs (a, b) of f0 = Z - 41.78214 s^2 sum a exp(-b s^2).

S. P. Ong et al., Comput. Mater. Sci. 68, 314 (2013), doi:10.1016/j.commatsci.2012.10.028.
"""

from __future__ import annotations

import time

from _exchange import Payload, main
from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS, XRDCalculator
from pymatgen.core import Element, Structure


def run(payload: Payload) -> Payload:
    """Calculate all patterns."""
    calculator = XRDCalculator(wavelength=payload["wavelength"])
    rows = []
    for text in payload["cifs"]:
        structure = Structure.from_str(text, fmt="cif")
        seconds = []
        for _ in range(int(payload.get("repeats", 5))):
            start = time.process_time()
            found = calculator.get_pattern(structure, two_theta_range=(payload["low"], payload["high"]))
            seconds.append(time.process_time() - start)
        symbols = sorted({site.specie.symbol for site in structure})
        rows.append(
            {
                "two_theta": list(map(float, found.x)),
                "intensity": list(map(float, found.y)),
                "seconds": min(seconds),
                "factors": {s: {"z": Element(s).Z, "terms": ATOMIC_SCATTERING_PARAMS[s]} for s in symbols},
            }
        )
    return {"rows": rows}


if __name__ == "__main__":
    main(run)
