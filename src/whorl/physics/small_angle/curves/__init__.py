"""Small-angle curves without a particle model: arrays of q, intensity and sigma in; quantities with uncertainties out."""
