"""Inspection of recordings before training."""
