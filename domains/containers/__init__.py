"""FFmpeg's containers, whatever medium is in them: opening files, and one clock for all tracks of a file."""
