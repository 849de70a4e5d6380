"""A long recording, converted by several workers and joined: read `recordings`, `part`, `joined` in this order."""
