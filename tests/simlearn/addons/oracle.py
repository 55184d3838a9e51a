"""The same losses in float64 loops, from their definitions alone.

Each takes `(labels, rows, chosen)`, where `chosen` is what `choose` gave: a choice has no gradient,
so it stays as it is while `slope` moves the rows.
"""

import numpy as np


def apart(a, b, metric):
    if metric == "angular":
        return 1.0 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    if metric == "manhattan":
        return np.abs(a - b).sum()
    return np.linalg.norm(a - b) ** {"L2": 1, "squared-L2": 2}[metric]


def partners(labels, anchor):
    others = [j for j in range(len(labels)) if j != anchor]
    positives = [j for j in others if labels[j] == labels[anchor]]
    return positives, [j for j in others if labels[j] != labels[anchor]]


def hard_triplets(labels, rows, metric):
    """Farthest positive and closest negative; the first of equals."""
    found = []
    for a, row in enumerate(rows):
        positives, negatives = partners(labels, a)
        if positives and negatives:
            distance = [apart(row, other, metric) for other in rows]
            p = max(positives, key=lambda j: (round(distance[j], 9), -j))
            n = min(negatives, key=lambda j: (round(distance[j], 9), j))
            found.append((a, p, n))
    return found


def semi_hard_triplets(labels, rows, metric):
    """The closest negative beyond each positive, else the farthest; the first of equals."""
    found = []
    for a, row in enumerate(rows):
        positives, negatives = partners(labels, a)
        distance = [round(apart(row, other, metric), 9) for other in rows]
        for p in positives if negatives else []:
            beyond = [n for n in negatives if distance[n] > distance[p]]
            farthest = max(negatives, key=lambda j: (distance[j], -j))
            n = min(beyond, key=lambda j: (distance[j], j)) if beyond else farthest
            found.append((a, p, n))
    return found


def triplet(rows, triplets, margin, metric, soft):
    costs = []
    for a, p, n in triplets:
        excess = apart(rows[a], rows[p], metric) - apart(rows[a], rows[n], metric)
        costs.append(np.logaddexp(0.0, excess) if soft else max(0.0, excess + margin))
    return np.mean(costs) if costs else 0.0


def lifted(labels, rows, margin):
    costs = []
    for i in range(len(rows)):
        positives, negatives = partners(labels, i)
        for j in positives if negatives else []:
            pushes = [margin - apart(rows[i], rows[k], "L2") for k in negatives]
            pushes += [margin - apart(rows[j], rows[k], "L2") for k in negatives]
            structure = apart(rows[i], rows[j], "L2") + np.logaddexp.reduce(pushes)
            costs.append(max(0.0, structure) ** 2)
    return 0.5 * np.mean(costs) if costs else 0.0


def loss_of(name, labels, rows, margin=1.0, soft=False, distance_metric="L2"):
    """Value and gradient."""
    rows = np.asarray(rows, "float64")
    if name == "lifted_struct_loss":
        return lifted(labels, rows, margin), slope(lambda x: lifted(labels, x, margin), rows)
    choose = {"triplet_hard_loss": hard_triplets, "triplet_semihard_loss": semi_hard_triplets}[name]
    chosen = choose(labels, rows, distance_metric)
    arguments = (chosen, margin, distance_metric, soft)
    return triplet(rows, *arguments), slope(lambda x: triplet(x, *arguments), rows)


def npairs(labels, rows):
    """Of sets of labels, each a list of ids; rows without labels do not count."""
    costs = []
    for own, row in zip(labels, np.asarray(rows, "float64"), strict=True):
        common = [len(set(own) & set(other)) for other in labels]
        if own:
            costs.append(np.logaddexp.reduce(row) - np.average(row, weights=common))
    return np.mean(costs)


def slope(function, rows, step=1e-6):
    """Central differences."""
    result = np.zeros_like(rows)
    for index in np.ndindex(rows.shape):
        ahead, behind = rows.copy(), rows.copy()
        ahead[index] += step
        behind[index] -= step
        result[index] = (function(ahead) - function(behind)) / (2.0 * step)
    return result
