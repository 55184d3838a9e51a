"""From files of photos to embeddings of the faces on them, side by side."""
