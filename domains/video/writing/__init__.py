"""Writing clips."""
