"""Metrics of captions, ours and the COCO caption evaluation's."""
