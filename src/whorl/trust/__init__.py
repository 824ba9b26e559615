"""How far an answer can be trusted: indistinguishable groups, probabilities, credible sets, none of these."""
