"""Translating clips."""
