"""What could explain a measurement: crystals, clusters of atoms, particle models, spin models, references, objects.

Conventions: lengths in angstrom, angles in degrees, fractional coordinates in units of the cell edges, U_iso in angstrom^2
(U = <u^2> along one direction; B = 8 pi^2 U).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import gcd
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import StructureError

if TYPE_CHECKING:
    import ase

Array = NDArray[np.float64]

#: stands for "some element, not said which" in a cluster whose shape alone is known
ANY_ELEMENT = "X"


@dataclass(frozen=True)
class Hypothesis:
    """Base of all hypotheses: a name, the family it belongs to, and where it came from."""

    kind: ClassVar[str] = "hypothesis"

    name: str
    family: str = ""
    source: str = ""

    @property
    def formula(self) -> str:
        """Chemical formula, empty where there is none."""
        return ""

    @property
    def elements(self) -> frozenset[str]:
        """Chemical symbols that occur, `ANY_ELEMENT` left out."""
        return frozenset()


@dataclass(frozen=True)
class Site:
    """One independent site of a crystal.

    Parameters
    ----------
    element : str
        Chemical symbol.
    position : tuple of 3 floats
        Fractional coordinates.
    occupancy : float
        Between 0 (excluded) and 1.
    u_iso : float, optional
        Isotropic displacement parameter, angstrom^2; ``None`` when not known.
    label : str
        Name of the site ("Fe1").
    """

    element: str
    position: tuple[float, float, float]
    occupancy: float = 1.0
    u_iso: float | None = None
    label: str = ""


@dataclass(frozen=True)
class Expansion:
    """All atoms of one unit cell: arrays over atoms.

    ``site`` (n,) int: index of the independent site; ``position`` (n, 3): fractional, in [0, 1); ``rotation`` (n, 3, 3) and
    ``translation`` (n, 3): the operation that made the atom, x_atom = rotation @ x_site + translation.
    """

    site: NDArray[np.int64]
    position: Array
    rotation: Array
    translation: Array


@dataclass(frozen=True)
class Crystal(Hypothesis):
    """A periodic structure: cell, space group, independent sites.

    Parameters
    ----------
    cell : tuple of 6 floats
        a, b, c (angstrom), alpha, beta, gamma (degrees).
    space_group : str
        Hermann-Mauguin symbol in gemmi's extended form ("F m -3 m", "R -3 m:H", "F d -3 m:2") or a number as text; a number
        means the standard setting (origin choice 2, hexagonal axes).
    sites : tuple of Site
    operations : tuple of (rotation, translation), optional
        The symmetry operations when a file lists its own; else those of ``space_group``.
    cell_spread : float, optional
        Standard uncertainty of the lengths a, b, c, relative, where the cell is an estimate; ``None`` for a cell that was
        measured.

    Examples
    --------
    >>> ni = Crystal("Ni (fcc)", cell=(3.524, 3.524, 3.524, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),))
    >>> ni.formula, ni.space_group_number, len(ni.expansion.site)
    ('Ni', 225, 4)
    """

    kind: ClassVar[str] = "crystal"

    cell: tuple[float, float, float, float, float, float] = (1, 1, 1, 90, 90, 90)
    space_group: str = "P 1"
    sites: tuple[Site, ...] = ()
    operations: tuple[tuple[tuple[tuple[float, ...], ...], tuple[float, ...]], ...] | None = None
    cell_spread: float | None = None

    def __post_init__(self) -> None:
        if not self.sites:
            raise StructureError("no atoms", where=self.source or self.name, remedy="Give at least one site.")
        cell = self.cell
        if len(cell) != 6 or not all(np.isfinite(cell)) or min(cell) <= 0 or max(cell[3:]) >= 180 or self.volume <= 0:
            raise StructureError(
                f"unit cell {self.cell} is not a cell",
                where=self.source or self.name,
                remedy="Lengths and angles must be positive and enclose a volume.",
            )
        if self.cell_spread is not None and not 0 < self.cell_spread < 1:
            raise StructureError(
                f"cell_spread {self.cell_spread:g}",
                where=self.source or self.name,
                remedy="Give the relative standard uncertainty of the lengths, such as 0.02.",
            )
        for site in self.sites:
            if not 0 < site.occupancy <= 1.0 + 1e-6:
                raise StructureError(
                    f"occupancy {site.occupancy:g} of {site.label or site.element}",
                    where=self.source or self.name,
                    remedy="Occupancies lie above 0 and up to 1.",
                )
            _check_element(site.element, self.source or self.name)

    @property
    def metric(self) -> Array:
        """Metric tensor g_ij = a_i . a_j, shape (3, 3), angstrom^2."""
        a, b, c = self.cell[:3]
        ca, cb, cg = np.cos(np.radians(self.cell[3:]))
        return np.array([[a * a, a * b * cg, a * c * cb], [a * b * cg, b * b, b * c * ca], [a * c * cb, b * c * ca, c * c]])

    @property
    def volume(self) -> float:
        """Cell volume, angstrom^3 (0 when the angles enclose none)."""
        return float(np.sqrt(max(np.linalg.det(self.metric), 0.0)))

    @cached_property
    def symmetry(self) -> tuple[Array, Array]:
        """Rotations (m, 3, 3) and translations (m, 3) of all symmetry operations, centring included."""
        if self.operations is not None:
            rotations = np.array([r for r, _ in self.operations], dtype=float)
            return rotations, np.array([t for _, t in self.operations], dtype=float)
        ops = list(_gemmi_group(self.space_group, self.source or self.name).operations())
        return (
            np.array([op.rot for op in ops], dtype=float) / ops[0].DEN,
            np.array([op.tran for op in ops], dtype=float) / ops[0].DEN,
        )

    @property
    def space_group_number(self) -> int:
        """Number in the International Tables (1 when the group is not known)."""
        return int(_gemmi_group(self.space_group, self.source or self.name).number)

    @cached_property
    def expansion(self) -> Expansion:
        """All atoms of the cell, special positions counted once."""
        rotations, translations = self.symmetry
        metric = self.metric
        parts: list[tuple[NDArray[np.int64], Array, Array, Array]] = []
        for index, site in enumerate(self.sites):
            image = rotations @ np.asarray(site.position, dtype=float) + translations
            wrapped = image - np.floor(image + 1e-9)
            delta = wrapped[:, None, :] - wrapped[None, :, :]
            delta -= np.round(delta)
            same = np.einsum("nmi,nmi->nm", delta @ metric, delta) < 1e-3
            first = np.flatnonzero(np.argmax(same, axis=1) == np.arange(len(same)))
            shift = translations + wrapped - image
            parts.append((np.full(first.size, index, dtype=np.int64), wrapped[first], rotations[first], shift[first]))
        return Expansion(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    @property
    def contents(self) -> dict[str, float]:
        """Atoms of each element in the cell, occupancies counted."""
        found: Counter[str] = Counter()
        for index in self.expansion.site:
            found[self.sites[int(index)].element] += self.sites[int(index)].occupancy  # type: ignore[assignment]
        return dict(found)

    @property
    def formula(self) -> str:
        """Formula in lowest terms, elements in the order of the sites ("Fe3O4")."""
        return reduced_formula(self.contents)

    @property
    def elements(self) -> frozenset[str]:
        """Chemical symbols that occur."""
        return frozenset(site.element for site in self.sites)

    def to_ase(self) -> ase.Atoms:
        """Give the unit cell as `ase.Atoms` (periodic; partial occupancies are listed as full atoms)."""
        from ase import Atoms

        where = self.expansion
        return Atoms(
            symbols=[self.sites[int(i)].element for i in where.site],
            scaled_positions=where.position,
            cell=self.cell,
            pbc=True,
        )


@dataclass(frozen=True)
class Cluster(Hypothesis):
    """A finite set of atoms.

    Parameters
    ----------
    symbols : tuple of str
        One chemical symbol per atom; `ANY_ELEMENT` when only the shape is known.
    positions : array, shape (n, 3)
        In angstrom; or, with ``bond_free``, in units of the nearest-neighbour distance.
    bond_free : bool
        True when the geometry is stored once with bond length 1 and the bond length is a free zoom.

    Examples
    --------
    >>> import numpy as np
    >>> Cluster("Au2", symbols=("Au", "Au"), positions=np.array([[0, 0, 0], [0, 0, 2.88]])).formula
    'Au2'
    """

    kind: ClassVar[str] = "cluster"

    symbols: tuple[str, ...] = ()
    positions: Array = field(default_factory=lambda: np.zeros((0, 3)), compare=False)
    bond_free: bool = False

    def __post_init__(self) -> None:
        where = self.source or self.name
        positions = np.ascontiguousarray(self.positions, dtype=np.float64)
        object.__setattr__(self, "positions", positions)
        if len(self.symbols) < 1 or positions.shape != (len(self.symbols), 3):
            raise StructureError(
                f"{len(self.symbols)} symbols for positions of shape {positions.shape}",
                where=where,
                remedy="Give one symbol and three coordinates per atom.",
            )
        if not np.all(np.isfinite(positions)):
            raise StructureError("coordinates hold NaN or infinity", where=where, remedy="Repair the file.")
        for symbol in set(self.symbols) - {ANY_ELEMENT}:
            _check_element(symbol, where)

    @property
    def formula(self) -> str:
        """Formula with the number of atoms of each element ("Au144"); "X55" where the element is open."""
        return "".join(f"{el}{n if n > 1 else ''}" for el, n in Counter(self.symbols).items())

    @property
    def elements(self) -> frozenset[str]:
        """Chemical symbols that occur, `ANY_ELEMENT` left out."""
        return frozenset(self.symbols) - {ANY_ELEMENT}

    def to_ase(self) -> ase.Atoms:
        """Give the cluster as `ase.Atoms` (not periodic)."""
        from ase import Atoms

        return Atoms(symbols=list(self.symbols), positions=self.positions)


@dataclass(frozen=True)
class FormFactor(Hypothesis):
    """A model of small-angle scattering: ``"sphere"``, ``"sphere@hardsphere"`` with a structure factor, ``"sphere+cylinder"``.

    ``parameters`` are the values that are stated, or where a fit ended.
    """

    kind: ClassVar[str] = "form_factor"
    model: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SpinModel(Hypothesis):
    """A magnetic model: a crystal and its exchange parameters (meV)."""

    kind: ClassVar[str] = "spin_model"
    crystal: Crystal | None = None
    exchanges: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference(Hypothesis):
    """A measured or computed spectrum: axis values and signal, shape (n,) each."""

    kind: ClassVar[str] = "reference"
    x: Array = field(default_factory=lambda: np.zeros(0), compare=False)
    signal: Array = field(default_factory=lambda: np.zeros(0), compare=False)


@dataclass(frozen=True)
class Object(Hypothesis):
    """A complex-valued density of coherent imaging: values (nx, ny, nz) on voxels of the given edge (angstrom)."""

    kind: ClassVar[str] = "object"
    values: NDArray[np.complex128] = field(default_factory=lambda: np.zeros((0, 0, 0), complex), compare=False)
    voxel: tuple[float, float, float] = (1.0, 1.0, 1.0)


def reduced_formula(contents: Mapping[str, float]) -> str:
    """Write a formula in lowest terms, in the order of ``contents``.

    Examples
    --------
    >>> reduced_formula({"Fe": 24, "O": 32})
    'Fe3O4'
    >>> reduced_formula({"Li": 2.7, "Co": 3, "O": 6})
    'Li0.9CoO2'
    """
    counts = {k: float(v) for k, v in contents.items() if v > 0}
    if not counts:
        return ""
    rounded = [round(v) for v in counts.values()]
    if all(abs(v - r) < 1e-3 and r > 0 for v, r in zip(counts.values(), rounded, strict=True)):
        divisor = float(gcd(*rounded))
    else:
        whole = [r for v, r in zip(counts.values(), rounded, strict=True) if abs(v - r) < 1e-3 and r > 0]
        divisor = float(gcd(*whole)) if whole else min(counts.values())
    return "".join(f"{el}{_count(n / divisor)}" for el, n in counts.items())


def _count(n: float) -> str:
    text = f"{n:.3f}".rstrip("0").rstrip(".")
    return "" if text == "1" else text


def element_counts(text: str) -> dict[str, float]:
    """Read a composition as files and people write it ("Cd Se", "SrFe2As2", "La0.7Ca0.3MnO3").

    Raises
    ------
    StructureError
        If the text is no composition.

    Examples
    --------
    >>> element_counts("SrFe2As2")
    {'Sr': 1.0, 'Fe': 2.0, 'As': 2.0}
    """
    import re

    compact = re.sub(r"[\s,;*·_]+", "", text)
    parts = re.findall(r"([A-Z][a-z]?)(\d*\.?\d*)", compact)
    remedy = "Write it as in SrFe2As2 or 'Cd Se'."
    if not parts or "".join(a + b for a, b in parts) != compact:
        raise StructureError(f"composition {text!r} is not understood", remedy=remedy)
    found: dict[str, float] = {}
    for symbol, count in parts:
        _check_element(symbol, f"composition {text!r}")
        found[symbol] = found.get(symbol, 0.0) + (float(count) if count else 1.0)
    return found


#: chemical symbols by atomic number, 1 to 103
SYMBOLS: tuple[str, ...] = tuple(
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru "
    "Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At "
    "Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr".split()
)
_KNOWN = frozenset((*SYMBOLS, "D"))


def _check_element(symbol: str, where: str) -> None:
    if symbol not in _KNOWN:
        raise StructureError(f"unknown element {symbol!r}", where=where, remedy="Use chemical symbols such as Li or O.")


def _gemmi_group(name: str, where: str) -> Any:
    import gemmi

    if name.isdigit():
        number = int(name)
        group = gemmi.find_spacegroup_by_number(number) if 1 <= number <= 230 else None
        if group is not None and group.ext == "1":  # the table lists origin choice 1 first
            group = gemmi.find_spacegroup_by_name(f"{group.hm}:2") or group
    else:
        group = gemmi.find_spacegroup_by_name(name)
    if group is None:
        raise StructureError(
            f"unknown space group {name!r}", where=where, remedy="Use a symbol such as 'F m -3 m' or a number."
        )
    return group
