"""Pictures of structures as small SVG drawings: shaded spheres, sticks and cell edges, sorted by depth, in weak perspective.

Depth is shown three ways: near things cover far ones, far things are drawn smaller, and their colour fades into the page. The
fade is written as a mix with a variable of the style sheet, so that it is right on a dark page too.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import Cluster, Crystal, Hypothesis
from whorl.report.colours import element_colour, mixed
from whorl.report.markup import Markup, escape, join, tag
from whorl.report.scenes import Mixture, Scene, scene_of

Array = NDArray[np.float64]

_LEVELS = 6
_SIZE = 300.0
_WHITE, _BLACK = "#ffffff", "#10161c"
#: (where in the gradient, mixed with, share): the light comes from the upper left
_SHADES = ((0.0, _WHITE, 0.62), (0.35, _WHITE, 0.16), (0.78, _BLACK, 0.06), (1.0, _BLACK, 0.36))


def structure_picture(structure: Hypothesis, prefix: str) -> Markup | None:
    """Draw a crystal's unit cell or a cluster as an ``<svg>`` element with a text alternative.

    Parameters
    ----------
    structure : Hypothesis
    prefix : str
        Put before every identifier; unique within the page.

    Returns
    -------
    Markup or None
        ``None`` for a hypothesis without atoms, or with more than can be shown.

    Examples
    --------
    >>> pair = Cluster("Au2", symbols=("Au", "Au"), positions=np.array([[0, 0, 0], [0, 0, 2.88]]))
    >>> structure_picture(pair, "p").count("<circle")
    2
    """
    scene = scene_of(structure)
    return None if scene is None else _draw(scene, f"Structure of {structure.name}", describe(structure), prefix)


def element_key(structure: Hypothesis) -> Markup | None:
    """List the elements of a structure with their colours; ``None`` when it has none.

    Examples
    --------
    >>> pair = Cluster("Au2", symbols=("Au", "Au"), positions=np.array([[0, 0, 0], [0, 0, 2.88]]))
    >>> "Au" in element_key(pair)
    True
    """
    scene = scene_of(structure)
    if scene is None:
        return None
    items = []
    for element in scene.elements:
        colour = element_colour(element)
        dot = tag("circle", cx=6, cy=6, r=5.2, fill=colour, stroke=mixed(colour, _BLACK, 0.45))
        name = "any element" if element == "X" else element
        items.append(tag("li", tag("svg", dot, viewBox="0 0 12 12", aria_hidden="true"), name))
    return tag("ul", *items, class_="key")


def describe(structure: Hypothesis) -> str:
    """Say what a picture shows.

    Examples
    --------
    >>> describe(Cluster("Au2", symbols=("Au", "Au"), positions=np.array([[0, 0, 0], [0, 0, 2.88]])))
    'Cluster Au2 of 2 atoms.'
    """
    if isinstance(structure, Crystal):
        a, b, c, alpha, beta, gamma = structure.cell
        lengths = f"a = {a:.4g} Å, b = {b:.4g} Å, c = {c:.4g} Å"
        text = f"Unit cell of {structure.formula}, {len(structure.expansion.site)} sites, {lengths}"
        angles = f", angles {alpha:.5g}°, {beta:.5g}°, {gamma:.5g}°" if (alpha, beta, gamma) != (90, 90, 90) else ""
        return f"{text}{angles}."
    if isinstance(structure, Cluster):
        return f"Cluster {structure.formula} of {len(structure.symbols)} atom{'s' if len(structure.symbols) > 1 else ''}."
    return structure.name


def _view(crystal: bool) -> Array:
    """Rows: right, up, towards the viewer."""
    azimuth, elevation = np.radians((22.0, 13.0) if crystal else (24.0, 30.0))
    towards = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    return np.array([right, np.cross(towards, right), towards])


class _Camera:
    """Projects points to the page and depths to levels of fading."""

    def __init__(self, scene: Scene) -> None:
        view = _view(scene.crystal)
        points = np.concatenate([scene.positions, scene.edges.reshape(-1, 3)])
        radii = np.concatenate([scene.radii, np.zeros(2 * len(scene.edges))])
        self._view = view
        self._centre = 0.5 * (points.max(axis=0) + points.min(axis=0))
        turned = (points - self._centre) @ view.T
        extent = float(np.abs(turned).max() + radii.max()) or 1.0
        self._distance = 6.0 * extent
        depths = turned[: len(scene.positions), 2]
        self._near, self._far = float(depths.max()), float(depths.min())
        zoom = self._distance / (self._distance - turned[:, 2])
        reach_x = np.abs(turned[:, 0] * zoom) + radii * zoom
        reach_y = np.abs(turned[:, 1] * zoom) + radii * zoom
        margin = 22.0 if scene.cell is not None else 6.0
        self.scale = (_SIZE - 2 * margin) / (2 * float(max(reach_x.max(), reach_y.max())))
        self.half = (float(reach_x.max()) * self.scale + margin, float(reach_y.max()) * self.scale + margin)

    def project(self, points: Array) -> tuple[Array, Array, Array]:
        """Give page coordinates (n, 2), depth (n,) and magnification (n,)."""
        turned = (np.atleast_2d(points) - self._centre) @ self._view.T
        zoom = self._distance / (self._distance - turned[:, 2]) * self.scale
        flat = np.column_stack([self.half[0] + turned[:, 0] * zoom, self.half[1] - turned[:, 1] * zoom])
        return flat, turned[:, 2], zoom

    def level(self, depth: float) -> int:
        """0 for the nearest to `_LEVELS` - 1 for the farthest."""
        span = self._near - self._far
        return 0 if span < 1e-9 else min(max(int((self._near - depth) / span * _LEVELS), 0), _LEVELS - 1)


def _draw(scene: Scene, title: str, description: str, prefix: str) -> Markup:
    camera = _Camera(scene)
    drawn: list[tuple[float, str]] = []
    used: set[tuple[str, int]] = set()
    drawn += _edge_lines(scene, camera)
    drawn += _bond_lines(scene, camera)
    flat, depth, zoom = camera.project(scene.positions)
    for (x, y), z, m, r, mixture in zip(flat, depth, zoom, scene.radii, scene.species, strict=True):
        level = camera.level(float(z))
        used |= {(element, level) for element, _ in mixture}
        drawn.append((float(z), _ball(float(x), float(y), float(m * r), mixture, level, prefix)))
    drawn.sort(key=lambda item: item[0])
    labels = _axis_labels(scene, camera)
    width, height = 2 * camera.half[0], 2 * camera.half[1]
    return Markup(
        f'<svg class="atoms" xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:.1f} {height:.1f}" '
        f'aria-labelledby="{prefix}-t {prefix}-d"><title id="{prefix}-t">{escape(title)}</title>'
        f'<desc id="{prefix}-d">{escape(description)}</desc><defs>{_gradients(used, prefix)}</defs>'
        f"{''.join(text for _, text in drawn)}{''.join(labels)}</svg>"
    )


def _axis_labels(scene: Scene, camera: _Camera) -> list[str]:
    """Names of the cell vectors, each a little beyond the end of its vector or of the atom that sits there."""
    if scene.cell is None:
        return []
    labels = []
    origin = camera.project(np.zeros(3))[0][0]
    for name, vector in zip("abc", scene.cell, strict=True):
        flat, _, zoom = camera.project(vector)
        there = np.linalg.norm(scene.positions - vector, axis=1) < 0.1
        reach = 10.0 + (float(scene.radii[there].max() * zoom[0]) if there.any() else 0.0)
        along = flat[0] - origin
        at = flat[0] + along / (float(np.linalg.norm(along)) or 1.0) * reach
        labels.append(f'<text x="{at[0]:.1f}" y="{at[1] + 4:.1f}" text-anchor="middle">{name}</text>')
    return labels


def _faded(colour: str, level: int) -> tuple[str, str]:
    """Colour for old browsers and its theme-aware form."""
    share = 0.62 * level / (_LEVELS - 1)
    return mixed(colour, _WHITE, share), f"color-mix(in srgb,{colour} {100 * (1 - share):.0f}%,var(--page))"


def _gradients(used: Iterable[tuple[str, int]], prefix: str) -> Markup:
    parts = []
    for element, level in sorted(used):
        stops = []
        for offset, other, share in _SHADES:
            fixed, adaptive = _faded(mixed(element_colour(element), other, share), level)
            stops.append(tag("stop", offset=offset, stop_color=fixed, style=f"stop-color:{adaptive}"))
        name = f"{prefix}-{element}{level}"
        parts.append(tag("radialGradient", *stops, id=name, cx="0.38", cy="0.34", r="0.72"))
    return join(parts)


def _ball(x: float, y: float, r: float, mixture: Mixture, level: int, prefix: str) -> str:
    """One atom; a shared position is cut like a cake, a vacancy left in the page's colour."""
    rim, adaptive = _faded(mixed(element_colour(mixture[0][0]), _BLACK, 0.55), level)
    ring = f'stroke="{rim}" style="stroke:{adaptive}" stroke-width="{max(0.5, min(1.1, r / 14)):.2f}"'
    vacancy = 1.0 - sum(share for _, share in mixture)
    if len(mixture) == 1 and vacancy < 0.02:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="url(#{prefix}-{mixture[0][0]}{level})" {ring}/>'
    text = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="#fff" style="fill:var(--page)"/>'
    turn = 0.0
    for element, share in mixture:
        fill = f"url(#{prefix}-{element}{level})"
        text += f'<path d="{_slice(x, y, r, turn, min(turn + share, 1.0))}" fill="{fill}"/>'
        turn += share
    return text + f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="none" {ring}/>'


def _slice(x: float, y: float, r: float, start: float, end: float) -> str:
    """Path of a sector; angles as parts of a turn, clockwise from the top."""
    end = min(end, start + 0.9999)
    (xa, ya), (xb, yb) = ((x + r * np.sin(2 * np.pi * t), y - r * np.cos(2 * np.pi * t)) for t in (start, end))
    return f"M{x:.1f} {y:.1f}L{xa:.2f} {ya:.2f}A{r:.1f} {r:.1f} 0 {int(end - start > 0.5)} 1 {xb:.2f} {yb:.2f}Z"


def _bond_lines(scene: Scene, camera: _Camera) -> list[tuple[float, str]]:
    """Each bond as a stick with a darker rim, in two halves that sort by their own depth."""
    if not len(scene.bonds):
        return []
    drawn = []
    start, end = scene.positions[scene.bonds[:, 0]], scene.positions[scene.bonds[:, 1]]
    middle = 0.5 * (start + end)
    width = 0.17 * float(np.median(scene.radii))
    for ends, inner in ((start, scene.bonds[:, 0]), (end, scene.bonds[:, 1])):
        along = (middle - ends) / np.linalg.norm(middle - ends, axis=1)[:, None]
        begin = ends + 0.8 * scene.radii[inner][:, None] * along
        p, z1, zoom = camera.project(begin)
        q, z2, _ = camera.project(middle)
        for a, b, depth, m in zip(p, q, 0.5 * (z1 + z2), zoom, strict=True):
            share = 100 * (1 - 0.62 * camera.level(float(depth)) / (_LEVELS - 1))
            line = f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" '
            w = 2 * width * float(m)
            rim = (
                f'class="rim" stroke-width="{w + 1.2:.1f}" style="stroke:color-mix(in srgb,#4a545e {share:.0f}%,var(--page))"/>'
            )
            core = f'class="bond" stroke-width="{w:.1f}" style="stroke:color-mix(in srgb,#9aa4ae {share:.0f}%,var(--page))"/>'
            drawn.append((float(depth), f"{line}{rim}{line}{core}"))
    return drawn


def _edge_lines(scene: Scene, camera: _Camera, pieces: int = 10) -> list[tuple[float, str]]:
    """Cell edges in short pieces, so that atoms can stand in front of a part of an edge."""
    drawn = []
    for a, b in scene.edges:
        steps = np.linspace(0, 1, pieces + 1)[:, None]
        flat, depth, _ = camera.project(a + steps * (b - a))
        for k in range(pieces):
            (x1, y1), (x2, y2) = flat[k], flat[k + 1]
            z = 0.5 * float(depth[k] + depth[k + 1])
            share = 100 * (1 - 0.55 * camera.level(z) / (_LEVELS - 1))
            style = f"stroke:color-mix(in srgb,var(--muted) {share:.0f}%,var(--page))"
            line = (
                f'<line class="edge" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke-width="1" style="{style}"/>'
            )
            drawn.append((z, line))
    return drawn
