"""man is to king as woman is to ...: analogies by adding vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caption.word_vectors._lines import lines_in
from caption.word_vectors._vectors import WordVectors
from simlearn.data._annotations import Line
from simlearn.errors import DatasetError

# Questions that are answered together: their cosines with every word take this many floats.
_BLOCK: Final = 2**24


class Question(NamedTuple):
    """`a` is to `b` as `c` is to `d`, in a section of questions of one kind."""

    section: str
    a: str
    b: str
    c: str
    d: str


@dataclass(frozen=True)
class Section:
    """How many questions of one kind were answered rightly.

    Attributes:
        name: of the kind.
        correct: answered rightly.
        answered: questions of which all four words have a vector.
        questions: all.
    """

    name: str
    correct: int
    answered: int
    questions: int

    @property
    def accuracy(self) -> float | None:
        """Share of the answered ones that are right, from 0 to 1; None where none was answered."""
        return self.correct / self.answered if self.answered else None

    @property
    def coverage(self) -> float:
        """Share of the questions that could be answered, from 0 to 1."""
        return self.answered / max(self.questions, 1)

    def as_json(self) -> dict[str, Any]:
        """Counts and shares, for results.json."""
        return {
            "name": self.name,
            "correct": self.correct,
            "answered": self.answered,
            "questions": self.questions,
            "accuracy": self.accuracy,
            "coverage": self.coverage,
        }


@dataclass(frozen=True)
class Analogies:
    """The sections of a file in its order, and all of them together."""

    sections: tuple[Section, ...]

    @property
    def total(self) -> Section:
        """All questions as one section."""
        return Section(
            "all",
            sum(section.correct for section in self.sections),
            sum(section.answered for section in self.sections),
            sum(section.questions for section in self.sections),
        )

    def as_json(self) -> dict[str, Any]:
        """The total and each section, for results.json."""
        return {
            "total": self.total.as_json(),
            "sections": [section.as_json() for section in self.sections],
        }


def read_analogies(path: str | Path) -> tuple[Question, ...]:
    """Read questions in the format of Google's `questions-words.txt`.

    A line `: name` begins a section; every other line is a question of four words.

    Raises:
        DatasetError: The file cannot be read or is empty, a line is not of this format, or a
            question comes before the first section.
    """
    questions: list[Question] = []
    section = None
    for line in lines_in(path):
        if line.text.startswith(":"):
            section = _section(line)
        elif section is None:
            raise line.error("the name of a section, such as ': family', first", line.text)
        else:
            a, b, c, d = line.tokens(4)
            questions.append(Question(section, a, b, c, d))
    if not questions:
        raise DatasetError(f"{path}: expected questions of four words, and found none")
    return tuple(questions)


def analogies(vectors: WordVectors, questions: Sequence[Question]) -> Analogies:
    """Answer `a` is to `b` as `c` is to what, with 3CosAdd.

    The answer is the word `x`, none of `a`, `b` and `c`, with the highest
    `cos(x, b) - cos(x, a) + cos(x, c)`; of equals the first in the vectors' order. Words that are
    there in small letters only are found. A question with a word that has no vector is not
    answered.

    Args:
        vectors: the words' vectors; all of them are candidates.
        questions: from `read_analogies`.

    Examples:
        >>> plane = {"man": [1.0, 0, 0], "king": [1, 1, 0], "woman": [0.9, 0, 1],
        ...          "queen": [0.9, 1, 1], "apple": [-1, 0, 0]}
        >>> vectors = WordVectors(tuple(plane), np.array(list(plane.values())))
        >>> questions = [Question("family", "man", "king", "woman", "queen"),
        ...              Question("family", "man", "king", "boy", "prince")]
        >>> analogies(vectors, questions).total
        Section(name='all', correct=1, answered=1, questions=2)

    Reference:
        Levy, Goldberg: Linguistic Regularities in Sparse and Explicit Word Representations. CoNLL
        2014, eq. 3. The questions: Mikolov et al.: Efficient Estimation of Word Representations in
        Vector Space. ICLR workshop 2013, section 4.1.
    """
    places = [[vectors.find(word) for word in question[1:]] for question in questions]
    known = [row for row, four in enumerate(places) if None not in four]
    numbers = np.array([places[row] for row in known], np.int64).reshape(-1, 4)
    right = dict(zip(known, _answers(vectors, numbers[:, :3]) == numbers[:, 3], strict=True))
    sections = []
    for name in dict.fromkeys(question.section for question in questions):
        rows = [row for row, question in enumerate(questions) if question.section == name]
        answered = [right[row] for row in rows if row in right]
        sections.append(Section(name, int(sum(answered)), len(answered), len(rows)))
    return Analogies(tuple(sections))


def _answers(vectors: WordVectors, asked: NDArray[np.int64]) -> NDArray[np.int64]:
    """For `(q, 3)` words a, b, c the best fourth one, `(q,)`."""
    unit = vectors.unit
    size = max(1, _BLOCK // len(vectors))
    answers = [np.empty(0, np.int64)]
    for start in range(0, len(asked), size):
        block = asked[start : start + size]
        target = unit[block[:, 1]] - unit[block[:, 0]] + unit[block[:, 2]]
        scores = target @ unit.T
        np.put_along_axis(scores, block, -np.inf, axis=1)
        answers.append(scores.argmax(axis=1))
    return np.concatenate(answers)


def _section(line: Line) -> str:
    name = line.text[1:].strip()
    if not name:
        raise line.error("the name of a section after ':'", line.text)
    return name
