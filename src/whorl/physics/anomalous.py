"""Anomalous dispersion f' + i f'' of X-rays near absorption edges, electrons.

From the tables of C. T. Chantler, J. Phys. Chem. Ref. Data 24, 71 (1995), doi:10.1063/1.555974, and 29, 597 (2000),
doi:10.1063/1.1321055, as `xraydb` holds them (``tools/anomalous_table.py`` writes the file): f' relative to the atomic number,
f'' positive; linear between their energies.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: wavelength (angstrom) times photon energy (eV): h c (CODATA 2018)
HC = 12398.419843320026


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[Array, Array, Array]]:
    with as_file(files("whorl.physics").joinpath("data", "anomalous.npz")) as path, np.load(path, allow_pickle=False) as stored:
        ends = np.cumsum(stored["counts"])
        columns = [stored[name].astype(np.float64) for name in ("energy", "real", "imaginary")]
        symbols = stored["symbols"].tolist()
    parts = [np.split(column, ends[:-1]) for column in columns]
    return {s: (parts[0][n], parts[1][n], parts[2][n]) for n, s in enumerate(symbols)}


@lru_cache(maxsize=4096)
def anomalous(symbol: str, wavelength: float) -> complex:
    """F' + i f'' of an element, electrons.

    Parameters
    ----------
    symbol : str
    wavelength : float
        angstrom; 0 outside the range of the table (energies of 1.5 to 150 keV), and for elements beyond uranium.

    Examples
    --------
    >>> f = anomalous("Mn", 1.5406)
    >>> round(f.real, 2), round(f.imag, 2)
    (-0.6, 2.79)
    """
    row = _table().get("H" if symbol == "D" else symbol)
    energy = HC / wavelength
    if row is None or not row[0][0] <= energy <= row[0][-1]:
        return 0j
    return complex(float(np.interp(energy, row[0], row[1])), float(np.interp(energy, row[0], row[2])))
