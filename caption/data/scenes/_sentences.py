"""Captions of a scene: natural English, each true of what the picture shows."""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from caption.data.scenes._phrases import BESIDE_IT, BETWEEN, STRETCH, Claim, Writer
from caption.data.scenes._scene import Relation, Scene, held_out_in

CAPTIONS: Final = 5
"""How many captions each scene has, all of another form."""


def captions_of(scene: Scene, rng: np.random.Generator) -> tuple[str, ...]:
    """Five different captions; the first names colours, and a relation where there is one.

    Where training never sees a thing in its colour or a relation, the first caption tells of it.
    """
    writer, plain = Writer(scene, rng), Writer(scene, rng, plain=True)
    claims = writer.claims()
    forms: list[Callable[[], str]] = [partial(form, writer) for form in _EXISTENCE_FORMS]
    for form in _RELATION_FORMS if claims else ():
        forms.append(partial(form, writer, claims[rng.integers(len(claims))]))
    telling = [claim for claim in claims if _is_new(claim, scene)]
    if not telling and not held_out_in(scene.things, scene.relations):
        telling = claims
    if telling:
        first = _related(plain, telling[rng.integers(len(telling))])
        forms.pop(len(_EXISTENCE_FORMS))
    else:
        first = _lies(plain)
        forms.pop(0)
    order = rng.permutation(len(forms))[: CAPTIONS - 1]
    return tuple(map(_finished, [first, *(forms[number]() for number in order)]))


def _is_new(claim: Claim, scene: Scene) -> bool:
    """Whether a claim tells of something that training never sees."""
    first, second = claim.subjects[0], claim.objects[0]
    things = scene.things[first], scene.things[second]
    return held_out_in(things, (Relation(0, claim.name, 1),))


def _finished(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _be(several: bool) -> str:
    return "are" if several else "is"


def _related(w: Writer, claim: Claim) -> str:
    return f"{w.phrase(claim.subjects)} {w.one_of(BETWEEN[claim.name])} {w.phrase(claim.objects)}"


def _is_related(w: Writer, claim: Claim) -> str:
    be = _be(len(claim.subjects) > 1)
    between = w.one_of(BETWEEN[claim.name])
    return f"{w.phrase(claim.subjects)} {be} {between} {w.phrase(claim.objects)}"


def _there_is_related(w: Writer, claim: Claim) -> str:
    return f"there {_be(len(claim.subjects) > 1)} {_related(w, claim)}"


def _place_first(w: Writer, claim: Claim) -> str:
    between = BETWEEN[claim.name][0]
    be = _be(len(claim.subjects) > 1)
    return f"{between} {w.phrase(claim.objects)} there {be} {w.phrase(claim.subjects)}"


def _beside_it(w: Writer, claim: Claim) -> str:
    sideways = claim.name in ("left of", "right of")
    several = len(claim.objects) > 1
    pronoun = ("their" if several else "its") if sideways else ("them" if several else "it")
    where = BESIDE_IT[claim.name].format(pronoun)
    return f"{w.phrase(claim.objects)} with {w.phrase(claim.subjects)} {where}"


def _ground_first(w: Writer, claim: Claim) -> str:
    return f"{w.where()}, {_is_related(w, claim)}"


def _shows_related(w: Writer, claim: Claim) -> str:
    return f"the picture shows {_related(w, claim)}"


_RELATION_FORMS: Final[tuple[Callable[[Writer, Claim], str], ...]] = (
    _related,
    _is_related,
    _there_is_related,
    _place_first,
    _beside_it,
    _ground_first,
    _shows_related,
)


def _lies(w: Writer) -> str:
    return f"{w.all_phrases()[0]} {w.where()}"


def _is_there(w: Writer) -> str:
    listed, several, _ = w.all_phrases()
    return f"{listed} {_be(several)} {w.where()}"


def _there_is(w: Writer) -> str:
    listed, _, several_first = w.all_phrases()
    return f"there {_be(several_first)} {listed} {w.where()}"


def _where_there_is(w: Writer) -> str:
    listed, _, several_first = w.all_phrases()
    return f"{w.where()} there {_be(several_first)} {listed}"


def _shows(w: Writer) -> str:
    return f"the picture shows {w.all_phrases()[0]} {w.where()}"


def _picture_of(w: Writer) -> str:
    return f"a picture of {w.all_phrases(grounded=False)[0]}"


def _we_see(w: Writer) -> str:
    return f"we see {w.all_phrases()[0]} {w.where()}"


def _stretch_with(w: Writer) -> str:
    return f"{STRETCH[w.scene.ground]} with {w.all_phrases()[0]} on it"


_EXISTENCE_FORMS: Final[tuple[Callable[[Writer], str], ...]] = (
    _lies,
    _is_there,
    _there_is,
    _where_there_is,
    _shows,
    _picture_of,
    _we_see,
    _stretch_with,
)
