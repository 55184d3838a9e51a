"""The digits experiment itself."""

from typing import Any

from experiments._similarity.compare import compare
from experiments.digits.config import DigitsSettings
from simlearn.data import digits
from simlearn.errors import UserError
from simlearn.report import Report
from simlearn.runs import Run


def run(config: DigitsSettings, folder: Run, page: Report | None = None) -> dict[str, Any]:
    """Train, score and show both embeddings of the digits.

    In a report of its own, or in a chapter of the page.
    """
    if config.data is not None:
        raise UserError(
            f"expected no --data, received {config.data}: these digits come with scikit-learn; "
            "experiments.mnist_siamese takes a folder"
        )
    data = digits.splits()
    return compare(
        data,
        config,
        folder,
        title="Handwritten digits",
        protocol=f"scikit-learn's digits, {len(data.train):,} to train, {len(data.validation)} to "
        f"choose the threshold, {len(data.test)} to test; cut between forms, not at random.",
        data_set="digits",
        unknown={"writers": "the source does not say who wrote which digit"},
        page=page,
    )
