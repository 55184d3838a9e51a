"""SPICE, by calling the authors' program: a Java jar that the user has."""

import json
import math
import shutil
import subprocess
import tempfile
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caption.metrics._scored import MetricScores, mean_scores
from simlearn.errors import UserError


def spice(
    references: Mapping[Hashable, Sequence[str]],
    hypotheses: Mapping[Hashable, str],
    jar: str | Path,
    *,
    java: str = "java",
    memory: str = "8G",
    cache: str | Path | None = None,
) -> MetricScores:
    """SPICE of captions: the F-score of the scene graphs that its program parses out of them.

    Nothing here computes SPICE; the jar does, with the parser's models that lie beside it. A
    caption for which it gives no score is NaN, not 0, and so is then the mean.

    Args:
        references: for each image its references, as text, cut into words and joined by spaces
            where the scores shall be the COCO caption evaluation's.
        hypotheses: for each of these images one caption, as text.
        jar: `spice-1.0.jar`, its folder `lib` beside it.
        java: the program that runs it.
        memory: that Java may take, as in `-Xmx8G`.
        cache: Folder in which the jar keeps parsed references; by default none is kept.

    Returns:
        Scores `spice`, in 0..1, in the order of the references; NaN where the jar gave none.

    Raises:
        UserError: Java or the jar is missing, the ids differ, or the jar failed.

    Reference:
        P. Anderson et al., SPICE: Semantic Propositional Image Caption Evaluation, ECCV 2016.
    """
    program, path = shutil.which(java), Path(jar)
    if program is None:
        raise UserError(f"spice: expected Java as {java!r}, which was not found")
    if not path.is_file():
        raise UserError(f"spice: expected the jar {jar}, which is not there")
    if references.keys() != hypotheses.keys():
        raise UserError(
            f"spice: expected a hypothesis for each of {len(references)} images, "
            f"got {len(references.keys() & hypotheses.keys())} and "
            f"{len(hypotheses.keys() - references.keys())} for others"
        )
    # The row stands for the id, which may be anything.
    records = [
        {"image_id": row, "test": hypotheses[key], "refs": list(texts)}
        for row, (key, texts) in enumerate(references.items())
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "captions.json").write_text(json.dumps(records), encoding="utf-8")
        kept = Path(cache).resolve() if cache is not None else folder / "cache"
        kept.mkdir(parents=True, exist_ok=True)
        command = [program, f"-Xmx{memory}", "-jar", path.name, str(folder / "captions.json")]
        command += ["-cache", str(kept), "-out", str(folder / "scores.json"), "-subset", "-silent"]
        found = _run(command, path.resolve().parent, folder / "scores.json")
    values = np.array([found.get(row, math.nan) for row in range(len(records))])
    return mean_scores("spice", values, {"jar": path.name})


def _run(command: list[str], folder: Path, target: Path) -> dict[int, float]:
    """The F-score of each row."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0 or not target.is_file():
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise UserError(f"spice: the jar ended with status {done.returncode}: {lines[-1]}")
    try:
        records = json.loads(target.read_text(encoding="utf-8"))
        return {record["image_id"]: _number(record["scores"]["All"]["f"]) for record in records}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"spice: expected a list of scores from the jar, got {error!r}") from error


def _number(value: Any) -> float:
    """A score, or NaN for what is none."""
    return float(value) if isinstance(value, int | float) else math.nan
