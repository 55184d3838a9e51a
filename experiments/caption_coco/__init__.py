"""Captions of COCO's pictures."""
