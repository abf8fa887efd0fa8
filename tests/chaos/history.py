"""What the laboratory did and heard, a line each: the judge holds the queue against it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any


class History:
    """An append-only file of JSON lines, with a monotonic time in seconds in each."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, event: str, **fields: Any) -> None:
        """Add a line."""
        with self.path.open("a") as file:
            file.write(json.dumps({"at": round(time.monotonic(), 4), "event": event, **fields}) + "\n")

    def read(self, *events: str) -> list[dict[str, Any]]:
        """The lines, all or those of some kinds, in order."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [line for line in map(json.loads, lines) if not events or line["event"] in events]
