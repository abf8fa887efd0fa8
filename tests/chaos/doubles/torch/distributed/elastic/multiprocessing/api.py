from __future__ import annotations


class SignalException(Exception):
    def __init__(self, sigval: int) -> None:
        super().__init__(f"got signal {sigval}")
        self.sigval = sigval
