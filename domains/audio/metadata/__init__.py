"""Metadata of recordings: tags, pictures, chapters, chunks, loudspeakers."""
