"""Put the figures of a run into docs/benchmarks.md: ``python benchmarks/_docs.py FOLDER`` with the files that ``--json`` wrote.

A figure stands between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``, NAME being the script's. Figures of scripts
that have no file in the folder stay as they are; quick runs are refused.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from _harness import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
MARKS = {True: " ✓", False: " **missed**", None: ""}
MODES = ("header as it is", "composition removed", "elements given")

#: what was done, by script
PROTOCOLS = {
    "debye_speed": "Clusters are the fcc gold atoms nearest to a point; U from B = 0.3 Å², no damping, r 0 to 30 Å "
    "in steps of 0.01 Å, Q 0.8 to 25 Å⁻¹. CPU times are the least of 15 batches (DebyeCalculator: of "
    "20 calls, structure given as ASE atoms, 32 bit, its default), one thread. Accuracy is the root "
    "mean square difference over that of the reference. DebyeCalculator's default Q step is coarse; "
    "at 0.02 Å⁻¹ its G(r) comes as near to the limit of fine steps as whorl's, so both are shown. The "
    "DiffPy curves are the six of DeepStruc; their r column is 1/2999 too long (G was computed on "
    "steps of 0.01 Å). DiffPy's Q step and first point, and the factor on r, were found by fitting "
    "these same six curves; the bar is judged on that sum, and whorl's own transform, shown below it, "
    "stays above 1e-2 for some of them.",
    "refine_crystals": "The same file, range, start and free parameters for both programs. CPU times are the least of "
    "five warm refinements for whorl and one for PDFfit2, reading the file not included.",
    "identify_measured": "Every file against the elements, compounds and nanoparticles that come with whorl and a folder "
    "of 455 CIF and XYZ files (443 of them polyoxometalates). ✓: the first candidate is of the right "
    "prototype. What is right, and how it is known, stands in the script. Figures are the first "
    "candidate, its probability with the header as it is / with the composition removed / with the "
    "elements given, and CPU seconds on one thread in the same order. What counts as right was "
    "written down after a first look at the answers; CdSe_1 counts because the first candidate, a "
    "cluster from the folder, is cut from zincblende, although none of these is the more probable "
    "answer. SrFe2As2 counts in either of its two phases. The time of a whole identify is judged by "
    "CPU seconds (two threads); the wall clock, on a busy machine, is shown beside it.",
    "insitu_series": "`whorl identify FOLDER --report DIR --csv FILE --workers 2` on the 76 frames, nothing kept from "
    "before, caches of the catalogues warm; a report page per frame and one of the series are "
    "written.",
    "finder_metals": "Shapes drawn from the 3743 structures of the published protocol, made by ASE, simulated by a Debye "
    "sum apart from whorl; no header is given. What is right, and the modes, stand in the script.",
    "finder_polyoxometalates": "All clusters of a folder of 443, with the built-in catalogues beside it; parameters drawn over "
    "the ranges that the peer was trained on. The peer is told the Q range and the damping, whorl is not.",
    "finder_crystals": "Compounds of the built-in catalogue, with the nuisances the technique declares and sizes from 2 "
    "to 50 nm; the seeds and parameters are none of the calibration's.",
    "finder_none": "The same searches with the true family, or the true prototype, taken out, and with it in. Of "
    "clusters none is seldom said: another cut, fault or twin of the same lattice leaves less than the right model "
    "of a measured particle commonly does (Au144 0.15, a Keggin ion 0.23), and saying none of it would mean saying "
    "it of those too.",
    "finder_elements": "Particles and bulk of one element; the ceiling is what the prior of the length scale alone allows.",
    "finder_mixtures": "Pairs of compounds of different prototypes, mixed Q by Q as scattering mixes them, with the "
    "nuisances the technique declares; found means exactly the true prototypes. Within reach: without the cases in "
    "which the true phases, fitted as the search would fit them, score no better than the answer. Earlier versions "
    "of the same day gave 38 of 40 pairs on each of two other seeds (20261213, 20261220) with elements given, 27 and "
    "32 without; 36 of 38 and 37 of 38 fractions within 5 %.",
    "catalogue_import": "An invented collection of 10 000 CIFs, one in twenty broken; CPU seconds, since the machine was busy.",
    "proposers": "Proposers alone, no refinement: the first answers of the correlation over ln r and of boosted trees trained "
    "on the same catalogue with the published ranges; Q range and damping given to both.",
    "powder_speed": "A phase that is ready (reflections listed, atoms of the primitive cell), least of five runs; the peer's "
    "sticks have no profile. Intensities with pymatgen's form factors put into whorl's sums.",
    "powder_refine": "One call of `refine` from the structure as it is given, reading the file and looking for unexplained "
    "peaks included; least CPU time of three warm calls, one thread. Peers were run on their own: GSAS-II (PbSO4), BGMN with "
    "a fixed slit (Mn2O3 + LiF), TOPAS (the published refinements).",
    "powder_identify": "Four measured patterns of XRD-AutoAnalyzer (the shared part) with its 56 candidates; twenty scans of "
    "ten weighed mixtures (dara) with their elements given and all built-in crystals; 45 RRUFF minerals with nothing given; "
    "catalogues of invented compounds. A phase is a formula in a space group. The tempering, the model errors and the "
    "allowance of *none* were chosen with these measured files in view: development figures.",
    "powder_measured": "Elements given, the whole built-in catalogue searched; a phase is a formula in a space group. A first "
    "look, at 19 of 25 oxide mixtures, 6 of 7 and 1 of 2, led to two changes: models are wrong at the feet of peaks by 1 % of "
    "their height, and broad peaks are humps only where free humps explain as much. These are figures after that.",
    "powder_noise": "A fourth seed. On a first two humps and on a second one were claimed before the rules were "
    "mended; of a third none was.",
    "powder_series": "Simulated: 200 frames of two phases that expand, one growing in, counts. Measured: an oxide mixture "
    "heated (the authors' TOPAS refinement of eleven phases beside), a lithium cell in operation, two patterns of CuCr2O4. "
    "Limits of holding a phase were set with the measured series in view.",
    "rockjock": "Four weighed mixtures of seven minerals with 20 % corundum and a library of 168 measured pure phases (Eberl, "
    "USGS). Choices were made on mixtures simulated from the library. Without their own materials: every reference that is the "
    "very material of a mixture is taken out.",
    "internal_standard": "Simulated mixtures of crystals, a glass and a weighed-in standard, refined with its humps named; "
    "grains of one size, and of sizes that nobody knows.",
    "crystal_system": "Peaks searched for in the pattern, nothing else given; trees trained on simulated crystals. The "
    "minerals were looked at once.",
    "adaptive_scans": "Full scans replayed as if measured step by step; counts thinned to the time asked for.",
    "phase_network": "Simulated mixtures are drawn as those of training with other seeds; the measured patterns "
    "were looked at last. The peer trains an ensemble of networks for the same candidates, hours by its authors.",
    "remainder": "Crystals, clusters and wrong structures with ligand peaks, amorphous parts and magnetic scattering, or not.",
    "quantify_powder": "Simulated patterns of NiO, PdO, CeO2, tetragonal ZrO2 and corundum at 0.2 Å with backgrounds and "
    "counts, drawn from the distributions of training with other seeds. No measured series of these phases was at hand. What "
    "our small network gives alone stands where the published PQ-Net would, which was not run. Full refinements start at the "
    "truth. The first has the background of `whorl refine` (the clipped pattern and polynomials), the second that of the steps "
    "(splines), which fits the simulated backgrounds better.",
    "sas_speed": "256 points from 0.001 to 0.5 1/Å, equally far in ln q; 35 sizes where a length is distributed. "
    "sasmodels with compiled kernels in the same process, calls warm. Deviations are the largest relative"
    " ones; where sasmodels' own quadrature has not converged (triaxial, paracrystals with narrow peaks) "
    "direct integration sides with whorl. The corpus draws kinds, sizes, spreads and resolutions at "
    "random.",
    "sas_identify": "Nothing given but the file. What is right stands in the script; it was written down before the "
    "figures, but charged spheres joined the models, and the classifier's share and the count of "
    "testifying values were set, after a first look: development figures. In the set: named in the set of"
    " 90 %, or in the group of the first. Times of the first file hold what is compiled once.",
    "sas_classes": "SCAN's classes with every parameter drawn, random windows of q, 3 % noise, smearing. SCAN's recipe "
    "(raw intensities on its grid, scaled, five classifiers and their stack) is trained on the same "
    "measured curves; the best of its classifiers is shown. Windows in which a curve is one power law are"
    " drawn again, which favours both.",
    "sas_automated": "360 curves of the peer's test set (60 of each kind), none of which was learnt from; the peer's "
    "figure is that of its repository, on 3232 curves.",
    "sas_quantify": "Samples with random numbers of their own, measured with windows, grids, resolutions and noise that "
    "no training or calibration saw; the choice between three kinds of calibration was made on seen "
    "instruments, with these beside.",
    "sas_model_free": "Rg of proteins is compared with lines drawn by hand on the same files, that of the polymer blend "
    "with its documentation. Cut-offs for upturns and poor fits were set with the measured files in view.",
    "sas_sizes": "The example of Jemian (simulated, noisy): its stated 75 and 180 Å are read as most frequent sizes.",
    "sas_solve": "The demonstration curves of CREASE-GA are simulated vesicles whose names state core, layers (nm) and"
    " the spread of sizes; nothing else of them is told. Its own program was stopped after 100 s at the "
    "first of four individuals.",
    "sas_surrogate": "Fresh draws within the boxes of training. Single curves and batches of 1000; time of sasmodels is "
    "that of its default quadrature.",
    "sas_denoise": "Error: root mean square distance from the truth (or from the full exposure) over that of the noisy "
    "points. The filters have the window that serves them best on average.",
    "space_groups": "One simulated G(r) for each crystal; groups as frequent as in a database in the first sets, alike in the "
    "others; types that training knows apart from types it does not.",
    "substitution": "Known compounds left out, one by one, and predicted from the others.",
    "finder_batch": "One call of `whorl identify` on files simulated from a collection that is imported first.",
    "catalogue_speed": "CPU time of one process. The CIFs are invented: one to four sites in five common space groups.",
}


def table(head: list[str], rows: list[list[str]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "/") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plain(rows: list[dict[str, Any]]) -> str:
    """Write rows as they are, without a peer's column that nobody filled."""
    peers = any(row["peer"] for row in rows)
    head = ["what", "bar", "reached", *(["peer"] if peers else []), "note"]
    cells = [
        [row["what"], row["bar"], row["reached"] + MARKS[row["met"]], *([row["peer"]] if peers else []), row["note"]]
        for row in rows
    ]
    return table(head, cells)


def identified(rows: list[dict[str, Any]]) -> str:
    """Write one line per file for its three modes, then the other rows."""
    files: dict[str, dict[str, dict[str, Any]]] = {}
    rest = []
    for row in rows:
        file, _, mode = row["what"].rpartition(", ")
        if mode in MODES and not file.startswith("right prototype"):
            files.setdefault(file, {})[mode] = row
        else:
            rest.append(row)
    lines = []
    for file, modes in files.items():
        found = [modes[mode] for mode in MODES if mode in modes]
        right = [row["reached"].endswith(" right") for row in found]
        names = list(dict.fromkeys(row["reached"].split(" [")[0] for row in found))
        numbers = [
            " / ".join(_number(pattern, text) for text in (row["reached"] + " " + row["note"] for row in found))
            for pattern in (r"\] p ([\d.]+)", r"p\(none\) ([\d.]+)", r"Rw ([\d.]+)", r"([\d.]+) CPU s")
        ]
        marks = "✓" if all(right) else " / ".join("✓" if r else "**wrong**" for r in right)
        lines.append([file, found[0]["bar"], "; ".join(names), marks, *numbers])
    head = ["file", "prototype", "first candidate", "right", "p", "p(none)", "Rw", "CPU s"]
    return table(head, lines) + "\n\n" + plain(rest)


def _number(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found.group(1) if found else "-"


def main() -> int:
    """Write the page anew."""
    text = PAGE.read_text(encoding="utf-8")
    for path in sorted(Path(sys.argv[1]).glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        begin, end = f"<!-- {path.stem}: begin -->", f"<!-- {path.stem}: end -->"
        if record["quick"] or begin not in text or path.stem not in PROTOCOLS:
            print(f"{path.name}: left out", file=sys.stderr)
            continue
        m = record["machine"]
        where = f"`benchmarks/{path.stem}.py` on {m['cpu']}, {m['cores']} cores, Python {m['python']}, load {m['load']}."
        body = (identified if path.stem == "identify_measured" else plain)(record["rows"])
        section = f"{begin}\n### {record['title']}, {m['date']}\n\n{where}\n{PROTOCOLS[path.stem]}\n\n{body}\n{end}"
        text = text[: text.index(begin)] + section + text[text.index(end) + len(end) :]
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
