"""Attempts on this machine: a shim each, a claim file that says whether it started, identities instead of pids.

The start protocol closes the gap between "committed to start" and "the pid is known", in which a leader may die: the
shim's first act is to claim the attempt. Whoever finds no claim makes it himself: having won, nothing was started and
nothing will be; having lost, a shim was there first and is adopted.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from yolotui.core.jobs import Attempt, Job, Kind, Pausing, Process, Starting, Stopping, Unknown
from yolotui.leadership import scheduler_command, scheduler_environment
from yolotui.locations import Home, attempt_directory
from yolotui.probe.processes import attempt_of, boot_id, descendants, identity, is_alive, tagged_processes
from yolotui.runner.durable import write_atomically
from yolotui.runner.environment import command_environment, shim_argv, trainer_argv, training_environment
from yolotui.scheduler.executor import Alive, Ended, NeverStarted, NotYet, Order, OutOfSight, Sighting
from yolotui.scheduler.wakeups import Wakeups

OOM_SCORE_ADJUSTMENT = 500  # the kernel takes a training before it takes the scheduler
LEFTOVER_GRACE_S = 10.0
EXIT_KEYS = ("ended_at", "started_at", "exit_code", "signal", "error")


class LocalExecutor:
    """Starts shims on this machine and watches them, their trainers and their files."""

    def __init__(self, home: Home, wakeups: Wakeups, *, umask: int = 0o022) -> None:
        """`umask` is that of commands: what they write outside of the home is not ours to hide."""
        self._home = home
        self._umask = umask
        self._wakeups = wakeups
        self._shims: dict[str, subprocess.Popen[bytes]] = {}
        self._leaving: list[subprocess.Popen[bytes]] = []
        self._terminated: set[str] = set()
        self._expected: frozenset[str] = frozenset()

    def start(self, order: Order) -> None:
        """Write the order into the run directory and start the shim."""
        run_dir = Path(order.job.run_dir)
        attempt_dir = attempt_directory(order.job.run_dir, order.attempt.number)
        attempt_dir.mkdir(parents=True, mode=0o700, exist_ok=True)
        _write_json(attempt_dir / "launch.json", self._launch(order, run_dir, attempt_dir))
        self._watch_directory(attempt_dir)
        self._shims[order.attempt.uuid] = subprocess.Popen(
            shim_argv(sys.executable, str(attempt_dir)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        self._wakeups.watch_process(self._shims[order.attempt.uuid].pid)

    def look(self, job: Job, attempt: Attempt) -> Sighting:
        """What the attempt's files and processes prove."""
        # A shim writes the end and then leaves: it is our child, and to be reaped, for a moment longer.
        self._leaving = [each for each in self._leaving if each.poll() is None]
        attempt_dir = attempt_directory(job.run_dir, attempt.number)
        may_be_unstarted = isinstance(job.status, Starting | Pausing | Stopping | Unknown) and attempt.process is None
        try:
            return self._look(attempt, attempt_dir, may_be_unstarted=may_be_unstarted)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as trouble:
            return OutOfSight(f"its files in {attempt_dir} can't be read: {trouble}")

    def ask(self, job: Job, attempt: Attempt, request: str) -> None:
        """Leave a word in control.json, which the trainer looks at between batches."""
        content = {"id": time.time_ns(), "request": request}
        _write_json(attempt_directory(job.run_dir, attempt.number) / "control.json", content)

    def terminate(self, job: Job, attempt: Attempt) -> None:
        """TERM to the trainer alone: its data workers must live until it has saved."""
        if attempt.uuid in self._terminated:
            return
        if process := attempt.process or _read_process(attempt_directory(job.run_dir, attempt.number) / "process.json"):
            _signal(process, signal.SIGTERM)
            self._terminated.add(attempt.uuid)

    def kill(self, job: Job, attempt: Attempt) -> None:
        """KILL to every process of the attempt: those that carry its tag, and what its shim is the ancestor of."""
        for process in self._processes(job, attempt):
            _signal(process, signal.SIGKILL)

    def is_gone(self, job: Job, attempt: Attempt) -> bool:
        """Whether no process of the attempt lives, as far as /proc can tell."""
        return not self._processes(job, attempt)

    def _processes(self, job: Job, attempt: Attempt) -> list[Process]:
        """Everything that lives for an attempt but its shim; a program may have thrown its environment away."""
        attempt_dir = attempt_directory(job.run_dir, attempt.number)
        pids = set(tagged_processes().get(attempt.uuid, ()))
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            claim = _read_json(attempt_dir / "claim")
            if claim and claim["by"] == "shim" and is_alive(_process(claim)):
                pids |= descendants(claim["pid"])
        found = {pid: process for pid in pids if (process := identity(pid))}
        if attempt.process and is_alive(attempt.process):
            found[attempt.process.pid] = attempt.process
        return list(found.values())

    def forget(self, job: Job, attempt: Attempt) -> None:
        """Stop watching; reap the shim if it was our child."""
        self._wakeups.unwatch(attempt_directory(job.run_dir, attempt.number))
        self._terminated.discard(attempt.uuid)
        if shim := self._shims.pop(attempt.uuid, None):
            self._wakeups.unwatch_process(shim.pid)
            self._leaving.append(shim)

    def expect(self, attempts: frozenset[str]) -> None:
        """The uuids of this queue's attempts that have not ended: their processes are ours, those of no other queue."""
        self._expected = attempts

    def whose(self, pid: int) -> str | None:
        """The attempt whose tag the process carries, if it is one that this queue has running."""
        attempt = attempt_of(pid)
        return attempt if attempt in self._expected else None

    def _look(self, attempt: Attempt, attempt_dir: Path, *, may_be_unstarted: bool) -> Sighting:
        if ended := _read_exit(attempt_dir):
            return ended
        claim = _read_json(attempt_dir / "claim")
        if claim is None:
            return self._look_without_claim(attempt, attempt_dir, may_be_unstarted=may_be_unstarted)
        if claim["by"] != "shim":
            return NeverStarted()
        keeper = _process(claim)
        if keeper.boot_id != boot_id():
            return Ended(ended_at=time.time(), rebooted=True)
        return self._look_at_processes(attempt, attempt_dir, keeper)

    def _look_without_claim(self, attempt: Attempt, attempt_dir: Path, *, may_be_unstarted: bool) -> Sighting:
        """Not claimed yet, never to be claimed, or the run directory was removed under an attempt that runs."""
        shim = self._shims.get(attempt.uuid)
        if shim is not None and shim.poll() is None:
            return NotYet() if may_be_unstarted else Alive(attempt.process)
        if alive := self._survivor(attempt, attempt.process):
            return Alive(alive)
        if not may_be_unstarted:
            return Ended(ended_at=time.time())
        if _claim(attempt_dir):
            return NeverStarted()
        return self._look(attempt, attempt_dir, may_be_unstarted=True)

    def _survivor(self, attempt: Attempt, process: Process | None) -> Process | None:
        """A process of the attempt that lives without its shim, watched from now on."""
        if process and is_alive(process) and self._wakeups.watch_process(process.pid):
            return process
        tagged = tagged_processes().get(attempt.uuid, ())
        return next((found for pid in tagged if self._wakeups.watch_process(pid) and (found := identity(pid))), None)

    def _look_at_processes(self, attempt: Attempt, attempt_dir: Path, keeper: Process) -> Sighting:
        """A shim has claimed it in this boot: its life, or that of what it started, decides."""
        self._watch_directory(attempt_dir)
        process = _read_process(attempt_dir / "process.json")
        shim = self._shims.get(attempt.uuid)
        if shim.poll() is None if shim is not None else is_alive(keeper):
            self._wakeups.watch_process(keeper.pid)
            return Alive(process)
        # The shim is gone. It may have written the start or the end between our look at it and now.
        if ended := _read_exit(attempt_dir):
            return ended
        process = _read_process(attempt_dir / "process.json")
        if survivor := self._survivor(attempt, process):
            return Alive(process or survivor)
        return Ended(ended_at=time.time())

    def _watch_directory(self, attempt_dir: Path) -> None:
        # The kernel's watches may be used up; the leader looks every second anyway.
        with suppress(OSError):
            self._wakeups.watch_directory(attempt_dir)

    def _launch(self, order: Order, run_dir: Path, attempt_dir: Path) -> dict[str, Any]:
        """What the shim is to do: see `runner.shim`."""
        spec, cards = order.job.spec, [gpu.uuid for gpu in order.devices if gpu.kind == "cuda"]
        base = {**order.environment, **spec.env}
        if spec.kind is Kind.COMMAND:
            argv, cwd = list(order.command), spec.cwd or str(run_dir)
            environment = command_environment(base, attempt=order.attempt.uuid, gpu_uuids=cards)
        else:
            argv = trainer_argv(spec.python or sys.executable, str(attempt_dir), spec.gpus)
            cwd = str(run_dir / "cwd")
            Path(cwd).mkdir(mode=0o700, exist_ok=True)
            environment = training_environment(
                base,
                run_dir=str(run_dir),
                attempt=order.attempt.uuid,
                gpu_uuids=cards,
                weights_dir=str(self._home.weights),
                locks_dir=str(self._home.root / "locks"),
            )
        # A job that calls `yolotui` means the queue that it runs in.
        environment["YOLOTUI_HOME"] = str(self._home.root)
        environment |= {"YOLOTUI_RUN_DIR": str(run_dir), "YOLOTUI_JOB": str(order.job.id)}
        return {
            "attempt": order.attempt.uuid,
            "argv": argv,
            "cwd": cwd,
            "env": environment,
            "kill_grace_s": LEFTOVER_GRACE_S,
            "oom_score_adj": OOM_SCORE_ADJUSTMENT,
            "umask": self._umask if spec.kind is Kind.COMMAND else 0o077,
            "trainer": {
                "resume_from": order.resume_from,
                "finalize": order.finalize,
                "batch_override": {"batch": order.batch} if order.batch else None,
                "gpus": spec.gpus,
                "gpu_uuids": cards,
                "cpu": not cards,
                "workers": order.workers,
            },
            "follow_up": {
                "argv": scheduler_command("--until-idle"),
                "lock": str(self._home.scheduler_lock),
                "env": scheduler_environment(self._home),
                "umask": self._umask,
            },
        }


def _claim(attempt_dir: Path) -> bool:
    """Claim an attempt that no shim has claimed: having won, nothing will ever be started for it."""
    attempt_dir.mkdir(parents=True, mode=0o700, exist_ok=True)
    me = identity(os.getpid())
    assert me is not None
    temporary = attempt_dir / f"claim.{me.pid}.tmp"
    content = {"pid": me.pid, "start_ticks": me.start_ticks, "boot_id": me.boot_id, "by": "scheduler"}
    _write_json(temporary, content)
    try:
        os.link(temporary, attempt_dir / "claim")
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_atomically(str(path), json.dumps(content).encode())


def _read_json(path: Path) -> dict[str, Any] | None:
    """The file's content; None when there is no such file. Raises OSError or ValueError when it can't be read."""
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return content


def _read_exit(attempt_dir: Path) -> Ended | None:
    """How it ended, as the shim wrote it; a file that a crash of the machine left unreadable says nothing."""
    try:
        content = _read_json(attempt_dir / "exit.json")
        return (
            None
            if content is None
            else Ended(**{key: content[key] for key in EXIT_KEYS}, oom_kills=content.get("oom_kills"))
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _read_process(path: Path) -> Process | None:
    content = _read_json(path)
    return _process(content) if content else None


def _process(content: dict[str, Any]) -> Process:
    return Process(content["pid"], content["start_ticks"], content["boot_id"])


def _signal(process: Process, number: signal.Signals) -> None:
    """Signal exactly this process: the descriptor can't come to mean another between the check and the signal."""
    with suppress(ProcessLookupError, PermissionError):
        descriptor = os.pidfd_open(process.pid)
        try:
            if is_alive(process):
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)
