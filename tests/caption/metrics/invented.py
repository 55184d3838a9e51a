"""Captions of invented words: repetitions, rare words, empty ones, all lengths."""

import random

WORDS = [f"w{number}" for number in range(23)]


def caption(draw, longest=13):
    # Half of the words are the first three, so that n-grams occur more than once.
    pick = [*WORDS, *WORDS[:3] * 8]
    return [draw.choice(pick) for _ in range(draw.randrange(longest + 1))]


def corpus(seed, images=19, longest=13):
    """References, one to five an image, and a hypothesis for each that shares some words."""
    draw = random.Random(seed)
    references = [
        [caption(draw, longest) for _ in range(1 + draw.randrange(5))] for _ in range(images)
    ]
    hypotheses = []
    for texts in references:
        words = draw.choice([*texts, caption(draw, longest)])
        hypotheses.append([word if draw.random() < 0.8 else f"new{word}" for word in words])
    return references, hypotheses
