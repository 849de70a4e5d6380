"""Reading clips."""
