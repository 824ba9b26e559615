"""What a geometry is: genes, the curves that explain the data as a sum, and scatterers to look at.

One file for each beside this one. The linear parts (scale, scattering of the single scatterers, background) are no genes: their
amounts follow from the data, none of them negative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.techniques.sas.solve.genes import Gene

Array = NDArray[np.float64]
Values = Mapping[str, float]
Options = Mapping[str, str]


class Placed(NamedTuple):
    """Scatterers: positions (n, 3) in angstrom, and a letter for the kind of each."""

    positions: Array
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Geometry:
    """A kind of structure that `solve` can reconstruct.

    Attributes
    ----------
    key, title : str
    genes : tuple of Gene
    columns : callable
        (q (m,), values, options) to curves, shape (m, k), in the order of ``terms``.
    terms : tuple of str
        Names of the linear parts.
    place : callable
        (rng, values, options, count) to `Placed`.
    source : str
        Reference.
    derived : callable, optional
        Values to what follows from them: name to (value, unit).
    options : mapping of str to tuple of str
        What may be chosen, the default first. Those that nobody chose are decided by the data.
    prefer : mapping of str to str
        Options that are taken where the data cannot tell.
    warn : callable, optional
        Genes as bounded to remarks.
    """

    key: str
    title: str
    genes: tuple[Gene, ...]
    columns: Callable[[Array, Values, Options], Array]
    terms: tuple[str, ...]
    place: Callable[[np.random.Generator, Values, Options, int], Placed]
    source: str
    derived: Callable[[Values], dict[str, tuple[float, str]]] | None = None
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warn: Callable[[tuple[Gene, ...]], list[str]] | None = None
    prefer: Mapping[str, str] = field(default_factory=dict)

    def preference(self, options: Options) -> int:
        """How many of the preferred options are chosen."""
        return sum(options.get(name) == value for name, value in self.prefer.items())

    def chosen(self, given: Options) -> list[dict[str, str]]:
        """All combinations of options that are left open, the default one first.

        Raises
        ------
        UsageError
            If an option or its value is not known.
        """
        for name, value in given.items():
            if name not in self.options:
                known = ", ".join(self.options) or "none"
                raise UsageError(f"{self.key} has no option {name!r}", where="--option", remedy=f"Options are: {known}.")
            if value not in self.options[name]:
                raise UsageError(f"{name}={value}", where="--option", remedy=f"Use one of {', '.join(self.options[name])}.")
        found: list[dict[str, str]] = [{}]
        for name, values in self.options.items():
            open_to = (given[name],) if name in given else values
            found = [{**one, name: value} for one in found for value in open_to]
        return found
