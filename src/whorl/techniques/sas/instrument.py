"""How a small-angle curve was measured, and how it is fitted: smearing, intensity scale, distribution of sizes, background."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from whorl.core.errors import UsageError


class SasInstrument(BaseModel):
    """How a curve was measured.

    Examples
    --------
    >>> SasInstrument(slit_length=0.028).smears
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    radiation: Literal["x-ray", "neutron"] = "x-ray"
    intensity: Literal["absolute", "arbitrary"] = "arbitrary"
    dq: float | None = Field(
        None, ge=0, le=0.5, description="standard deviation of q over q, where the file has no column for it"
    )
    slit_length: float = Field(0.0, ge=0, le=10, description="half length of the slit, 1/angstrom")
    slit_width: float = Field(0.0, ge=0, le=1, description="half width of the slit, 1/angstrom")
    smearing: Literal["on", "off"] = "on"
    distribution: Literal["lognormal", "schulz", "gaussian", "rectangle"] = "lognormal"
    background: Literal["flat", "none"] = "flat"
    upturn: Literal["auto", "on", "off"] = "auto"
    surrogate: Literal["auto", "off"] = "off"

    @property
    def smears(self) -> bool:
        """Whether models are smeared by what is stated here."""
        return self.smearing == "on" and (bool(self.dq) or self.slit_length > 0 or self.slit_width > 0)


#: names a user may override with ``--set``, with their meaning
SETTINGS: Mapping[str, str] = {
    "radiation": "x-ray or neutron",
    "intensity": "absolute (1/cm) or arbitrary",
    "dq": "standard deviation of q over q, in place of what the file says (0: none)",
    "slit_length": "half length of the slit, 1/angstrom",
    "slit_width": "half width of the slit, 1/angstrom",
    "smearing": "on, or off for data that are desmeared",
    "distribution": "of sizes that spread: lognormal, schulz, gaussian or rectangle (by number)",
    "background": "flat, or none",
    "surrogate": "auto: a trained surrogate of a slow model, where it is trusted (refine); off: the exact model",
    "upturn": "rise towards low q with q^-4 (aggregates, surfaces) beside the model: auto, on or off",
}


def make_instrument(settings: Mapping[str, Any], *, where: str = "") -> SasInstrument:
    """Build the instrument from settings, with an error that names the parameter.

    Raises
    ------
    UsageError
        If a value is not possible.
    """
    known = {k: settings[k] for k in SasInstrument.model_fields if settings.get(k) is not None}
    try:
        return SasInstrument(**known)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "instrument"
        raise UsageError(
            f"{name} = {known.get(name, '')} is not possible ({first['msg']})".replace("  ", " "),
            where=where,
            remedy=f"Pass --set {name}=... : {SETTINGS[name]}." if name in SETTINGS else "",
        ) from error
