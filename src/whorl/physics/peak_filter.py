r"""The filter of the peak search: the second derivative of Gaussians of many widths, its significance, its maxima.

The negative second derivative of a Gaussian (Mariscotti, Nucl. Instrum. Methods 50, 309 (1967),
doi:10.1016/0029-554X(67)90058-4) is blind to straight backgrounds. Its response over its own standard uncertainty is a
significance; a peak is a maximum of it over position and width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import maximum_filter1d

from whorl.physics.backgrounds import running_mean

Array = NDArray[np.float64]


def responses(y: Array, variance: Array, skew: Array, widths: Array) -> tuple[Array, Array]:
    """Significance of the second-derivative filter and its critical skewness, each (widths, n); widths as FWHM in points."""
    n = y.size
    reach = int(np.ceil(2.2 * widths[-1])) + 1
    size = next_fast_len(n + 2 * reach, real=True)

    def padded(values: Array, *, odd: bool) -> Array:
        left, right = values[1 : reach + 1][::-1], values[-reach - 1 : -1][::-1]
        if odd:  # straight on beyond the ends
            left, right = 2.0 * values[0] - left, 2.0 * values[-1] - right
        return np.concatenate([left, values, right])

    reach = min(reach, n - 1)
    transforms = [rfft(padded(v, odd=i == 0), size) for i, v in enumerate((y, variance, skew))]
    found, skewness = np.empty((widths.size, n)), np.empty((widths.size, n))
    for i, width in enumerate(widths):
        s = width / 2.3548
        half = min(int(np.ceil(4.5 * s)), reach)
        u = np.arange(-half, half + 1) / s
        kernel = (1.0 - u * u) * np.exp(-0.5 * u * u)
        kernel -= kernel.mean()
        sums = []
        for power, transform in zip((1, 2, 3), transforms, strict=True):
            ring = np.zeros(size)
            ring[: half + 1] = kernel[half:] ** power
            ring[-half:] = kernel[:half] ** power
            sums.append(irfft(transform * rfft(ring), size)[reach : reach + n])
        deviation = np.sqrt(np.maximum(sums[1], 1e-300))
        found[i] = sums[0] / deviation
        skewness[i] = np.maximum(sums[2], 0.0) / deviation**3
    return found, skewness


def scatter(response: Array, width: float) -> float:
    """Robust scatter of a response away from peaks: above 1 where the noise is correlated or its size misjudged."""
    quiet = np.ones(response.size, dtype=bool)
    value = 1.0
    for _ in range(3):
        value = float(np.median(np.abs(response[quiet]))) / 0.6745
        lively = maximum_filter1d((np.abs(response) > 4.0 * max(value, 1.0)).astype(np.uint8), 2 * int(1.5 * width) + 3) > 0
        if lively.mean() > 0.85:  # no room between the peaks: the quieter part of it must do
            return max(1.0, float(np.percentile(np.abs(response), 20.0)) / 0.2533)
        quiet = ~lively
    return float(np.clip(value, 1.0, 10.0))


def maxima_of(found: Array, critical: Array, widths: Array, limit: float) -> list[tuple[float, int, int]]:
    """Maxima over position and width, no wider than ``limit`` points, above the critical value, strongest first.

    Each is (significance, width index, point).
    """
    out = []
    top = widths.size - 1
    tried = int(np.searchsorted(widths, 1.05 * limit))
    # what stays the same over several widths is the curvature of a hump, on which a peak of any height may stand
    local = np.array([r - running_mean(r, int(3.0 * w)) for r, w in zip(found, widths, strict=True)])
    for i in range(tried):
        r = found[i]
        span = max(1, int(0.35 * widths[i]))
        peak = (r >= critical[i]) & (local[i] >= critical[i]) & (r >= maximum_filter1d(r, 2 * span + 1))
        for at in np.flatnonzero(peak):
            part = slice(max(0, at - span), at + span + 1)
            if all(
                r[at] >= found[k, part].max() or (local[i, at] >= local[k, part].max() and widths[i] < 0.2 * widths[top])
                for k in (i - 1, i + 1)
                if 0 <= k <= top
            ):
                out.append((float(r[at]), i, int(at)))
    return sorted(out, reverse=True)
