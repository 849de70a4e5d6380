"""Samples and objective of training on clips."""
