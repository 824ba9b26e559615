r"""The unit cell of a compound that nobody measured, from the cells of known compounds and the radii of its ions.

The volume per site is that of a cube whose edge is the mean length of a cation-anion bond, times a factor of the structure:

    ln(V / sites) = ln sum_i w_i (r_i + r_a)^3 + residual,

with w_i the part of cation i among the cations, r_i its ionic radius at its coordination number and r_a the mean radius of its
neighbours; in an alloy the cube is the mean volume of the atoms (Zen's law). The residual is a sum of normally distributed
effects: of the family, its softness (how much a change of the radii changes the volume), the anion, the cation and its place in
the periodic table, how the size of the anion changes each of these, and of a few smooth trends. All known cells together give
the posterior of the residual (Gaussian process regression: C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine
Learning, MIT Press (2006), chapter 2), so that silver in its bromide says something about silver in its chloride, and an
estimate comes with its uncertainty. The ratios of the lengths and the angles follow the sizes of the ions on the sites within a
family.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues import ions
from whorl.catalogues.prototypes import Member
from whorl.catalogues.site_species import Template

Array = NDArray[np.float64]
Features = dict[tuple[object, ...], float]

#: standard deviations of the effects on ln V, by maximum marginal likelihood (``tools/fit_substitution.py``); that of
#: the family is wide on purpose
EFFECTS: Mapping[str, float] = {
    "family": 1.0,
    "softness": 0.3,
    "family and size of anion": 0.75,
    "family and anion": 0.046,
    "trend": 0.225,
    "anion": 0.063,
    "ion": 0.021,
    "ion and size of anion": 0.15,
    "group": 0.005,
    "group and size of anion": 0.145,
    "atom": 0.086,
}
#: standard deviation of what is left: temperature, composition, error
NOISE = 0.026
#: slope of ln(b/a), ln(c/a) and the angles (radian) with the sizes of the ions on each site, and what is left
SHAPE_SLOPE, SHAPE_NOISE = 0.2, 0.015
#: radius of the anion where only differences of cations count, angstrom
_USUAL_ANION = 1.4
#: estimates are not better than this, relative: temperature, composition
_LEAST_SPREAD = 0.005


@dataclass(frozen=True)
class Estimate:
    """An estimated cell.

    Attributes
    ----------
    cell : tuple of 6 floats
        a, b, c (angstrom), alpha, beta, gamma (degrees).
    cell_spread : float
        Relative standard uncertainty of a length.
    volume_spread : float
        Relative standard uncertainty of the volume.
    nearest : Member
        Known compound of the template whose ions are most like these in size.
    """

    cell: tuple[float, float, float, float, float, float]
    cell_spread: float
    volume_spread: float
    nearest: Member


@dataclass(frozen=True)
class Check:
    """A known compound predicted from the others.

    Attributes
    ----------
    member : Member
    volume : float
        ln of the predicted over the known volume.
    spread : float
        Its predicted standard deviation.
    unscaled : float
        ln of the volume of the known compound nearest in size, taken as it is, over the known volume.
    lengths : array, shape (3,)
        ln of the predicted over the known lengths.
    """

    member: Member
    volume: float
    spread: float
    unscaled: float
    lengths: Array


@dataclass(frozen=True)
class _Described:
    """What the regressions see of elements on a template: ln of the cube's edge^3, effects, sizes of the sites (sites,)."""

    cube: float
    features: Features
    sizes: Array


class CellModel:
    """The regressions, conditioned on all compounds of the templates.

    Parameters
    ----------
    templates : sequence of Template
    """

    def __init__(self, templates: Sequence[Template]) -> None:
        rows = [(t, o, _described(t, o.elements, o.states)) for t in templates for o in t.occupations]
        self._rows = [(t, o, d) for t, o, d in rows if d is not None]
        self._shapes: dict[object, list[int]] = {}
        self._of_template: dict[int, list[int]] = {}
        for i, (t, o, _) in enumerate(self._rows):
            self._shapes.setdefault(_places(t, o.member), []).append(i)
            self._of_template.setdefault(id(t), []).append(i)
        cubes: dict[object, list[float]] = {}
        for t, _, d in self._rows:
            cubes.setdefault(_kind(t), []).append(d.cube)
        self._usual = {kind: float(np.mean(values)) for kind, values in cubes.items()}
        self._columns: dict[tuple[object, ...], int] = {}
        scaled = [self._scaled(t, d) for t, _, d in self._rows]
        for features in scaled:
            for key in features:
                self._columns.setdefault(key, len(self._columns))
        self._design = np.zeros((len(self._rows), len(self._columns)))
        for i, features in enumerate(scaled):
            for key, value in features.items():
                self._design[i, self._columns[key]] = value
        self._target = np.array([_log_volume_per_site(o.member) - d.cube for _, o, d in self._rows])
        covariance = self._design @ self._design.T + NOISE**2 * np.eye(len(self._rows))
        self._precision = np.linalg.inv(covariance)
        self._weights = self._design.T @ (self._precision @ self._target)

    def _scaled(self, template: Template, described: _Described) -> Features:
        """Effects times their standard deviations; one that has none is left out."""
        features = described.features | {
            ("softness", *_kind(template)): described.cube - self._usual.get(_kind(template), described.cube)
        }
        return {key: value * EFFECTS[str(key[0])] for key, value in features.items()}

    def estimate(self, wanted: Sequence[tuple[Template, Sequence[str], Sequence[float]]]) -> list[Estimate | None]:
        """Estimate the cells of elements on the species of the model's templates.

        Parameters
        ----------
        wanted : sequence of (template, elements, states)
            Element and oxidation state of each species of a template.

        Returns
        -------
        list of Estimate or None
            ``None`` where a radius is not known.
        """
        found = [_described(template, elements, states) for template, elements, states in wanted]
        design = np.zeros((len(wanted), len(self._columns)))
        prior = np.zeros(len(wanted))
        for i, ((template, _, _), described) in enumerate(zip(wanted, found, strict=True)):
            for key, value in ({} if described is None else self._scaled(template, described)).items():
                prior[i] += value**2
                if key in self._columns:
                    design[i, self._columns[key]] = value
        cross = design @ self._design.T
        variance = np.maximum(prior - np.sum((cross @ self._precision) * cross, axis=1), 0.0) + NOISE**2
        residual = design @ self._weights
        return [
            None if described is None else self._finish(template, described, described.cube + float(rest), float(np.sqrt(v)))
            for (template, _, _), described, rest, v in zip(wanted, found, residual, variance, strict=True)
        ]

    def _finish(self, template: Template, described: _Described, log_volume: float, spread: float) -> Estimate:
        alike = self._of_template[id(template)]
        away = [float(np.sum((self._rows[i][2].sizes - described.sizes) ** 2)) for i in alike]
        nearest = self._rows[alike[int(np.argmin(away))]][1].member
        shape, uncertain = self._shape(described.sizes, self._shapes[_places(template, nearest)])
        volume = float(np.exp(log_volume)) * _sites(nearest)
        cell = _cell(volume, shape)
        length = float(np.hypot(spread / 3, 2 / 3 * uncertain))
        return Estimate(cell, max(length, _LEAST_SPREAD), spread, nearest)

    def _shape(self, sizes: Array, relatives: Sequence[int]) -> tuple[Array, float]:
        """ln(b/a), ln(c/a), alpha, beta, gamma (radian), shape (5,), and the uncertainty of those that vary."""
        shapes = np.array([_shape_of(self._rows[i][1].member.cell) for i in relatives])
        known = np.array([self._rows[i][2].sizes for i in relatives])
        centre, middle = shapes.mean(axis=0), known.mean(axis=0)
        covariance = SHAPE_SLOPE**2 * (known - middle) @ (known - middle).T + SHAPE_NOISE**2 * np.eye(len(relatives))
        cross = SHAPE_SLOPE**2 * (known - middle) @ (sizes - middle)
        gain = np.linalg.solve(covariance, cross)
        free = np.ptp(shapes, axis=0) > 1e-9 if len(relatives) > 1 else _may_vary(shapes[0])
        own = SHAPE_SLOPE**2 * float((sizes - middle) @ (sizes - middle))
        variance = max(own - float(cross @ gain), 0.0) + SHAPE_NOISE**2 * (1 + 1 / len(relatives))
        shape: Array = centre + gain @ (shapes - centre)
        return shape, float(np.sqrt(variance)) if bool(np.any(free)) else 0.0

    def leave_one_out(self, *, least: int = 3, whole_compounds: bool = False) -> list[Check]:
        """Predict each known compound from the others of the model.

        Parameters
        ----------
        least : int
            Compounds that a family must have.
        whole_compounds : bool
            Leave out all forms of the compound, not only this one.

        Returns
        -------
        list of Check
        """
        out = []
        compounds = [_composition(o.member.contents) for _, o, _ in self._rows]
        alike: dict[object, list[int]] = {}
        for k, compound in enumerate(compounds):
            alike.setdefault(compound, []).append(k)
        in_family = Counter(_kind(t) for t, _, _ in self._rows)
        solved = self._precision @ self._target
        for i, (t, o, d) in enumerate(self._rows):
            gone = alike[compounds[i]] if whole_compounds else [i]
            kept = [k for k in self._shapes[_places(t, o.member)] if k not in gone]
            if in_family[_kind(t)] < least or not kept:
                continue
            covariance = np.linalg.inv(self._precision[np.ix_(gone, gone)])
            own = gone.index(i)
            error, spread = -float(covariance[own] @ solved[gone]), float(np.sqrt(covariance[own, own]))
            nearest = min(kept, key=lambda k: float(np.sum((self._rows[k][2].sizes - d.sizes) ** 2)))
            unscaled = _log_volume_per_site(self._rows[nearest][1].member) - _log_volume_per_site(o.member)
            shape, _ = self._shape(d.sizes, kept)
            volume = float(np.exp(_log_volume_per_site(o.member) + error)) * _sites(o.member)
            lengths = np.log(np.array(_cell(volume, shape)[:3]) / np.array(o.member.cell[:3]))
            out.append(Check(o.member, error, spread, unscaled, lengths))
        return out

    def marginal_likelihood(self, effects: Mapping[str, float], noise: float) -> float:
        """Log density of the known volumes under other standard deviations of the effects (see `EFFECTS`, `NOISE`)."""
        factor = np.array([effects[str(key[0])] / EFFECTS[str(key[0])] for key in self._columns])
        design = self._design * factor
        lower = np.linalg.cholesky(design @ design.T + noise**2 * np.eye(len(self._rows)))
        white = np.linalg.solve(lower, self._target)
        return float(-0.5 * white @ white - np.log(np.diag(lower)).sum() - 0.5 * len(white) * np.log(2 * np.pi))


def radii(template: Template, elements: Sequence[str], states: Sequence[float]) -> Array | None:
    """Radius of each species in angstrom, shape (species,); in an alloy that of a sphere of the atom's volume.

    ``None`` where one is not known.
    """
    if not any(template.signs):
        volumes = [ions.alloy_volume(element) for element in elements]
        if any(v is None for v in volumes):
            return None
        return np.cbrt(np.array(volumes, dtype=np.float64) * 3 / (4 * np.pi))
    numbers = template.bonds.sum(axis=1)
    found = [ions.ionic_radius(el, float(q), round(float(n), 2)) for el, q, n in zip(elements, states, numbers, strict=True)]
    if any(r is None for r in found):
        return None
    return np.array(found, dtype=np.float64)


def _described(template: Template, elements: Sequence[str], states: Sequence[float]) -> _Described | None:
    size = radii(template, elements, states)
    if size is None:
        return None
    kind = _kind(template)
    counts = np.array(template.counts)
    features: Features = {("family", *kind): 1.0}
    if not any(template.signs):
        share = counts * size**3
        cube = float(np.log(share.sum() / counts.sum() * 4 * np.pi / 3))
        for element, part in zip(elements, share / share.sum(), strict=True):
            features["atom", element] = float(part)
        return _Described(cube, features, _site_sizes(template, elements, np.log(size)))
    return _ionic(template, elements, np.array(states), size, features)


def _ionic(template: Template, elements: Sequence[str], states: Array, size: Array, features: Features) -> _Described | None:
    cation = np.array([sign > 0 and el != "H" for sign, el in zip(template.signs, elements, strict=True)])
    anions = [i for i, sign in enumerate(template.signs) if sign < 0]
    if not cation.any():
        return None
    to_anion = template.bonds[:, anions]
    number = to_anion.sum(axis=1)
    to_anion = to_anion / np.maximum(number, 1e-9)[:, None]
    partner = to_anion @ size[anions]
    counts = np.where(cation, np.array(template.counts), 0.0)
    share = counts * (size + partner) ** 3
    cube = float(np.log(share.sum() / counts.sum()))
    share = share / share.sum()

    def add(value: float, *key: object) -> None:
        features[key] = features.get(key, 0.0) + float(value)

    for i in np.flatnonzero(cation).tolist():
        element, group, part = elements[i], ions.group(elements[i]), share[i]
        add(part, "ion", element, round(states[i]))
        add(part, "group", group)
        larger = part * np.log(partner[i] / _USUAL_ANION)
        add(larger, "trend", "anion")
        add(larger, "ion and size of anion", element)
        add(larger, "group and size of anion", group)
        add(larger, "family and size of anion", *_kind(template))
        difference = sum(w * ions.electronegativity(elements[a]) for w, a in zip(to_anion[i], anions, strict=True))
        add(part * (difference - ions.electronegativity(element) - 1.7), "trend", "electronegativity")
        add(part * (states[i] - 2.5), "trend", "charge")
        add(part * np.log(number[i] / 6), "trend", "coordination")
        add(part * np.log(max(size[i] / partner[i], -0.2) + 0.3), "trend", "ratio")
        for weight, a in zip(part * to_anion[i], anions, strict=True):
            add(weight, "anion", elements[a])
            add(weight, "family and anion", *_kind(template), elements[a])
    bond = [float(np.log(r + _USUAL_ANION if sign > 0 else r)) for r, sign in zip(size, template.signs, strict=True)]
    return _Described(cube, features, _site_sizes(template, elements, np.array(bond)))


def _site_sizes(template: Template, elements: Sequence[str], size: Array) -> Array:
    """Mean ln of the size of what is on each site, shape (sites,); hydrogen has none."""
    out = np.zeros(len(template.pattern))
    for i, site in enumerate(template.pattern):
        total = sum(occupancy for _, occupancy in site)
        out[i] = sum(occ * size[species] for species, occ in site if elements[species] != "H") / total
    return out


def _kind(template: Template) -> tuple[object, ...]:
    """Family and which sites hold anions: PbO and FeS (mackinawite) have their ions on each other's sites."""
    return template.family, tuple(template.signs[site[0][0]] for site in template.pattern)


def _places(template: Template, member: Member) -> object:
    return *_kind(template), member.space_group, tuple((m, letter, xyz) for m, letter, xyz, _ in member.sites)


def _sites(member: Member) -> int:
    return sum(multiplicity for multiplicity, _, _, _ in member.sites)


def _log_volume_per_site(member: Member) -> float:
    a, b, c, *angles = member.cell
    return float(np.log(a * b * c * _skew(np.radians(angles)) / _sites(member)))


def _skew(angles: Array) -> float:
    """Volume of a cell with edges 1."""
    x, y, z = np.cos(angles)
    return float(np.sqrt(max(1 - x * x - y * y - z * z + 2 * x * y * z, 1e-12)))


def _shape_of(cell: Sequence[float]) -> Array:
    a, b, c, *angles = cell
    return np.array([np.log(b / a), np.log(c / a), *np.radians(angles)])


def _may_vary(shape: Array) -> NDArray[np.bool_]:
    """Whether symmetry leaves a component of a single shape free, by its value."""
    special = np.array([0.0, 0.0, np.pi / 2, np.pi / 2, np.pi / 2])
    free: NDArray[np.bool_] = np.abs(shape - special) > 1e-6
    free[4] &= abs(shape[4] - 2 * np.pi / 3) > 1e-6
    return free


def _cell(volume: float, shape: Array) -> tuple[float, float, float, float, float, float]:
    ratio_b, ratio_c = np.exp(shape[:2])
    a = float(np.cbrt(volume / (ratio_b * ratio_c * _skew(shape[2:]))))
    alpha, beta, gamma = (round(float(x), 6) for x in np.degrees(shape[2:]))
    return (a, float(a * ratio_b), float(a * ratio_c), alpha, beta, gamma)


def _composition(contents: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    total = sum(contents.values())
    return tuple(sorted((element, round(n / total, 4)) for element, n in contents.items()))
