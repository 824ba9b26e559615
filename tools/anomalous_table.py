"""Write src/whorl/physics/data/anomalous.json: f' and f'' of all elements at the K-alpha lines of the usual anodes.

    python tools/anomalous_table.py

Lines: weighted means of K-alpha 1 and 2 (2:1), angstrom, after D. C. Creagh & J. H. Hubbell, International Tables for
Crystallography C (1999), table 4.2.2.2. Values: C. T. Chantler's tables, as `xraydb` holds them.
"""

from __future__ import annotations

import json
from pathlib import Path

import xraydb

HC = 12398.419843320026
LINES = {"Cr": 2.29107, "Fe": 1.93735, "Co": 1.79028, "Cu": 1.54187, "Mo": 0.71075, "Ag": 0.56087}
OUT = Path(__file__).parents[1] / "src/whorl/physics/data/anomalous.json"


def main() -> None:
    """Write the table."""
    symbols = [xraydb.atomic_symbol(z) for z in range(1, 93)]
    rows = {}
    for wavelength in LINES.values():
        energy = HC / wavelength
        rows[str(wavelength)] = {
            s: [round(float(xraydb.f1_chantler(s, energy)), 4), round(float(xraydb.f2_chantler(s, energy)), 4)] for s in symbols
        }
    about = "f', f'' in electrons at K-alpha lines (angstrom): C. T. Chantler, J. Phys. Ref. Data 24, 71 (1995), via xraydb"
    head = json.dumps({"about": about})[:-1]
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in rows.items())
    OUT.write_text(f'{head}, "lines": {{\n{lines}\n}}}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
