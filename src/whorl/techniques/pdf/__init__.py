"""Pair distribution functions: G(r) of crystals and clusters, X-ray, neutron and electron."""
