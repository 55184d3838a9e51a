"""The demo itself."""

from typing import Any

from experiments import _page
from experiments._sized import sized
from experiments.caption_scenes.run import run as caption_scenes
from experiments.demo.config import DemoSettings
from experiments.digits.run import run as tell_digits
from simlearn.report import Report
from simlearn.runs import Run


def run(config: DemoSettings, folder: Run) -> dict[str, Any]:
    """Train both, and show them on one page."""
    page = Report("simlearn", subtitle="What it learned in this demo, and how well.")
    digits = tell_digits(sized(config.digits()), folder, page)
    scenes = caption_scenes(sized(config.scenes()), folder, page)
    _page.save(page, folder)
    return {
        "digits": digits,
        "scenes": scenes,
        "data_fingerprint": {
            "digits": digits["data_fingerprint"],
            "scenes": scenes["data_fingerprint"],
        },
    }
