"""Scores of a translator on held-out files."""
