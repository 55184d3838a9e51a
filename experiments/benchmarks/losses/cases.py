"""What is measured: adding a case to one of these families is all it takes."""

from experiments.benchmarks.losses import in_batch, with_layers

_FAMILIES = (
    in_batch.TRIPLETS,
    in_batch.PAIRS,
    in_batch.SOFTMAX,
    in_batch.RANKING,
    with_layers.PROXIES,
    with_layers.TWO_VIEWS,
    with_layers.ALONE,
)

CASES = {case.name: case for family in _FAMILIES for case in family}
