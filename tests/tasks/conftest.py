"""What the tests of the searches share."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import dst, idst

from whorl.physics.form_factors import xray


@pytest.fixture(scope="session")
def join():
    """Join curves of phases as scattering joins them: F(Q) = sum_i x_i <f_i>^2 F_i / <f>^2, x_i the shares of the atoms."""

    def joined(r, structures, atoms, curves):
        q = np.arange(1, r.size + 1) * np.pi / ((r.size + 1) * (r[1] - r[0]))
        inside = q < 40.0
        means = []
        for s in structures:
            total = sum(s.contents.values())
            means.append(sum(n / total * xray(symbol, q[inside]) for symbol, n in s.contents.items()))
        whole = sum(x * f for x, f in zip(atoms, means, strict=True))
        spectrum = np.zeros(r.size)
        for g, x, f in zip(curves, atoms, means, strict=True):
            spectrum[inside] += dst(g, type=1)[inside] * x * f**2 / whole**2
        return idst(spectrum, type=1)

    return joined
