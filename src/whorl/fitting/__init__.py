"""The one least-squares engine: variable projection, Levenberg-Marquardt, bounds, priors, uncertainties, evidence."""
