"""Series of simulated powder patterns: nickel that is oxidised while it is heated, and comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from whorl.core.hypothesis import Crystal, Site
from whorl.core.measurement import Measurement
from whorl.techniques.pd.instrument import PdInstrument
from whorl.techniques.pd.simulate import calculated

BEAM = {"radiation": "x-ray", "wavelength": 0.7093, "source": "synchrotron", "geometry": "debye-scherrer"}
WIDTHS = {"u": 1e-4, "w": 2e-3, "x": 0.0, "y": 0.02, "axial": 0.0}
NICKEL = Crystal("nickel", cell=(3.524, 3.524, 3.524, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),))
OXIDE = Crystal(
    "oxide",
    cell=(4.178, 4.178, 4.178, 90, 90, 90),
    space_group="225",
    sites=(Site("Ni", (0, 0, 0)), Site("O", (0.5, 0.5, 0.5))),
)


@dataclass(frozen=True)
class Heated:
    """Frames, the structures they are refined against, and their truth."""

    measurement: Measurement
    structures: tuple[Crystal, Crystal]
    cells: np.ndarray
    shares: np.ndarray

    @property
    def frames(self):
        return [self.measurement.frame(k) for k in range(self.measurement.frames)]


def heated(shares, zooms, *, seed=3, counts=400.0) -> Heated:
    """Draw a series: volume share of the oxide and growth of both cells in each frame."""
    x = np.arange(12.0, 42.0, 0.03)
    instrument = PdInstrument(**BEAM, **WIDTHS)
    rng = np.random.default_rng(seed)
    rows, cells = [], []
    for share, zoom in zip(shares, zooms, strict=True):
        lengths = [c.cell[0] * zoom for c in (NICKEL, OXIDE)]
        moved = [replace(c, cell=(a, a, a, 90, 90, 90)) for c, a in zip((NICKEL, OXIDE), lengths, strict=True)]
        whole = sum(
            s * calculated(c, instrument, x, u_iso=0.006, size=300.0) for s, c in zip((1 - share, share), moved, strict=True)
        )
        rows.append(rng.poisson(counts / 25 * whole + 80.0))
        cells.append(lengths)
    settings = {**BEAM, **WIDTHS, "intensity": "counts"}
    coordinates = {"temperature": 300.0 + 10.0 * np.arange(len(rows))}
    series = Measurement("powder", x, np.array(rows, dtype=float), settings=settings, coordinates=coordinates, path="series")
    return Heated(series, (NICKEL, OXIDE), np.array(cells), np.array(shares))


@pytest.fixture(scope="session")
def oxidised() -> Heated:
    """Oxide that is not there in the first two frames, grows, and is gone in the last two."""
    shares = [0.0, 0.0, 0.15, 0.5, 0.8, 0.4, 0.0, 0.0]
    return heated(shares, 1 + 0.001 * np.arange(8))
