"""Reduced small-angle images, I(Qx, Qy), averaged over all directions or over a sector to a curve.

Pixels are sorted into rings one pixel wide (or as many as asked for); a ring's value is the mean of its pixels at the mean of
their |q|. Its uncertainty is that of a mean: from the pixels' own uncertainties where the file has them, from the counts where
the values are whole numbers, else from their scatter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.formats.sascurve import SasCurve
from whorl.formats.steering import Sector, bins_of, sector_of

Array = NDArray[np.float64]
_FEWEST = 100
_ANISOTROPIC = 5.0
_BRIGHT = 4.0


@dataclass(frozen=True)
class Image:
    """Pixels of an image in any order.

    Parameters
    ----------
    qx, qy, intensity : array, shape (n,)
        1/angstrom.
    sigma : array, shape (n,), optional
    width : array, shape (n,), optional
        Standard deviation of |q|.
    pitch : float
        Distance of neighbouring pixels; 0 when not known.
    settings : mapping
    """

    qx: Array
    qy: Array
    intensity: Array
    sigma: Array | None = None
    width: Array | None = None
    pitch: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)

    def scaled(self, factor: float) -> Image:
        """Give the image with q multiplied."""
        width = None if self.width is None else self.width * factor
        return replace(self, qx=self.qx * factor, qy=self.qy * factor, width=width, pitch=self.pitch * factor)

    def take(self, keep: NDArray[np.bool_]) -> Image:
        """Give the chosen pixels."""
        sigma, width = (None if a is None else a[keep] for a in (self.sigma, self.width))
        return replace(self, qx=self.qx[keep], qy=self.qy[keep], intensity=self.intensity[keep], sigma=sigma, width=width)


def is_image(values: Array) -> bool:
    """Say whether columns are the pixels of an image: the first two hold both signs and run to and fro many times.

    Examples
    --------
    >>> x, y = np.meshgrid(np.linspace(-0.1, 0.1, 20), np.linspace(-0.1, 0.1, 20))
    >>> is_image(np.column_stack([x.ravel(), y.ravel(), np.ones(400)]))
    True
    """
    if values.shape[1] < 3 or values.shape[0] < _FEWEST:
        return False
    x, y = values[:, 0], values[:, 1]
    if not (np.isfinite(x).all() and np.isfinite(y).all()) or max(np.ptp(x), np.ptp(y)) > 30:
        return False
    if not (x.min() < 0 < x.max() and y.min() < 0 < y.max()):
        return False
    slow, fast = sorted((np.abs(np.diff(x)).mean() / np.ptp(x), np.abs(np.diff(y)).mean() / np.ptp(y)))
    turns = min(int(np.sum(np.diff(a) * np.sign(np.median(np.diff(a)) or 1) < 0)) for a in (x, y))
    return bool(fast > 2 * slow or turns == 0) and bool(max(np.sum(np.diff(x) < 0), np.sum(np.diff(y) < 0)) >= 5)


def of_columns(values: Array, header: list[str], notes: list[str]) -> Image:
    """Read the pixels from columns: Qx, Qy, I, and as many of err(I), Qz, SigmaQ and the shadow factor as the file has."""
    names = _names(header, values.shape[1])
    column = {name: values[:, i] for i, name in enumerate(names)}
    sigma, width = column.get("err"), None
    if "spar" in column:
        width = column["spar"]
    elif "sx" in column and "sy" in column:
        width = np.sqrt((column["sx"] ** 2 + column["sy"] ** 2) / 2)
    if sigma is not None and not np.mean(sigma > 0) > 0.5:
        sigma = None
    step = np.hypot(np.diff(values[:, 0]), np.diff(values[:, 1]))
    image = Image(values[:, 0], values[:, 1], values[:, 2], sigma, width, float(np.median(step)))
    if "shadow" in column and np.any(shadowed := column["shadow"] < 0.98) and not shadowed.all():
        notes.append(f"{int(shadowed.sum())} pixels in the shadow of the beam stop, by the file, were left out")
        image = image.take(~shadowed)
    return image


def averaged(image: Image, steering: dict[str, Any], notes: list[str]) -> SasCurve:
    """Average an image over rings, or over the part of them in a sector.

    Raises
    ------
    PatternError
        If no pixel is left.
    UsageError
        If the sector or the number of points cannot be read.

    Examples
    --------
    >>> x, y = np.meshgrid(np.linspace(-0.1, 0.1, 41), np.linspace(-0.1, 0.1, 41))
    >>> notes: list[str] = []
    >>> image = Image(x.ravel(), y.ravel(), np.exp(-1e3 * (x**2 + y**2)).ravel(), pitch=0.005)
    >>> curve = averaged(image, {"sector": "0:20"}, notes)
    >>> bool(np.allclose(curve.intensity[1:15], np.exp(-1e3 * curve.q[1:15] ** 2), rtol=0.05))
    True
    """
    sector, bins = sector_of(steering.get("sector")), bins_of(steering.get("bins"))
    good = np.isfinite(image.intensity) & np.isfinite(image.qx) & np.isfinite(image.qy)
    if image.sigma is not None:
        good &= np.isfinite(image.sigma) & (image.sigma >= 0)
    whole = image.take(good)
    part = whole if sector is None else whole.take(inside(whole.qx, whole.qy, sector))
    if not part.intensity.size:
        raise PatternError("no usable pixel in the image or the sector", remedy="Widen the sector, or export the image again.")
    edges = _edges(part, bins)
    dead = _dead(part, edges)
    if dead.any() and not dead.all():
        notes.append(f"pixels of exactly 0 among bright ones (beam stop, dead) were left out: {int(dead.sum())}")
        part = part.take(~dead)
    curve, origin = _rings(part, edges)
    kind = f"the sector {sector.label}" if sector is not None else "all directions"
    notes.append(f"an image of {image.intensity.size} pixels was averaged over {kind}; uncertainties from {origin}")
    if sector is None and _differs(part, edges):
        notes.append("the image is not the same in all directions: average parts of it, such as sector=0:15 and sector=90:15")
    if sector is not None:
        curve = replace(curve, settings={"sector": f"{sector.centre:g}:{sector.half:g}"})
    return curve


def inside(qx: Array, qy: Array, sector: Sector) -> NDArray[np.bool_]:
    """Say which directions lie in a sector or the one opposite; angles run from Qx to Qy.

    Examples
    --------
    >>> inside(np.array([1.0, -1.0, 0.0]), np.array([0.1, 0.0, 1.0]), Sector(0.0, 10.0)).tolist()
    [True, True, False]
    """
    away = np.degrees(np.arctan2(qy, qx)) - sector.centre
    return np.abs((away + 90) % 180 - 90) <= sector.half


def _edges(image: Image, bins: int | None) -> Array:
    q = np.hypot(image.qx, image.qy)
    low, high = float(q.min()), float(q.max())
    pitch = image.pitch if image.pitch > 0 else (high - low) / max(5.0, np.sqrt(q.size / np.pi))
    count = bins or int(np.clip(round((high - low) / pitch), 5, 5000))
    return np.linspace(low, high * (1 + 1e-12) + 1e-300, count + 1)


def _dead(image: Image, edges: Array) -> NDArray[np.bool_]:
    """Find pixels of exactly 0 in rings whose other pixels are so far above their noise that no count can be 0."""
    zero = image.intensity == 0
    ring = _ring(image, edges)
    n = np.maximum(np.bincount(ring[~zero], minlength=edges.size - 1), 1)
    mean = np.bincount(ring[~zero], image.intensity[~zero], edges.size - 1) / n
    if image.sigma is not None:
        noise = np.bincount(ring[~zero], image.sigma[~zero], edges.size - 1) / n
    elif _counted(image):
        noise = np.sqrt(np.maximum(mean, 1.0))
    else:
        return np.zeros(zero.size, dtype=np.bool_)
    bright: NDArray[np.bool_] = zero & (mean > _BRIGHT * noise)[ring]
    return bright


def _ring(image: Image, edges: Array) -> NDArray[np.intp]:
    q = np.hypot(image.qx, image.qy)
    return np.clip(np.searchsorted(edges, q, side="right") - 1, 0, edges.size - 2)


def _counted(image: Image) -> bool:
    return bool(np.all(image.intensity >= 0) and np.all(image.intensity == np.round(image.intensity)))


def _rings(image: Image, edges: Array) -> tuple[SasCurve, str]:
    q = np.hypot(image.qx, image.qy)
    ring = _ring(image, edges)
    n = np.bincount(ring, minlength=edges.size - 1).astype(np.float64)
    filled = n > 0

    def total(values: Array) -> Array:
        return np.bincount(ring, values, edges.size - 1).astype(np.float64)

    with np.errstate(divide="ignore", invalid="ignore"):
        mean, at = total(image.intensity) / n, total(q) / n
        if image.sigma is not None:
            sigma, origin = np.sqrt(total(image.sigma**2)) / n, "those of the pixels"
        elif _counted(image):
            sigma, origin = np.sqrt(np.maximum(total(image.intensity), 1.0)) / n, "the counts"
        else:
            scatter = total((image.intensity - mean[ring]) ** 2) / (n - 1) / n
            sigma, origin = np.where(n >= 4, np.sqrt(scatter), np.nan), "the scatter within the rings"
        width = None
        if image.width is not None and np.all(np.isfinite(image.width)):
            width = np.sqrt(total(image.width**2) / n + total((q - at[ring]) ** 2) / n)[filled]
    return SasCurve(at[filled], mean[filled], sigma[filled], width, settings=dict(image.settings)), origin


def _differs(image: Image, edges: Array) -> bool:
    """Say whether two sectors at right angles differ by far more than their pixels scatter."""
    curves = []
    for centre in (0.0, 45.0, 90.0, 135.0):
        part = image.take(inside(image.qx, image.qy, Sector(centre, 22.5)))
        if part.intensity.size < _FEWEST:
            return False
        plain = replace(part, sigma=None, width=None, intensity=part.intensity + 1e-300)
        curve, _ = _rings(plain, edges)
        curves.append(curve)
    worst = 0.0
    for one, other in ((0, 2), (1, 3)):
        a, b = curves[one], curves[other]
        if a.q.size < 5 or b.q.size < 5 or a.sigma is None or b.sigma is None:
            continue
        there = (a.q >= b.q[0]) & (a.q <= b.q[-1])
        error = np.hypot(a.sigma, np.interp(a.q, b.q, b.sigma))[there]
        apart = np.abs(a.intensity - np.interp(a.q, b.q, b.intensity))[there]
        usable = np.isfinite(error) & (error > 0)
        if usable.sum() >= 5:
            worst = max(worst, float(np.sqrt(np.mean((apart[usable] / error[usable]) ** 2))))
    return worst > _ANISOTROPIC


def _names(header: list[str], width: int) -> list[str]:
    """Name the columns by the line of the header that lists them with dashes, else by their number."""
    for line in header:
        if "qx" in line.lower() and " - " in line:
            cells = [_name(cell) for cell in re.split(r"\s-\s", line.partition(":")[2] if ":" in line else line)]
            if len(cells) == width:
                return cells
    usual = {4: ["err"], 7: ["qz", "sx", "sy", "shadow"], 8: ["err", "qz", "spar", "sperp", "shadow"]}
    return ["qx", "qy", "i", *usual.get(width, [""] * (width - 3))]


def _name(cell: str) -> str:
    text = cell.lower().strip()
    for mark, name in (
        ("err", "err"),
        ("shadow", "shadow"),
        ("fsubs", "shadow"),
        ("qz", "qz"),
        ("par", "spar"),
        ("perp", "sperp"),
    ):
        if mark in text:
            return name
    if text.startswith("sig"):
        return "sx" if text.endswith("x") else "sy"
    return {"qx": "qx", "qy": "qy"}.get(text[-2:] if text.endswith(("qx", "qy")) else "", "i")
