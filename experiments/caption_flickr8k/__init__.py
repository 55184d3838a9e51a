"""Captions of Flickr8k's pictures."""
