"""Processes as /proc knows them: which attempt they belong to, and whether one is still the one that it was.

A pid alone is not an identity: it is given to another process sooner or later. Pid, start time in clock ticks since
boot and boot id together are one. Whatever can't be read (gone meanwhile, another user's) is an answer, not an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from yolotui.core.jobs import Process
from yolotui.users import login_name

ATTEMPT_TAG = "YOLOTUI_ATTEMPT"
PROC = Path("/proc")

_DEAD = frozenset("ZXx")


def attempt_of(pid: int, *, proc: Path = PROC) -> str | None:
    """The uuid of the attempt that the process was started for; None for everybody else's.

    The environment of another user's process, of a zombie, or of one that is just ending can't be read: None, too.
    """
    tag = f"{ATTEMPT_TAG}=".encode()
    try:
        environment = (proc / str(pid) / "environ").read_bytes()
    except OSError:
        return None
    values = (entry.removeprefix(tag) for entry in environment.split(b"\0") if entry.startswith(tag))
    return next((value.decode(errors="replace") for value in values if value), None)


def tagged_processes(*, proc: Path = PROC) -> dict[str, list[int]]:
    """The pids of every attempt that still has processes, by the attempt's uuid, each list ascending."""
    found: dict[str, list[int]] = {}
    for pid in sorted(_pids(proc)):
        if attempt := attempt_of(pid, proc=proc):
            found.setdefault(attempt, []).append(pid)
    return found


def identity(pid: int, *, proc: Path = PROC) -> Process | None:
    """What tells this process from any later one with its pid; None where there is none."""
    stat = _stat(pid, proc)
    return Process(pid, stat[1], boot_id(proc)) if stat else None


def is_alive(process: Process, *, proc: Path = PROC) -> bool:
    """Whether exactly this process still runs. A zombie doesn't."""
    stat = _stat(process.pid, proc)
    if stat is None or process.boot_id != boot_id(proc):
        return False
    state, start_ticks = stat
    return start_ticks == process.start_ticks and state not in _DEAD


@cache
def boot_id(proc: Path = PROC) -> str:
    """What names this boot of the machine; "" where the kernel doesn't say."""
    with suppress(OSError):
        return (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def exists(pid: int, *, proc: Path = PROC) -> bool:
    """Whether the pid is anybody's just now."""
    return (proc / str(pid)).exists()


def descendants(pid: int, *, proc: Path = PROC) -> set[int]:
    """The pids of everything that a process has started, directly or not, and that is still below it."""
    children: dict[int, list[int]] = {}
    for each in _pids(proc):
        with suppress(OSError, ValueError, IndexError):
            parent = int((proc / str(each) / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(each)
    found: set[int] = set()
    unseen = [pid]
    while unseen:
        below = [child for child in children.get(unseen.pop(), ()) if child not in found]
        found.update(below)
        unseen += below
    return found


def owner_of(pid: int, *, proc: Path = PROC) -> str | None:
    """The login name (or "uid 1234") of the process's user; None where the process is gone."""
    try:
        uid = (proc / str(pid)).stat().st_uid
    except OSError:
        return None
    return login_name(uid)


def _pids(proc: Path) -> Iterator[int]:
    with suppress(OSError):
        yield from (int(entry.name) for entry in proc.iterdir() if entry.name.isdecimal())


def _stat(pid: int, proc: Path) -> tuple[str, int] | None:
    """State letter and start ticks. The name before them may hold blanks and brackets: the last `)` ends it."""
    try:
        text = (proc / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    fields = text.rpartition(b")")[2].split()
    # The state is field 3 of proc(5), the start time field 22.
    return (fields[0].decode("ascii"), int(fields[19])) if len(fields) > 19 else None
