"""What tables of parameters of particles repeat: a length, a scattering length density."""

from __future__ import annotations

from whorl.physics.small_angle.model import ModelParameter

Span = tuple[float, float]


def length(
    name: str,
    default: float,
    typical: Span,
    meaning: str,
    *,
    within: tuple[str, float, float] | None = None,
    limits: Span = (0.1, 1e5),
) -> ModelParameter:
    """Table row of a length that may be distributed."""
    return ModelParameter(name, default, limits, typical, spreads=True, within=within, meaning=meaning)


def density(name: str, default: float, typical: Span, meaning: str, *, free: bool = False) -> ModelParameter:
    """Table row of a scattering length density."""
    return ModelParameter(
        name, default, (-100, 200), typical, "1e-6/angstrom^2", "uniform", "contrast", free=free, meaning=meaning
    )


def core(name: str, default: float, meaning: str = "of the core") -> ModelParameter:
    """Table row of the density of a core, or of all of a particle: held, because one curve tells ratios of contrasts only."""
    return density(name, default, (0.5, 8), meaning)


def shell(name: str, default: float, meaning: str = "of the shell") -> ModelParameter:
    """Table row of the density of a shell: free; the wide range keeps it mostly away from those of its neighbours."""
    return density(name, default, (-6, 14), meaning, free=True)


def solvent(default: float) -> ModelParameter:
    """Table row of the density of the solvent."""
    return density("sld_solvent", default, (-0.5, 10), "of the solvent")
