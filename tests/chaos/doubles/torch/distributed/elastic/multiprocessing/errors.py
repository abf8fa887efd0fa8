from __future__ import annotations

from typing import Any


class ChildFailedError(Exception):
    def __init__(self, failures: dict[int, Any]) -> None:
        super().__init__(f"ranks {sorted(failures)} failed")
        self.failures = failures
