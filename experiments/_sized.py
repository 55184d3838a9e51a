"""Settings in the size of a smoke run."""

import dataclasses
from typing import Any, Protocol, TypeVar


class Shrinking(Protocol):
    """A frozen dataclass of settings that can shrink."""

    @property
    def smoke(self) -> bool:
        """Whether to."""
        ...

    def smoke_values(self) -> dict[str, Any]:
        """The small values, by field."""
        ...


Config = TypeVar("Config", bound=Shrinking)


def sized(config: Config) -> Config:
    """The settings, shrunk to seconds where a smoke run is asked for; what the user gave stands."""
    if not config.smoke:
        return config
    fields: Any = config
    defaults = {field.name: field.default for field in dataclasses.fields(fields)}
    values = config.smoke_values()
    return dataclasses.replace(
        fields, **{k: v for k, v in values.items() if getattr(config, k) == defaults[k]}
    )
