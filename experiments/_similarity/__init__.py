"""Two ways to learn an embedding of labelled pictures, side by side with classical ones.

Shared by the experiments that differ only in their data.
"""
