"""Small-angle scattering: particle models, structure factors, distributions of sizes, smearing, model-free analysis."""
