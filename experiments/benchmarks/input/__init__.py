"""From JPEG files to augmented batches, ours and peers'."""
