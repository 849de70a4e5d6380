"""Translating recordings."""
