"""Model files: saving and loading, the shipped ones, import and export."""
