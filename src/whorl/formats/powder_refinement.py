"""A refinement of a powder pattern as plain data, for the writers of other programs' files.

Angles are degrees of 2 theta, lengths angstrom, U angstrom^2. A quantity without a sigma was not refined, or is fixed by
symmetry. Widths of the sample are Lorentzian full widths at half maximum: 0.9 lambda / (D cos theta) by size D, and by
strain e 4 e tan(theta), in radians.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import Crystal
from whorl.core.verdict import Quantity

Array = NDArray[np.float64]
#: Scherrer's factor that sizes are stated with
SCHERRER = 0.9


@dataclass(frozen=True)
class RefinedSite:
    """A site of a refined structure; ``multiplicity`` counts its atoms in the cell."""

    label: str
    element: str
    position: tuple[Quantity, Quantity, Quantity]
    occupancy: Quantity
    u_iso: Quantity
    multiplicity: int


@dataclass(frozen=True)
class ReflectionList:
    """Reflections of a phase in order of falling spacing.

    Attributes
    ----------
    hkl : array of int, shape (k, 3)
    multiplicity : array of int, shape (k,)
    spacing : array, shape (k,)
        angstrom
    calculated, observed : array, shape (k,)
        |F|^2 of the cell, electrons^2 or femtometres^2.
    r_intensity : float
        Sum of the differences of observed and calculated intensities over that of the observed ones.
    """

    hkl: NDArray[np.int64]
    multiplicity: NDArray[np.int64]
    spacing: Array
    calculated: Array
    observed: Array
    r_intensity: float


@dataclass(frozen=True)
class RefinedPhase:
    """One phase of a refinement.

    Attributes
    ----------
    name : str
    crystal : Crystal
        As refined.
    cell : tuple of 6 Quantity
        angstrom, degree
    volume : Quantity
        angstrom^3
    sites : tuple of RefinedSite
    formula_units : float
        In the cell.
    mass : float
        Of a formula unit, atomic mass units.
    mass_fraction : Quantity
    scale : float
        Intensity (area per degree) over m L |F|^2 / V^2, with F in electrons or femtometres.
    size, strain : Quantity, optional
        Of the crystallites (angstrom), and relative; ``None``: no broadening.
    remarks : tuple of str
        Texture, distribution of sizes.
    reflections : ReflectionList, optional
    """

    name: str
    crystal: Crystal
    cell: tuple[Quantity, ...]
    volume: Quantity
    sites: tuple[RefinedSite, ...]
    formula_units: float
    mass: float
    mass_fraction: Quantity
    scale: float
    size: Quantity | None = None
    strain: Quantity | None = None
    remarks: tuple[str, ...] = ()
    reflections: ReflectionList | None = None

    @property
    def density(self) -> float:
        """g/cm^3."""
        return self.mass * self.formula_units / self.volume.value * 1.66053907


@dataclass(frozen=True)
class Origin:
    """What was measured and who refined it, with what."""

    name: str
    file: str = ""
    sha256: str = ""
    software: str = "whorl"
    date: str = ""
    command: str = ""
    run: str = ""
    temperature: float | None = None


@dataclass(frozen=True)
class PowderRefinement:
    """A refined powder pattern.

    Attributes
    ----------
    origin : Origin
    phases : tuple of RefinedPhase
    x, observed, sigma, calculated, background : array, shape (n,)
    counts : bool
        The intensities are counts.
    absolute : bool
        Sigma is in the unit of the intensities, so that the expected R factor means something.
    radiation, source, geometry : str
        "x-ray" or "neutron"; "lab", "synchrotron", "reactor"; "bragg-brentano", "debye-scherrer", "transmission".
    lines : tuple of (wavelength, share)
        angstrom
    polarised : float, optional
        Part of the intensity whose electric vector is normal to the plane of scattering; ``None``: that of a tube.
    monochromator : float, optional
        Its 2 theta, degrees.
    radius : float
        Of the goniometer, mm.
    widths : mapping of str to Quantity
        ``u v w``: Gaussian full width squared u tan^2 + v tan + w (degrees^2); ``x y``: Lorentzian x / cos + y tan (degrees).
    shifts : mapping of str to Quantity
        ``zero`` (degrees, added to 2 theta), ``displacement`` (mm: shift -2 s cos(theta) / R), ``transparency`` (mm: -t sin(2
        theta) / (2 R)).
    axial : Quantity
        S/L = H/L.
    slit : float
        Power of sin(theta) that intensities are multiplied with: 0 for a fixed divergence slit, 1 for an automatic one.
    parameters, restraints, constraints : int
    free_intensities : bool
        The intensities are not those of the structure (Pawley).
    remarks : tuple of str
        What else was refined or assumed.
    """

    origin: Origin
    phases: tuple[RefinedPhase, ...]
    x: Array
    observed: Array
    sigma: Array
    calculated: Array
    background: Array
    counts: bool
    absolute: bool
    radiation: str
    source: str
    geometry: str
    lines: tuple[tuple[float, float], ...]
    polarised: float | None
    monochromator: float | None
    radius: float
    widths: Mapping[str, Quantity]
    shifts: Mapping[str, Quantity]
    axial: Quantity
    parameters: int
    restraints: int = 0
    constraints: int = 0
    background_terms: int = 0
    slit: float = 0.0
    free_intensities: bool = False
    remarks: tuple[str, ...] = field(default=())

    @property
    def rp(self) -> float:
        """R_p = sum |y_o - y_c| / sum y_o (Young, The Rietveld Method (1993))."""
        return float(np.abs(self.observed - self.calculated).sum() / np.abs(self.observed).sum())

    @property
    def rwp(self) -> float:
        """R_wp = sqrt(sum w (y_o - y_c)^2 / sum w y_o^2)."""
        weight = self.sigma**-2
        off = weight @ (self.observed - self.calculated) ** 2
        return float(np.sqrt(off / (weight @ self.observed**2)))

    @property
    def rexp(self) -> float | None:
        """R_exp = sqrt((N - P) / sum w y_o^2); ``None`` without absolute uncertainties."""
        if not self.absolute:
            return None
        free = max(self.x.size - self.parameters, 1)
        return float(np.sqrt(free / (self.sigma**-2 @ self.observed**2)))

    @property
    def goodness(self) -> float | None:
        """R_wp / R_exp."""
        expected = self.rexp
        return None if expected is None else self.rwp / expected

    @property
    def step(self) -> float | None:
        """Step of 2 theta, ``None`` where steps differ by more than 1 %."""
        steps = np.diff(self.x)
        middle = float(np.median(steps))
        return middle if float(np.abs(steps - middle).max()) < 0.01 * middle else None
