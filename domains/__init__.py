"""The media: one adapter class each."""
