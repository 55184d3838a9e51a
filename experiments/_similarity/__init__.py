"""Two ways to learn an embedding of labelled pictures, side by side with raw pixels.

Shared by the experiments that differ only in their data.
"""
