"""A captioner whose features are its script: scores of the next word at each step."""

import numpy as np
import tensorflow as tf

VOCABULARY = 9
STEPS = 5


class Scripted:
    """Says what the picture's features `(steps, vocabulary)` say, whatever was said before.

    At step t it looks at location t alone.
    """

    def __init__(self, attends=True, weight=1.0):
        self.attends = attends
        self.weight = weight

    def look(self, features, training=None):
        return {"script": features * self.weight}

    def begin(self, image, captions=1):
        return tf.zeros((tf.shape(image["script"])[0] * captions, 1), tf.int32)

    def step(self, tokens, state, image):
        script = image["script"]
        each = tf.shape(state)[0] // tf.shape(script)[0]
        rows = tf.range(tf.shape(state)[0]) // each
        logits = tf.gather_nd(script, tf.stack([rows, state[:, 0]], axis=1))
        attention = tf.one_hot(state[:, 0], script.shape[1]) if self.attends else None
        return logits, state + 1, attention


def script(*sentences):
    """Features of pictures that say given words, then END: log-odds 9 at each of them."""
    features = np.zeros((len(sentences), STEPS, VOCABULARY), np.float32)
    for row, words in enumerate(sentences):
        for time, word in enumerate([*words, 2][:STEPS]):
            features[row, time, word] = 9.0
    return features
