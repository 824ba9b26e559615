"""What is usually found at a distance: names for peaks that no structure explains."""

from __future__ import annotations

#: usual lengths of bonds (angstrom), first and last of the usual range. Mean lengths in molecules: Allen et al., J. Chem. Soc.
#: Perkin Trans. 2, S1 (1987), doi:10.1039/P298700000S1, and Orpen et al., J. Chem. Soc. Dalton Trans., S1 (1989),
#: doi:10.1039/DT98900000S1, both reprinted in the CRC Handbook of Chemistry and Physics, section 9; of oxides: sums of ionic
#: radii, Shannon, Acta Cryst. A 32, 751 (1976), doi:10.1107/S0567739476001551
BONDS: tuple[tuple[str, float, float], ...] = (
    ("C-O", 1.20, 1.43),
    ("C-N", 1.31, 1.48),
    ("C-C (aromatic)", 1.37, 1.42),
    ("C-C", 1.45, 1.56),
    ("N-O", 1.20, 1.26),
    ("S-O", 1.42, 1.50),
    ("P-O", 1.46, 1.64),
    ("B-O", 1.35, 1.50),
    ("Si-O", 1.58, 1.66),
    ("Al-O", 1.70, 1.95),
    ("C-S", 1.68, 1.84),
    ("P-C", 1.79, 1.87),
    ("Ti-O", 1.85, 2.05),
    ("V-O", 1.58, 2.05),
    ("Cr-O", 1.90, 2.05),
    ("Mn-O", 1.85, 2.25),
    ("Fe-O", 1.85, 2.18),
    ("Co-O", 1.85, 2.15),
    ("Ni-O", 1.85, 2.12),
    ("Cu-O", 1.90, 2.05),
    ("Zn-O", 1.93, 2.12),
    ("Mo-O", 1.68, 2.30),
    ("W-O", 1.70, 2.30),
    ("Pt-O", 1.98, 2.08),
    ("Pd-O", 1.98, 2.08),
    ("Sn-O", 2.02, 2.10),
    ("Zr-O", 2.05, 2.28),
    ("Ce-O", 2.28, 2.42),
    ("Bi-O", 2.10, 2.60),
    ("Au-S", 2.28, 2.42),
    ("Ag-S", 2.38, 2.60),
    ("Cu-S", 2.20, 2.40),
    ("Pd-S", 2.28, 2.38),
    ("Pt-S", 2.27, 2.36),
    ("Cd-S", 2.45, 2.60),
    ("Zn-S", 2.30, 2.40),
    ("Au-P", 2.22, 2.34),
    ("Pd-P", 2.25, 2.38),
    ("Pt-P", 2.22, 2.35),
    ("Au-Cl", 2.25, 2.33),
    ("Pt-Cl", 2.28, 2.36),
    ("C...C, second neighbours", 2.40, 2.58),
    ("O...O of a polyhedron", 2.55, 2.95),
    ("metal-metal over an oxygen", 2.95, 3.70),
)
_LIGHT = frozenset({"H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl"})
_MARGIN = 0.03  # angstrom beside the usual range
_MOST_NAMES = 3


def usual_bonds(distance: float, elements: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Bonds that usually have a length (angstrom), the ones with a heavier atom of the sample first, three at most.

    Examples
    --------
    >>> usual_bonds(2.35, frozenset({"Au"}))[0]
    'Au-S'
    >>> "C-C" in usual_bonds(1.53)
    True
    """
    near = [(name, low, high) for name, low, high in BONDS if low - _MARGIN <= distance <= high + _MARGIN]
    ranked = []
    for name, low, high in near:
        atoms = name.split(" ")[0].split(",")[0].split("-")
        metals = {a for a in atoms if a.isalpha() and len(a) <= 2} - _LIGHT
        if metals and elements and not metals <= elements:
            continue
        ranked.append((not (metals and elements), abs(distance - 0.5 * (low + high)), name))
    return tuple(name for *_, name in sorted(ranked)[:_MOST_NAMES])
