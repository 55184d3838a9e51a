"""simlearn's retrieval scores."""

from measuring import measure

import numpy as np  # isort: skip

from simlearn.metrics import retrieval_scores  # isort: skip

if __name__ == "__main__":
    measure(lambda x, y: retrieval_scores(x, y, ks=(1,)), {"numpy": np.__version__})
