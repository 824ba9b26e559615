"""Scatterers: particles and assemblies as sets of points, summed exactly, and the closed forms that exist."""
