"""fcc and hcp with planar faults: singly twinned octahedra and stacks of close-packed layers with declared stacking.

A layer is h when both its neighbours have the same letter and c when they differ: fcc is all c, hcp all h. In fcc one h is a
twin, two neighbouring h an intrinsic fault, two h with one c between an extrinsic fault; in hcp one c is a growth fault, two
neighbouring c a deformation fault (F. C. Frank, Philos. Mag. 42, 809, 1951, doi:10.1080/14786445108561310). Regular
mixtures: dhcp (hc), 9R or samarium type (hhc). Random stacks draw each layer with a given share of h.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from whorl.catalogues.geometry import LAYER_SPACING, Array, cut_sphere, letters, stacked_layers
from whorl.catalogues.shapes.octahedra import octahedron
from whorl.catalogues.shapes.shape import LARGEST, Shape

#: fault in the middle of the host: name, family, word of the fault, host sign
FAULTS = (
    ("fcc twin", "twinned fcc", "h", "c"),
    ("fcc intrinsic fault", "stacking fault", "hh", "c"),
    ("fcc extrinsic fault", "stacking fault", "hch", "c"),
    ("fcc two twins", "twinned fcc", "hcch", "c"),
    ("fcc three twins", "twinned fcc", "hccchccch", "c"),
    ("hcp growth fault", "stacking fault", "c", "h"),
    ("hcp deformation fault", "stacking fault", "cc", "h"),
    ("hcp two growth faults", "stacking fault", "chhhc", "h"),
)
#: regular stackings: name, repeated word
POLYTYPES = (("dhcp", "hc"), ("9R", "hhc"), ("fcc with a twin every three layers", "hcc"))
#: diameters of the spherical stacks in bond lengths
DIAMETERS = (3.0, 3.8, 4.6, 5.4, 6.2, 7.2, 8.2, 9.2, 10.2)
#: seed of the random stackings, part of their keys
SEED = 20240


def twinned_octahedron(length: int, cut: int, below: int = 0) -> Array:
    """Join one half of a (truncated) octahedron, cut along a {111} plane, to its mirror image, bond length 1.

    Parameters
    ----------
    length, cut : int
        As in `octahedra.octahedron`.
    below : int
        The twin plane is this many {111} layers below the one nearest to the centre.

    Returns
    -------
    array, shape (n, 3)

    Examples
    --------
    >>> len(twinned_octahedron(3, 1)), len(twinned_octahedron(4, 1))
    (13, 50)
    """
    points = octahedron(length, cut)
    normal = np.ones(3) / np.sqrt(3.0)
    height = points @ normal
    order = np.sort(height)
    levels = order[np.concatenate([[True], np.diff(order) > 1e-4])]
    plane = levels[max(0, int(np.argmin(np.abs(levels + 1e-3))) - below)]
    upper = points[height > plane - 1e-4]
    above = upper[upper @ normal > plane + 1e-4]
    mirrored = above - 2 * (above @ normal - plane)[:, None] * normal
    return np.concatenate([upper, mirrored])


def fault_word(fault: str, host: str, layers: int) -> str:
    """Word of ``layers`` - 2 signs with ``fault`` in its middle.

    Examples
    --------
    >>> fault_word("hh", "c", 10)
    'ccchhccc'
    """
    left = (layers - 2 - len(fault)) // 2
    return host * left + fault + host * (layers - 2 - len(fault) - left)


def stack(word: str, diameter: float, origin: tuple[float, float] = (0.0, 0.0)) -> Array:
    """Sphere of the given diameter cut from the stack of a word of h and c."""
    return cut_sphere(stacked_layers(letters(word), diameter / 2, origin), diameter / 2)


def shapes() -> Iterator[Shape]:
    """Twinned octahedra, spherical stacks with one declared fault, polytypes and random stacks."""
    for length in range(3, 16):
        for cut in range((length - 1) // 2 + 1):
            for below in (0, 1):
                points = twinned_octahedron(length, cut, below)
                if len(points) <= LARGEST and (len(points) <= 300 or (not below and cut >= length // 4)):
                    key = f"twinned-octahedron-{length}-{cut}-{below}"
                    name = f"twinned octahedron {length}-{cut}" + (", long" if below else "")
                    yield Shape(key, name, "twinned fcc", points)
    for diameter in DIAMETERS:
        layers = 2 * int(diameter / 2 / LAYER_SPACING) + 1
        for name, family, fault, host in FAULTS:
            count = layers if (layers - len(fault)) % 2 == 0 else layers + 1
            if len(fault) <= count - 2 and len(fault) < layers:
                yield _sphere(name, family, fault_word(fault, host, count), diameter)
        for name, unit in POLYTYPES:
            yield _sphere(name, "stacking fault", (unit * layers)[: layers - 2], diameter)
        if layers > 5:
            for share in (0.25, 0.5, 0.75):
                rng = np.random.default_rng([SEED, round(100 * share), round(10 * diameter)])
                word = "".join("h" if x < share else "c" for x in rng.random(layers - 2))
                yield _sphere(f"random stacking, {share:.0%} hexagonal", "stacking fault", word, diameter)


def _sphere(name: str, family: str, word: str, diameter: float) -> Shape:
    key = f"{name.replace(' ', '-').replace(',', '').replace('%', '')}-{diameter:g}"
    return Shape(key, f"{name}, diameter {diameter:g}, {letters(word)}", family, stack(word, diameter))
