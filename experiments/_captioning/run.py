"""One captioning experiment, from prepared splits to its result."""

import json
from collections.abc import Callable
from typing import Any

from caption.models import FineTuned
from caption.trained import TrainedCaptioner
from experiments import _page
from experiments._captioning import evaluate, present
from experiments._captioning.config import CaptioningSettings
from experiments._captioning.evaluate import Scored
from experiments._captioning.prepare import Prepared
from experiments._captioning.train import train
from simlearn.checkpoint import Progress
from simlearn.report import Report
from simlearn.runs import Run


def caption(
    config: CaptioningSettings,
    prepared: Prepared,
    run: Run,
    *,
    title: str,
    protocol: str,
    judge: Callable[[Scored], dict[str, float]] | None = None,
    page: Report | None = None,
) -> dict[str, Any]:
    """Train, write, score and show.

    Args:
        config: the settings.
        prepared: the data.
        run: open.
        title: of the report, or of its chapter.
        protocol: what the scores are of, in a sentence.
        judge: further scores of what was written, by name; shown and kept with the others.
        page: gets a chapter on it; by default the run has a report of its own.
    """
    captioner, stages = train(config, prepared, run)
    inner = captioner.captioner if isinstance(captioner, FineTuned) else captioner
    TrainedCaptioner(inner, prepared.encoder, prepared.vocabulary, longest=config.longest).save(
        run.directory
    )
    scored = evaluate.score(captioner, config, prepared)
    rows = [
        {"image_id": int(key), "caption": one.text, "score": one.score}
        for key, one in zip(prepared.test.record.ids, scored.written, strict=True)
    ]
    (run.directory / "captions.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"\n{protocol}\n\n{text_table(scored)}\n")
    judged = {} if judge is None else judge(scored)
    for name, value in judged.items():
        print(f"{name}: {100 * value:.1f} %")
    with _page.of_run(run, page, title=title, protocol=protocol) as shown:
        present.fill(shown, prepared, scored, stages, judged=judged)
    return {
        "protocol": protocol,
        "scores": scored.table(),
        "intervals": scored.intervals,
        "judged": judged,
        "said": evaluate.said(scored, prepared, list(scored.captions)[-1]),
        "signatures": scored.scores[config.model].signatures,
        "training": {name: _stage(progress) for name, progress in stages.items()},
        "words_known": len(prepared.vocabulary),
        "unknown": {name: found.as_json() for name, found in prepared.unknown.items()},
        "encoder": f"{prepared.encoder!r} {prepared.encoder.fingerprint()[:12]}",
        "data_fingerprint": prepared.train.record.fingerprint(),
    }


def text_table(scored: Scored) -> str:
    """Scores in per cent but CIDEr-D, as papers print them."""
    table = scored.table()
    metrics = list(next(iter(table.values())))
    lines = [" " * 28 + "".join(f"{metric:>9}" for metric in metrics)]
    for name, scores in table.items():
        cells = [
            f"{scores[m]:9.3f}" if m == "cider_d" else f"{100 * scores[m]:9.1f}" for m in metrics
        ]
        lines.append(f"{name:<28}" + "".join(cells))
    return "\n".join(lines)


def _stage(progress: Progress) -> dict[str, Any]:
    return {
        "epochs": progress.epochs,
        "seconds": round(progress.seconds, 1),
        "history": {
            name: [round(v, 5) for v in values] for name, values in progress.history.items()
        },
    }
