"""`python -m yolotui.preflight CACHE`: checks the trainings that stdin names, a line of JSON each way.

A process of its own, for the leader: whatever a data set does to it, the leader goes on.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from yolotui.core.preflight import Preflight
from yolotui.preflight.checking import check
from yolotui.preflight.requests import Answer, Request, not_checked
from yolotui.preflight.scanning import die_with_parent

NICE = 10


def main() -> None:
    """Answer until stdin ends."""
    die_with_parent()
    os.nice(NICE)
    cache = Path(sys.argv[1])
    for line in sys.stdin.buffer:
        request = msgspec.json.decode(line, type=Request)
        answer = Answer(request.job_id, request.asked, _checked(request, cache))
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


def _checked(request: Request, cache: Path) -> Preflight:
    try:
        return check(request.spec, cache=cache, project=Path(request.project) if request.project else None)
    except Exception as problem:  # noqa: BLE001  no data set may keep the others from being checked
        return not_checked(f"{type(problem).__name__}: {problem}")


if __name__ == "__main__":
    main()
