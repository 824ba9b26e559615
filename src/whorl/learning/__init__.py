"""Corpora, simulated, labelled and seeded, and the trainers that make models of them."""
