"""A quiet PDFfit2 with a structure given as plain arrays, shared by the scripts that calculate and that fit.

A structure is a dict: ``lattice`` (a, b, c in angstrom, alpha, beta, gamma in degrees), ``elements`` (N symbols without
charges, PDFfit2 rejects ``Si0+``), ``positions`` (N x 3, fractional), ``u_iso`` (one value or N, angstrom^2), optionally
``occupancy`` (one value or N) and ``u_aniso`` (N x 6: U11, U22, U33, U12, U13, U23 in angstrom^2) instead of ``u_iso``.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from diffpy.pdffit2 import PdfFit, redirect_stdout


def quiet_pdffit() -> PdfFit:
    """Give a PdfFit object whose engine prints nothing."""
    redirect_stdout(io.StringIO())
    return PdfFit()


def isotropic(lattice: list[float]) -> list[float]:
    """Give the tensor of an isotropic displacement of 1 in crystal axes: U11, U22, U33, U12, U13, U23.

    The off-diagonal elements are the cosines of the reciprocal angles: a hexagonal cell has U12 = U/2, and U12 = 0 would not
    be isotropic there.
    """
    cosines, sines = np.cos(np.radians(lattice[3:])), np.sin(np.radians(lattice[3:]))
    alpha, beta, gamma = cosines
    starred = [
        (alpha * beta - gamma) / (sines[0] * sines[1]),
        (alpha * gamma - beta) / (sines[0] * sines[2]),
        (beta * gamma - alpha) / (sines[1] * sines[2]),
    ]
    return [1.0, 1.0, 1.0, *(round(float(value), 12) for value in starred)]


def structure_text(structure: dict[str, Any]) -> str:
    """Write the structure in PDFfit2's own format; every atom of the cell is listed, symmetry is not used."""
    elements = structure["elements"]
    if "u_aniso" in structure:
        displacements = np.asarray(structure["u_aniso"], dtype=float)
    else:
        displacements = np.outer(np.broadcast_to(structure["u_iso"], len(elements)), isotropic(structure["lattice"]))
    occupancy = np.broadcast_to(structure.get("occupancy", 1.0), len(elements))
    lines = [
        "title structure",
        "format pdffit",
        "scale 1.0",
        "sharp 0.0, 0.0, 1.0, 0.0",
        "spcgr P1",
        "cell " + ", ".join(f"{value:.10f}" for value in structure["lattice"]),
        "dcell 0.0, 0.0, 0.0, 0.0, 0.0, 0.0",
        f"ncell 1, 1, 1, {len(elements)}",
        "atoms",
    ]
    for element, position, u, share in zip(elements, structure["positions"], displacements, occupancy, strict=True):
        x, y, z = position
        lines += [
            f"{element.upper()} {x:.10f} {y:.10f} {z:.10f} {share:.6f}",
            "0.0 0.0 0.0 0.0",
            f"{u[0]:.10f} {u[1]:.10f} {u[2]:.10f}",
            "0.0 0.0 0.0",
            f"{u[3]:.10f} {u[4]:.10f} {u[5]:.10f}",
            "0.0 0.0 0.0",
        ]
    return "\n".join(lines) + "\n"
