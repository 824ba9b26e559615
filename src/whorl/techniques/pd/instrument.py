"""How a powder pattern was measured: radiation, lines, geometry, peak widths of the instrument.

Widths follow Caglioti, Paoletti & Ricci (Nucl. Instrum. 3, 223 (1958), doi:10.1016/0369-643X(58)90029-X): the Gaussian full
width at half maximum squared is U tan^2(theta) + V tan(theta) + W, and the Lorentzian one X / cos(theta) + Y tan(theta); all in
degrees of 2 theta. Wavelengths of tubes: G. Hoelzer et al., Phys. Rev. A 56, 4554 (1997), doi:10.1103/PhysRevA.56.4554, and
Int. Tables C (1999), 4.2.2, angstrom.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from whorl.core.errors import UsageError

#: K-alpha 1 and K-alpha 2 of the usual anodes, angstrom
ANODES: Mapping[str, tuple[float, float]] = {
    "Cr": (2.289726, 2.293652),
    "Fe": (1.936042, 1.939980),
    "Co": (1.788965, 1.792850),
    "Cu": (1.540593, 1.544427),
    "Mo": (0.709319, 0.713609),
    "Ag": (0.559422, 0.563813),
}
#: intensity of K-alpha 2 beside K-alpha 1
LINE_RATIO = 0.5
_NEAR_LINE = 0.0015  # relative
WIDTHS = ("u", "v", "w", "x", "y")
#: "harmonics", "none", or planes that lie flat ("001", "1,0,-1"); with "2:" before it, of the second phase only
TEXTURE = r"^\s*(?:(?:\d+:)?(?:harmonics|none|\d{3}|-?\d+,-?\d+,-?\d+)\s*;?\s*)+$"


class PdInstrument(BaseModel):
    """How a powder pattern was measured.

    Examples
    --------
    >>> PdInstrument(wavelength=1.540593, wavelength2=1.544427).lines
    ((1.540593, 0.666...), (1.544427, 0.333...))
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    radiation: Literal["x-ray", "neutron"] = "x-ray"
    wavelength: float = Field(gt=0.01, le=10, description="wavelength, angstrom; of K-alpha 1 where the beam holds both")
    wavelength2: float | None = Field(None, gt=0.01, le=10, description="K-alpha 2, angstrom")
    line_ratio: float = Field(LINE_RATIO, ge=0, le=1, description="intensity of K-alpha 2 beside K-alpha 1")
    source: Literal["lab", "synchrotron", "reactor", "spallation"] = "lab"
    geometry: Literal["bragg-brentano", "debye-scherrer", "transmission"] = "bragg-brentano"
    divergence_slit: Literal["fixed", "automatic"] | None = None
    slit: float = Field(0.0, ge=0, le=1, description="intensity goes with sin(theta) to this power: 0 fixed, 1 automatic slit")
    overflow: float = Field(
        0.0, ge=0, le=90, description="2 theta at which the beam is as long as a round sample, degrees; 0: never"
    )
    monochromator: float | None = Field(None, ge=0, le=180, description="2 theta of a crystal monochromator, degrees")
    polarisation: float | None = Field(None, ge=0, le=1, description="part of the intensity polarised normal to the plane")
    radius: float = Field(200.0, gt=10, le=5000, description="of the goniometer, mm")
    mu_r: float = Field(0.0, ge=0, le=3, description="absorption coefficient times radius of a capillary")
    grain_size: float = Field(0.0, ge=0, le=200, description="diameter of the grains, micrometres; 0: not known")
    intensities: Literal["structure", "free"] = "structure"
    humps: str = Field("", description="places of amorphous humps, degrees of 2 theta")
    zero: float = Field(0.0, ge=-5, le=5, description="added to 2 theta, degrees")
    displacement: float = Field(0.0, ge=-5, le=5, description="of the sample from the goniometer's axis, mm")
    transparency: float = Field(0.0, ge=0, le=20, description="1/mu of a flat sample, into which the beam goes, mm")
    texture: str = Field("harmonics", pattern=TEXTURE, description="preferred orientation that refines")
    u: float = Field(0.0, ge=-10, le=10, description="Gaussian width squared with tan^2(theta), degrees^2")
    v: float = Field(0.0, ge=-10, le=10, description="Gaussian width squared with tan(theta), degrees^2")
    w: float = Field(0.0, ge=0, le=10, description="Gaussian width squared, degrees^2")
    x: float = Field(0.0, ge=0, le=5, description="Lorentzian width with 1/cos(theta), degrees")
    y: float = Field(0.0, ge=0, le=5, description="Lorentzian width with tan(theta), degrees")
    axial: float = Field(0.0, ge=0, le=0.2, description="half height of sample and of slit over the radius: S/L = H/L")

    def texture_of(self, phase: int) -> str | tuple[int, int, int]:
        """``"harmonics"``, ``"none"`` or the planes that lie flat, of a phase (the first is 1).

        Examples
        --------
        >>> PdInstrument(wavelength=1.5406, texture="1:001;none").texture_of(1)
        (0, 0, 1)
        """
        found = "harmonics"
        for word in self.texture.split(";"):
            number, colon, choice = word.strip().rpartition(":")
            if choice and (not colon or int(number) == phase):
                found = choice
                if colon:
                    break
        if found in ("harmonics", "none"):
            return found
        h, k, m = (int(part) for part in (found.split(",") if "," in found else found))
        return h, k, m

    @property
    def lines(self) -> tuple[tuple[float, float], ...]:
        """Wavelength (angstrom) and share of the intensity of each spectral line."""
        if self.wavelength2 is None or self.line_ratio == 0:
            return ((self.wavelength, 1.0),)
        total = 1 + self.line_ratio
        return ((self.wavelength, 1 / total), (self.wavelength2, self.line_ratio / total))

    @property
    def polarised(self) -> float | None:
        """Part of the intensity whose electric vector is normal to the plane of scattering, where it is not a tube's."""
        return 0.99 if self.polarisation is None and self.source == "synchrotron" else self.polarisation


#: names a user may override with ``--set``, with their meaning
SETTINGS: Mapping[str, str] = {
    "radiation": "x-ray or neutron",
    "wavelength": "angstrom, or an anode (Cu, Co, Mo, Fe, Cr, Ag), which stands for both its K-alpha lines",
    "wavelength2": "K-alpha 2, angstrom",
    "line_ratio": "intensity of K-alpha 2 beside K-alpha 1",
    "source": "lab, synchrotron or reactor",
    "geometry": "bragg-brentano, debye-scherrer or transmission",
    "divergence_slit": "fixed or automatic",
    "slit": "power of sin(theta) in the intensity: 0 for a fixed, 1 for an automatic divergence slit",
    "overflow": "2 theta at which the beam of a fixed slit is as long as the round sample, degrees",
    "monochromator": "2 theta of the monochromator, degrees",
    "polarisation": "part of the intensity polarised normal to the plane of scattering",
    "radius": "of the goniometer, mm",
    "mu_r": "absorption coefficient times radius of a capillary",
    "grain_size": "diameter of the grains (not of the crystallites), micrometres: weights are corrected for microabsorption",
    "intensities": "structure, or free: of one phase every reflection has an intensity of its own (Pawley; refine only)",
    "humps": "places of amorphous humps beside the background, degrees of 2 theta: 21.5;43 (refine only)",
    "zero": "zero error, degrees (fixed when given)",
    "displacement": "of the sample, mm (fixed when given)",
    "transparency": "1/mu of a flat sample, mm (fixed when given; --free transparency refines it)",
    "texture": "harmonics, none, or planes that lie flat (March-Dollase): 001, or 1:001;2:none for each phase",
    "u": "instrument: Gaussian width squared with tan^2(theta), degrees^2",
    "v": "instrument: with tan(theta)",
    "w": "instrument: constant part",
    "x": "instrument: Lorentzian width with 1/cos(theta), degrees",
    "y": "instrument: with tan(theta)",
    "axial": "axial divergence S/L = H/L (fixed when given)",
    "composition": "elements of the sample, as in LiCoO2 (a hint; use --elements to restrict)",
}


def with_lines(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the wavelengths: an anode or one of a tube's lines stands for both of its K-alpha lines.

    Examples
    --------
    >>> with_lines({"wavelength": "Cu"})["wavelength2"]
    1.544427
    >>> with_lines({"wavelength": 1.5418})["wavelength"]
    1.540593
    >>> with_lines({"wavelength": 0.4127}).get("wavelength2") is None
    True
    """
    out = dict(settings)
    stated = out.get("wavelength", out.get("anode"))
    if stated is None:
        return out
    anode = str(stated).strip().removesuffix("Ka").capitalize()
    if anode in ANODES:
        out["wavelength"], second = ANODES[anode]
        out["wavelength2"] = out.get("wavelength2") or second
        return out
    try:
        value = float(stated)
    except (TypeError, ValueError):
        raise UsageError(f"wavelength = {stated}", remedy=f"Give angstrom, or an anode: {', '.join(ANODES)}.") from None
    out["wavelength"] = value
    tube = out.get("source", "lab") == "lab" and out.get("radiation", "x-ray") == "x-ray"
    if tube and out.get("wavelength2") is None:
        for first, second in ANODES.values():
            mean = (first + LINE_RATIO * second) / (1 + LINE_RATIO)
            if abs(value / mean - 1) < 1e-4:  # the mean of the doublet
                out["wavelength"], out["wavelength2"] = first, second
            elif abs(value / first - 1) < _NEAR_LINE / 10 and out.get("line_ratio", LINE_RATIO) > 0:
                out["wavelength2"] = value * second / first
    return out


def one_line_stated(settings: Mapping[str, Any]) -> bool:
    """Tell whether only the first of a tube's lines is stated: the second may have been taken away, or not be worth a word.

    Examples
    --------
    >>> one_line_stated({"wavelength": 1.54059}), one_line_stated({"wavelength": 1.5418}), one_line_stated({"wavelength": "Cu"})
    (True, False, False)
    """
    if settings.get("wavelength2") is not None or settings.get("line_ratio") is not None:
        return False
    try:
        value = float(settings.get("wavelength", "nan"))
    except (TypeError, ValueError):
        return False
    return any(abs(value / first - 1) < _NEAR_LINE / 10 for first, _ in ANODES.values())


def make_instrument(settings: Mapping[str, Any], *, where: str = "") -> PdInstrument:
    """Build the instrument from settings, with an error that names the parameter.

    Raises
    ------
    UsageError
        If a value is outside its limits.
    """
    known = {k: settings[k] for k in PdInstrument.model_fields if settings.get(k) is not None}
    if "slit" not in known and known.get("divergence_slit") == "automatic" and known.get("geometry") == "bragg-brentano":
        known["slit"] = 1.0
    try:
        return PdInstrument(**known)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "instrument"
        raise UsageError(
            f"{name} = {known.get(name, '')} is not possible ({first['msg']})",
            where=where,
            remedy=f"Pass --set {name}=...: {SETTINGS[name]}." if name in SETTINGS else "",
        ) from error
