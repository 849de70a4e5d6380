"""Translating files with a trained model."""
