"""The report: scores, learning curves, the best and the worst captions with where they looked."""

from collections.abc import Mapping

import numpy as np
from PIL import Image

from caption.overlays import overlays
from experiments._captioning.evaluate import SHOWN, Scored
from experiments._captioning.prepare import Prepared
from simlearn.checkpoint import Progress
from simlearn.figures import learning_curves
from simlearn.report import Picture, Report

_EACH = 8
_SHEETS = 3
_SIDE = 224


def fill(
    page: Report,
    prepared: Prepared,
    scored: Scored,
    stages: Mapping[str, Progress],
    *,
    judged: Mapping[str, float],
) -> None:
    """Add to the page."""
    page.section("Scores")
    table = scored.table()
    metrics = [metric for metric in SHOWN if metric in next(iter(table.values()))]
    rows = [[name, *(scores[metric] for metric in metrics)] for name, scores in table.items()]
    page.table(
        ["captions", *metrics],
        rows,
        best=dict.fromkeys(metrics, "highest"),
        caption="Of all test pictures together; METEOR where its data are installed.",
    )
    if judged:
        page.table(["judged", "share"], [[name, value] for name, value in judged.items()])
    page.section("Training")
    histories = {name: progress.history for name, progress in stages.items()}
    page.figure(learning_curves(histories), caption="", alt="learning curves")
    name = list(scored.scores)[-1]
    order = np.argsort(-scored.scores[name].per_image["cider_d"], kind="stable")
    _captions(page, "Best captions", prepared, scored, name, order[:_EACH])
    _captions(page, "Worst captions", prepared, scored, name, order[::-1][:_EACH])


def _captions(
    page: Report,
    title: str,
    prepared: Prepared,
    scored: Scored,
    name: str,
    rows: np.ndarray,
) -> None:
    page.section(f"{title}, by CIDEr-D")
    values = scored.scores[name].per_image["cider_d"]
    pictures = []
    for row in rows:
        record = prepared.test.record
        text = (
            f"{scored.written[row].text} ({values[row]:.2f}); reference: {record.captions[row][0]}"
        )
        pictures.append(Picture(_small(record.pictures.open(int(row))), text))
    page.pictures([pictures[at : at + 4] for at in range(0, len(pictures), 4)], caption=title)
    written = scored.written
    shown = [row for row in rows if written[row].words and written[row].attention is not None]
    for row in shown[:_SHEETS]:
        page.pictures(
            [_looked(prepared, scored, int(row))], caption="where it looked, word by word"
        )


def _looked(prepared: Prepared, scored: Scored, row: int) -> list[Picture]:
    """The picture once for each word of its caption, with the attention over it."""
    written = scored.written[row]
    picture = _small(prepared.test.record.pictures.open(row))
    laid = overlays(picture, np.asarray(written.attention), grid=prepared.encoder.grid)
    return [Picture(one, word) for one, word in zip(laid, written.words, strict=True)]


def _small(picture: Image.Image) -> np.ndarray:
    rgb = picture.convert("RGB")
    rgb.thumbnail((_SIDE, _SIDE))
    return np.asarray(rgb)
