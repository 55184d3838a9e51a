"""The definitions, written as loops over words: what the scorers are compared with."""

import math
from collections import Counter


def ngrams(words, length):
    return Counter(tuple(words[i : i + length]) for i in range(len(words) - length + 1))


def bleu(references, hypotheses, longest=4):
    """Corpus BLEU-1 to BLEU-longest without any constants."""
    matched, counted = [0] * longest, [0] * longest
    own = closest = 0
    for texts, words in zip(references, hypotheses, strict=True):
        own += len(words)
        closest += min((abs(len(text) - len(words)), len(text)) for text in texts)[1]
        for n in range(longest):
            grams = ngrams(words, n + 1)
            most = Counter()
            for text in texts:
                most |= ngrams(text, n + 1)
            matched[n] += sum((grams & most).values())
            counted[n] += sum(grams.values())
    penalty = 1.0 if own >= closest else math.exp(1 - closest / own) if own else 0.0
    scores = []
    for n in range(1, longest + 1):
        if all(counted[:n]):
            precisions = [m / c for m, c in zip(matched[:n], counted[:n], strict=True)]
            scores.append(penalty * math.prod(precisions) ** (1 / n))
        else:
            scores.append(0.0)
    return scores


def common(left, right):
    """Length of the longest common subsequence, by the table."""
    above = [0] * (len(right) + 1)
    for word in left:
        row = [0]
        for place, other in enumerate(right):
            row.append(above[place] + 1 if word == other else max(above[place + 1], row[-1]))
        above = row
    return above[-1]


def rouge_l(references, words, beta=1.2):
    precision = max((common(text, words) / len(words) if words else 0.0) for text in references)
    recall = max((common(text, words) / len(text) if text else 0.0) for text in references)
    if not precision or not recall:
        return 0.0
    return (1 + beta**2) * precision * recall / (recall + beta**2 * precision)


def cider(references, hypotheses, images, corpus, *, sigma=6.0, longest=4, plain=False):
    """CIDEr-D of each hypothesis, or plain CIDEr, with the weights of a corpus."""
    frequency = Counter()
    for texts in corpus:
        seen = {g for text in texts for n in range(1, longest + 1) for g in ngrams(text, n)}
        frequency.update(seen)
    scores = []
    for words, image in zip(hypotheses, images, strict=True):
        total = 0.0
        for text in references[image]:
            for n in range(1, longest + 1):
                total += _similarity(words, text, n, frequency, len(corpus), sigma, plain)
        scores.append(10 * total / longest / len(references[image]))
    return scores


def _similarity(words, text, n, frequency, images, sigma, plain):
    def weigh(caption):
        return {
            gram: count * (math.log(images) - math.log(max(1, frequency[gram])))
            for gram, count in ngrams(caption, n).items()
        }

    own, theirs = weigh(words), weigh(text)
    norm = math.hypot(*own.values()) * math.hypot(*theirs.values())
    if not norm:
        return 0.0
    shared = own.keys() & theirs.keys()
    if plain:
        return math.fsum(own[g] * theirs[g] for g in shared) / norm
    difference = len(words) - len(text)
    dot = math.fsum(min(own[g], theirs[g]) * theirs[g] for g in shared)
    return dot / norm * math.exp(-(difference**2) / (2 * sigma**2))
