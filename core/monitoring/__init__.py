"""Watching a run: logs, curves, preview sheets, the report, and the doctor."""
