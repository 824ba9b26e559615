"""The Debye double sum as the textbook writes it, one sine per pair and Q: slow, plain numpy, and the reference for F(Q).

With form factors f_i(Q), distances r_ij and sigma_ij^2 = (u_i + u_j) (1 - delta1 / r_ij - delta2 / r_ij^2) along r_ij::

    I(Q) = sum_i f_i^2 + sum_(i != j) f_i f_j sin(Q r_ij) / (Q r_ij) exp(-sigma_ij^2 Q^2 / 2)
    S(Q) = 1 + (I - sum_i f_i^2) / (N <f>^2)          (self scattering removed; S tends to 1)
    F(Q) = Q (S - 1)

Takes ``elements`` (N), ``positions`` (N x 3, angstrom), ``u_iso`` (one value or N, angstrom^2), ``q`` (M, 1/angstrom) and
``form_factors`` (element to M values); optionally ``delta1`` (angstrom) and ``delta2`` (angstrom^2). Gives ``i``, ``s``, ``f``
(M each) and CPU seconds. It needs numpy only.

P. Debye, Ann. Phys. 351, 809 (1915), doi:10.1002/andp.19153510606.
"""

from __future__ import annotations

import numpy as np
from _exchange import Payload, main, timed
from numpy.typing import ArrayLike, NDArray


def debye(
    positions: ArrayLike,
    elements: list[str],
    u_iso: ArrayLike,
    q: ArrayLike,
    form_factors: dict[str, ArrayLike],
    delta1: float = 0.0,
    delta2: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give I(Q), S(Q) and F(Q); see the module for the formula, units and shapes."""
    xyz, q = np.asarray(positions, dtype=np.float64), np.asarray(q, dtype=np.float64)
    u = np.broadcast_to(np.asarray(u_iso, dtype=np.float64), len(elements))
    f = np.array([np.broadcast_to(form_factors[element], q.shape) for element in elements], dtype=np.float64)  # (N, M)
    own = np.sum(f**2, axis=0)
    pairs = np.zeros_like(q)
    for i in range(len(elements)):
        for j in range(len(elements)):
            if i != j:
                distance = float(np.linalg.norm(xyz[i] - xyz[j]))
                sigma2 = (u[i] + u[j]) * (1.0 - delta1 / distance - delta2 / distance**2)
                pairs += f[i] * f[j] * np.sinc(q * distance / np.pi) * np.exp(-0.5 * sigma2 * q**2)
    s = 1.0 + pairs / (len(elements) * f.mean(axis=0) ** 2)
    return own + pairs, s, q * (s - 1.0)


def run(payload: Payload) -> Payload:
    """Calculate one cluster."""
    keys = ("positions", "elements", "u_iso", "q", "form_factors", "delta1", "delta2")
    known = {key: payload[key] for key in keys if key in payload}
    (i, s, f), timing = timed(lambda: debye(**known), payload.get("repeats", 1), warmup=0)
    return {"i": i, "s": s, "f": f, **timing}


if __name__ == "__main__":
    main(run)
