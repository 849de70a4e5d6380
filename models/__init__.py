"""Shipped weights and their cards."""
