"""What a user asks of a refinement beside the data: size broadening, and parameters freed that are held by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from whorl.core.errors import UsageError
from whorl.techniques.pd.phase import PhaseOptions
from whorl.techniques.pd.residual import SHARED

_OCCUPANCY = "occ_"
#: shapes of crystallites: one size, and spheres whose diameters are lognormal
SHAPES = ("one size", "lognormal")


@dataclass(frozen=True)
class Asked:
    """What is asked of a refinement.

    Attributes
    ----------
    size : bool, optional
        Whether crystallites are small enough to broaden peaks; they may, by default.
    lognormal : bool
        Their sizes differ.
    instrument : tuple of str
        Instrument parameters to refine beside the usual ones.
    occupancies : tuple of str
        Sites whose occupancies refine, with ``"2:"`` before those of the second of several phases.
    """

    size: bool | None = None
    lognormal: bool = False
    instrument: tuple[str, ...] = ()
    occupancies: tuple[str, ...] = ()

    @classmethod
    def read(cls, start: Mapping[str, Any]) -> Asked:
        """Read what `PowderDiffraction.trials` is given.

        Raises
        ------
        UsageError
            If a name or a shape is unknown.

        Examples
        --------
        >>> Asked.read({"free": ("zero", "occ_Ni1")}).occupancies
        ('Ni1',)
        """
        shape, free = start.get("shape"), tuple(start.get("free") or ())
        if shape not in (None, *SHAPES):
            raise UsageError(
                f"shape {shape!r} is none of a powder's crystallites", remedy="Give lognormal, or leave --shape out."
            )
        occupied = tuple(name.replace(_OCCUPANCY, "", 1) for name in free if name.split(":")[-1].startswith(_OCCUPANCY))
        others = tuple(name for name in free if not name.split(":")[-1].startswith(_OCCUPANCY))
        unknown = [name for name in others if name not in SHARED]
        if unknown:
            raise UsageError(
                f"{unknown[0]!r} cannot be freed",
                remedy=f"Free one of {', '.join(sorted(SHARED))}, or the occupancy of a site: occ_Ni1, 2:occ_O1.",
            )
        return cls(start.get("size"), shape == "lognormal", others, occupied)

    def of_phase(self, options: PhaseOptions) -> PhaseOptions:
        """The options of a phase with what is asked."""
        prefix = options.prefix
        mine = tuple(name.removeprefix(prefix) for name in self.occupancies if not prefix or name.startswith(prefix))
        return replace(options, occupancies=mine, size=self.size is not False, lognormal=self.lognormal)
