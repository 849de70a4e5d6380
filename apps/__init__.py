"""What people start: the command line and the conversion programs. Uses the public API only."""
