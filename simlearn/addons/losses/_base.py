"""What the classes share: their names in saved models, and their configurations."""

from typing import Any

import keras

from simlearn.losses._base import LabelledLoss, WholeBatchLoss

# The package of tensorflow-addons' own classes: a model saved with one of them finds ours.
register = keras.saving.register_keras_serializable(package="Addons")


def without_reduction(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration written by tensorflow-addons, less what its classes took and ignored."""
    return {key: value for key, value in config.items() if key != "reduction"}


class EmbeddingLoss(LabelledLoss):
    """A loss over integer labels and embeddings."""

    gathers = True

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WholeBatchLoss:
        """Make a loss from `get_config()`, or from what tensorflow-addons saved."""
        return super().from_config(without_reduction(config))
