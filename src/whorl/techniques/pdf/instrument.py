"""Instrument parameters of a total-scattering experiment: units, defaults, limits, meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from whorl.core.errors import UsageError


class PdfInstrument(BaseModel):
    """How a G(r) was measured and Fourier transformed.

    Examples
    --------
    >>> PdfInstrument(qmax=25.0).radiation
    'x-ray'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    radiation: Literal["x-ray", "neutron", "electron"] = "x-ray"
    qmin: float = Field(0.5, ge=0, le=10, description="lower end of the transform, 1/angstrom")
    qmax: float | None = Field(None, gt=0, le=200, description="upper end of the transform, 1/angstrom; None: no cut-off")
    qdamp: float = Field(0.03, ge=0, le=0.5, description="resolution damping exp(-(qdamp r)^2 / 2), 1/angstrom")
    qbroad: float = Field(0.0, ge=0, le=0.5, description="broadening of peaks with r, 1/angstrom")

    @model_validator(mode="after")
    def _ordered(self) -> PdfInstrument:
        if self.qmax is not None and self.qmax <= self.qmin:
            raise ValueError(f"qmax {self.qmax:g} is not above qmin {self.qmin:g}")
        return self


#: names a user may override with ``--set``, with their meaning
SETTINGS: Mapping[str, str] = {
    "radiation": "x-ray, neutron or electron",
    "qmin": "lower end of the transform, 1/angstrom",
    "qmax": "upper end of the transform, 1/angstrom",
    "qdamp": "resolution damping, 1/angstrom (fixed when given)",
    "qbroad": "resolution broadening, 1/angstrom (fixed when given)",
    "composition": "elements of the sample, as in SrFe2As2 (a hint; use --elements to restrict)",
}


def make_instrument(settings: Mapping[str, Any], *, where: str = "") -> PdfInstrument:
    """Build the instrument from settings, with an error that names the parameter.

    Raises
    ------
    UsageError
        If a value is outside its limits.
    """
    known = {k: settings[k] for k in PdfInstrument.model_fields if settings.get(k) is not None}
    try:
        return PdfInstrument(**known)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "instrument"
        raise UsageError(
            f"{name} = {known.get(name, '')} is not possible ({first['msg']})".replace("  ", " "),
            where=where,
            remedy=f"Pass --set {name}=... with a value in 1/angstrom." if name in SETTINGS else "",
        ) from error
