"""What the kernel has said lately: whom it killed for memory, and NVIDIA's Xid messages. Often not ours to read."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

KMSG = Path("/dev/kmsg")
MOST_BYTES = 4 * 1024**2
RECORD_BYTES = 8192  # as much as the kernel gives out of one record
_KILLED_PID = re.compile(r"Kill(?:ed)? process (\d+)|oom-kill:.*,pid=(\d+)|oom_reaper: reaped process (\d+)")
_XID = re.compile(r"NVRM: Xid \([^)]*\): \d+(?:, pid='?(\d+))?")


def said_of(pids: frozenset[int], since_s: float, *, kmsg: Path = KMSG) -> tuple[str, ...]:
    """What was said about these processes in the last `since_s` seconds; nothing where the log may not be read.

    Xid messages that name no process count for everybody: the driver often doesn't know.
    """
    return tuple(line for line in _lines(since_s, kmsg) if _is_about(line, pids))


def _is_about(line: str, pids: frozenset[int]) -> bool:
    if match := _KILLED_PID.search(line):
        return any(int(group) in pids for group in match.groups() if group)
    if match := _XID.search(line):
        return match[1] is None or int(match[1]) in pids
    return False


def _lines(since_s: float, kmsg: Path) -> list[str]:
    """The messages of the kernel's ring buffer that are young enough. A record is `level,sequence,µs,flags;text`."""
    with suppress(OSError, ValueError):
        oldest_us = (_uptime_s() - since_s) * 1e6
        return [text for moment_us, text in _records(kmsg) if moment_us >= oldest_us]
    return []


def _records(kmsg: Path) -> list[tuple[int, str]]:
    found = []
    descriptor = os.open(kmsg, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        left = MOST_BYTES
        while left > 0:
            try:
                record = os.read(descriptor, RECORD_BYTES)
            except BrokenPipeError:  # overwritten while we read: the next one is there
                continue
            except BlockingIOError:
                break
            if not record:
                break
            left -= len(record)
            for line in record.decode(errors="replace").splitlines():
                head, semicolon, text = line.partition(";")
                fields = head.split(",")
                if semicolon and len(fields) >= 3 and fields[2].isdecimal():
                    found.append((int(fields[2]), text))
    finally:
        os.close(descriptor)
    return found


def _uptime_s() -> float:
    return float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
