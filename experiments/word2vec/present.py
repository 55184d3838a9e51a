"""Show what was learned: tables, a page to read, TensorBoard's projector."""

from collections.abc import Mapping
from pathlib import Path

from threadpoolctl import threadpool_limits

from caption.word_vectors import Similarity, WordVectors
from experiments.word2vec.config import Word2VecSettings
from experiments.word2vec.corpus import Corpus
from experiments.word2vec.evaluate import Scores
from simlearn import figures, tensorboard
from simlearn.report import Report

_PROJECTED = 10_000
_ON_MAP = 60
_SHORTEST_ON_MAP = 3

Rows = list[list[object]]


def protocol(corpus: Corpus, config: Word2VecSettings) -> str:
    """What was learned from what, in a sentence or two."""
    words = sum(map(len, corpus.train))
    return (
        f"{corpus.name}: {len(corpus.train):,} sentences of {words:,} words to learn from, "
        f"{len(corpus.held_out):,} held out to count unknown words in. {config.dim} dimensions, "
        f"window {config.window}, {config.epochs} epochs, words that occur {config.min_count} "
        f"times or more, seed {config.seed}."
    )


def similarity_rows(results: Mapping[str, Scores]) -> Rows:
    """For each list its pairs, and for each set of vectors Spearman's correlation."""
    rows: Rows = []
    for of_list in zip(*(scores.similarities for scores in results.values()), strict=True):
        rows.append([of_list[0].name, of_list[0].pairs, *map(_cell, of_list)])
    return rows


def coverage_rows(results: Mapping[str, Scores]) -> Rows:
    """For each set of vectors which shares it covers, and what it answers; shares in percent."""
    rows: Rows = []
    for name, scores in results.items():
        held_out = scores.coverage.captions
        total = scores.analogies.total if scores.analogies else None
        rows.append(
            [
                name,
                100 * scores.coverage.share,
                100 * held_out.token_share if held_out and held_out.tokens else None,
                100 * held_out.type_share if held_out and held_out.tokens else None,
                100 * held_out.caption_share if held_out and held_out.captions else None,
                None if scores.same_kind is None else 100 * scores.same_kind,
                None if total is None or total.accuracy is None else 100 * total.accuracy,
                None if total is None else 100 * total.coverage,
            ]
        )
    return rows


COVERAGE_COLUMNS = (
    "vectors",
    "vocabulary covered",
    "unknown tokens",
    "unknown words",
    "captions with one",
    "nearest of same kind",
    "analogies right",
    "analogies answered",
)


def table(columns: list[str], rows: Rows) -> str:
    """A table as plain text."""
    cells = [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in [columns, *cells]) for place in range(len(columns))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if not place else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [columns, *cells]
    )


def text(results: Mapping[str, Scores]) -> str:
    """All scores as plain text."""
    parts = [table(list(COVERAGE_COLUMNS), coverage_rows(results))]
    if rows := similarity_rows(results):
        parts.insert(0, table(["pairs of words", "pairs", *results], rows))
    return "\n\n".join(parts)


def report(
    directory: Path,
    corpus: Corpus,
    vectors: Mapping[str, WordVectors],
    results: Mapping[str, Scores],
    config: Word2VecSettings,
) -> Path:
    """Write the page and the projector's files; returns the page's path."""
    page = Report("Word vectors", subtitle=protocol(corpus, config))
    page.section("Agreement with people")
    if rows := similarity_rows(results):
        page.table(
            ["pairs of words", "pairs", *results],
            rows,
            caption="Spearman's rank correlation of cosine and people's score, its 95 % interval, "
            "and the share of pairs of which both words have a vector. Scores at different "
            "coverage are of different pairs and cannot be compared.",
        )
    else:
        page.text("No lists of word pairs were given: --similarity names a file or folder.")
    page.section("Words that are known")
    page.table(
        list(COVERAGE_COLUMNS),
        coverage_rows(results),
        caption="In percent. The vocabulary is every word to learn from; unknown are words of the "
        "held-out captions without a vector. Nearest of same kind, for rendered captions: of "
        "the words for shapes, colours and grounds, those whose nearest is of the same kind.",
    )
    page.section("Nearest neighbours")
    for name, scores in results.items():
        page.table(
            ["word", "nearest by cosine"],
            [
                [w, ", ".join(near for near, _ in nearest)]
                for w, nearest in scores.neighbours.items()
            ],
            caption=name,
        )
    page.section("Frequent words")
    for name in ("skip-gram", "CBOW"):
        _map(page, name, vectors[name], config)
    path = directory / "report.html"
    page.save(path)
    for name, found in vectors.items():
        _project(directory, name, found)
    return path


def _map(page: Report, name: str, vectors: WordVectors, config: Word2VecSettings) -> None:
    chosen = [row for row, word in enumerate(vectors.words) if len(word) >= _SHORTEST_ON_MAP]
    rows = chosen[:_ON_MAP]
    if len(rows) > 1:
        # So few points that threads would mostly wait for each other.
        with threadpool_limits(1):
            places = figures.project(vectors.unit[rows], seed=config.seed)
        page.figure(
            figures.embedding_map(places, [vectors.words[row] for row in rows]),
            caption=f"{name}: the {len(rows)} most frequent words of three letters or more, "
            "projected with t-SNE.",
            alt=f"Map of frequent words, {name}",
        )


def _project(directory: Path, name: str, vectors: WordVectors) -> None:
    tensorboard.write_projector(
        directory, name, vectors.vectors[:_PROJECTED], labels=vectors.words[:_PROJECTED]
    )


def _cell(found: Similarity) -> str:
    """For example `0.412 (0.29 to 0.52) of 38 %`."""
    covered = f"of {100 * found.coverage:.0f} %"
    if found.spearman is None:
        return f"none {covered}"
    between = "" if found.interval is None else " ({:.2f} to {:.2f})".format(*found.interval)
    return f"{found.spearman:.3f}{between} {covered}"


def _text(cell: object) -> str:
    if cell is None:
        return "none"
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)
