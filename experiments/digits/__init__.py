"""Siamese and triplet embeddings of scikit-learn's handwritten digits."""
