"""What a pattern says of its crystal when no known structure explains it: crystal system, cell, space groups."""

from __future__ import annotations

import numpy as np

from whorl.core.errors import WhorlError
from whorl.techniques.pd.indexing import Cell, index_peaks
from whorl.techniques.pd.other_wavelength import other_wavelength
from whorl.techniques.pd.peaks import spacings
from whorl.techniques.pd.prepare import PdSignal
from whorl.techniques.pd.symmetry import crystal_systems, space_groups
from whorl.techniques.protocol import Unknown

#: peaks below which nothing is said, probability from which a system's lattices are tried, figure of merit that is believed
_FEWEST, _TRIED, _BELIEVED = 8, 0.08, 10.0
_GROUPS = 6


def unknown(signal: PdSignal) -> Unknown:
    """Crystal system by the trees, the best cell of the systems that are probable, and the space groups that it leaves.

    Parameters
    ----------
    signal : PdSignal
    """
    i = signal.instrument
    lines = i.lines
    other = other_wavelength(signal)
    if other:
        return Unknown(words=(other,))
    try:
        ratio = lines[1][1] / lines[0][1] if len(lines) > 1 else 0.0
        found = spacings(signal.x, signal.y, 1 / np.sqrt(signal.weights), wavelengths=[w for w, _ in lines], ratio=ratio)
        if len(found) < _FEWEST:
            return Unknown()
        order = np.argsort(found.two_theta)
        angles, heights = found.two_theta[order], found.intensity[order]
        answer = crystal_systems(angles, i.wavelength, heights)
        said = ", ".join(f"{name} {p:.2f}" for name, p in answer.systems[:3])
        words = [f"by its peaks alone the crystal system is {said}"]
        likely = ["hexagonal" if name == "trigonal" else name for name, p in answer.systems if p > _TRIED]
        wanted = tuple(dict.fromkeys(name for name in likely if name != "triclinic"))
        cells = index_peaks(found, i.wavelength, systems=wanted, thorough=False) if wanted else []
    except WhorlError:
        return Unknown()
    if not cells or cells[0].lattice.merit < _BELIEVED:
        return Unknown(words=tuple(words))
    best = cells[0]
    words.append(_cell_in_words(best))
    groups = space_groups(best.cell, best.system, best.centring, angles, i.wavelength, zero_shift=best.lattice.zero_shift)
    return Unknown(tuple(groups[:_GROUPS]), tuple(words))


def _cell_in_words(cell: Cell) -> str:
    a, b, c, alpha, beta, gamma = cell.cell
    lengths = f"{a:.4f} {b:.4f} {c:.4f} angstrom, {alpha:.2f} {beta:.2f} {gamma:.2f} degrees"
    article = "an" if cell.system[0] in "aeiou" else "a"
    kind = f"{article} {cell.system} {cell.centring} cell"
    return f"its peaks are indexed by {kind} of {lengths} (M20 = {cell.lattice.merit:.0f})"
