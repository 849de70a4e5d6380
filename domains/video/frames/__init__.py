"""Frames: colour, motion between them, cuts."""
