"""`python -m yolotui.preflight CACHE`: checks the trainings that stdin names, a line of JSON each way.

A process of its own, for the leader: whatever a data set does to it, the leader goes on.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from yolotui.core.preflight import Checking, Preflight
from yolotui.preflight.checking import Checker
from yolotui.preflight.requests import Answer, Reached, Request, Told, not_checked
from yolotui.runner.kinship import die_with_parent

TOLD_EVERY_S = 0.5


def main() -> None:
    """Answer until stdin ends."""
    die_with_parent()
    checker = Checker(cache=Path(sys.argv[1]), progress=_Progress())
    for line in sys.stdin.buffer:
        request = msgspec.json.decode(line, type=Request)
        _tell(Answer(request.job_id, request.asked, _checked(request, checker)))


def _tell(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


def _checked(request: Request, checker: Checker) -> Preflight:
    try:
        return checker.check(request.spec, project=Path(request.project) if request.project else None)
    except Exception as problem:  # noqa: BLE001  no data set may keep the others from being checked
        return not_checked(f"{type(problem).__name__}: {problem}")


class _Progress:
    """Tells how far the look at a data set is, now and then."""

    def __init__(self) -> None:
        self._tell_at = 0.0

    def __call__(self, done: int, of: int) -> None:
        if (now := time.monotonic()) >= self._tell_at:
            self._tell_at = now + TOLD_EVERY_S
            _tell(Reached(Checking(done, of)))


if __name__ == "__main__":
    main()
