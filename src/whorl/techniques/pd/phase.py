r"""A crystal as a phase of a powder pattern: its reflections as peaks, with derivatives by everything that may vary.

The area of reflection h at unit scale is m_h L_h P_h |F_h|^2 / V^2, with multiplicity m, Lorentz and polarisation factors L,
texture P and volume V of the cell. That is the intensity of a unit volume, so that scales are volume shares and weights follow
with the densities, the rule of Hill & Howard (J. Appl. Cryst. 20, 467 (1987), doi:10.1107/S0021889887086199).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import StructureError, UsageError
from whorl.core.hypothesis import Crystal
from whorl.fitting.problem import Parameter
from whorl.physics import structure_factors as sf
from whorl.physics import symmetry
from whorl.physics.anomalous import anomalous
from whorl.physics.form_factors import is_tabulated, neutron, xray
from whorl.physics.powder_corrections import (
    cos2_to_axis,
    cylinder_absorption,
    lorentz_polarisation,
    march_dollase,
    texture_harmonics,
)
from whorl.physics.reflections import Reflections, inverse_d2, inverse_d2_derivatives, reflections
from whorl.techniques.crystal_freedom import Freedom, site_labels
from whorl.techniques.pd.broadening import SCHERRER, SampleBroadening
from whorl.techniques.pd.instrument import PdInstrument

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: U_iso of an atom nothing is said of, angstrom^2, its limits and the spread of its logarithm
U_START, U_LIMITS, U_SPREAD = 0.008, (0.0005, 0.15), 0.7
_MARCH = (0.3, 3.0)
_EMPTY = 1e-4  # least occupancy
_HARMONIC_SPREAD, _HARMONIC_REACH = 0.25, 1.5
#: how much smaller spacings may become in a refinement
_SHRINK = 0.97


@dataclass(frozen=True)
class PhaseOptions:
    """What of a phase varies.

    Attributes
    ----------
    positions : bool
    displacements : {"none", "overall", "element", "site"}
    occupancies : tuple of str
        Labels of the sites whose occupancies vary.
    size, strain : bool
    lognormal : bool
        Crystallites are spheres of different sizes.
    march : tuple of 3 int, optional
        Planes that lie flat, for March-Dollase texture.
    harmonics : int
        Highest order of spherical harmonics of the texture; 0: none.
    prefix : str
        Of the parameters' names.
    """

    positions: bool = False
    displacements: str = "overall"
    occupancies: tuple[str, ...] = ()
    size: bool = True
    strain: bool = False
    lognormal: bool = False
    march: tuple[int, int, int] | None = None
    harmonics: int = 0
    prefix: str = ""


@dataclass(frozen=True)
class Peaks:
    """Peaks of a phase, one for each spectral line of each set of reflections that always coincide.

    Attributes
    ----------
    two_theta, area : array, shape (k,)
        degrees; area at unit scale.
    lorentz, gauss2 : array, shape (k,)
        Lorentzian width of the sample, degrees, and square of the Gaussian one.
    d_two_theta, d_area, d_lorentz, d_gauss2 : array, shape (p, k)
    """

    two_theta: Array
    area: Array
    lorentz: Array
    gauss2: Array
    d_two_theta: Array
    d_area: Array
    d_lorentz: Array
    d_gauss2: Array


class PowderPhase:
    """A crystal whose cell, coordinates, displacements, size, strain and texture may vary.

    Parameters
    ----------
    crystal : Crystal
    instrument : PdInstrument
    two_theta : (low, high)
        Range of the pattern, degrees.
    options : PhaseOptions
    zoom : float
        Start of the lengths of the cell, relative to the crystal's.
    broadening : float
        Start of the Lorentzian width by small size, degrees.

    Attributes
    ----------
    reflections : Reflections
    starts : array of int
        First of each set of reflections that always coincide; each set is one peak of each spectral line.

    Raises
    ------
    StructureError
        If no reflection lies in the range, or an element's scattering is not tabulated.
    """

    def __init__(
        self,
        crystal: Crystal,
        instrument: PdInstrument,
        two_theta: tuple[float, float],
        options: PhaseOptions | None = None,
        *,
        zoom: float = 1.0,
        broadening: float = 0.03,
    ) -> None:
        self._broadening = broadening
        self.options = options = options or PhaseOptions()
        self.crystal, self.instrument = crystal, instrument
        self._free = Freedom(crystal, positions=options.positions, zoom=zoom)
        for element in sorted(crystal.elements):
            if not is_tabulated(element, instrument.radiation):
                raise StructureError(
                    f"the scattering of {element} for {instrument.radiation} is not tabulated",
                    where=crystal.name,
                    remedy="Leave the element out or use the other radiation.",
                )
        shortest = min(wavelength for wavelength, _ in instrument.lines)
        d_min = _SHRINK * min(zoom, 1.0) * shortest / 2 / np.sin(np.radians(min(two_theta[1] + 1.0, 179.0)) / 2)
        rotations, translations = crystal.symmetry
        metric = symmetry.metric_tensor(self._free.cell)
        found = reflections(metric, rotations, translations, d_min)
        d_max = 1.03 * max(zoom, 1.0) * shortest / 2 / np.sin(np.radians(max(two_theta[0] - 2.0, 0.2)) / 2)
        near = inverse_d2(found.hkl, metric) > 1 / d_max**2
        if not np.any(near):
            raise StructureError(
                "no reflection lies in the range of the pattern",
                where=crystal.name,
                remedy="Check the cell and the wavelength.",
            )
        self.reflections = Reflections(found.hkl[near], found.multiplicity[near])
        self.starts = self._coinciding(metric)
        expansion = crystal.expansion
        self._atoms = sf.without_centring(expansion.position, expansion.site, expansion.rotation, rotations, translations)
        self._keep = self._free.independent()
        self._elements = [s.element for s in crystal.sites]
        self._occupancy = np.array([s.occupancy for s in crystal.sites])
        labels = site_labels(crystal.sites)
        missing = [name for name in options.occupancies if name not in labels]
        if missing:
            raise UsageError(f"there is no site {missing[0]!r}", where=crystal.name, remedy=f"Sites are {', '.join(labels)}.")
        self._occupied = np.array([labels.index(name) for name in options.occupancies], dtype=np.int64)
        self._u0 = np.array([s.u_iso or U_START for s in crystal.sites])
        self._fixed_geometry: sf.Geometry | None = None
        self._textures(rotations, metric)
        self.parameters = tuple(self._parameters())
        self._index = {p.name: i for i, p in enumerate(self.parameters)}

    def _coinciding(self, metric: Array) -> Index:
        """Order the reflections so that those which always coincide follow each other; starts of the sets."""
        hkl = self.reflections.hkl
        rng = np.random.default_rng(5)
        keys = []
        for _ in range(2):
            cell = self._free.cell.copy()
            free = self._free.cell_matrix
            lengths = np.array([name in ("a", "b", "c") for name in self._free.cell_names])
            scale = np.where(lengths, 0.02 * cell.max(), 1.0)
            cell = cell + free @ (rng.uniform(-1, 1, len(lengths)) * scale)
            keys.append(np.round(inverse_d2(hkl, symmetry.metric_tensor(cell)), 9))
        order = np.lexsort((keys[1], keys[0], inverse_d2(hkl, metric).round(9)))
        self.reflections = Reflections(hkl[order], self.reflections.multiplicity[order])
        one, two = keys[0][order], keys[1][order]
        new = np.concatenate([[True], (np.abs(np.diff(one)) > 2e-9) | (np.abs(np.diff(two)) > 2e-9)])
        return np.flatnonzero(new)

    @property
    def indices(self) -> NDArray[np.int64]:
        """Hkl of the peaks of one spectral line, one of each set that coincides, shape (k, 3)."""
        return np.asarray(self.reflections.hkl[self.starts])

    def _textures(self, rotations: Array, metric: Array) -> None:
        hkl, o = self.reflections.hkl, self.options
        self._cos2 = None if o.march is None else cos2_to_axis(hkl, np.array(o.march), rotations, metric)
        self._harmonics = texture_harmonics(hkl, rotations, metric, o.harmonics) if o.harmonics else np.zeros((0, len(hkl)))

    def _parameters(self) -> list[Parameter]:
        o = self.options
        out = [*self._free.cell_parameters(), *self._free.position_parameters(self._keep)]
        self._first_u = len(out)
        mean = float(np.average(self._u0))
        if o.displacements == "overall":
            groups, names, starts = np.zeros(len(self._u0), dtype=np.int64), ["U"], [mean]
        elif o.displacements == "element":
            names = list(dict.fromkeys(self._elements))
            groups = np.array([names.index(e) for e in self._elements])
            starts = [float(np.mean(self._u0[groups == g])) for g in range(len(names))]
            names = [f"U_{n}" for n in names]
        elif o.displacements == "site":
            groups, names = np.arange(len(self._u0)), [f"U_{n}" for n in site_labels(self.crystal.sites)]
            starts = [float(u) for u in self._u0]
        else:
            groups, names, starts = np.zeros(len(self._u0), dtype=np.int64), [], []
        self._u_group = groups
        for name, value in zip(names, starts, strict=True):
            u = float(np.clip(value, U_LIMITS[0] * 1.01, U_LIMITS[1] * 0.99))
            out.append(Parameter(name, u, *U_LIMITS, "angstrom^2", u, U_SPREAD * max(u, 0.004)))
        self._first_occupancy = len(out)
        for name, site in zip(o.occupancies, self._occupied, strict=True):
            value = float(self._occupancy[site])
            out.append(Parameter(f"occ_{name}", max(value, _EMPTY), _EMPTY, max(1.0, value)))
        start = float(np.radians(self._broadening) / SCHERRER / self.instrument.wavelength)
        self._broadenings = SampleBroadening(size=o.size, strain=o.strain, lognormal=o.lognormal, start=start)
        self._width_rows = slice(len(out), len(out) + len(self._broadenings.parameters))
        out += self._broadenings.parameters
        if o.march is not None:
            out.append(Parameter("march", 1.0, *_MARCH, "1", 1.0, 0.25))
        reach, spread = _HARMONIC_REACH, _HARMONIC_SPREAD
        out += [Parameter(f"texture_{j + 1}", 0.0, -reach, reach, "1", 0.0, spread) for j in range(len(self._harmonics))]
        return out

    def _cell(self, values: Array) -> Array:
        return self._free.cell_at(values[: len(self._free.cell_names)])

    def _u(self, values: Array) -> Array:
        count = int(self._u_group.max()) + 1 if self.options.displacements != "none" else 0
        if not count:
            return self._u0
        return np.asarray(values[self._first_u : self._first_u + count])[self._u_group]

    def _occupancies(self, values: Array) -> Array:
        if not self._occupied.size:
            return self._occupancy
        found = self._occupancy.copy()
        found[self._occupied] = values[self._first_occupancy : self._first_occupancy + self._occupied.size]
        return found

    def _geometry(self, values: Array) -> sf.Geometry:
        if self._keep.size == 0:
            if self._fixed_geometry is None:
                self._fixed_geometry = sf.geometry(self.reflections.hkl, self._atoms, len(self._u0))
            return self._fixed_geometry
        nc = len(self._free.cell_names)
        shift = values[nc : nc + self._keep.size] - self._free.origin[self._keep]
        moves = np.zeros((len(self._u0), 3))
        np.add.at(moves, self._free.site_of[self._keep], shift[:, None] * self._free.directions[self._keep])
        position = self._atoms.position + np.einsum("kij,kj->ki", self._atoms.rotation, moves[self._atoms.site])
        atoms = sf.Atoms(position, self._atoms.site, self._atoms.rotation, self._atoms.centring)
        directions, of = self._free.directions[self._keep], self._free.site_of[self._keep]
        return sf.geometry(self.reflections.hkl, atoms, len(self._u0), directions=directions, of=of)

    def _factors(self, s2: Array) -> NDArray[np.complex128]:
        q = 4 * np.pi * np.sqrt(s2)
        found: dict[str, NDArray[np.complex128]] = {}
        for element in dict.fromkeys(self._elements):
            if self.instrument.radiation == "neutron":
                found[element] = np.full(s2.shape, neutron(element), dtype=np.complex128)
            else:
                found[element] = np.asarray(xray(element, q) + anomalous(element, self.instrument.wavelength))
        return np.array([found[e] for e in self._elements])

    def peaks(self, values: Array, *, slopes: bool = True) -> Peaks:
        """Peaks at ``values`` (p,), and their derivatives (arrays of no rows without ``slopes``)."""
        cell = self._cell(values)
        metric = symmetry.metric_tensor(cell)
        hkl = self.reflections.hkl
        inverse = inverse_d2(hkl, metric)
        occupancy, u = self._occupancies(values), self._u(values)
        found = sf.intensities(self._geometry(values), self._factors(inverse / 4), occupancy, u, inverse / 4, slopes=slopes)
        volume2 = float(np.linalg.det(metric))
        unit = self.reflections.multiplicity / volume2
        texture, texture_slopes = self._texture(values)
        area = found.value * unit * texture
        nc, count = len(self._free.cell_names), len(self.parameters)
        d_area = np.zeros((count if slopes else 0, len(area)))
        if slopes:
            d_area[nc : nc + self._keep.size] = found.by_coordinate * (unit * texture)
            if self.options.displacements != "none":
                for site, group in enumerate(self._u_group):
                    d_area[self._first_u + group] += found.by_u[site] * (unit * texture)
            for row, site in enumerate(self._occupied, self._first_occupancy):
                d_area[row] = found.by_occupancy[site] * (unit * texture)
            first = count - len(texture_slopes)
            d_area[first:] = texture_slopes * (found.value * unit)
            by_cell = self._free.metric_slopes(cell)
            d_area[:nc] -= np.einsum("ij,fji->f", np.linalg.inv(metric), by_cell)[:, None] * area
        starts = self.starts
        inverse = inverse[starts]
        area = np.add.reduceat(area, starts)
        d_area = np.add.reduceat(d_area, starts, axis=1) if slopes else d_area[:, : len(starts)]
        return self._lines(values, inverse, area, d_area, metric, slopes=slopes)

    def _texture(self, values: Array) -> tuple[Array | float, Array]:
        """Texture factor of the reflections, and its derivatives (the last parameters of the phase)."""
        count = len(self._harmonics)
        rows = []
        factor: Array | float = 1.0
        if self._cos2 is not None:
            factor, slope = march_dollase(self._cos2, float(values[self._index["march"]]))
            rows.append(slope)
        if count:
            raw = 1 + values[-count:] @ self._harmonics
            inside = raw > 0.02  # a density is not negative
            more = np.where(inside, raw, 0.02)
            rows = [row * more for row in rows] + list(self._harmonics * inside * factor)
            factor = factor * more
        return factor, np.array(rows).reshape(len(rows), len(self.reflections.hkl))

    def _lines(self, values: Array, inverse: Array, area: Array, d_area: Array, metric: Array, *, slopes: bool) -> Peaks:
        """One peak for each spectral line, with position, Lorentz factor and broadening."""
        nc = len(self._free.cell_names)
        by_cell = None
        if slopes:
            cell_slopes = self._free.metric_slopes(self._cell(values))
            by_cell = inverse_d2_derivatives(self.reflections.hkl[self.starts], metric, cell_slopes)
        parts = []
        for wavelength, share in self.instrument.lines:
            sine = np.sqrt(inverse) * wavelength / 2
            seen = sine < 0.9998  # 177.7 degrees
            sine = np.where(seen, sine, 0.5)
            theta = np.arcsin(sine)
            two_theta = np.degrees(2 * theta)
            strength = np.where(seen, share * self._angular(two_theta), 0.0)
            widths = self._broadenings.widths(values[self._width_rows], wavelength, theta)
            d_two_theta, d_lorentz, d_gauss2 = (np.zeros_like(d_area) for _ in range(3))
            if by_cell is not None:
                d_two_theta[:nc] = np.degrees(np.tan(theta) / inverse) * by_cell
                d_lorentz[self._width_rows], d_gauss2[self._width_rows] = widths.d_lorentz, widths.d_gauss2
            given = two_theta, area * strength, widths.lorentz, widths.gauss2
            parts.append((*given, d_two_theta, d_area * strength, d_lorentz, d_gauss2))
        return Peaks(*(np.concatenate(column, axis=-1) for column in zip(*parts, strict=True)))

    def _angular(self, two_theta: Array) -> Array:
        i = self.instrument
        factor = lorentz_polarisation(
            two_theta, monochromator=i.monochromator, polarised=i.polarised, neutron=i.radiation == "neutron"
        )
        if i.mu_r > 0:
            factor = factor * cylinder_absorption(two_theta, i.mu_r)
        return factor

    def volume(self, values: Array) -> float:
        """Volume of the cell, angstrom^3."""
        return float(np.sqrt(np.linalg.det(symmetry.metric_tensor(self._cell(values)))))

    def refined(self, values: Array) -> Crystal:
        """The crystal with refined cell, coordinates and displacement parameters."""
        nc = len(self._free.cell_names)
        free = np.zeros(len(self._free.origin))
        free[self._keep] = values[nc : nc + self._keep.size] - self._free.origin[self._keep]
        moved = self._free.moved(self._cell(values), free, [float(u) for u in self._u(values)])
        if not self._occupied.size:
            return moved
        shares = self._occupancies(values)
        return replace(moved, sites=tuple(replace(s, occupancy=float(o)) for s, o in zip(moved.sites, shares, strict=True)))
