"""Settings of `python -m experiments.demo`."""

import dataclasses

from experiments._command import Settings
from experiments.caption_scenes.config import ScenesSettings
from experiments.digits.config import DigitsSettings
from simlearn.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class DemoSettings(Settings):
    """Both halves of the library in about two minutes, with one report.

    Learns to tell handwritten digits apart (`experiments.digits`, in full), and to caption rendered
    scenes (`experiments.caption_scenes`, in small: its own README says what the full size reaches).
    Nothing is downloaded.
    """

    def digits(self) -> DigitsSettings:
        """The digits' settings."""
        return DigitsSettings(seed=self.seed, smoke=self.smoke)

    def scenes(self) -> ScenesSettings:
        """The scenes' settings."""
        return ScenesSettings(
            seed=self.seed,
            smoke=self.smoke,
            pictures=1000,
            tested=60,
            visual_epochs=4,
            epochs=4,
        )

    def check(self) -> None:
        """Refuse what cannot work, before anything is loaded.

        Raises:
            UserError: a setting is out of its range, or data were given.
        """
        super().check()
        if self.data is not None:
            raise UserError(f"expected no --data, received {self.data}: the demo brings its own")
