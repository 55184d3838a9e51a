"""Scores of captions: BLEU, ROUGE-L, CIDEr and CIDEr-D, from words."""
