"""What a caption of a rendered scene claims, and whether a picture bears it out.

Written apart from the code that makes the captions: a grammar to parse them, and geometry on the
masks of the things. A claim is checked against every thing in the picture, so `two red balls` is
wrong where there are three.
"""

import re
from typing import NamedTuple

import numpy as np

NOUNS = [
    "ball", "cube", "cone", "star", "heart", "house", "tree", "car", "fish", "boat", "umbrella",
    "table",
]  # fmt: skip
PLURAL = {noun: noun if noun == "fish" else noun + "s" for noun in NOUNS}
SIZES = {
    "small": "small", "little": "small", "medium-sized": "medium", "large": "large", "big": "large",
}  # fmt: skip
COUNTS = {"a": 1, "an": 1, "two": 2, "three": 3, "four": 4}
GROUNDS = {
    "on the grass": "grass", "a patch of grass": "grass",
    "on the sand": "sand", "a stretch of sand": "sand",
    "on the water": "water", "a stretch of water": "water",
    "in the snow": "snow", "a field of snow": "snow",
    "on a checkered floor": "checkered", "a checkered floor": "checkered",
    "on a wooden floor": "wooden", "a wooden floor": "wooden",
    "on a stone floor": "stone", "a stone floor": "stone",
}  # fmt: skip
RELATIONS = {
    "to the left of": "left", "left of": "left", "to the right of": "right", "right of": "right",
    "above": "above", "below": "below", "on top of": "on", "on": "on", "under": "under",
    "in front of": "front", "behind": "behind",
}  # fmt: skip
BESIDE = {
    "to its left": "left", "to their left": "left", "to its right": "right",
    "to their right": "right", "above it": "above", "above them": "above", "below it": "below",
    "below them": "below", "on it": "on", "under it": "under", "in front of it": "front",
    "behind it": "behind",
}  # fmt: skip


def _any(words):
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


PHRASE = (
    rf"(?:{_any(COUNTS)}) (?:(?:{_any(SIZES)}) )?"
    rf"(?:(?:red|orange|yellow|green|blue|purple) )?(?:{_any([*NOUNS, *PLURAL.values()])})"
)
LIST = rf"{PHRASE}(?:, {PHRASE})*(?: and {PHRASE})?"
WHERE = _any(name for name in GROUNDS if name[:3] in ("on ", "in "))
STRETCH = _any(name for name in GROUNDS if name[:3] not in ("on ", "in "))
RELATION = _any(RELATIONS)
# The names of groups: l list, w where, b verb agreeing with all, f verb agreeing with the first
# phrase, s and o subject and object, r relation, p relation with a pronoun.
FORMS = [
    rf"(?P<l>{LIST}) (?P<w>{WHERE})",
    rf"(?P<l>{LIST}) (?P<b>is|are) (?P<w>{WHERE})",
    rf"there (?P<f>is|are) (?P<l>{LIST}) (?P<w>{WHERE})",
    rf"(?P<w>{WHERE}) there (?P<f>is|are) (?P<l>{LIST})",
    rf"the picture shows (?P<l>{LIST}) (?P<w>{WHERE})",
    rf"a picture of (?P<l>{LIST})",
    rf"we see (?P<l>{LIST}) (?P<w>{WHERE})",
    rf"(?P<w>{STRETCH}) with (?P<l>{LIST}) on it",
    rf"(?P<s>{PHRASE}) (?P<r>{RELATION}) (?P<o>{PHRASE})",
    rf"(?P<s>{PHRASE}) (?P<b>is|are) (?P<r>{RELATION}) (?P<o>{PHRASE})",
    rf"there (?P<f>is|are) (?P<s>{PHRASE}) (?P<r>{RELATION}) (?P<o>{PHRASE})",
    rf"(?P<r>{RELATION}) (?P<o>{PHRASE}) there (?P<f>is|are) (?P<s>{PHRASE})",
    rf"(?P<o>{PHRASE}) with (?P<s>{PHRASE}) (?P<p>{_any(BESIDE)})",
    rf"(?P<w>{WHERE}), (?P<s>{PHRASE}) (?P<b>is|are) (?P<r>{RELATION}) (?P<o>{PHRASE})",
    rf"the picture shows (?P<s>{PHRASE}) (?P<r>{RELATION}) (?P<o>{PHRASE})",
]


class Phrase(NamedTuple):
    count: int
    size: str | None
    colour: str | None
    noun: str


class Claim(NamedTuple):
    form: int
    listed: list[Phrase]
    ground: str | None
    subject: Phrase | None
    relation: str | None
    object: Phrase | None


def parse(caption):
    """The claim of a caption, whose grammar must be right."""
    assert caption[0].isupper(), caption
    assert caption.find(".") == len(caption) - 1, caption
    text = caption[0].lower() + caption[1:-1]
    found = [(n, m) for n, form in enumerate(FORMS) if (m := re.fullmatch(form, text))]
    assert len(found) == 1, caption
    form, match = found[0]
    parts = {key: match.groupdict().get(key) for key in "lwbfsorp"}
    listed = [phrase(part) for part in re.findall(PHRASE, parts["l"] or "")]
    subject, object_ = (phrase(parts[key]) if parts[key] else None for key in "so")
    named = listed or [subject]
    if parts["b"]:
        assert parts["b"] == ("are" if sum(p.count for p in named) > 1 else "is"), caption
    if parts["f"]:
        assert parts["f"] == ("are" if named[0].count > 1 else "is"), caption
    if parts["p"]:
        plural = any(word in parts["p"].split() for word in ("their", "them"))
        assert plural == (object_.count > 1), caption
    relation = RELATIONS.get(parts["r"]) or BESIDE.get(parts["p"])
    return Claim(form, listed, GROUNDS.get(parts["w"]), subject, relation, object_)


def phrase(text):
    article, *details, noun = text.split()
    count = COUNTS[article]
    if count == 1:
        assert (article == "an") == (text.split()[1][0] in "aeiou"), text
        assert noun in NOUNS, text
    else:
        noun = next(name for name in NOUNS if PLURAL[name] == noun)
    size = next((SIZES[word] for word in details if word in SIZES), None)
    colour = next((word for word in details if word not in SIZES), None)
    return Phrase(count, size, colour, noun)


def holds(claim, scene, masks):
    """Whether a claim is true of a picture, given its things and the mask of each."""
    named = claim.listed or [claim.subject, claim.object]
    groups = [denoted(p, scene) for p in named]
    if any(len(group) != p.count for group, p in zip(groups, named, strict=True)):
        return False
    if claim.ground not in (None, scene.ground):
        return False
    if claim.relation:
        return all(
            related(claim.relation, (scene.things[a], masks[a]), (scene.things[b], masks[b]))
            for a in groups[0]
            for b in groups[1]
        )
    if claim.ground is None:
        return True
    # What stands on another thing is not on the ground.
    everything = list(zip(scene.things, masks, strict=True))
    return not any(
        related("on", everything[a], other)
        for group in groups
        for a in group
        for other in everything
    )


def denoted(p, scene):
    """Every thing that a phrase fits."""
    return [
        number
        for number, thing in enumerate(scene.things)
        if thing.shape == p.noun
        and p.size in (None, thing.size)
        and p.colour in (None, thing.colour)
    ]


def related(relation, first, second):
    """Whether the masks of two things, each as `(thing, mask)`, bear a relation out."""
    if relation in ("right", "below", "under", "behind"):
        inverse = {"right": "left", "below": "above", "under": "on", "behind": "front"}
        return related(inverse[relation], second, first)
    (a, a_mask), (b, b_mask) = first, second
    a_y, a_x = np.nonzero(a_mask)
    b_y, b_x = np.nonzero(b_mask)
    across = abs(a_x.min() + a_x.max() - b_x.min() - b_x.max())
    down = abs(a_y.min() + a_y.max() - b_y.min() - b_y.max())
    if relation == "left":
        return a_x.max() < b_x.min() and across >= 2 * down
    if relation == "above":
        return a_y.max() < b_y.min() and down >= 2 * across
    # The nearer thing is whole, the other has lost pixels where the two touch.
    if len(a_y) != a.area or len(b_y) >= b.area or not touching(a_mask, b_mask):
        return False
    left, top, right, bottom = b.box
    if relation == "on":
        low = a_y.max() + 1 - top
        inside = left <= a_x.min() and a_x.max() < right and a_y.min() < top
        return b.shape in ("cube", "table") and inside and 0 < low < 0.4 * (bottom - top)
    lost = 1 - len(b_y) / b.area
    return a_y.max() + 1 > bottom and 0.1 < lost < 0.5


def touching(first, second):
    """Whether pixels of two masks are neighbours."""
    grown = first.copy()
    grown[1:] |= first[:-1]
    grown[:-1] |= first[1:]
    grown[:, 1:] |= first[:, :-1]
    grown[:, :-1] |= first[:, 1:]
    return bool(np.any(grown & second))
