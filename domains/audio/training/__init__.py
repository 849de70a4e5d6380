"""Samples and objective of training on recordings."""
