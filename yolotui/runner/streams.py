"""Output that survives a full disk: a progress bar that can't be written must not end a training."""

from __future__ import annotations

import contextlib
import sys
from typing import Any


class Unbreakable:
    """A text stream that drops what can't be written."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or pretend to."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or pretend to."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def protect() -> None:
    """Make this process's output unbreakable."""
    sys.stdout = Unbreakable(sys.stdout)
    sys.stderr = Unbreakable(sys.stderr)
