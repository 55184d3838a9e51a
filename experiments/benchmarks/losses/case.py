"""What a case is: one of our losses, and the peers' of equal definition and settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

OURS = "ours"
XLA = "ours xla"
STREAMED = "ours streamed"
ADDONS = "tensorflow-addons"
METRIC_LEARNING = "pytorch-metric-learning"
SENTENCE = "sentence-transformers"
SIMILARITY = "tensorflow-similarity"
PEERS = (ADDONS, METRIC_LEARNING, SENTENCE, SIMILARITY)


@dataclass(frozen=True)
class Case:
    """One loss.

    A loss is an expression, evaluated in its subject's own process over the names that its script
    in `workers/` lists.

    Attributes:
        name: as in `--losses`.
        ours: expression of our loss.
        peers: expressions of the peers' losses.
        differs: of some peers, how their loss differs from ours under equal settings; their
            values are not compared.
        streams: whether the loss has a streamed form.
    """

    name: str
    ours: str
    peers: Mapping[str, str] = field(default_factory=dict)
    differs: Mapping[str, str] = field(default_factory=dict)
    streams: bool = True

    def streamed(self, chunk: int) -> str:
        """Expression of our loss, streamed by `chunk` rows."""
        return f"losses.StreamedLoss({self.ours}, chunk={chunk})"
