"""Cross-batch memory: anchors meet the embeddings of past batches, at the price of one matrix.

The embeddings of a few batches ago are nearly those of today, so a ring of the last `size` ones
gives an in-batch loss the pairs of a batch of that size. The ring is part of the model's weights:
it is in the `.keras` file and in every checkpoint.
"""

from simlearn.memory._model import MemoryModel, with_memory
from simlearn.memory._ring import CrossBatchMemory, Remembered

__all__ = ["CrossBatchMemory", "MemoryModel", "Remembered", "with_memory"]
