"""What can happen to files: full, failing and read-only disks, locks, damaged pages, checkpoints, tables, events."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from tests.chaos.faults import _of_attempt, fault, one_of, stopped, strike
from tests.chaos.night import Night
from tests.chaos.sight import Seen

PAGE = 4096
SYS_CLONE3 = 435


# --- the disk -----------------------------------------------------------------------------------------------------


@fault(4)
def disk_full(night: Night, chance: random.Random) -> str | None:
    return _disk(night, chance, errno.ENOSPC, chance.choice([0, 0, 1, 3, 10]))


@fault(3)
def disk_fails(night: Night, chance: random.Random) -> str | None:
    return _disk(night, chance, errno.EIO, 0)


@fault(2)
def disk_is_read_only(night: Night, chance: random.Random) -> str | None:
    return _disk(night, chance, errno.EROFS, 0)


@fault(6)
def disk_is_filled(night: Night, chance: random.Random) -> str | None:
    """Somebody's file takes all that is left, but for some pages. Only a home on a disk of its own can be filled."""
    if not night.home.is_mount():
        return None
    spared = PAGE * chance.choice([0, 0, 1, 3, 30])
    strangers = night.home / "strangers"
    with strangers.open("wb") as file:
        while (taken := shutil.disk_usage(night.home).free - spared) > 0:
            with suppress(OSError):  # somebody else has just taken some of it
                os.posix_fallocate(file.fileno(), file.tell(), taken)
                file.seek(0, os.SEEK_END)
    try:
        return _in_trouble(night, chance, nullcontext(), f"{spared} bytes are left")
    finally:
        strangers.unlink()


def _disk(night: Night, chance: random.Random, error: int, writes_left: int) -> str:
    trouble = night.fate.disk(error, writes_left=writes_left)
    return _in_trouble(night, chance, trouble, errno.errorcode[error])


def _in_trouble(night: Night, chance: random.Random, trouble: AbstractContextManager[None], what: str) -> str:
    """Live with it for a while. Whatever anybody writes meanwhile may fail."""
    seconds = chance.choice([0.05, 0.3, 1.0])
    night.history.note("harm", kind="disk-begins", attempts=[], everybody=True)
    with trouble:
        night.live(seconds)
    night.history.note("harm", kind="disk-ends", attempts=[], everybody=True)
    return f"{what} for {seconds} s"


# --- the queue ----------------------------------------------------------------------------------------------------


@fault(3)
def queue_is_locked(night: Night, chance: random.Random) -> str | None:
    """Somebody's tool holds the write lock."""
    with suppress(sqlite3.OperationalError):
        holder = sqlite3.connect(night.home / "queue.db", timeout=2.0, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        night.live(chance.uniform(0.1, 1.5))
        holder.execute("ROLLBACK")
        holder.close()
        return "locked"
    return None


@fault(2)
def a_page_of_the_queue_is_damaged(night: Night, chance: random.Random) -> str | None:
    """A page reads as zeros for a while. The one process that would write pages back stands still meanwhile."""
    queue = night.home / "queue.db"
    with stopped(night.look("scheduler")) as leaders:
        pages = queue.stat().st_size // PAGE if queue.exists() else 0
        if not leaders or pages < 3:
            return None
        at = chance.randrange(2, pages) * PAGE
        with queue.open("r+b") as file:
            file.seek(at)
            whole = file.read(PAGE)
            file.seek(at)
            file.write(bytes(PAGE))
            file.flush()
            night.live(chance.uniform(0.1, 0.6))
            while night.verbs:  # nobody may have begun on damaged ground and end on whole
                night.reap()
                time.sleep(0.01)
            file.seek(at)
            if not any(file.read(PAGE)):  # else it was written anew: the last to let go of the queue has tidied up
                file.seek(at)
                file.write(whole)
    return f"page {at // PAGE + 1} of {pages}"


@fault(2)
def samples_are_deleted(night: Night, chance: random.Random) -> str | None:
    for suffix in chance.choice([("",), ("", "-wal", "-shm")]):
        (night.home / f"samples.db{suffix}").unlink(missing_ok=True)
    return "samples.db"


@fault(1)
def samples_are_damaged(night: Night, chance: random.Random) -> str | None:
    samples = night.home / "samples.db"
    with suppress(FileNotFoundError), samples.open("r+b") as file:
        file.write(chance.randbytes(8192))
        return "samples.db"
    return None


# --- the files of a run -------------------------------------------------------------------------------------------


@fault(3)
def checkpoint_is_cut(night: Night, chance: random.Random) -> str | None:
    def cut(file: Path) -> None:
        os.truncate(file, chance.choice([0, file.stat().st_size // 2, max(file.stat().st_size - 1, 0)]))

    return _damage(night, chance, "train/weights/*.pt", cut, most=2)


@fault(3)
def checkpoint_has_a_flipped_bit(night: Night, chance: random.Random) -> str | None:
    def flip(file: Path) -> None:
        content = bytearray(file.read_bytes())
        if content:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            file.write_bytes(content)

    return _damage(night, chance, "train/weights/*.pt", flip, most=2)


@fault(3)
def events_are_torn(night: Night, chance: random.Random) -> str | None:
    """The last line is not whole, as after a power cut."""
    return _damage(night, chance, "attempt-*/events.jsonl", lambda file: _cut_last_line(file, chance))


@fault(3)
def results_are_cut(night: Night, chance: random.Random) -> str | None:
    return _damage(night, chance, "train/results.csv", lambda file: _cut_last_line(file, chance))


def _cut_last_line(file: Path, chance: random.Random) -> None:
    last = file.read_bytes().splitlines(keepends=True)[-1:]
    if last and len(last[0]) > 1:
        os.truncate(file, file.stat().st_size - chance.randrange(1, len(last[0])))


def _damage(
    night: Night, chance: random.Random, pattern: str, damage: Callable[[Path], None], *, most: int = 1
) -> str | None:
    """Kill a training and damage what it leaves before anybody looks at it."""
    with stopped(night.look("scheduler")):
        trainer = one_of(night, chance, "trainer")
        if trainer is None:
            return None
        strike(night, "damage", [trainer, *(w for w in night.look("worker", "rank") if w.attempt == trainer.attempt)])
        _wait_until_gone([trainer])
        files = sorted(Path(trainer.attempt_dir).parent.glob(pattern), key=lambda file: file.stat().st_mtime)[-most:]
        for file in files:
            night.history.note("damaged", file=str(file.relative_to(night.home)))
            with suppress(FileNotFoundError):
                damage(file)
    return ", ".join(file.name for file in files) or "nothing there yet"


# --- pids ---------------------------------------------------------------------------------------------------------


@fault(3)
def a_pid_is_used_again(night: Night, chance: random.Random) -> str | None:
    """Everything of an attempt dies, and a stranger gets a pid that it had."""
    with stopped(night.look("scheduler")):
        shim = one_of(night, chance, "shim")
        if shim is None:
            return None
        workers = _of_attempt(night, shim)
        strike(night, "attempt", [shim, *workers])
        _wait_until_gone(workers)  # the shim itself may be left for the scheduler to reap, which stands still
        free = [each.pid for each in (shim, *workers) if not Path(f"/proc/{each.pid}").exists()]
        pid = chance.choice(free) if free else None
        if pid is None or not start_with_pid(pid):
            return None
        night.history.note("bystander", pid=pid)
        night.strangers.append(pid)
    return str(pid)


def start_with_pid(pid: int) -> bool:
    """Start a sleeping process with a pid of our choice (clone3 with set_tid); False where we may not."""
    wanted = (ctypes.c_int * 1)(pid)
    arguments = (ctypes.c_uint64 * 11)(0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(wanted), 1, 0)
    child = ctypes.CDLL(None, use_errno=True).syscall(SYS_CLONE3, arguments, ctypes.sizeof(arguments))
    if child == 0:
        os.execv("/bin/sleep", ["sleep", "1000"])
    return bool(child == pid)


def _wait_until_gone(victims: list[Seen]) -> None:
    """Dead and buried: their keepers, or init, reap them."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(Path(f"/proc/{victim.pid}").exists() for victim in victims):
        time.sleep(0.002)


def lives(pid: int) -> bool:
    """Whether a process lives and is no zombie."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False
