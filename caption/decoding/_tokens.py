"""The numbers of the words that every vocabulary begins with."""

from typing import Final

PAD: Final = 0
START: Final = 1
END: Final = 2
UNKNOWN: Final = 3
