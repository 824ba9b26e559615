r"""A refined powder pattern as files for GSAS-II: data, instrument parameters, phases, and a script that puts them together.

GSAS-II (Toby & Von Dreele, J. Appl. Cryst. 46, 544 (2013), doi:10.1107/S0021889813003531) states the *variance* of the
Gaussian, sigma^2 = U tan^2 + V tan + W, in hundredths of a degree squared, and the Lorentzian full width X / cos + Y tan in
hundredths of a degree; SH/L is the sum of S/L and H/L. With full widths squared in degrees^2, U = 10^4 u / (8 ln 2) and so on,
X = 100 x. Its size is for Scherrer's K = 1, in micrometres, and its microstrain is 10^6 times the full width of the spacings,
4 e here; a displaced sample is stated in micrometres with the sign that whorl uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, log, radians

from whorl.formats.cif_write import cif_text
from whorl.formats.powder_refinement import SCHERRER, PowderRefinement, RefinedPhase
from whorl.formats.su import plain_text

#: degrees^2 of a full width squared to the variance in hundredths of a degree squared
VARIANCE = 1e4 / (8 * log(2))
_MOST_CURVES = 36


def gsas2_files(refinement: PowderRefinement, stem: str) -> dict[str, str]:
    """Name and text of each file.

    Parameters
    ----------
    refinement : PowderRefinement
    stem : str
        Start of the names.

    Returns
    -------
    dict of str to str
        ``STEM.xye``, ``STEM.instprm``, ``STEM-1.cif`` and so on for the phases, ``STEM.py``.
    """
    files = {f"{stem}.xye": xye_text(refinement), f"{stem}.instprm": instprm_text(refinement)}
    files |= {f"{stem}-{n}.cif": cif_text(phase.crystal) for n, phase in enumerate(refinement.phases, 1)}
    return files | {f"{stem}.py": script_text(refinement, stem)}


def xye_text(refinement: PowderRefinement) -> str:
    """The pattern as three columns: 2 theta, intensity, standard uncertainty."""
    r = refinement
    lines = [
        f"{plain_text(float(x), 8)} {plain_text(float(y), 9)} {plain_text(float(s), 6)}"
        for x, y, s in zip(r.x, r.observed, r.sigma, strict=True)
    ]
    return "\n".join(lines) + "\n"


def instrument_values(refinement: PowderRefinement) -> dict[str, float]:
    """Instrument parameters under GSAS-II's names and in its units."""
    r = refinement
    found: dict[str, float] = {}
    if len(r.lines) > 1:
        (first, one), (second, other) = r.lines[:2]
        found |= {"Lam1": first, "Lam2": second, "I(L2)/I(L1)": other / one}
    else:
        found["Lam"] = r.lines[0][0]
    found["Zero"] = r.shifts["zero"].value
    if r.radiation == "x-ray":
        found["Polariz."] = polarisation(r)
    found["Azimuth"] = 0.0
    found |= {name: VARIANCE * r.widths[name.lower()].value for name in ("U", "V", "W")}
    found |= {name: 100 * r.widths[name.lower()].value for name in ("X", "Y")}
    return found | {"Z": 0.0, "SH/L": max(2 * r.axial.value, 0.002)}


def polarisation(refinement: PowderRefinement) -> float:
    """Part of the intensity with the electric vector normal to the plane of scattering: P in P + (1 - P) cos^2(2 theta)."""
    if refinement.polarised is not None:
        return refinement.polarised
    k = 1.0 if refinement.monochromator is None else cos(radians(refinement.monochromator)) ** 2
    return 1 / (1 + k)


def instprm_text(refinement: PowderRefinement) -> str:
    """The instrument parameters as GSAS-II's ``.instprm``."""
    kind = "PNC" if refinement.radiation == "neutron" else "PXC"
    rows = ["#GSAS-II instrument parameter file; do not add/delete items!", f"Type:{kind}", "Bank:1.0"]
    rows += [f"{name}:{value:.8g}" for name, value in instrument_values(refinement).items()]
    return "\n".join(rows) + "\n"


def sample_values(phase: RefinedPhase) -> Mapping[str, float]:
    """Size (micrometres, K = 1) and microstrain of a phase as GSAS-II states them; only what broadens."""
    found = {}
    if phase.size is not None and phase.size.value > 0:
        found["size"] = phase.size.value / SCHERRER * 1e-4
    if phase.strain is not None and phase.strain.value > 0:
        found["microstrain"] = 4e6 * phase.strain.value
    return found


def _missing(r: PowderRefinement) -> list[str]:
    """What of the model GSAS-II has no parameter for, or states otherwise, as lines of the script's docstring."""
    out = []
    if r.free_intensities:
        out.append("whorl refined free intensities (Pawley); here the structure's are taken: set Pawley in the phase's data.")
    if r.slit:
        out.append(
            f"whorl multiplied intensities by sin(theta)^{plain_text(r.slit, 4)} (divergence slit); this is not set here."
        )
    out += [f"{phase.name}: {text}; not set here." for phase in r.phases for text in phase.remarks]
    return ["", *(line.replace("\\", "/").replace('"', "'") for line in out)] if out else []


def script_text(refinement: PowderRefinement, stem: str) -> str:
    """A Python script for GSASIIscriptable that loads the files, sets what whorl refined, and refines in steps."""
    r = refinement
    flat = r.geometry == "bragg-brentano"
    cells = [phase.mass_fraction.value / (phase.mass * phase.formula_units) for phase in r.phases]
    amounts = [c / cells[0] if cells[0] > 0 else 1.0 for c in cells]
    phases = []
    for n, phase in enumerate(r.phases, 1):
        sample = sample_values(phase)
        row: dict[str, str | float] = {"file": f"{stem}-{n}.cif", "name": phase.name, "scale": float(f"{amounts[n - 1]:.6g}")}
        phases.append(row | {name: float(f"{value:.6g}") for name, value in sample.items()})
    curves = min(max(r.background_terms, 4), _MOST_CURVES)
    shift = 1000 * r.shifts["displacement"].value
    rows = [
        '"""Set up in GSAS-II what whorl refined, and refine it there.',
        "",
        f"Run it in this folder with the Python that has GSAS-II: python {stem}.py",
        *_missing(r),
        '"""',
        "",
        "try:",
        "    from GSASII import GSASIIscriptable as G2sc",
        "except ImportError:  # older installations: the folder of GSAS-II on PYTHONPATH",
        "    import GSASIIscriptable as G2sc",
        "",
        "PHASES = [",
        *(f"    {row!r}," for row in phases),
        "]",
        "",
        f"gpx = G2sc.G2Project(newgpx={stem + '.gpx'!r})",
        f"histogram = gpx.add_powder_histogram({stem + '.xye'!r}, {stem + '.instprm'!r})",
        f"histogram.SampleParameters['Type'] = {'Bragg-Brentano' if flat else 'Debye-Scherrer'!r}",
        f"histogram.SampleParameters['Gonio. radius'] = {r.radius:.6g}  # mm",
    ]
    if flat:
        rows.append(f"histogram.SampleParameters['Shift'] = [{shift:.6g}, False]  # of the sample, micrometres")
    rows += [
        "",
        "for row in PHASES:",
        "    phase = gpx.add_phase(row['file'], phasename=row['name'], histograms=[histogram], fmthint='CIF')",
        "    phase.setHAPvalues({'Scale': [row['scale'], False]})  # cells beside those of the first phase",
        "    if 'size' in row:  # micrometres, Lorentzian",
        "        phase.setSampleProfile(histogram, 'size', 'isotropic', row['size'], LGmix=1.0)",
        "    if 'microstrain' in row:  # 1e6 times the spread of the spacings, Lorentzian",
        "        phase.setSampleProfile(histogram, 'microstrain', 'isotropic', row['microstrain'], LGmix=1.0)",
        "",
        "gpx.data['Controls']['data']['max cyc'] = 8",
        "steps = [",
        f"    {{'set': {{'Background': {{'type': 'chebyschev-1', 'no. coeffs': {curves}, 'refine': True}},",
        "             'Sample Parameters': ['Scale']}},",
        "    {'set': {'Cell': True}},",
        "    {'set': {'Sample Parameters': ['Shift']}}," if flat else "    {'set': {'Instrument Parameters': ['Zero']}},",
        "]",
        "gpx.do_refinements(steps)",
    ]
    if len(r.phases) > 1:
        rows += [
            "for phase in gpx.phases()[1:]:  # the first stays: the scale of the histogram goes with it",
            "    phase.set_HAP_refinements({'Scale': True})",
            "gpx.do_refinements([{}])",
        ]
    rows += [
        f"print('Rwp in GSAS-II', histogram.get_wR(), '%; in whorl {100 * r.rwp:.3f} %')",
        "gpx.save()",
        "",
    ]
    return "\n".join(rows)
