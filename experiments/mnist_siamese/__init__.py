"""Siamese and triplet embeddings of MNIST."""
