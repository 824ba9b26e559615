r"""What a particle model gives: averages of its amplitude over orientations and sizes, from which intensities are made.

Conventions, those of sasmodels, so that numbers compare: lengths in angstrom, q = (4 pi / lambda) sin(theta) in 1/angstrom,
scattering length densities (sld) in 1e-6/angstrom^2, intensity in 1/cm. The amplitude F(q) = sum_k (rho_k - rho_k') V_k f_k(q)
of a particle is in 1e-6/angstrom^2 times angstrom^3, and for particles of volume V that fill a part phi of the sample

.. math::
    I(q) = 10^{-4} \frac{\phi}{\langle V \rangle} \langle F^2 \rangle

(10^{-12} of the sld squared times 10^8 angstrom in a cm). With a structure factor S(q), and the decoupling of Kotlarchyk & Chen
(J. Chem. Phys. 79, 2461 (1983), doi:10.1063/1.446055), the right side is multiplied by 1 + beta (S - 1) with
beta = <F>^2 / <F^2>.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: from (1e-6/angstrom^2)^2 angstrom^3 to 1/cm
TO_CM = 1e-4


class Sizes(NamedTuple):
    """A distribution of one length over particles: sizes, shape (k,), angstrom, and their number weights, shape (k,), sum 1."""

    values: Array
    weights: Array

    def mean(self, power: float = 1.0) -> float:
        """Moment <size^power>.

        Examples
        --------
        >>> Sizes(np.array([10.0, 20.0]), np.array([0.5, 0.5])).mean(2)
        250.0
        """
        return float(self.weights @ self.values**power)


#: a length: one for all particles, or a distribution
Size = float | Sizes


class Averages(NamedTuple):
    """Averages over orientations and sizes of one kind of particle.

    Attributes
    ----------
    f, f2 : array, shape (n,)
        <F> and <F^2>, in 1e-6/angstrom^2 angstrom^3 and its square; F is the amplitude of one orientation and one size.
    volume : float
        Mean volume that ``scale`` (the volume fraction) refers to, angstrom^3: of the material; of shells, without the hollow.
    radius : float
        Radius of a sphere that keeps others as far off, for structure factors, angstrom: of the sphere of the same outer
        volume, if nothing better is known.
    """

    f: Array
    f2: Array
    volume: float
    radius: float

    @property
    def intensity(self) -> Array:
        """Intensity at a volume fraction of 1, without interaction, 1/cm, shape (n,)."""
        return np.asarray(TO_CM * self.f2 / self.volume)

    @property
    def beta(self) -> Array:
        """<F>^2 / <F^2>, shape (n,): between 0 and 1."""
        return np.asarray(np.divide(self.f**2, self.f2, out=np.ones_like(self.f2), where=self.f2 > 0))


def as_sizes(size: Size) -> Sizes:
    """Write a single length as a distribution of one."""
    return size if isinstance(size, Sizes) else Sizes(np.array([float(size)]), np.ones(1))
