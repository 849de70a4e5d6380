"""A long clip, converted by several workers and joined: read `clips`, `part`, `joined` in this order."""
