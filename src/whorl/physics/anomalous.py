"""Anomalous dispersion f' + i f'' of X-rays near absorption edges, electrons.

From the tables of C. T. Chantler, J. Phys. Chem. Ref. Data 24, 71 (1995), doi:10.1063/1.555974, and 29, 597 (2000),
doi:10.1063/1.1321055, as `xraydb` holds them: f' relative to the atomic number, f'' positive. The K-alpha lines of the usual
anodes are kept in a small table (``tools/anomalous_table.py`` writes it), since opening the database takes a second.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files

#: wavelength (angstrom) times photon energy (eV): h c (CODATA 2018)
HC = 12398.419843320026
#: how near a wavelength is to a tabulated line, angstrom
_SAME_LINE = 0.004


@lru_cache(maxsize=1)
def _lines() -> dict[float, dict[str, tuple[float, float]]]:
    text = files("whorl.physics").joinpath("data", "anomalous.json").read_text(encoding="utf-8")
    return {float(k): {s: (v[0], v[1]) for s, v in row.items()} for k, row in json.loads(text)["lines"].items()}


@lru_cache(maxsize=4096)
def anomalous(symbol: str, wavelength: float) -> complex:
    """F' + i f'' of an element, electrons.

    Parameters
    ----------
    symbol : str
    wavelength : float
        angstrom; 0 outside the range of the tables (energies of 1 keV to 400 keV), and for elements that they lack.

    Examples
    --------
    >>> f = anomalous("Mn", 1.5406)
    >>> round(f.real, 2), round(f.imag, 2)
    (-0.6, 2.8)
    """
    symbol = "H" if symbol == "D" else symbol
    for line, row in _lines().items():
        if abs(line - wavelength) < _SAME_LINE:
            return complex(*row.get(symbol, (0.0, 0.0)))
    import xraydb

    energy = HC / wavelength
    if not 1e3 < energy < 4e5:
        return 0j
    try:
        return complex(float(xraydb.f1_chantler(symbol, energy)), float(xraydb.f2_chantler(symbol, energy)))
    except (ValueError, IndexError):  # beyond uranium
        return 0j
