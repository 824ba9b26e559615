r"""X-ray form factors and neutron scattering lengths.

X-rays: f(Q) = c + sum_k a_k exp(-b_k s^2), s = Q / 4 pi, five terms, valid to s = 6/angstrom (Waasmaier & Kirfel, Acta
Cryst. A 51, 416 (1995), doi:10.1107/S0108767394013292). Neutrons: bound coherent lengths of the natural elements, fm
(Sears, Neutron News 3, 26 (1992), doi:10.1080/10448639208218770). Electrons: Mott-Bethe, f_e(Q) proportional to [Z - f(Q)]
/ Q^2; only ratios matter here, and the factor is left out.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RADIATIONS = ("x-ray", "neutron", "electron")


@lru_cache(maxsize=2)
def _table(name: str) -> dict[str, Any]:
    text = files("whorl.physics").joinpath("data", f"{name}.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def xray(symbol: str, q: Array) -> Array:
    """X-ray form factor f(Q) in electrons, shape of ``q`` (1/angstrom).

    Raises
    ------
    KeyError
        If the element is not tabulated.

    Examples
    --------
    >>> round(float(xray("Ni", np.array(0.0))), 1)
    28.0
    """
    row = _table("form_factors")["coefficients"]["H" if symbol == "D" else symbol]
    s2 = (np.asarray(q, dtype=np.float64) / (4 * np.pi)) ** 2
    return np.asarray(row["c"] + sum(a * np.exp(-b * s2) for a, b in zip(row["a"], row["b"], strict=True)))


def neutron(symbol: str) -> float:
    """Bound coherent neutron scattering length, fm.

    Raises
    ------
    KeyError
        If the element is not tabulated.

    Examples
    --------
    >>> neutron("Ni")
    10.3
    """
    return float(_table("neutron_lengths")["lengths"][symbol])


def scattering_factor(symbol: str, q: Array, radiation: str) -> Array:
    """Scattering factor of an element on ``q`` for ``"x-ray"`` (electrons), ``"neutron"`` (fm) or ``"electron"`` (relative).

    Raises
    ------
    KeyError
        If the element is not tabulated for this radiation.
    ValueError
        If the radiation is unknown.
    """
    q = np.asarray(q, dtype=np.float64)
    if radiation == "x-ray":
        return xray(symbol, q)
    if radiation == "neutron":
        return np.full(q.shape, neutron(symbol))
    if radiation == "electron":
        safe = np.maximum(q, 0.05)  # the limit Q -> 0 is finite but ill-conditioned in this form
        charge = float(xray(symbol, np.array(0.0)))
        return np.asarray((charge - xray(symbol, safe)) / safe**2)
    raise ValueError(f"unknown radiation {radiation!r}: use one of {', '.join(RADIATIONS)}")


def is_tabulated(symbol: str, radiation: str) -> bool:
    """Tell whether the scattering of an element is known for a radiation (polonium's neutron length, say, is not).

    Examples
    --------
    >>> is_tabulated("Po", "x-ray"), is_tabulated("Po", "neutron")
    (True, False)
    """
    if radiation == "neutron":
        return symbol in _table("neutron_lengths")["lengths"]
    return symbol == "D" or symbol in _table("form_factors")["coefficients"]


def pair_weights(symbols: tuple[str, ...], fractions: Array, q: Array, radiation: str) -> Array:
    """Faber-Ziman weights w_ij(Q) = f_i f_j / <f>^2 of each ordered pair of elements, shape (m, m, n).

    Parameters
    ----------
    symbols : tuple of m str
    fractions : array, shape (m,)
        Atomic fractions, sum 1.
    q : array, shape (n,)
    radiation : str

    Examples
    --------
    >>> w = pair_weights(("Na", "Cl"), np.array([0.5, 0.5]), np.linspace(0, 20, 5), "neutron")
    >>> bool(np.allclose(np.einsum("i,j,ijq->q", [0.5, 0.5], [0.5, 0.5], w), 1))
    True
    """
    f = np.array([scattering_factor(s, q, radiation) for s in symbols])
    mean = np.einsum("i,iq->q", fractions, f)
    return np.asarray(f[:, None, :] * f[None, :, :] / mean**2)
