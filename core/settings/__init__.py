"""Settings: dataclasses to and from mappings, and all their faults at once."""
