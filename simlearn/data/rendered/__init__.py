"""Rendered stand-ins for real data, so that everything runs offline; never real, and said so."""
