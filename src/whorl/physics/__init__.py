"""Numerical kernels by subject: arrays in, arrays out. Lengths in angstrom, momentum transfer in 1/angstrom."""
