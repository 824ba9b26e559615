"""I(Q), S(Q), F(Q) and G(r) of a finite cluster by DebyeCalculator 1.1.1 on one CPU thread.

Takes ``elements`` (N symbols), ``positions`` (N x 3, angstrom) and optionally ``q_min``, ``q_max``, ``q_step`` (default: its
own pi / (r_max + r_step)), ``q_damp``, ``b_iso``, ``r_min``, ``r_max``, ``r_step``, ``radiation`` ("X" or "N"), ``pair_sum``
("grid", its fast default, or "direct"), ``precision`` (32, its default, or 64), ``repeats``. Gives ``q``, ``i``, ``s``, ``f``,
``r``, ``g`` and the CPU seconds of one warm call, the structure given as ASE atoms (from a file it takes longer, and it reads
a fifth column as occupancy).

Its I(Q), F(Q) and G(r) are exactly half of the textbook sum (each pair is counted once, and the self scattering is N f^2 / 2),
and its S(Q) tends to 0 and not to 1. ``double`` (default true) doubles them here: i, f and g are then the textbook's, and s is
the textbook's S - 1.

F. L. Johansen et al., J. Open Source Softw. 9, 6024 (2024), doi:10.21105/joss.06024.
"""

from __future__ import annotations

from typing import Any

import torch
from _exchange import Payload, main, timed
from ase import Atoms
from debyecalculator import DebyeCalculator

SETTINGS = {
    "q_min": ("qmin", 0.8),
    "q_max": ("qmax", 25.0),
    "q_step": ("qstep", None),
    "q_damp": ("qdamp", 0.04),
    "b_iso": ("biso", 0.3),
    "r_min": ("rmin", 0.0),
    "r_max": ("rmax", 30.0),
    "r_step": ("rstep", 0.01),
    "pair_sum": ("pair_sum", "grid"),
}


def run(payload: Payload) -> Payload:
    """Calculate one cluster."""
    torch.set_num_threads(1)
    settings: dict[str, Any] = {theirs: payload.get(ours, default) for ours, (theirs, default) in SETTINGS.items()}
    calculator = DebyeCalculator(
        device="cpu",
        num_threads=1,
        radiation_type={"X": "xray", "N": "neutron"}[payload.get("radiation", "X")],
        dtype={32: torch.float32, 64: torch.float64}[payload.get("precision", 32)],
        **settings,
    )
    atoms = Atoms(payload["elements"], positions=payload["positions"])
    repeats = payload.get("repeats", 10)
    (r, g), timing = timed(lambda: calculator.gr(atoms), repeats, warmup=2)
    everything = calculator._get_all(atoms)  # noqa: SLF001 - the only call that gives all functions of one grid
    factor = 2.0 if payload.get("double", True) else 1.0
    return {
        "q": everything.q,
        "i": factor * everything.i,
        "s": factor * everything.s,
        "f": factor * everything.f,
        "r": r,
        "g": factor * g,
        **timing,
    }


if __name__ == "__main__":
    main(run)
