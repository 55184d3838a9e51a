"""Image captioning for Keras 3: metrics, models and decoding."""

from simlearn import __version__

__all__ = ["__version__"]
