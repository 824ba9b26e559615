"""What to cite for an answer: whorl and the methods that were really used. One line of data per method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from whorl.core.verdict import Verdict


@dataclass(frozen=True)
class Citation:
    """A reference, why it belongs in the list, and when it does."""

    key: str
    text: str
    doi: str
    purpose: str
    used: Callable[[Verdict], bool]

    @property
    def url(self) -> str:
        """Address of the DOI resolver; empty when there is no DOI."""
        return f"https://doi.org/{self.doi}" if self.doi else ""


def _kinds(verdict: Verdict) -> set[str]:
    return {c.kind for c in verdict.candidates}


def _parameter(verdict: Verdict, key: str) -> Any:
    return verdict.provenance.parameters.get(key) if verdict.provenance else None


def _radiation(verdict: Verdict) -> str:
    stated = str(_parameter(verdict, "radiation") or "").lower()
    assumed = " ".join(a.lower() for a in verdict.assumptions if a.lower().startswith("radiation"))
    return stated or assumed


def _is_pdf(verdict: Verdict, kind: str) -> bool:
    return verdict.technique == "pdf" and kind in _kinds(verdict)


def _has_catalogue(verdict: Verdict) -> bool:
    return verdict.status == "ok" and bool(verdict.candidates) and "description" not in _kinds(verdict)


def _told(verdict: Verdict, method: str) -> bool:
    return verdict.task == "quantify" and any(name.startswith(f"{method}:") for name in verdict.parameters)


CITATIONS: tuple[Citation, ...] = (
    Citation(
        "pdffit",
        "Th. Proffen and S. J. L. Billinge, PDFFIT, a program for full profile structural refinement of the atomic pair "
        "distribution "
        "function. J. Appl. Cryst. 32, 572–575 (1999)",
        "10.1107/S0021889899003532",
        "pair distribution function of a crystal",
        lambda v: _is_pdf(v, "crystal"),
    ),
    Citation(
        "pdfgui",
        "C. L. Farrow et al., PDFfit2 and PDFgui: computer programs for studying nanostructure in crystals. J. Phys.: "
        "Condens. Matter "
        "19, 335219 (2007)",
        "10.1088/0953-8984/19/33/335219",
        "conventions of the refined parameters",
        lambda v: _is_pdf(v, "crystal"),
    ),
    Citation(
        "debye",
        "P. Debye, Zerstreuung von Röntgenstrahlen. Ann. Phys. 351, 809–823 (1915)",
        "10.1002/andp.19153510606",
        "scattering of a finite cluster",
        lambda v: _is_pdf(v, "cluster"),
    ),
    Citation(
        "form-factors",
        "D. Waasmaier and A. Kirfel, New analytical scattering-factor functions for free atoms and ions. Acta Cryst. "
        "A51, 416–431 (1995)",
        "10.1107/S0108767394013292",
        "X-ray form factors",
        lambda v: v.technique in {"pdf", "pd"} and _has_catalogue(v) and "neutron" not in _radiation(v),
    ),
    Citation(
        "neutron-lengths",
        "V. F. Sears, Neutron scattering lengths and cross sections. Neutron News 3(3), 26–37 (1992)",
        "10.1080/10448639208218770",
        "neutron scattering lengths",
        lambda v: v.technique in {"pdf", "pd"} and _has_catalogue(v) and "neutron" in _radiation(v),
    ),
    Citation(
        "variable-projection",
        "G. H. Golub and V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose "
        "variables "
        "separate. SIAM J. Numer. Anal. 10, 413–432 (1973)",
        "10.1137/0710036",
        "least squares with projected scale factors",
        _has_catalogue,
    ),
    Citation(
        "gemmi",
        "M. Wojdyr, GEMMI: a library for structural biology. J. Open Source Softw. 7(73), 4200 (2022)",
        "10.21105/joss.04200",
        "structure files and symmetry",
        lambda v: "crystal" in _kinds(v),
    ),
    Citation(
        "ase",
        "A. Hjorth Larsen et al., The atomic simulation environment, a Python library for working with atoms. J. Phys.: "
        "Condens. "
        "Matter 29, 273002 (2017)",
        "10.1088/1361-648X/aa680e",
        "cluster models",
        lambda v: "cluster" in _kinds(v),
    ),
    Citation(
        "guinier",
        "A. Guinier, La diffraction des rayons X aux très petits angles. Ann. Phys. 11, 161–237 (1939)",
        "10.1051/anphys/193911120161",
        "radius of gyration",
        lambda v: _told(v, "guinier"),
    ),
    Citation(
        "porod",
        "G. Porod, Die Röntgenkleinwinkelstreuung von dichtgepackten kolloiden Systemen. Kolloid-Z. 124, 83–114 (1951)",
        "10.1007/BF01512792",
        "power law at high q, invariant",
        lambda v: _told(v, "porod") or _told(v, "invariant"),
    ),
    Citation(
        "unified",
        "G. Beaucage, Approximations leading to a unified exponential/power-law approach to small-angle scattering. J. Appl. "
        "Cryst. 28, 717–728 (1995)",
        "10.1107/S0021889895005292",
        "structural levels",
        lambda v: _told(v, "unified"),
    ),
    Citation(
        "distances",
        "S. Hansen, Bayesian estimation of hyperparameters for indirect Fourier transformation in small-angle scattering. J. "
        "Appl. Cryst. 33, 1415–1421 (2000)",
        "10.1107/S0021889800012930",
        "pair distances",
        lambda v: _told(v, "distances"),
    ),
    Citation(
        "evidence",
        "D. J. C. MacKay, Bayesian interpolation. Neural Comput. 4, 415–447 (1992)",
        "10.1162/neco.1992.4.3.415",
        "regularisation of the size distribution",
        lambda v: _told(v, "sizes"),
    ),
)


def citations_for(verdict: Verdict) -> list[Citation]:
    """References for an answer; ``provenance.parameters["methods"]``, a list of keys, overrides the rules where present.

    Examples
    --------
    >>> [c.key for c in citations_for(Verdict(whorl="0.1.0", task="identify", file="a.gr", technique="pdf"))]
    ['whorl']
    """
    own = Citation(
        "whorl", f"The whorl developers, whorl {verdict.whorl} (software)", "", "identification and refinement", lambda _: True
    )
    methods = _parameter(verdict, "methods")
    if isinstance(methods, list):
        return [own, *(c for c in CITATIONS if c.key in methods)]
    return [own, *(c for c in CITATIONS if c.used(verdict))]
