"""A clock that can be put forward, and that goes by itself from then on."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass
class Clock:
    """Stands at `at` (UTC seconds); None: it shows the real time."""

    at: float | None

    def __call__(self) -> float:
        """Now."""
        return time.time() if self.at is None else self.at

    @property
    def goes(self) -> bool:
        """Whether it shows the real time."""
        return self.at is None
