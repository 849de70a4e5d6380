"""The command line and the conversion programs. They use the public API only."""
