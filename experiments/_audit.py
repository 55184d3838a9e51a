"""The leakage audit that an experiment runs before it trains."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from experiments._command import Settings
from simlearn import audit


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuditedSettings(Settings):
    """What all experiments take that train on one part of a data set and test on another."""

    allow_leakage: tuple[audit.Kind, ...] = ()
    """Kinds of leakage from training into validation and test pictures that do not stop the run:
    identities (people or classes that should be held out), ids, files, bytes (of files), pixels.
    They are listed in results.json all the same."""


def check(
    parts: Mapping[str, audit.Auditable],
    config: AuditedSettings,
    *,
    data_set: str,
    disjoint: Collection[audit.Kind] = audit.PICTURES,
    unknown: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Audit the parts of a data set; goes into the result under `audit`.

    Args:
        parts: records or `audit.Part`s by name; the first is what is trained on.
        config: the settings; kinds in `allow_leakage` stop nothing.
        data_set: key of `audit.THRESHOLDS`; of a data set that is not there the threshold is
            measured on what is trained on.
        disjoint: what the protocol holds apart: `("identities", *audit.PICTURES)` where classes
            are held out.
        unknown: what else could leak and cannot be checked, and why.

    Returns:
        What was found, as JSON can hold it.

    Raises:
        UserError: the parts share what they must not.
    """
    threshold = audit.THRESHOLDS.get(data_set)
    if threshold is None:
        threshold = _measured(
            next(iter(parts.values())), data_set, held_out="identities" in disjoint
        )
    found = audit.check(
        parts,
        disjoint=disjoint,
        allow=config.allow_leakage,
        threshold=threshold,
        unknown=unknown or {},
    )
    print(found, flush=True)
    return found.as_json()


def _measured(train: audit.Auditable, data_set: str, *, held_out: bool) -> audit.Threshold:
    """Where classes are not held out, pictures of one class must not pass for copies either."""
    known = audit.part(train)
    sample = known if held_out else audit.Part(known.pictures)
    return audit.measure(sample, name=f"{data_set}, as in this run")
