"""Ask tensorflow-addons itself: writes `reference.json`, which `test_addons.py` compares with.

tensorflow-addons is archived and runs with no TensorFlow after 2.15, so it has an environment of
its own. The numbers of this repository came from Python 3.11 and exactly these versions:

    python3.11 -m venv tfa
    tfa/bin/pip install tensorflow-cpu==2.15.1 tensorflow-addons==0.23.0 "numpy<2"
    tfa/bin/python tests/simlearn/addons/make_reference.py

Everything is drawn from one seed; a second run writes the same file.
"""

import inspect
import itertools
import json
import math
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

TARGET = Path(__file__).with_name("reference.json")
Case = dict[str, Any]

LABELS = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 3, 3]
METRICS = ("L2", "squared-L2", "angular", "manhattan")
OTHER_LOSSES = {"focal", "giou", "kappa", "pinball", "sigmoid", "sparsemax", "weighted"}
TRIPLETS = [("triplet_semihard_loss", {}), ("triplet_hard_loss", {})]
SOFT = ("triplet_hard_loss", {"soft": True})
LIFTED = ("lifted_struct_loss", {})


def batches() -> dict[str, tuple[list[int], np.ndarray]]:
    """Labels and embeddings, by what is special about them."""
    draw = np.random.default_rng(23)
    x = draw.normal(size=(13, 5)).astype("float32")
    twins = x.copy()
    twins[3], twins[7], twins[8] = twins[0], twins[1], twins[1]  # one class, one class, another
    zero = x.copy()
    zero[4] = 0.0
    lattice = np.array([[0, 0], [1, 0], [0, 1], [2, 0], [0, 2], [1, 1], [3, 3]], "float32")
    return {
        "random": (LABELS, x),
        "unit": (LABELS, x / np.linalg.norm(x, axis=1, keepdims=True)),
        "duplicates": (LABELS, twins),
        "zero row": (LABELS, zero),
        "ties": ([0, 0, 1, 1, 2, 2, 0], lattice),
        "singletons": ([0, 1, 2, 0, 4, 2, 0, 5, 2, 0, 6, 3, 3], x),
        "one class": ([7] * 5, x[:5]),
        "all distinct": (list(range(5)), x[:5]),
        "far": (LABELS, 100.0 * x),
        "large ids": ([2**24 + label for label in LABELS], x),
    }


def asked() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Which function is called on which batch, with which arguments."""
    metrics = [{"distance_metric": metric} for metric in METRICS]
    margins = [{}, {"margin": 0.3}]
    for (loss, soft), metric, margin in itertools.product([*TRIPLETS, SOFT], metrics, margins):
        if not (soft and margin):
            yield loss, "random", {**soft, **metric, **margin}
    for (loss, soft), metric in itertools.product([*TRIPLETS, SOFT], metrics[:3]):
        yield loss, "unit", {**soft, **metric, "margin": 0.3}
    for batch in ("random", "unit"):
        for margin in margins:
            yield "lifted_struct_loss", batch, margin
    special = ("duplicates", "ties", "singletons", "one class", "all distinct", "large ids")
    for batch, (loss, arguments) in itertools.product(special, [*TRIPLETS, SOFT, LIFTED]):
        # Away from 1, where triplets on a lattice would lie right at the hinge.
        yield loss, batch, {**arguments, "margin": 0.9} if batch == "ties" else arguments
    for loss, arguments in [*TRIPLETS, SOFT, LIFTED]:
        yield loss, "far", {**arguments, "margin": 40.0}
    yield SOFT[0], "far", {**SOFT[1], "distance_metric": "squared-L2"}
    for loss, _ in TRIPLETS:
        yield loss, "zero row", {"distance_metric": "angular"}


def plain(values: Any) -> Any:
    """Nested lists of the shortest decimals that give the same float32 or float16."""
    values = np.asarray(values)
    if values.ndim:
        return [plain(row) for row in values]
    # In words, because JSON has neither.
    return float(str(values)) if math.isfinite(values) else str(values)


def manhattan(embeddings: Any) -> Any:
    """A callable `distance_metric`, which takes the batch and gives the matrix."""
    import tensorflow as tf

    return tf.reduce_sum(tf.abs(embeddings[:, None] - embeddings[None]), axis=-1)


def answer(loss: str, labels: Any, predictions: Any, arguments: dict[str, Any]) -> Case:
    """Value and gradient of a function of tensorflow-addons."""
    import tensorflow as tf
    import tensorflow_addons as tfa

    given = dict(arguments)
    if given.get("distance_metric") == "manhattan":
        given["distance_metric"] = manhattan
    predictions = tf.constant(predictions)
    with tf.GradientTape() as tape:
        tape.watch(predictions)
        value = getattr(tfa.losses, loss)(tf.constant(labels), predictions, **given)
    gradient = tape.gradient(value, predictions)
    return {
        "loss": loss,
        "arguments": arguments,
        "value": plain(value),
        "gradient": plain(gradient),
        "dtype": value.dtype.name,
    }


def in_batch_cases() -> list[Case]:
    """Triplets and lifted structure."""
    of = batches()
    cases = [{"batch": b, **answer(loss, *of[b], given)} for loss, b, given in asked()]
    half = of["random"][1].astype("float16")
    for loss, arguments in [*TRIPLETS, SOFT, LIFTED]:
        found = answer(loss, LABELS, half, arguments)
        cases.append({"batch": "random", "cast": "float16", **found})
    return cases


def similarity_cases() -> list[Case]:
    """N-pairs, which takes a matrix of similarities."""
    draw = np.random.default_rng(29)
    x = (2.0 * draw.normal(size=(7, 7))).astype("float32")
    single = {
        "several classes": [0, 1, 2, 0, 1, 0, 3],
        "one class": [4] * 7,
        "all distinct": list(range(7)),
        "large ids": [2**24 + label for label in (0, 1, 2, 0, 1, 0, 3)],
        "column of labels": [[label] for label in (0, 1, 2, 0, 1, 0, 3)],
    }
    sets = (draw.random(size=(7, 4)) < 0.5).astype("int64")
    sets[2] = [0, 1, 1, 0]
    unlabelled = sets.copy()
    unlabelled[5] = 0
    several = {"sets": sets.tolist(), "an empty set": unlabelled.tolist()}
    asked = [("npairs_loss", name, labels, x) for name, labels in single.items()]
    asked += [("npairs_multilabel_loss", name, labels, x) for name, labels in several.items()]
    asked += [(*call[:3], 100.0 * x) for call in asked if call[1] in ("several classes", "sets")]
    return [
        {"batch": name, "labels": labels, "rows": plain(rows), **answer(loss, labels, rows, {})}
        for loss, name, labels, rows in asked
    ]


def contrastive_cases() -> list[Case]:
    """Distances of given pairs, one of them 0 and one right at the margin."""
    distances = np.array([0.0, 0.2, 0.3, 0.9, 1.0, 1.7, 0.0, 0.25, 0.6, 1.0, 2.1], "float32")
    same = [1, 1, 0, 0, 0, 0, 0, 1, 0, 1, 1]
    found = []
    for labels, rows in ((same, distances), ([[s] for s in same], distances[:, None])):
        for arguments in ({}, {"margin": 0.3}):
            case = answer("contrastive_loss", labels, rows, arguments)
            found.append({"labels": labels, "rows": plain(rows), **case})
    return found


def distance_cases() -> list[Case]:
    """The two functions of `metric_learning`."""
    from tensorflow_addons.losses import metric_learning

    found = []
    for batch in ("random", "unit", "duplicates", "ties"):
        x = batches()[batch][1]
        for name, arguments in (
            ("pairwise_distance", {}),
            ("pairwise_distance", {"squared": True}),
            ("angular_distance", {}),
        ):
            if batch == "ties" and name == "angular_distance":
                continue
            value = getattr(metric_learning, name)(x, **arguments)
            case = {"function": name, "batch": batch, "arguments": arguments}
            found.append({**case, "value": plain(value)})
    return found


def losses_to_train() -> list[tuple[str, dict[str, Any], Any, str]]:
    """Each class with its arguments, labels and the last layer's activation."""
    sets = np.eye(4, dtype="int64")[LABELS]
    sets[::3, 1] = 1
    same = [label % 2 for label in LABELS]
    return [
        ("ContrastiveLoss", {"margin": 0.8}, same, "softplus"),
        ("LiftedStructLoss", {"margin": 0.7}, LABELS, "linear"),
        ("NpairsLoss", {}, LABELS, "linear"),
        ("NpairsMultilabelLoss", {}, sets.tolist(), "linear"),
        ("TripletSemiHardLoss", {"margin": 0.4, "distance_metric": "angular"}, LABELS, "linear"),
        ("TripletHardLoss", {}, LABELS, "linear"),
        ("TripletHardLoss", {"soft": True, "distance_metric": "squared-L2"}, LABELS, "linear"),
    ]


def training() -> list[Case]:
    """Three steps of plain gradient descent on one layer, through `compile` and `fit`."""
    import tensorflow as tf
    import tensorflow_addons as tfa

    found = []
    x = batches()["random"][1]
    for name, arguments, labels, activation in losses_to_train():
        units = {"C": 1, "N": 13}.get(name[0], 3)
        kernel = 0.5 * np.random.default_rng(31).normal(size=(5, units)).astype("float32")
        layer = tf.keras.layers.Dense(units, use_bias=False, activation=activation)
        model = tf.keras.Sequential([tf.keras.Input((5,)), layer])
        layer.set_weights([kernel])
        loss = getattr(tfa.losses, name)(**arguments)
        model.compile(optimizer=tf.keras.optimizers.SGD(0.1), loss=loss)
        fit = {"batch_size": 13, "epochs": 3, "shuffle": False, "verbose": 0}
        history = model.fit(x, np.array(labels), **fit).history["loss"]
        case = {"loss": name, "arguments": arguments, "labels": labels, "activation": activation}
        case |= {"start": plain(kernel), "end": plain(layer.get_weights()[0])}
        case["config"] = tf.keras.saving.serialize_keras_object(loss)
        found.append({**case, "history": plain(np.float32(history))})
    return found


def signatures() -> dict[str, list[list[Any]]]:
    """Names and defaults of the arguments, in order."""
    from tensorflow_addons import losses

    members = {**vars(losses), **vars(losses.metric_learning)}
    found = {}
    for name, member in sorted(members.items()):
        known = any(part in name.lower() for part in ("loss", "distance"))
        if not known or any(part in name.lower() for part in OTHER_LOSSES):
            continue
        parameters = inspect.signature(getattr(member, "python_function", member)).parameters
        found[name] = [
            [argument.name, None if argument.default is argument.empty else argument.default]
            for argument in parameters.values()
            if argument.kind is not argument.VAR_KEYWORD
        ]
    return found


def oddities() -> Case:
    """What only has to be looked at once: shapes and errors."""
    import tensorflow as tf
    import tensorflow_addons as tfa

    labels, x = batches()["random"]
    weights = np.linspace(1, 2, 13)
    mixed = tfa.losses.contrastive_loss([[1], [0], [1]], tf.constant([0.1, 0.2, 0.3]))
    return {
        "shape of contrastive_loss for labels (3, 1) and distances (3,)": list(mixed.shape),
        "float64": error_of(lambda: tfa.losses.triplet_hard_loss(labels, x.astype("float64"))),
        "sample_weight": error_of(lambda: tfa.losses.TripletHardLoss()(labels, x, weights)),
        "unknown argument": error_of(lambda: tfa.losses.LiftedStructLoss(margins=3.0)),
    }


def error_of(call: Callable[[], Any]) -> str:
    """Name of the error that the call raises."""
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "none"


def main() -> None:
    """Write the reference."""
    import tensorflow as tf
    import tensorflow_addons as tfa

    found = {
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "tensorflow_addons": tfa.__version__,
            "numpy": np.__version__,
        },
        "batches": {k: {"labels": y, "rows": plain(x)} for k, (y, x) in batches().items()},
        "in batch": in_batch_cases(),
        "similarities": similarity_cases(),
        "contrastive": contrastive_cases(),
        "distances": distance_cases(),
        "training": training(),
        "signatures": signatures(),
        "oddities": oddities(),
    }
    # One case a line, so that a difference can be read.
    lines = ",\n".join(f"{json.dumps(key)}: {_lines(value)}" for key, value in found.items())
    TARGET.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def _lines(value: Any) -> str:
    if isinstance(value, list):
        return "[\n" + ",\n".join(_compact(item) for item in value) + "\n]"
    return _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


if __name__ == "__main__":
    main()
