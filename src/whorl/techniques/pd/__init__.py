"""Powder diffraction: intensity over two-theta or time of flight."""
