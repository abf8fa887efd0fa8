"""Every way of breaking a night that we know. A fault returns a word about what it did, or None if it found no victim.

Each is drawn by its weight from the seed of the night. What it does to an attempt it notes before it does it: an
attempt that ends badly for no noted reason is a violation.
"""

from __future__ import annotations

import os
import pty
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.chaos.night import CARDS, YOLOTUI, Night
from tests.chaos.sight import WORKING, Seen

Fault = Callable[[Night, random.Random], str | None]
FAULTS: dict[str, tuple[float, Fault]] = {}
AIM_FOR_S = 0.6
SUCCESSION_S = 5.0
JUMPS_S = (-7200.0, -600.0, -5.0, 2.0, 60.0, 3600.0, 86_400.0)


def fault(weight: float) -> Callable[[Fault], Fault]:
    """Enter a function into the catalogue under its own name."""

    def enter(function: Fault) -> Fault:
        FAULTS[function.__name__.replace("_", "-")] = (weight, function)
        return function

    return enter


def one_of(night: Night, chance: random.Random, *roles: str) -> Seen | None:
    """A living process in one of these roles."""
    found = night.look(*roles)
    return chance.choice(found) if found else None


def strike(night: Night, kind: str, victims: Sequence[Seen], number: signal.Signals = signal.SIGKILL) -> str | None:
    """Note it, then signal."""
    if not victims:
        return None
    night.note_harm(kind, victims)
    struck = [victim for victim in victims if victim.signal(number)]
    return f"{', '.join(f'{victim.role} {victim.pid}' for victim in struck)}" if struck else None


# --- processes that die -------------------------------------------------------------------------------------------


@fault(6)
def kill_scheduler(night: Night, chance: random.Random) -> str | None:
    return strike(night, "scheduler", night.look("scheduler")[:1])


@fault(4)
def kill_scheduler_at_a_start(night: Night, chance: random.Random) -> str | None:
    """In the milliseconds after a new attempt has got its directory."""
    victims = night.look("scheduler")
    before = set(night.home.glob("runs/*/attempt-*"))
    until = time.monotonic() + AIM_FOR_S
    while victims and time.monotonic() < until:
        night.on_idle()
        if set(night.home.glob("runs/*/attempt-*")) - before:
            time.sleep(chance.uniform(0.0, 0.015))
            break
    return strike(night, "scheduler", victims[:1])


@fault(4)
def kill_shim(night: Night, chance: random.Random) -> str | None:
    victim = one_of(night, chance, "shim")
    return strike(night, "shim", [victim]) if victim else None


@fault(5)
def kill_trainer(night: Night, chance: random.Random) -> str | None:
    victim = one_of(night, chance, "trainer", "errand")
    return strike(night, "trainer", [victim]) if victim else None


@fault(4)
def kill_trainer_in_a_save(night: Night, chance: random.Random) -> str | None:
    """When a checkpoint is being written, or has just been."""
    victim = one_of(night, chance, "trainer")
    if victim is None:
        return None
    weights = Path(victim.attempt_dir).parent / "train/weights"
    until, before = time.monotonic() + AIM_FOR_S, _stamps(weights)
    while time.monotonic() < until and _stamps(weights) == before:
        pass
    time.sleep(chance.uniform(0.0, 0.004))
    return strike(night, "trainer", [victim])


def _stamps(folder: Path) -> list[tuple[str, int]]:
    with suppress(OSError):
        return sorted((entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(folder))
    return []


@fault(2)
def kill_rank(night: Night, chance: random.Random) -> str | None:
    victim = one_of(night, chance, "rank")
    return strike(night, "rank", [victim]) if victim else None


@fault(2)
def kill_worker(night: Night, chance: random.Random) -> str | None:
    victim = one_of(night, chance, "worker")
    return strike(night, "worker", [victim]) if victim else None


@fault(2)
def kill_check(night: Night, chance: random.Random) -> str | None:
    """The process that looks at the data sets of trainings before their start: it lives for a moment."""
    until = time.monotonic() + AIM_FOR_S
    while not (victims := night.look("check")) and time.monotonic() < until:
        night.live(0.0)
    return strike(night, "check", victims)


@fault(3)
def kill_shim_and_trainer(night: Night, chance: random.Random) -> str | None:
    shim = one_of(night, chance, "shim")
    return strike(night, "attempt", [shim, *_of_attempt(night, shim)]) if shim else None


@fault(2)
def kill_shim_scheduler_and_trainer(night: Night, chance: random.Random) -> str | None:
    shim = one_of(night, chance, "shim")
    if shim is None:
        return None
    return strike(night, "attempt", [*night.look("scheduler"), shim, *_of_attempt(night, shim)])


@fault(2)
def terminate_trainer(night: Night, chance: random.Random) -> str | None:
    """Somebody else sends it a TERM."""
    victim = one_of(night, chance, "trainer", "errand")
    return strike(night, "trainer", [victim], signal.SIGTERM) if victim else None


@fault(2)
def hang_up(night: Night, chance: random.Random) -> str | None:
    """A terminal closes: SIGHUP to everything; yolotui's own processes and what they keep must not care."""
    victims = night.look("scheduler", "shim")
    return strike(night, "hang-up", victims, signal.SIGHUP)


@fault(6)
def kill_cli(night: Night, chance: random.Random) -> str | None:
    """In the middle of a verb: as soon as it has the queue open, and a little later."""
    victims = night.look("cli")
    until = time.monotonic() + AIM_FOR_S
    while time.monotonic() < until:
        night.on_idle()
        victims = victims or night.look("cli")
        if any(_has_open(victim, night.home / "queue.db") for victim in victims):
            time.sleep(chance.uniform(0.0, 0.02))
            break
    return strike(night, "cli", victims[:1])


def _has_open(victim: Seen, path: Path) -> bool:
    with suppress(OSError):
        return any(entry.readlink() == path for entry in Path(f"/proc/{victim.pid}/fd").iterdir())
    return False


@fault(1)
def kill_dashboard(night: Night, chance: random.Random) -> str | None:
    """The dashboard on a terminal of its own, which goes away."""
    terminal, inner = pty.openpty()
    dashboard = subprocess.Popen(
        YOLOTUI, env={**night.environment, "TERM": "xterm-256color"}, cwd=night.root, stdin=inner, stdout=inner,
        stderr=inner, start_new_session=True,
    )  # fmt: skip
    os.close(inner)
    night.live(chance.uniform(0.1, 1.5))
    os.close(terminal)
    if chance.random() < 0.7:
        dashboard.kill()
    else:
        dashboard.send_signal(signal.SIGHUP)
    dashboard.wait(30)
    return "dashboard"


@fault(1)
def kill_batch(night: Night, chance: random.Random) -> str | None:
    """`--batch` on the first file that was submitted: taking it again adds nothing twice."""
    files = sorted(night.root.glob("of-file-*.toml"))
    if not files:
        return None
    batch = subprocess.Popen(
        [*YOLOTUI, "--batch", str(chance.choice(files))], env=night.environment, cwd=night.root,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    night.live(chance.uniform(0.05, 0.8))
    batch.kill()
    batch.wait()
    return "batch"


# --- processes that stand still -----------------------------------------------------------------------------------


@fault(3)
def freeze_scheduler(night: Night, chance: random.Random) -> str | None:
    return _freeze(night, chance, night.look("scheduler"))


@fault(2)
def freeze_shim(night: Night, chance: random.Random) -> str | None:
    victim = one_of(night, chance, "shim")
    return _freeze(night, chance, [victim] if victim else [])


@fault(2)
def freeze_trainer(night: Night, chance: random.Random) -> str | None:
    victim = one_of(night, chance, "trainer", "errand", "rank")
    return _freeze(night, chance, [victim] if victim else [])


@fault(2)
def freeze_cli(night: Night, chance: random.Random) -> str | None:
    """Perhaps with the write lock in its hands."""
    return _freeze(night, chance, night.look("cli")[:1])


def _freeze(night: Night, chance: random.Random, victims: Sequence[Seen]) -> str | None:
    with stopped(victims) as struck:
        if struck:
            night.live(chance.uniform(0.1, 1.2))
    return ", ".join(f"{victim.role} {victim.pid}" for victim in struck) or None


@contextmanager
def stopped(victims: Sequence[Seen]) -> Any:
    """Processes stand still within the block."""
    struck = [victim for victim in victims if victim.signal(signal.SIGSTOP)]
    try:
        yield struck
    finally:
        for victim in struck:
            victim.signal(signal.SIGCONT)


# --- processes that stop at an exact point ------------------------------------------------------------------------


@fault(12)
def die_at_a_change(night: Night, chance: random.Random) -> str | None:
    """Killed just before its k-th change of a file: between any two steps of any protocol."""
    victim, point = _doomed(night, chance, "scheduler", "shim", "trainer", "cli")
    return f"{strike(night, 'doomed', [victim])} {point}" if victim else None


@fault(5)
def sleep_through_a_succession(night: Night, chance: random.Random) -> str | None:
    """A shim or a verb stands still at such a point while the leader is killed and another takes over."""
    victim, point = _doomed(night, chance, "shim", "cli")
    if victim is None:
        return None
    with stopped([victim]):
        strike(night, "scheduler", night.look("scheduler"))
        before, until = _successions(night), time.monotonic() + SUCCESSION_S
        night.start_scheduler()
        while _successions(night) == before and time.monotonic() < until:
            night.live(0.02)
        night.live(chance.uniform(0.1, 0.5))
    return f"{victim.role} {victim.pid} {point}"


def _successions(night: Night) -> int:
    """How often somebody has taken the lead; nobody may have had a log yet."""
    with suppress(FileNotFoundError):
        return (night.home / "scheduler.log").read_text().count(" leads ")
    return 0


def _doomed(night: Night, chance: random.Random, *roles: str) -> tuple[Seen | None, str]:
    """A process that stands still just before a change of a file, and where that is."""
    role = chance.choice(roles)
    changes = chance.randint(1, {"shim": 12, "cli": 25}.get(role, 60))
    night.fate.doom(role, changes)
    until = time.monotonic() + AIM_FOR_S
    while not night.fate.doomed_pid and time.monotonic() < until:
        night.live(0.0)
    night.fate.spare()
    time.sleep(0.002)  # for one that is just about to stop
    pid = night.fate.doomed_pid
    return next((each for each in night.look() if each.pid == pid), None), f"before change {changes}"


# --- crowds, and the end of the world -----------------------------------------------------------------------------


@fault(3)
def two_schedulers(night: Night, chance: random.Random) -> str | None:
    """Two at once, perhaps beside one that leads, perhaps just after that was killed."""
    if chance.random() < 0.5:
        strike(night, "scheduler", night.look("scheduler"))
    rivals = [night.start_scheduler(), night.start_scheduler()]
    night.live(chance.uniform(0.1, 0.5))
    return ", ".join(str(rival.pid) for rival in rivals)


@fault(1)
def twenty_verbs_at_once(night: Night, chance: random.Random) -> str | None:
    for number in range(20):
        jobs = [1 + number % 3]
        verb = ["priority", f"P{number % 4}"] if number % 2 else [("hold", "release")[number // 2 % 2]]
        night.start_verb(*verb, *map(str, jobs), expects=[(verb[0], job) for job in jobs])
    while night.verbs:
        night.reap()
        time.sleep(0.02)
    return "20 verbs"


@fault(2)
def reboot(night: Night, chance: random.Random) -> str | None:
    victims = night.look()
    night.note_harm("reboot", victims)
    killed = night.kill_everything()
    night.fate.reboot()
    return f"{killed} processes"


@fault(2)
def remove_the_lock(night: Night, chance: random.Random) -> str | None:
    """Somebody tidies up: the leader must make way for whoever locks the new file."""
    with suppress(FileNotFoundError):
        (night.home / "scheduler.lock").unlink()
        return "scheduler.lock"
    return None


@fault(4)
def clock_jumps(night: Night, chance: random.Random) -> str | None:
    by_s = chance.choice(JUMPS_S)
    night.fate.move_clock(by_s)
    return f"{by_s:+g} s"


# --- GPUs ---------------------------------------------------------------------------------------------------------


@fault(2)
def lose_a_gpu(night: Night, chance: random.Random) -> str | None:
    card = chance.choice(CARDS)
    night.nvml.lose(card)
    night.live(chance.uniform(0.2, 1.5))
    night.nvml.bring_back(card)
    return card


@fault(2)
def break_the_driver(night: Night, chance: random.Random) -> str | None:
    night.nvml.break_driver(999)
    night.live(chance.uniform(0.2, 1.5))
    night.nvml.mend_driver()
    return "driver"


@fault(2)
def a_stranger_on_a_gpu(night: Night, chance: random.Random) -> str | None:
    from tests.probe.fake_nvml import GIB, Held

    card, stranger = chance.choice(CARDS), night.start_bystander()
    night.nvml.set(card, processes=(Held(pid=stranger.pid, memory_bytes=8 * GIB),), used_bytes=8 * GIB)
    night.live(chance.uniform(0.2, 1.5))
    night.nvml.set(card, processes=(), used_bytes=0)
    return card


def _of_attempt(night: Night, shim: Seen) -> list[Seen]:
    return [each for each in night.look(*WORKING) if shim.attempt and each.attempt == shim.attempt]
