"""Write src/whorl/physics/data/anomalous.npz: f' and f'' of the elements over photon energy (needs `xraydb`).

    python tools/anomalous_table.py

C. T. Chantler's tables, as `xraydb` holds them, at their own energies between 1.5 and 150 keV. The package reads the file, so
that it does not need the database.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xraydb

LOW, HIGH = 1.5e3, 1.5e5
OUT = Path(__file__).parents[1] / "src/whorl/physics/data/anomalous.npz"


def main() -> None:
    """Write the table."""
    symbols, counts, energies, real, imaginary = [], [], [], [], []
    for z in range(1, 93):
        symbol = xraydb.atomic_symbol(z)
        e = np.asarray(xraydb.chantler_energies(symbol, emin=LOW, emax=HIGH), dtype=np.float64)
        e = np.unique(np.concatenate([[LOW], e[(e > LOW) & (e < HIGH)], [HIGH]]))
        symbols.append(symbol)
        counts.append(e.size)
        energies.append(e)
        real.append(xraydb.f1_chantler(symbol, e))
        imaginary.append(xraydb.f2_chantler(symbol, e))
    np.savez_compressed(
        OUT,
        symbols=np.array(symbols),
        counts=np.array(counts, dtype=np.int32),
        energy=np.concatenate(energies).astype(np.float32),
        real=np.concatenate(real).astype(np.float32),
        imaginary=np.concatenate(imaginary).astype(np.float32),
    )
    print(f"{OUT}: {OUT.stat().st_size / 1024:.0f} kB, {sum(counts)} energies")


if __name__ == "__main__":
    main()
