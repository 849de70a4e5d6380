"""Scores of translated clips."""
