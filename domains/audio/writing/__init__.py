"""Writing recordings."""
