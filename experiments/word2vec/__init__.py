"""word2vec on captions or any other sentences."""
