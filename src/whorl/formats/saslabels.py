"""What the columns of a small-angle file are, by their label line: q, intensity, uncertainty, resolution, slit, shadow."""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNIT = re.compile(
    r"[(\[]\s*([^)\]]*?)\s*[)\]]|_(inv_?a(?:ng)?|inv_?nm|nm\^?-1|a\^?-1|cm\^?-1|1/a|1/nm|1/cm)$|/\s*(nm|a|å|cm)\^?[-⁻][1¹]$"
)
_OF_Q = re.compile(r"[(\[]\s*(?:q|s|h|\|q\||qx,\s*qy)\s*[)\]]")
_GLUED = re.compile(r"\S+(?:\s*[(\[][^)\]]*[)\]])*")

_NAMES = {
    "q": "q modq qvec qvector scatteringvector momentumtransfer qabs qvalue qvalues qval qmod s h x smrqvec dsmqvec qr qaxis "
    "wavevector xwave qinv qnm qa",
    "i": "i intensity int iq signal counts count y ywave iabs icor smrint dsmint crosssection dsigma/domega dsigmadomega dsdw "
    "rint iexp iavg iave isub intensities meanintensity scatteringintensity normalizedintensity normalisedintensity ints",
    "di": "di idev err error errors erri ierr ierror sigma sigmai isigma sig sigi stddev stddevi std sdev unc uncertainty "
    "uncertainties e dy deltai esd interr interror intensityerror errorintensity sigmaintensity smrerror dsmerror sd istd "
    "istddev yerr erry counterror standarddeviation sem errorbar errorbars errbar di/dq erriq sigmaiq ierrs errorofi "
    "dev devs sigmas idevs",
    "dq": "dq qdev sigmaq qsigma qerr sigq dx xerr errx qresolution deltaq qerror qstd resolution qres smrdq dsmdq qsig "
    "dqp dsigq",
    "share": "dq/q sigmaq/q deltaq/q sigq/q qres/q",
    "fwhm": "fwhm qfwhm fwhmq dqfwhm",
    "slit_length": "dql slitlength dqv",
    "slit_width": "dqw slitwidth",
    "shadow": "shadowfactor shadow fs beamstopshadow fsubs",
    "mean": "meanq qmean qavg qbar",
}
_ROLES = {name: role for role, names in _NAMES.items() for name in names.split()}


@dataclass(frozen=True)
class SasLabels:
    """Roles and units of the columns, one of each per column; empty where nothing is said.

    Parameters
    ----------
    roles : tuple of str
        ``"q"``, ``"i"``, ``"di"``, ``"dq"``, ``"fwhm"``, ``"slit_length"``, ``"slit_width"``, ``"shadow"``, ``"mean"``,
        ``"share"`` (standard deviation of q over q) or empty.
    units : tuple of str
    """

    roles: tuple[str, ...]
    units: tuple[str, ...]

    def at(self, role: str) -> int | None:
        """Column of a role, ``None`` when no label says so."""
        return self.roles.index(role) if role in self.roles else None

    def unit(self, role: str) -> str:
        """Unit of the column of a role, empty when not stated."""
        column = self.at(role)
        return "" if column is None else self.units[column]


def find(header: list[str], width: int) -> SasLabels | None:
    """Find the labels among the last lines of the header, ``None`` when there are none.

    Parameters
    ----------
    header : list of str
        Lines before the data, comment marks included.
    width : int
        Columns of the data.

    Examples
    --------
    >>> find(["# Q_invA I_cm-1 Idev Qdev"], 4)
    SasLabels(roles=('q', 'i', 'di', 'dq'), units=('inva', 'cm-1', '', ''))
    >>> nist = "The 6 columns are | Q (1/A) | I(Q) (1/cm) | std. dev. I(Q) (1/cm) | sigmaQ | meanQ | ShadowFactor|"
    >>> find([nist], 6).roles
    ('q', 'i', 'di', 'dq', 'mean', 'shadow')
    >>> find(["q [nm-1];I [a.u.];Sigma"], 3).units
    ('nm-1', 'a.u.', '')
    """
    for line in reversed(header[-60:]):
        if len(line) > 400 + 40 * width:
            continue
        text = line.strip()
        text = (text.removeprefix("#L ")).lstrip("#!%;/'\"* \t")
        for cells in _splits(text):
            found = _interpret(cells, width)
            if found is not None:
                return found
    return None


def _splits(text: str) -> list[list[str]]:
    """Cut a label line into cells in every way that it may be meant, the surest first."""
    ways = [re.split(mark, text) for mark in (r"\|", r"\t+", ";", ",", r"\s{2,}") if re.search(mark, text)]
    ways.append(_GLUED.findall(text))
    ways.append(text.split())
    return [cells for way in ways if len(cells := [cell.strip(" \t\"'#") for cell in way if cell.strip(" \t\"'#")]) >= 2]


def _interpret(cells: list[str], width: int) -> SasLabels | None:
    named = [(_role(cell), _unit(cell)) for cell in cells]
    roles = [role for role, _ in named]
    if "q" not in roles or "i" not in roles:
        return None
    first = roles.index("q")
    if len(cells) > width:
        if len(cells) - first != width:
            return None
        named = named[first:]
    named += [("", "")] * (width - len(named))
    seen: set[str] = set()
    out = []
    if [role for role, _ in named].count("di") == 2 and "dq" not in roles:  # "dI Sigma": the second one is that of q
        second = [i for i, (role, _) in enumerate(named) if role == "di"][1]
        named[second] = ("dq", named[second][1])
    for role, unit in named:
        out.append(("" if role in seen else role, unit))
        seen.add(role)
    if out[0][0] != "q" and not (len(out) > 2 and out[1][0] == "q"):
        return None
    return SasLabels(tuple(role for role, _ in out), tuple(unit for _, unit in out))


def _role(cell: str) -> str:
    text = _UNIT.sub("", _OF_Q.sub("", cell.lower()))
    name = re.sub(r"[\s_.\-|<>$\\,:^{}]", "", text)
    if cell.lower().replace(" ", "") in ("<q>", "<q"):
        return "mean"
    if name.startswith("xwave"):
        return "q"
    if name.startswith("ywave"):
        return "i"
    return _ROLES.get(name, "")


def _unit(cell: str) -> str:
    match = _UNIT.search(_OF_Q.sub("", cell.lower()))
    return "" if match is None else next((group for group in match.groups() if group), "")
