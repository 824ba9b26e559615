r"""Cylinders with a shell: all around (rod, disk), and a bicelle with another material on the rim than on the faces.

F = sum of cylinders (see `whorl.physics.small_angle.axial`): the core with the contrast core - shell and the whole with shell -
solvent (Livsey, J. Chem. Soc. Faraday Trans. 2 83, 1445 (1987)); a bicelle has the core less the face, the core with both faces
(face - rim), and the whole (rim - solvent) (Singh, PhD thesis, Loughborough (2008), as in sasmodels).
"""

from __future__ import annotations

import numpy as np

from whorl.physics.small_angle.averages import Array, Averages, Size, Sizes
from whorl.physics.small_angle.axial import Dimension, cylinders
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.parts import core, length, shell, solvent
from whorl.physics.small_angle.thinning import averages, over_sizes

SOURCE = "Livsey, J. Chem. Soc. Faraday Trans. 2 83, 1445 (1987), doi:10.1039/F29878301445"


def core_shell_cylinder(
    q: Array, radius: Size, thickness: Size, length: Size, sld_core: float, sld_shell: float, sld_solvent: float
) -> Averages:
    """Averages of cylinders with a shell of one thickness on the rim and both faces.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    radius, thickness, length : float or Sizes
        Radius of the core, thickness of the shell, length of the core, angstrom.
    sld_core, sld_shell, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> round(core_shell_cylinder(np.array([1e-6]), 20.0, 20.0, 400.0, 4.0, 4.0, 1.0).volume, 1)
    2211681.2
    """
    kappa = np.array([[sld_core - sld_shell, 0.0], [0.0, sld_shell - sld_solvent]])

    def kernel(some: Array, values: Array, weights: Array) -> Array:
        walls = zip(values[0], weights, strict=True)
        found = [weight * _rim_and_faces(some, radius, wall, wall, length, kappa) for wall, weight in walls]
        return np.asarray(np.sum(found, axis=0))

    def volumes(values: Array) -> tuple[Array, Array]:
        return _volumes(values[[0, 1, 1, 2]])

    tables = any(isinstance(one, Sizes) for one in (radius, length))
    found = over_sizes(q, kernel, (thickness,), (np.sqrt(2.0),), octaves=1 if tables else 4)
    return averages(found, (radius, thickness, length), volumes)


def core_shell_bicelle(
    q: Array,
    radius: Size,
    thick_rim: Size,
    thick_face: Size,
    length: Size,
    sld_core: float,
    sld_face: float,
    sld_rim: float,
    sld_solvent: float,
) -> Averages:
    """Averages of cylinders with one shell on the faces and another around the rim; arguments as `core_shell_cylinder`."""
    kappa = np.array([[sld_core - sld_face, sld_face - sld_rim], [0.0, sld_rim - sld_solvent]])
    found = _rim_and_faces(q, radius, thick_rim, thick_face, length, kappa)
    return averages(found, (radius, thick_rim, thick_face, length), _volumes)


def _rim_and_faces(q: Array, radius: Size, rim: Size, face: Size, length: Size, kappa: Array) -> Array:
    """Average amplitude and its square, shape (2, n): the radius grows by the rim, the length by two faces."""
    across = Dimension((radius, rim), (1.0, 1.0), lambda values: np.stack([values[0], values[0] + values[1]]))
    along = Dimension((length, face), (0.5, 1.0), lambda values: np.stack([values[0], values[0] + 2 * values[1]]))
    return cylinders(q, across, along, kappa)


def _volumes(values: Array) -> tuple[Array, Array]:
    """Volumes for combinations of radius, rim, face and length."""
    radii, rims, faces, lengths = values
    volume = np.pi * (radii + rims) ** 2 * (lengths + 2 * faces)
    return volume, volume


MODELS = (
    Model(
        "core_shell_cylinder",
        "cylinder with a shell",
        "rod",
        core_shell_cylinder,
        (
            core("sld_core", 4.0),
            shell("sld_shell", 4.0),
            solvent(1.0),
            length("radius", 20.0, (8, 2000), "of the core"),
            length("thickness", 20.0, (5, 150), "of the shell"),
            length("length", 400.0, (8, 6000), "of the core", limits=(0.1, 1e6)),
        ),
        SOURCE,
        candidate=False,
    ),
    Model(
        "core_shell_rod",
        "rod with a shell",
        "rod",
        core_shell_cylinder,
        (
            core("sld_core", 4.0),
            shell("sld_shell", 2.5),
            solvent(1.0),
            length("radius", 20.0, (8, 250), "of the core"),
            length("thickness", 20.0, (5, 100), "of the shell", within=("radius", 0.15, 2.0)),
            length("length", 400.0, (40, 6000), "of the core", within=("radius", 5.0, 100.0), limits=(0.1, 1e6)),
        ),
        SOURCE,
    ),
    Model(
        "core_shell_disk",
        "disk with a shell",
        "disk",
        core_shell_cylinder,
        (
            core("sld_core", 4.0),
            shell("sld_shell", 2.5),
            solvent(1.0),
            length("radius", 200.0, (30, 2000), "of the core"),
            length("length", 20.0, (8, 400), "thickness of the core", within=("radius", 0.02, 0.8)),
            length("thickness", 10.0, (5, 100), "of the shell", within=("length", 0.15, 3.0)),
        ),
        SOURCE,
    ),
    Model(
        "core_shell_bicelle",
        "bicelle: a disk with other material on the rim than on the faces",
        "disk",
        core_shell_bicelle,
        (
            core("sld_core", 1.0),
            shell("sld_face", 4.0, "of the faces"),
            shell("sld_rim", 4.0, "of the rim"),
            solvent(1.0),
            length("radius", 80.0, (30, 1000), "of the core"),
            length("thick_rim", 10.0, (5, 100), "of the rim"),
            length("thick_face", 10.0, (5, 100), "of the faces"),
            length("length", 50.0, (8, 400), "thickness of the core", within=("radius", 0.02, 1.0)),
        ),
        "Singh, PhD thesis, Loughborough University (2008), as in sasmodels",
        candidate=False,
    ),
)
