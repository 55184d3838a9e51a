"""Captions of rendered scenes."""
