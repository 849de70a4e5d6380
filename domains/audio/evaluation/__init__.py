"""Scores of translated recordings."""
