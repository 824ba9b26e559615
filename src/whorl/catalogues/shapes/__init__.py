"""Shapes of nanoparticles: one file per family, each with its geometry in the docstring and a generator of `Shape`."""
