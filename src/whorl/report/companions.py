"""The machine-readable files that lie beside a report: the verdict as JSON, the best fit as columns, the structures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from whorl.core.errors import WhorlError
from whorl.core.hypothesis import Cluster, Crystal
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate, Curve, Verdict
from whorl.report.storage import safe_stem, write_whole


def write_companions(
    verdict: Verdict, folder: Path, stem: str, measurement: Measurement | None = None
) -> list[tuple[Path | None, str]]:
    """Write the machine files of a verdict.

    Parameters
    ----------
    verdict : Verdict
    folder : Path
    stem : str
        Start of all file names.
    measurement : Measurement, optional
        Gives the sigma column where the file had one.

    Returns
    -------
    list of (Path or None, str)
        Each file with what it is, in words; without a path, why a structure could not be written.
    """
    files: list[tuple[Path | None, str]] = [(_write_json(verdict, folder / f"{stem}.verdict.json"), "verdict (JSON)")]
    best = verdict.best
    if best is not None and best.curve is not None:
        sigma = curve_sigma(best.curve, measurement)
        files.append((write_whole(folder / f"{stem}.fit.csv", _columns(best.curve, sigma)), "best fit (CSV)"))
        if verdict.technique == "pdf" and best.curve.y_label.startswith("G"):
            files.append(
                (write_whole(folder / f"{stem}.fgr", _fgr(verdict, best, best.curve, sigma)), "best fit (PDFgui .fgr)")
            )
    for candidate in verdict.candidates:
        files += _write_structures(candidate, folder, stem)
    return files


def curve_sigma(curve: Curve, measurement: Measurement | None) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """Sigma of the data on the points of a curve, shape (n,), where these are points of the measurement; else ``None``."""
    if measurement is None or measurement.sigma is None:
        return None
    index = np.clip(np.searchsorted(measurement.x, curve.x), 0, measurement.x.size - 1)
    before = np.clip(index - 1, 0, None)
    nearer = np.abs(measurement.x[before] - curve.x) < np.abs(measurement.x[index] - curve.x)
    index = np.where(nearer, before, index)
    if np.abs(measurement.x[index] - curve.x).max() > 1e-3 * measurement.step:
        return None
    sigma = measurement.frame(0).sigma
    return None if sigma is None else np.asarray(sigma[index], dtype=np.float64)


def _write_json(verdict: Verdict, path: Path) -> Path:
    return write_whole(path, json.dumps(verdict.to_json_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _columns(curve: Curve, sigma: np.ndarray[tuple[int], np.dtype[np.float64]] | None) -> str:
    names = [curve.x_label, f"{curve.y_label} observed", "calculated", "difference"] + ([] if sigma is None else ["sigma"])
    arrays = [curve.x, curve.observed, curve.calculated, curve.difference] + ([] if sigma is None else [sigma])
    lines = [",".join(f'"{n}"' for n in names)]
    lines += [",".join(f"{v:.10g}" for v in row) for row in np.column_stack(arrays).tolist()]
    return "\n".join(lines) + "\n"


def _fgr(verdict: Verdict, best: Candidate, curve: Curve, sigma: np.ndarray[tuple[int], np.dtype[np.float64]] | None) -> str:
    """Columns of PDFgui's fit files: r, G calculated, dr, dG, G observed - G calculated."""
    zero = np.zeros_like(curve.x)
    head = [
        f"# whorl {verdict.whorl}: fit of {_one_line(best.name)} to {_one_line(verdict.file)}, Rw = {best.rw:.5f}",
        "# columns: r (angstrom)  G_calc (1/angstrom^2)  dr  dG  G_obs - G_calc",
        "#### start data",
    ]
    table = np.column_stack([curve.x, curve.calculated, zero, zero if sigma is None else sigma, curve.difference])
    return "\n".join(head + [" ".join(f"{v:.8g}" for v in row) for row in table.tolist()]) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _write_structures(candidate: Candidate, folder: Path, stem: str) -> list[tuple[Path | None, str]]:
    files: list[tuple[Path | None, str]] = []
    drawable = [s for s in candidate.structures if isinstance(s, Crystal | Cluster)]
    if not drawable:
        return []
    from whorl.formats import write_structure

    for number, structure in enumerate(drawable, 1):
        suffix, kind = ("cif", "CIF") if isinstance(structure, Crystal) else ("xyz", "XYZ")
        part = f"-{number}" if len(drawable) > 1 else ""
        path = folder / f"{stem}.{candidate.rank}{part}.{safe_stem(structure.name)[:40]}.{suffix}"
        try:
            write_structure(structure, path)
        except WhorlError as problem:  # the report is worth more than one of its side files
            files.append((None, f"{candidate.rank}. {structure.name}: not written, {problem.what}"))
        else:
            files.append((path, f"{candidate.rank}. {structure.name} ({kind})"))
    return files
