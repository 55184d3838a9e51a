"""Landmarks and attributes of faces."""
