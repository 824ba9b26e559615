"""A recorded scan as an instrument: whatever is asked of it is drawn from what was counted then.

Each count of a Poisson process of T seconds falls into the first t of them with probability t/T, so that a shorter measurement
is a binomial share of the counts, exactly. Shares are drawn without putting back: all that is asked of a point, together, never
exceeds what was recorded there, and a scan that is asked for in full comes out as it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.lab.passes import Pass, Range

Array = NDArray[np.float64]


class ScanReplay:
    """An instrument that replays a scan.

    Parameters
    ----------
    measurement : Measurement
        Counts, one frame.
    seconds : float, optional
        Counting time of a point; that of the file by default, or else 1.
    seed : int
        Of the shares.

    Raises
    ------
    PatternError
        If the signal is no counts.

    Examples
    --------
    >>> scan = Measurement("powder", np.arange(10.0, 12.0, 0.1), np.full(20, 400.0), settings={"counting_time": 4.0})
    >>> short = ScanReplay(scan, seed=1).measure([Range(10.5, 11.0, 0.1, 1.0)])
    >>> short.x.size, bool(abs(short.counts.mean() - 100) < 15)
    (6, True)
    """

    def __init__(self, measurement: Measurement, *, seconds: float | None = None, seed: int = 0) -> None:
        counts = measurement.frame(0).signal
        if measurement.frames != 1 or np.any(counts < 0) or np.any(np.abs(counts - np.round(counts)) > 1e-6):
            raise PatternError(
                "only counts can be replayed: whole numbers, none negative",
                where=measurement.path or "measurement",
                remedy="Give the scan as it was counted, not as rates.",
            )
        self.x = measurement.x
        self.step = measurement.step
        self.seconds = float(seconds or measurement.settings.get("counting_time") or 1.0)
        self.settings = {k: v for k, v in measurement.settings.items() if k != "intensity"}
        self._counts = np.round(counts).astype(np.int64)
        self._left = np.full(self.x.size, self.seconds)
        self._rng = np.random.default_rng(seed)

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the scan."""
        return float(self.x[0]), float(self.x[-1])

    @property
    def full_seconds(self) -> float:
        """Counting time of the whole scan."""
        return self.seconds * self.x.size

    def measure(self, ranges: Sequence[Range]) -> Pass:
        """Count ranges, as far as the record goes: a point gives no more seconds than it has left."""
        parts: list[tuple[Array, Array, Array]] = [(np.zeros(0), np.zeros(0), np.zeros(0))]
        for wanted in ranges:
            inside = np.flatnonzero((self.x >= wanted.low - 0.5 * self.step) & (self.x <= wanted.high + 0.5 * self.step))
            chosen = inside[:: max(round(wanted.step / self.step), 1)]
            seconds = np.minimum(wanted.seconds, self._left[chosen])
            share = np.divide(seconds, self._left[chosen], out=np.zeros(chosen.size), where=self._left[chosen] > 0)
            counts = self._rng.binomial(self._counts[chosen], np.clip(share, 0.0, 1.0))
            self._counts[chosen] -= counts
            self._left[chosen] -= seconds
            parts.append((self.x[chosen], counts.astype(np.float64), seconds))
        x, counts_, seconds_ = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Pass(x, counts_, seconds_)
