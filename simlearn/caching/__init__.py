"""Gradient caching: batches far larger than the memory for their activations.

A loss that compares all items of a batch needs all embeddings at once, but not all activations at
once. `cached` gives a model whose training step embeds the batch chunk by chunk and keeps only the
embeddings, differentiates the loss by them, and then embeds each chunk a second time, with the same
random draws, to carry its part of that gradient on to the weights. `compile`, `fit`, `evaluate` and
`predict` stay Keras' own.
"""

from simlearn.caching._model import cached

__all__ = ["cached"]
