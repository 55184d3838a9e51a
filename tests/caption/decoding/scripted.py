"""A model that is a table over whole histories, and searches over it in plain Python."""

import itertools
import math

import numpy as np
from keras import ops

PAD, START, END, UNKNOWN = range(4)
ROWS = 10007  # a prime, so that histories spread over the table


class Script:
    """Next-word logits that depend on the image and on every word so far.

    The attention spells the history out: (its code in base `words`, the image, the last word).
    """

    def __init__(self, words=7, *, seed=0, images=3, ends=0.0):
        self.words = words
        self.images = images
        rng = np.random.default_rng(seed)
        self.known = {}
        self.table = rng.normal(0, 1.5, (ROWS, words)).astype("float32")
        self.table[:, END] += ends

    def state(self, images=None):
        """Of all images, or of some."""
        images = np.arange(self.images) if images is None else np.array(images)
        return {
            "code": np.zeros(len(images), "int32"),
            "image": images.astype("int32"),
        }

    def step(self, tokens, state):
        code = state["code"] * self.words + tokens
        place = (code * 31 + state["image"] * 7919) % ROWS
        attention = ops.stack([code, state["image"], tokens], axis=1)
        following = {"code": code, "image": state["image"]}
        return ops.take(self.table, place, axis=0), following, ops.cast(attention, "float32")

    def code(self, history):
        code = START
        for token in history:
            code = code * self.words + token
        return code

    def log_probabilities(self, image, history):
        """Of all words after a history without START, in float64."""
        place = (self.code(history) * 31 + image * 7919) % ROWS
        if place not in self.known:
            logits = self.table[place].astype("float64")
            self.known[place] = (logits - np.log(np.sum(np.exp(logits)))).tolist()
        return self.known[place]

    def attention(self, image, tokens):
        """What the attention of each token must be."""
        history = [START, *tokens]
        return [[self.code(tokens[:t]), image, history[t]] for t in range(len(tokens))]


def plain(log_probability, length):
    return log_probability


class Rules:
    """What may come next, in sets of Python."""

    def __init__(
        self,
        max_length,
        minimum_length=0,
        no_repeat=0,
        forbidden=(),
        unknown=False,
        required=(),
    ):
        self.max_length = max_length
        self.minimum_length = minimum_length
        self.no_repeat = no_repeat
        self.forbidden = {PAD, START, *forbidden} | (set() if unknown else {UNKNOWN})
        self.required = [{words} if isinstance(words, int) else set(words) for words in required]

    def met(self, history):
        return sum(bool(words & set(history)) for words in self.required)

    def allows(self, history, token):
        if token in self.forbidden:
            return False
        if token == END and (
            len(history) < self.minimum_length or self.met(history) < len(self.required)
        ):
            return False
        if self.no_repeat:
            longer = [*history, token]
            grams = [
                tuple(longer[start : start + self.no_repeat])
                for start in range(len(longer) - self.no_repeat + 1)
            ]
            return len(grams) == len(set(grams)) or grams[-1] not in grams[:-1]
        return True


def every_caption(script, image, rules):
    """All captions that the rules allow, with their log-probabilities."""
    found = []
    open_ = [((), 0.0)]
    while open_:
        history, total = open_.pop()
        each = script.log_probabilities(image, history)
        for token in range(script.words):
            if not rules.allows(history, token):
                continue
            longer, sum_ = (*history, token), total + each[token]
            if token == END or len(longer) == rules.max_length:
                found.append((longer, sum_))
            else:
                open_.append((longer, sum_))
    return found


def best_captions(script, image, rules, count, normalize=plain):
    """The best of all captions: (tokens, score, log-probability), best first."""
    ranked = [
        (-rules.met(tokens), -normalize(total, len(tokens)), tokens, total)
        for tokens, total in every_caption(script, image, rules)
    ]
    return [(tokens, -score, total) for _, score, tokens, total in sorted(ranked)[:count]]


def naive_beam(script, image, rules, beams, count, normalize=plain, groups=1, diversity=0.0):
    """A beam search with lists, one image, never stopping early."""
    held = [[((), 0.0, 0.0)] for _ in range(groups)]
    for _ in range(rules.max_length):
        said = []
        for group in range(groups):
            longer = []
            for tokens, total, objective in held[group]:
                if tokens and tokens[-1] == END:
                    longer.append((tokens, total, objective, PAD))
                    continue
                each = script.log_probabilities(image, tokens)
                for token in range(script.words):
                    if rules.allows(tokens, token):
                        cost = diversity * said.count(token)
                        gain = each[token]
                        longer.append(
                            ((*tokens, token), total + gain, objective + gain - cost, token)
                        )
            kept = _places(longer, beams // groups, rules, normalize)
            said += [token for *_, token in kept if token != PAD]
            held[group] = [entry[:3] for entry in kept]
    ranked = sorted(
        (-rules.met(tokens), -normalize(total, len(tokens)), tokens, total)
        for tokens, total, _ in itertools.chain(*held)
    )
    return [(tokens, -score, total) for _, score, tokens, total in ranked[:count]]


def _places(candidates, size, rules, normalize):
    """The best of each bank in turn, banks with more words met first."""

    def score(entry):
        return normalize(entry[2], len(entry[0]))

    banks = [[] for _ in range(len(rules.required) + 1)]
    for entry in sorted(candidates, key=score, reverse=True):
        banks[rules.met(entry[0])].append(entry)
    kept = []
    while len(kept) < size and any(banks):
        for bank in reversed(banks):
            if bank and len(kept) < size:
                kept.append(bank.pop(0))
    return kept


def captions(decoded, image):
    """What a decoder gave an image: (tokens without PAD, score, log-probability)."""
    tokens, lengths, scores, totals = (np.array(part) for part in decoded[:4])
    given = []
    for result in range(tokens.shape[1]):
        length = lengths[image, result]
        assert np.all(tokens[image, result, length:] == PAD)
        own = tuple(tokens[image, result, :length].tolist())
        given.append((own, scores[image, result], totals[image, result]))
    return given


def agree(given, expected):
    """Assert that captions are the same, and their numbers to float32's precision."""
    there = [entry for entry in given if entry[2] > -math.inf]
    assert [tokens for tokens, _, _ in there] == [tokens for tokens, _, _ in expected]
    for column in (1, 2):
        np.testing.assert_allclose(
            [entry[column] for entry in there],
            [entry[column] for entry in expected],
            rtol=1e-5,
            atol=1e-5,
        )
