"""Trained models: their cards, where they are found, and how they are run. Nothing is trained here."""
