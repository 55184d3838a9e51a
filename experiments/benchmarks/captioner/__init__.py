"""One captioner, ours and written in PyTorch: training and beam search, time and memory."""
