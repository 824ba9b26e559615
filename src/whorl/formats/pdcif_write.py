"""A refined powder pattern as a CIF for a journal: one block of the pattern, one of each phase.

Items of the core dictionary (Hall, Allen & Brown, Acta Cryst. A47, 655 (1991), doi:10.1107/S010876739101067X) and of the powder
dictionary (Toby, International Tables for Crystallography G, chapter 3.3 (2005), doi:10.1107/97809553602060000733). Blocks name
each other by ``_pd_block_id``. Uncertainties follow `whorl.formats.su`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from whorl.core.verdict import Quantity
from whorl.formats.cif_write import space_group_rows
from whorl.formats.powder_refinement import PowderRefinement, RefinedPhase
from whorl.formats.su import plain_text, quantity_text, su_text

_CELL = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
_SOURCES = {"lab": "sealed X-ray tube", "synchrotron": "synchrotron", "reactor": "nuclear reactor", "spallation": "spallation"}
_WIDTH = 80
#: R factors and the goodness of fit
_PLACES = 5


def pdcif_text(refinement: PowderRefinement) -> str:
    """Write a refinement as CIF.

    Parameters
    ----------
    refinement : PowderRefinement

    Returns
    -------
    str
        `whorl.read` reads the pattern of it, `whorl.read_structure` the first phase.
    """
    ids = [_block_id(refinement, f"phase_{n}") for n, _ in enumerate(refinement.phases, 1)]
    own = _block_id(refinement, "pattern")
    rows = _pattern(refinement, own, ids)
    for number, (phase, name) in enumerate(zip(refinement.phases, ids, strict=True), 1):
        rows += _phase(refinement, phase, number, name, own)
    return "\n".join(rows) + "\n"


def _block_id(refinement: PowderRefinement, part: str) -> str:
    o = refinement.origin
    return "|".join((o.date or "?", _code(o.name), part, _code(o.run) or "whorl"))


def _code(text: str) -> str:
    """Text as a name of a block: printable ASCII without blanks, quotes and what begins something else."""
    return re.sub(r"[^A-Za-z0-9.+\-]+", "_", text).strip("_")[:60]


def _pattern(r: PowderRefinement, own: str, ids: Sequence[str]) -> list[str]:
    o = r.origin
    rows = [f"data_{_code(o.name) or 'pattern'}_pattern", _item("_pd_block_id", own)]
    rows += [_item("_audit_creation_method", o.software), _item("_audit_creation_date", o.date[:10] or "?")]
    rows.append(_item("_computing_structure_refinement", o.software))
    rows += _text("_pd_proc_info_data_reduction", [f"{k}: {v}" for k, v in _provenance(r).items() if v])
    rows += ["", "# what was measured"]
    rows.append(_item("_diffrn_radiation_probe", r.radiation))
    if r.source in _SOURCES:
        rows.append(_item("_diffrn_source", _SOURCES[r.source]))
    rows += _wavelengths(r)
    if r.monochromator is not None:
        rows += _text("_diffrn_radiation_monochromator", [f"crystal at 2theta = {plain_text(r.monochromator)} degrees"])
    if o.temperature is not None:
        rows.append(_item("_diffrn_ambient_temperature", plain_text(o.temperature)))
    mode = "reflection" if r.geometry == "bragg-brentano" else "transmission"
    rows.append(_item("_pd_spec_mount_mode", mode))
    if r.geometry == "debye-scherrer":
        rows.append(_item("_pd_spec_shape", "cylinder"))
    elif r.geometry == "bragg-brentano":
        rows.append(_item("_pd_spec_shape", "flat_sheet"))
    rows.append(_item("_pd_meas_scan_method", "step" if r.step is not None else "?"))
    rows.append(_item("_pd_meas_number_of_points", str(r.x.size)))
    step = "?" if r.step is None else plain_text(r.step)
    for part in ("meas", "proc"):
        ends = (("min", plain_text(float(r.x[0]), 7)), ("max", plain_text(float(r.x[-1]), 7)), ("inc", step))
        rows += [_item(f"_pd_{part}_2theta_range_{end}", value) for end, value in ends]
    rows += ["", "# how it was refined", *_refined(r), "", "# phases"]
    rows += ["loop_", "_pd_phase_id", "_pd_phase_block_id", "_pd_phase_name", "_pd_phase_mass_%"]
    for number, (phase, name) in enumerate(zip(r.phases, ids, strict=True), 1):
        rows.append(f"{number} {_quoted(name)} {_quoted(phase.name)} {quantity_text(_times(phase.mass_fraction, 100.0))}")
    return [*rows, "", *_profile(r), ""]


def _provenance(r: PowderRefinement) -> dict[str, str]:
    o = r.origin
    return {"file": o.file, "sha256": o.sha256, "command": o.command, "run": o.run}


def _wavelengths(r: PowderRefinement) -> list[str]:
    if len(r.lines) == 1:
        return [_item("_diffrn_radiation_wavelength", plain_text(r.lines[0][0], 7))]
    rows = ["loop_", "_diffrn_radiation_wavelength_id", "_diffrn_radiation_wavelength", "_diffrn_radiation_wavelength_wt"]
    most = max(share for _, share in r.lines)
    return rows + [f"{n} {plain_text(value, 7)} {plain_text(share / most, 5)}" for n, (value, share) in enumerate(r.lines, 1)]


def _refined(r: PowderRefinement) -> list[str]:
    rows = []
    figures: list[tuple[str, float | None]] = [
        ("_pd_proc_ls_prof_R_factor", r.rp),
        ("_pd_proc_ls_prof_wR_factor", r.rwp),
        ("_pd_proc_ls_prof_wR_expected", r.rexp),
        ("_refine_ls_goodness_of_fit_all", r.goodness),
    ]
    rows += [_item(name, "?" if value is None else f"{value:.{_PLACES}f}") for name, value in figures]
    rows.append(_item("_refine_ls_matrix_type", "full"))
    for name, count in (("parameters", r.parameters), ("restraints", r.restraints), ("constraints", r.constraints)):
        rows.append(_item(f"_refine_ls_number_{name}", str(count)))
    rows.append(_item("_pd_proc_number_of_points", str(r.x.size)))
    rows += _text("_pd_proc_ls_profile_function", _profile_words(r))
    rows += _text(
        "_pd_proc_ls_background_function",
        [f"Clipped background and Chebyshev polynomials, {r.background_terms} amounts refined"],
    )
    orientation = [f"{phase.name}: {text}" for phase in r.phases for text in phase.remarks if "texture" in text]
    rows += _text("_pd_proc_ls_pref_orient_corr", orientation or ["none"])
    method = "free intensities of all reflections (Pawley)" if r.free_intensities else "Rietveld"
    words = [
        f"{method}; scales and background by variable projection, the rest by Levenberg-Marquardt",
        "Standard uncertainties are scaled by the misfit reached and count two independent points for each width of a peak",
        "They are larger than those that count every step of the scan",
        "Uncertainties are rounded by the rule of 19",
        *(f"{name} = {quantity_text(q)} {q.unit}" for name, q in r.shifts.items() if q.value or q.sigma),
        *r.remarks,
    ]
    return rows + _text("_pd_proc_ls_special_details", words)


def _profile_words(r: PowderRefinement) -> list[str]:
    widths = ", ".join(f"{name} = {quantity_text(q)}" for name, q in r.widths.items())
    words = [
        "Pseudo-Voigt (Thompson, Cox & Hastings, 1987), asymmetry by axial divergence (Finger, Cox & Jephcoat, 1994)",
        "Gaussian FWHM^2 = u tan^2(theta) + v tan(theta) + w, Lorentzian FWHM = x / cos(theta) + y tan(theta), in degrees",
        widths,
        f"S/L = H/L = {quantity_text(r.axial)}",
    ]
    for phase in r.phases:
        found = [f"{phase.name}:"]
        if phase.size is not None and _stands_out(phase.size):
            found.append(f"size {quantity_text(phase.size)} angstrom (volume-weighted, K = 0.9)")
        if phase.strain is not None and _stands_out(phase.strain):
            found.append(f"strain {quantity_text(phase.strain)} (FWHM = 4 e tan(theta))")
        words += [" ".join(found)] if len(found) > 1 else []
    return words


def _stands_out(q: Quantity) -> bool:
    return q.value > 0 and (q.sigma is None or q.value > q.sigma)


def _profile(r: PowderRefinement) -> list[str]:
    """The loop of the pattern."""
    total = "_pd_meas_counts_total" if r.counts else "_pd_proc_intensity_total"
    rows = ["loop_", "_pd_meas_2theta_scan", total, "_pd_calc_intensity_total", "_pd_proc_intensity_bkg_calc"]
    rows.append("_pd_proc_ls_weight")
    weight = r.sigma**-2
    size = float(np.max(np.abs(r.observed))) or 1.0
    places = int(np.clip(6 - np.floor(np.log10(size)), 0, 12))
    for k in range(r.x.size):
        y = float(r.observed[k])
        whole = r.counts and y == round(y)
        seen = f"{y:.0f}" if whole else plain_text(y, 8) if r.counts else su_text(y, float(r.sigma[k]), rule=199)
        rows.append(
            f"{plain_text(float(r.x[k]), 8)} {seen} {r.calculated[k]:.{places}f} {r.background[k]:.{places}f} {weight[k]:.6g}"
        )
    return rows


def _phase(r: PowderRefinement, phase: RefinedPhase, number: int, name: str, pattern: str) -> list[str]:
    crystal = phase.crystal
    rows = [f"data_{_code(r.origin.name) or 'pattern'}_phase_{number}", _item("_pd_block_id", name)]
    rows += [_item("_pd_block_diffractogram_id", pattern), _item("_pd_phase_name", phase.name)]
    rows.append(_item("_chemical_formula_sum", _formula(phase)))
    rows.append(_item("_chemical_formula_weight", f"{phase.mass:.2f}"))
    rows += [_item(f"_cell_{n}", quantity_text(q)) for n, q in zip(_CELL, phase.cell, strict=True)]
    rows.append(_item("_cell_volume", quantity_text(phase.volume, digits=8)))
    rows.append(_item("_cell_formula_units_Z", plain_text(phase.formula_units)))
    rows.append(_item("_exptl_crystal_density_diffrn", f"{phase.density:.3f}"))
    if r.origin.temperature is not None:
        rows.append(_item("_cell_measurement_temperature", plain_text(r.origin.temperature)))
    rows += _text("_refine_special_details", phase.remarks) if phase.remarks else []
    rows += space_group_rows(crystal)
    rows += ["loop_", "_atom_site_label", "_atom_site_type_symbol"]
    rows += [f"_atom_site_fract_{axis}" for axis in "xyz"]
    rows += [
        "_atom_site_occupancy",
        "_atom_site_U_iso_or_equiv",
        "_atom_site_adp_type",
        "_atom_site_site_symmetry_multiplicity",
    ]
    for site in phase.sites:
        position = " ".join(quantity_text(q, digits=5) for q in site.position)
        tail = f"{quantity_text(site.occupancy)} {quantity_text(site.u_iso, digits=4)} Uiso {site.multiplicity}"
        rows.append(f"{site.label} {site.element} {position} {tail}")
    return [*rows, *_reflections(phase), ""]


def _reflections(phase: RefinedPhase) -> list[str]:
    found = phase.reflections
    if found is None or not len(found.hkl):
        return []
    rows = [_item("_refine_ls_R_I_factor", f"{found.r_intensity:.{_PLACES}f}"), "loop_"]
    rows += [f"_refln_index_{letter}" for letter in "hkl"]
    rows += ["_refln_symmetry_multiplicity", "_refln_d_spacing", "_refln_F_squared_calc", "_refln_F_squared_meas"]
    numbers = zip(found.hkl.tolist(), found.multiplicity, found.spacing, found.calculated, found.observed, strict=True)
    return rows + [f"{h} {k} {m} {int(many)} {d:.5f} {c:.2f} {o:.2f}" for (h, k, m), many, d, c, o in numbers]


def _formula(phase: RefinedPhase) -> str:
    """Formula with carbon and hydrogen first, the rest by the alphabet (the order of Hill)."""
    counts = {el: n / phase.formula_units for el, n in phase.crystal.contents.items()}
    first = ["C", "H"] if "C" in counts else []
    order = [el for el in first if el in counts] + sorted(el for el in counts if el not in first)
    return " ".join(f"{el}{'' if abs(counts[el] - 1) < 1e-6 else plain_text(counts[el], 5)}" for el in order)


def _times(q: Quantity, factor: float) -> Quantity:
    return Quantity(value=q.value * factor, sigma=None if q.sigma is None else q.sigma * factor, unit="%")


def _item(name: str, value: str) -> str:
    return f"{name:<40} {_quoted(value)}"


def _quoted(text: str) -> str:
    """A value of one line, quoted where it must be."""
    flat = " ".join(text.encode("ascii", "replace").decode().split())
    plain = re.fullmatch(r"[^\s'\"#$_\[\];][^\s]*", flat) and not flat.lower().startswith(
        ("data_", "loop_", "save_", "global_")
    )
    if plain:
        return flat
    mark = "'" if "'" not in flat else '"'
    return f"{mark}{flat.replace(mark, ' ')}{mark}"


def _text(name: str, lines: Iterable[str]) -> list[str]:
    """A value of several lines between semicolons."""
    out = []
    for line in lines:
        flat = " ".join(line.encode("ascii", "replace").decode().split())
        while len(flat) > _WIDTH:
            cut = flat.rfind(" ", 0, _WIDTH)
            cut = cut if cut > 0 else _WIDTH
            out.append(f" {flat[:cut]}")
            flat = flat[cut:].strip()
        out.append(f" {flat}")
    return [name, ";", *out, ";"]
