r"""A refined powder pattern as an input file for TOPAS: data, instrument, background, one ``str`` for each phase.

Coelho, J. Appl. Cryst. 51, 210 (2018), doi:10.1107/S1600576718000183. Peaks are built from convolutions whose equations
stand in the file, so that no macro's order of arguments matters: ``gauss_fwhm`` and ``lor_fwhm`` are full widths in degrees of
2 theta, Th is theta in radians, Lam the wavelength, Rad = 180/pi. ``CS_L`` is for Scherrer's K = 1, in nanometres; ``Strain_L``
multiplies tan(theta), in degrees; beq = 8 pi^2 U. The scale has no 1/V^2: S here over V^2 is the start there.
"""

from __future__ import annotations

from math import degrees, pi

from whorl.core.verdict import Quantity
from whorl.formats.gsas2_write import polarisation, xye_text
from whorl.formats.powder_refinement import SCHERRER, PowderRefinement, RefinedPhase
from whorl.formats.su import plain_text

_CELL = ("a", "b", "c", "al", "be", "ga")


def topas_files(refinement: PowderRefinement, stem: str) -> dict[str, str]:
    """Name and text of each file: ``STEM.xye`` and ``STEM.inp``."""
    return {f"{stem}.xye": xye_text(refinement), f"{stem}.inp": inp_text(refinement, stem)}


def beq(u_iso: float) -> float:
    """B from U, angstrom^2.

    Examples
    --------
    >>> round(beq(0.01), 4)
    0.7896
    """
    return 8 * pi**2 * u_iso


def inp_text(refinement: PowderRefinement, stem: str) -> str:
    """The input file."""
    r = refinement
    rows = [
        f"' {r.origin.software}: Rwp {100 * r.rwp:.3f} %, {r.origin.date or 'date not known'}",
        "' Values marked @ and parameters without ! refine; those that whorl held or symmetry fixes do not.",
        "r_wp 0 r_exp 0 gof 0",
        "do_errors",
        "iters 100",
        f"xdd {stem}.xye",
        f"\tstart_X {plain_text(float(r.x[0]), 8)}",
        f"\tfinish_X {plain_text(float(r.x[-1]), 8)}",
        f"\tbkg @{' 0' * max(r.background_terms, 4)}",
        *(["\tneutron_data"] if r.radiation == "neutron" else []),
        *_lines(r),
        *_optics(r),
    ]
    for number, phase in enumerate(r.phases, 1):
        rows += _phase(phase, number, free=r.free_intensities)
    return "\n".join(rows) + "\n"


def _lines(r: PowderRefinement) -> list[str]:
    """The emission profile: width 0, since the natural width of a tube's lines is in the Lorentzian y."""
    rows = ["\tlam", "\t\tymin_on_ymax 0.0001"]
    return rows + [f"\t\tla {share:.6g} lo {value:.7g} lh 0.0001" for value, share in r.lines]


def _optics(r: PowderRefinement) -> list[str]:
    w = r.widths
    rows = ["\tx_calculation_step = Yobs_dx_at(Xo);" if r.step is None else ""]
    rows += [f"\tRp {plain_text(r.radius)} Rs {plain_text(r.radius)}", f"\t{_polarisation(r)}"]
    zero, displaced, clear = r.shifts["zero"], r.shifts["displacement"], r.shifts["transparency"]
    if r.slit:
        rows.append(f"\tscale_pks = Sin(Th)^{plain_text(r.slit, 5)};  ' divergence slit")
    rows += [f"\t{_named('wh_zero', zero)}", "\tth2_offset = wh_zero;"]
    if r.geometry == "bragg-brentano":
        rows += [f"\t{_named('wh_displacement', displaced)}  ' mm", "\tth2_offset = -2 Rad wh_displacement Cos(Th) / Rs;"]
        if clear.value:
            rows += [f"\t{_named('wh_transparency', clear)}  ' mm", "\tth2_offset = -Rad wh_transparency Sin(2 Th) / (2 Rs);"]
    gauss = " + ".join(f"wh_{n} {f}" for n, f in (("u", "Tan(Th)^2"), ("v", "Tan(Th)"), ("w", ""))).strip()
    rows += [f"\t{_named(f'wh_{n}', w[n])}" for n in ("u", "v", "w", "x", "y")]
    rows.append(f"\tgauss_fwhm = Sqrt(Max({gauss}, 0.000001));")
    rows.append("\tlor_fwhm = wh_x / Cos(Th) + wh_y Tan(Th);")
    if r.axial.value > 0:
        length = 2 * r.axial.value * r.radius
        rows.append(
            f"\t' axial divergence S/L = H/L = {plain_text(r.axial.value, 4)}: slit and sample {plain_text(length, 4)} mm long"
        )
        rows.append(f"\tSimple_Axial_Model(@, {plain_text(length, 4)})")
    return [row for row in rows if row]


def _polarisation(r: PowderRefinement) -> str:
    """Lorentz and polarisation factors with the polarised part P: (P + (1 - P) cos^2(2 theta)) / (sin^2(theta) cos(theta))."""
    if r.radiation == "neutron":
        return "LP_Factor(90)  ' neutrons: no polarisation"
    if r.polarised is None:
        return f"LP_Factor({plain_text(r.monochromator or 0.0)})"
    p = polarisation(r)
    return f"scale_pks = ({plain_text(p)} + {plain_text(1 - p)} Cos(2 Th)^2) / (Sin(Th)^2 Cos(Th));"


def _phase(phase: RefinedPhase, number: int, *, free: bool) -> list[str]:
    """A structure; with ``free`` intensities (Pawley) its cell and space group alone."""
    crystal = phase.crystal
    rows = [
        "\thkl_Is" if free else "\tstr",
        f'\t\tphase_name "{_plain(phase.name)}"',
        f'\t\tspace_group "{_symbol(crystal.space_group, crystal.space_group_number)}"',
        *(f"\t\t{name} {text}" for name, text in zip(_CELL, _cell(phase.cell), strict=True)),
    ]
    if not free:
        rows += [f"\t\tscale @ {phase.scale / phase.volume.value**2:.6g}", "\t\tr_bragg 0"]
    if phase.size is not None and phase.size.value > 0:
        nanometres = phase.size.value / SCHERRER / 10
        rows.append(
            f"\t\tCS_L(@, {plain_text(nanometres, 5)})  ' nm, K = 1: {plain_text(phase.size.value, 4)} angstrom with K = 0.9"
        )
    if phase.strain is not None and phase.strain.value > 0:
        spread = degrees(4 * phase.strain.value)
        rows.append(f"\t\tStrain_L(@, {plain_text(spread, 5)})  ' degrees: e = {plain_text(phase.strain.value, 4)}")
    rows += [f"\t\t' {text}" for text in phase.remarks]
    if free:
        return rows
    mass, volume = phase.mass * phase.formula_units, phase.volume.value
    rows.append(f"\t\tMVW({mass:.3f}, {volume:.4f}, {100 * phase.mass_fraction.value:.3f})")
    shared: dict[tuple[float, float], str] = {}
    for site in phase.sites:
        place = " ".join(f"{axis} {_value(q)}" for axis, q in zip("xyz", site.position, strict=True))
        u = site.u_iso
        name = shared.get((u.value, u.sigma)) if u.sigma else None  # sites with one U have one beq
        if u.sigma and name is None:
            name = shared[u.value, u.sigma] = f"wh_beq_{number}_{len(shared) + 1}"
            rows.append(f"\t\t{_named(name, _scaled(u))}")
        thermal = f"={name};" if name else _value(_scaled(u))
        atom = f"occ {site.element} {_value(site.occupancy)} beq {thermal}"
        rows.append(f"\t\tsite {_plain(site.label)} num_posns {site.multiplicity} {place} {atom}")
    return rows


def _cell(cell: tuple[Quantity, ...]) -> list[str]:
    """Values of the cell; what symmetry makes equal to one before it follows that one."""
    out: list[str] = []
    for k, q in enumerate(cell):
        first = 0 if k < 3 else 3
        equal = next((i for i in range(first, k) if q.sigma and cell[i].sigma == q.sigma and cell[i].value == q.value), None)
        out.append(_value(q) if equal is None else f"=Get({_CELL[equal]});")
    return out


def _scaled(u_iso: Quantity) -> Quantity:
    return Quantity(value=beq(u_iso.value), sigma=None if u_iso.sigma is None else beq(u_iso.sigma), unit="angstrom^2")


def _value(q: Quantity) -> str:
    """A number, refined or not; the uncertainty behind the backquote, as TOPAS writes it."""
    number = plain_text(q.value, 8)
    return f"@ {number}`_{plain_text(q.sigma, 2)}" if q.sigma else number


def _named(name: str, q: Quantity) -> str:
    """A parameter with a name; the mark before it holds it."""
    if not q.sigma:
        return f"prm !{name} {plain_text(q.value, 8)}"
    return f"prm {name} {plain_text(q.value, 8)}`_{plain_text(q.sigma, 2)}"


def _plain(text: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in "\"'" else "_" for c in text)


def _symbol(symbol: str, number: int) -> str:
    """Symbol of the group without blanks at the ends; numbers stand for the standard setting."""
    return str(number) if symbol.strip().isdigit() else symbol.strip()
