"""From photos to verified, recognised and clustered people."""
