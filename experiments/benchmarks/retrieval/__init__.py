"""Retrieval scores of embeddings, ours and peers'."""
