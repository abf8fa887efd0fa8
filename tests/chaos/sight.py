"""The processes of one night, found in /proc by what the laboratory put into their environment."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NIGHT = "CHAOS_NIGHT"
ROLES = {
    "/shim.py": "shim",
    "/trainer.py": "trainer",
    "/errand.py": "errand",
    "yolotui.scheduler": "scheduler",
    "yolotui.preflight": "check",
}
WORKING = frozenset({"trainer", "errand", "rank", "worker"})


@dataclass(frozen=True)
class Seen:
    """One living process. `attempt` is the uuid of the attempt that it keeps or works for."""

    pid: int
    parent: int
    role: str
    attempt: str = ""
    attempt_dir: str = ""

    def signal(self, number: signal.Signals) -> bool:
        """False where it is gone already."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


def look(night: str) -> list[Seen]:
    """Every process of a night that lives just now. A child of a worker's own program is a "worker"."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (seen := _seen(int(entry.name), night)):
            found[seen.pid] = seen
    return [_as_worker(each, found) for each in found.values()]


def _seen(pid: int, night: str) -> Seen | None:
    folder = Path(f"/proc/{pid}")
    try:
        # Before the environment: whoever is a trainer by its words has a trainer's tag by then.
        words = (folder / "cmdline").read_text(errors="replace").split("\0")
        environment = dict(
            pair.split("=", 1) for pair in (folder / "environ").read_text(errors="replace").split("\0") if "=" in pair
        )
        if environment.get(NIGHT) != night:
            return None
        state, parent = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
    except OSError:
        return None
    if state in "ZX":
        return None
    role = _role(words)
    attempt_dir = next((word for word in words if "/attempt-" in word), "")
    attempt = environment.get("YOLOTUI_ATTEMPT") or (_ordered(attempt_dir) if role == "shim" else "")
    return Seen(pid, int(parent), role, attempt, attempt_dir)


def _role(words: list[str]) -> str:
    if words[1:3] == ["-m", "yolotui"]:  # whatever it is told to submit
        return "cli"
    if "--rank" in words:
        return "rank"
    return next((name for end, name in ROLES.items() for word in words[1:] if word.endswith(end)), "other")


def _ordered(attempt_dir: str) -> str:
    with suppress(OSError, ValueError):
        return str(json.loads(Path(attempt_dir, "launch.json").read_bytes())["attempt"])
    return ""


def _as_worker(seen: Seen, all_of_them: dict[int, Seen]) -> Seen:
    parent = all_of_them.get(seen.parent)
    is_forked = parent is not None and parent.role in WORKING and parent.role == seen.role
    return Seen(seen.pid, seen.parent, "worker", seen.attempt, seen.attempt_dir) if is_forked else seen
