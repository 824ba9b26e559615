"""A fit of a powder pattern as plain data for other programs, and the files made of it.

Standard uncertainties of what a crystal shows (all six cell parameters, its volume, coordinates) follow from the covariance of
what was refined: derivatives of the refined crystal by the parameters, taken as differences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.hypothesis import Crystal, element_counts
from whorl.core.verdict import Quantity
from whorl.fitting.problem import Fit
from whorl.formats.gsas2_write import gsas2_files
from whorl.formats.pdcif_write import pdcif_text
from whorl.formats.powder_refinement import Origin, PowderRefinement, RefinedPhase, RefinedSite
from whorl.formats.topas_write import topas_files
from whorl.techniques.crystal_freedom import site_labels
from whorl.techniques.pd.explain import findings
from whorl.techniques.pd.instrument import WIDTHS
from whorl.techniques.pd.pawley import PawleyProblem
from whorl.techniques.pd.reflection_list import reflection_list
from whorl.techniques.pd.residual import PdProblem, model_of

Array = NDArray[np.float64]

_SHIFTS = {"zero": "degree", "displacement": "mm", "transparency": "mm"}
_UNITS = {"u": "degree^2", "v": "degree^2", "w": "degree^2", "x": "degree", "y": "degree"}
_CELL_UNITS = ("angstrom",) * 3 + ("degree",) * 3
#: size above which crystallites do not broaden peaks, angstrom
_LARGEST = 1e5
#: step of a parameter for the derivatives, in its standard uncertainties
_STEP = 0.05


def files(fit: Fit, origin: Origin, stem: str, *, restraints: int = 0) -> dict[str, str]:
    """Files of a refinement for journals and other programs.

    Parameters
    ----------
    fit : Fit
    origin : Origin
    stem : str
        Start of the names.
    restraints : int
        Quantities known beside the data that took part in the fit.

    Returns
    -------
    dict of str to str
        Path within the folder and text: ``STEM.cif``, ``gsas2/...`` and ``topas/...``.

    Examples
    --------
    >>> from whorl.techniques.pd.simulate import simulate
    >>> from whorl.techniques.pd.technique import PD
    >>> from whorl.fitting.solve import solve
    >>> from whorl.core.hypothesis import Site
    >>> ni = Crystal("Ni", cell=(3.524, 3.524, 3.524, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),))
    >>> problem, first = PD.trials(PD.prepare(simulate(ni)), [ni])[0]
    >>> found = files(solve(problem, start=first, max_iterations=2), Origin("test"), "a")
    >>> sorted(found)
    ['a.cif', 'gsas2/a-1.cif', 'gsas2/a.instprm', 'gsas2/a.py', 'gsas2/a.xye', 'topas/a.inp', 'topas/a.xye']
    """
    refinement = replace(refined(fit, origin), restraints=restraints)
    found = {f"{stem}.cif": pdcif_text(refinement)}
    for folder, made in (("gsas2", gsas2_files(refinement, stem)), ("topas", topas_files(refinement, stem))):
        found |= {f"{folder}/{name}": text for name, text in made.items()}
    return found


def refined(fit: Fit, origin: Origin) -> PowderRefinement:
    """Put a fit into plain data (see `whorl.formats.powder_refinement`)."""
    problem = model_of(fit)
    i = problem.instrument
    told = findings(fit, leftover=False)
    quantities = told.parameters
    shown = [_crystal_values(c) for c in problem.structures(fit.values)]
    sigmas = _sigmas(problem, fit, shown)
    phases = []
    for number, (crystal, values, sigma) in enumerate(zip(problem.structures(fit.values), shown, sigmas, strict=True)):
        fraction = told.phases[number].weight_fraction
        scale = float(fit.factors[number]) if not isinstance(problem, PawleyProblem) else 1.0
        phase = _phase(problem, number, crystal, (values, sigma), fraction, scale, quantities)
        if not isinstance(problem, PawleyProblem) and scale > 0:
            phase = replace(phase, reflections=reflection_list(fit, number))
        phases.append(phase)
    named = problem.named_values(fit.values)
    counts = problem.signal.measurement.settings.get("intensity") == "counts"
    remarks = [note for note in told.notes if "unexplained" not in note]
    slit, overflow = (named.get(name, getattr(i, name)) for name in ("slit", "overflow"))
    remarks += [f"intensities multiplied by sin(theta) to the power {slit:.4f} (divergence slit)"] if slit else []
    remarks += [f"beam wider than the sample below 2theta = {overflow:.2f} degrees"] if overflow else []
    return PowderRefinement(
        origin=origin,
        phases=tuple(phases),
        x=problem.x,
        observed=problem.observed,
        sigma=1 / np.sqrt(problem.weights),
        calculated=np.asarray(fit.calculated),
        background=problem.background(fit),
        counts=counts,
        absolute=problem.absolute,
        radiation=i.radiation,
        source=i.source,
        geometry=i.geometry,
        lines=i.model_copy(update={"line_ratio": named.get("line_ratio", i.line_ratio)}).lines,
        polarised=i.polarised if i.radiation == "x-ray" else None,
        monochromator=i.monochromator,
        radius=i.radius,
        widths={name: _of(name, named, quantities, _UNITS[name], getattr(i, name)) for name in WIDTHS},
        shifts={name: _of(name, named, quantities, unit, getattr(i, name)) for name, unit in _SHIFTS.items()},
        axial=_of("axial", named, quantities, "1", i.axial),
        parameters=fit.free_parameters,
        constraints=fit.tied,
        background_terms=problem.curves.shape[1],
        slit=float(slit),
        free_intensities=isinstance(problem, PawleyProblem),
        remarks=tuple(remarks),
    )


def _of(name: str, named: Mapping[str, float], quantities: Mapping[str, Quantity], unit: str, default: float) -> Quantity:
    """A parameter: refined, held in the refinement, or the instrument's own."""
    if name in quantities:
        return quantities[name]
    return Quantity(value=float(named.get(name, default)), unit=unit)


def _crystal_values(crystal: Crystal) -> Array:
    """Cell (6), volume, then x y z, occupancy and U of each site."""
    rows = [*crystal.cell, crystal.volume]
    for s in crystal.sites:
        rows += [*s.position, s.occupancy, 0.0 if s.u_iso is None else s.u_iso]
    return np.array(rows, dtype=np.float64)


def _sigmas(problem: PdProblem, fit: Fit, shown: Sequence[Array]) -> list[Array]:
    """Standard uncertainties of the values of each phase's crystal; 0: not refined."""
    count = len(fit.values)
    covariance = fit.covariance[:count, :count]
    slopes = [np.zeros((values.size, count)) for values in shown]
    for j in np.flatnonzero(np.diag(covariance) > 0):
        step = _STEP * float(np.sqrt(covariance[j, j]))
        ends = []
        for sign in (1, -1):
            moved = np.array(fit.values)
            moved[j] += sign * step
            ends.append([_crystal_values(c) for c in problem.structures(moved)])
        for n, (up, down) in enumerate(zip(*ends, strict=True)):
            slopes[n][:, j] = (up - down) / (2 * step)
    out = []
    for values, slope in zip(shown, slopes, strict=True):
        sigma = np.sqrt(np.clip(np.einsum("ij,jk,ik->i", slope, covariance, slope), 0.0, None))
        out.append(np.where(sigma > 1e-10 * np.maximum(np.abs(values), 1e-3), sigma, 0.0))
    return out


def _phase(
    problem: PdProblem,
    number: int,
    crystal: Crystal,
    shown: tuple[Array, Array],
    fraction: Quantity,
    scale: float,
    quantities: Mapping[str, Quantity],
) -> RefinedPhase:
    values, sigma = shown
    units = (*_CELL_UNITS, "angstrom^3")
    numbers = [
        Quantity(value=float(v), sigma=float(s) if s > 0 else None, unit=unit)
        for v, s, unit in zip(values[:7], sigma[:7], units, strict=True)
    ]
    multiplicity = np.bincount(crystal.expansion.site, minlength=len(crystal.sites))
    sites = []
    for k, (site, label) in enumerate(zip(crystal.sites, _labels(crystal), strict=True)):
        own = slice(7 + 5 * k, 12 + 5 * k)
        x, y, z, occupancy, u = (
            Quantity(value=float(v), sigma=float(s) if s > 0 else None, unit=unit)
            for v, s, unit in zip(values[own], sigma[own], ("1", "1", "1", "1", "angstrom^2"), strict=True)
        )
        sites.append(RefinedSite(label, site.element, (x, y, z), occupancy, u, int(multiplicity[k])))
    prefix = problem.phases[number].options.prefix
    formula = element_counts(crystal.formula)
    element = max(formula, key=lambda el: formula[el])
    units_in_cell = crystal.contents[element] / formula[element]
    return RefinedPhase(
        name=crystal.name,
        crystal=crystal,
        cell=tuple(numbers[:6]),
        volume=numbers[6],
        sites=tuple(sites),
        formula_units=float(units_in_cell),
        mass=_mass(crystal) / float(units_in_cell),
        mass_fraction=fraction,
        scale=scale,
        size=_size(prefix, quantities),
        strain=quantities.get(f"{prefix}strain"),
        remarks=tuple(_remarks(prefix, quantities)),
    )


def _size(prefix: str, quantities: Mapping[str, Quantity]) -> Quantity | None:
    inverse = quantities.get(f"{prefix}inverse_size")
    if inverse is None or not inverse.value > 1 / _LARGEST:
        return None
    sigma = None if inverse.sigma is None else inverse.sigma / inverse.value**2
    return Quantity(value=1 / inverse.value, sigma=sigma, unit="angstrom")


def _remarks(prefix: str, quantities: Mapping[str, Quantity]) -> list[str]:
    out = []
    harmonics = [f"{q.value:.3f}" for name, q in quantities.items() if name.startswith(f"{prefix}texture_")]
    if harmonics:
        out.append(f"texture by symmetrised spherical harmonics about the normal of the sample: {', '.join(harmonics)}")
    march = quantities.get(f"{prefix}march")
    if march is not None:
        out.append(f"texture after March and Dollase, r = {march.value:.4f}")
    spread = quantities.get(f"{prefix}size_spread")
    if spread is not None:
        out.append(f"lognormal spheres, standard deviation of the diameters {spread.value:.3f} of their mean; the size is D_V")
    return out


def _mass(crystal: Crystal) -> float:
    from ase.data import atomic_masses, atomic_numbers

    return sum(n * float(atomic_masses[atomic_numbers["H" if e == "D" else e]]) for e, n in crystal.contents.items())


def _labels(crystal: Crystal) -> list[str]:
    """Labels of the sites as CIFs allow them: unique, a letter first."""
    out: list[str] = []
    for k, (site, label) in enumerate(zip(crystal.sites, site_labels(crystal.sites), strict=True), 1):
        clean = "".join(c for c in label if c.isascii() and (c.isalnum() or c in "()*+-'"))
        good = clean and clean[0].isalpha() and "'" not in clean and clean not in out
        out.append(clean if good else f"{site.element}{k}")
    if len(set(out)) < len(out):
        raise UsageError("labels of sites are not unique", where=crystal.name, remedy="Give the sites of the CIF other labels.")
    return out
