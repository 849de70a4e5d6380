"""What recordings say beside their sound: tags, pictures, chapters, chunks, loudspeakers."""
