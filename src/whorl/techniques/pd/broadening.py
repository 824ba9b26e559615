r"""What the sample adds to the width of peaks: crystallite size, one or a distribution of them, and strain.

In radians of 2 theta: size K lambda / (D cos theta), with K = 0.9 and D the volume-weighted size along the diffraction vector
(Scherrer), and strain 4 e tan theta (Stokes & Wilson, Proc. Phys. Soc. 56, 174 (1944)); both Lorentzian. A lognormal
distribution of spheres has a Gaussian and a Lorentzian part (`whorl.physics.size_broadening`), and D is then the
volume-weighted column length D_V, without a factor K.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.fitting.problem import Parameter
from whorl.physics.size_broadening import WIDEST, lognormal_widths

Array = NDArray[np.float64]

SCHERRER = 0.9
#: 1 / size, 1/angstrom: from bulk to a particle of two cells
_INVERSE_SIZE = (0.0, 0.1)
_STRAIN = (0.0, 0.05)
#: standard deviation of the diameters over their mean: start, centre and spread of the prior
_SPREAD = (0.3, 0.35, 0.2)


@dataclass(frozen=True)
class Widths:
    """Widths that the sample adds at k angles, degrees.

    Attributes
    ----------
    lorentz : array, shape (k,)
        Full width at half maximum of the Lorentzian part.
    gauss2 : array, shape (k,)
        Square of that of the Gaussian part.
    d_lorentz, d_gauss2 : array, shape (q, k)
        By the parameters of `SampleBroadening`.
    """

    lorentz: Array
    gauss2: Array
    d_lorentz: Array
    d_gauss2: Array


class SampleBroadening:
    """Parameters of a sample's broadening and the widths they give.

    Parameters
    ----------
    size, strain : bool
        What there is of both.
    lognormal : bool
        Spheres whose diameters differ, instead of one size.
    start : float
        Start of the inverse size, 1/angstrom.

    Attributes
    ----------
    parameters : tuple of Parameter
    """

    def __init__(self, *, size: bool, strain: bool, lognormal: bool = False, start: float = 1e-3) -> None:
        self.lognormal = size and lognormal
        found = []
        if size:
            found.append(Parameter("inverse_size", float(np.clip(start, 1e-5, 0.05)), *_INVERSE_SIZE, "1/angstrom"))
        if self.lognormal:
            begin, mean, spread = _SPREAD
            found.append(Parameter("size_spread", begin, 0.0, WIDEST, "1", mean, spread))
        if strain:
            found.append(Parameter("strain", 0.0001, *_STRAIN, "1"))
        self.parameters = tuple(found)
        self._row = {p.name: i for i, p in enumerate(found)}

    def widths(self, values: Array, wavelength: float, theta: Array) -> Widths:
        """Widths at Bragg angles.

        Parameters
        ----------
        values : array, shape (q,)
        wavelength : float
            angstrom
        theta : array, shape (k,)
            radians
        """
        zero = np.zeros_like(theta)
        lorentz, gauss2 = zero, zero
        d_lorentz, d_gauss2 = np.zeros((len(values), theta.size)), np.zeros((len(values), theta.size))
        if "inverse_size" in self._row:
            row = self._row["inverse_size"]
            inverse, unit = float(values[row]), np.degrees(wavelength / np.cos(theta))
            if self.lognormal:
                spread_row = self._row["size_spread"]
                g, w, g_slope, w_slope = lognormal_widths(float(values[spread_row]))
                lorentz, gauss2 = unit * w * inverse, (unit * g * inverse) ** 2
                d_lorentz[row], d_lorentz[spread_row] = unit * w, unit * w_slope * inverse
                d_gauss2[row], d_gauss2[spread_row] = 2 * inverse * (unit * g) ** 2, 2 * g * g_slope * (unit * inverse) ** 2
            else:
                lorentz = SCHERRER * unit * inverse
                d_lorentz[row] = SCHERRER * unit
        if "strain" in self._row:
            row = self._row["strain"]
            d_lorentz[row] = np.degrees(4 * np.tan(theta))
            lorentz = lorentz + d_lorentz[row] * float(values[row])
        return Widths(lorentz, gauss2, d_lorentz, d_gauss2)
