"""The functions of the Python API: the same recipes and the same calls as the command line."""

from whorl.api.denoising import denoise, denoise_frame
from whorl.api.emulating import emulate
from whorl.api.identifying import identify, identify_many
from whorl.api.measuring import simulate, suggest_measurement
from whorl.api.quantifying import quantify, quantify_by_references
from whorl.api.refining import refine, refine_many
from whorl.api.series import export, refine_series
from whorl.api.solving import solve, solve_pattern
from whorl.formats import read, read_structure, write_measurement, write_structure

__all__ = [
    "denoise",
    "denoise_frame",
    "emulate",
    "export",
    "identify",
    "identify_many",
    "quantify",
    "quantify_by_references",
    "read",
    "read_structure",
    "refine",
    "refine_many",
    "refine_series",
    "simulate",
    "solve",
    "solve_pattern",
    "suggest_measurement",
    "write_measurement",
    "write_structure",
]
