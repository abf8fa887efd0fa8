"""What each room drags in when it is imported: looked at in a process of its own, where it can't be argued with."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "ultralytics", "numpy", "cv2"}
FACES = {"textual", "rich", "click", "yolotui.tui", "yolotui.cli"}
ROOMS = {
    "yolotui": HEAVY | FACES | {"msgspec", "sqlite3"},
    "yolotui.core.plan": HEAVY | FACES | {"sqlite3", "subprocess", "psutil", "pynvml", "threading", "yolotui.store"},
    "yolotui.store": HEAVY | FACES | {"psutil", "pynvml", "yolotui.scheduler", "yolotui.runner"},
    "yolotui.telemetry": HEAVY | FACES | {"sqlite3", "yolotui.store", "yolotui.scheduler"},
    "yolotui.scheduler.leader": HEAVY | FACES,
    "yolotui.runner.checkpoints": HEAVY | FACES | {"msgspec", "yolotui.core", "yolotui.store"},
    "yolotui.queue": HEAVY | FACES | {"yolotui.scheduler", "pynvml"},
    "yolotui.preflight": HEAVY | FACES | {"sqlite3", "yolotui.store", "yolotui.scheduler"},
    "yolotui.cli.main": HEAVY | {"textual", "rich", "yolotui.scheduler", "yolotui.tui"},
    "yolotui.tui": HEAVY | {"yolotui.scheduler", "pynvml"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_nothing_that_it_must_not(room: str) -> None:
    program = f"import json, sys; import {room}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not ROOMS[room] & set(json.loads(result.stdout))
