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
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from yolotui.core.jobs import Attempt, Job, Kind, Process
from yolotui.leadership import scheduler_command, scheduler_environment
from yolotui.locations import Home
from yolotui.probe.processes import attempt_of, boot_id, identity, is_alive, tagged_processes
from yolotui.runner.durable import write_atomically
from yolotui.runner.environment import is_scrubbed, shim_argv, trainer_argv, training_environment
from yolotui.scheduler.executor import Alive, Ended, NeverStarted, NotYet, Order, OutOfSight, Sighting
from yolotui.scheduler.wakeups import Wakeups

OOM_SCORE_ADJUSTMENT = 500  # the kernel takes a training before it takes the scheduler
LEFTOVER_GRACE_S = 10.0


class LocalExecutor:
    """Starts shims on this machine and watches them, their trainers and their files."""

    def __init__(self, home: Home, wakeups: Wakeups) -> None:
        self._home = home
        self._wakeups = wakeups
        self._shims: dict[str, subprocess.Popen[bytes]] = {}
        self._leaving: list[subprocess.Popen[bytes]] = []
        self._asked: dict[str, str] = {}

    def start(self, order: Order) -> None:
        """Write the order into the run directory and start the shim."""
        run_dir = Path(order.job.run_dir)
        attempt_dir = attempt_directory(order.job, order.attempt)
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
        attempt_dir = attempt_directory(job, attempt)
        try:
            return self._look(attempt, attempt_dir)
        except (OSError, ValueError, KeyError, TypeError) as trouble:
            return OutOfSight(f"its files in {attempt_dir} can't be read: {trouble}")

    def ask(self, job: Job, attempt: Attempt, request: str) -> None:
        """Leave a word in control.json, which the trainer looks at between batches."""
        if self._asked.get(attempt.uuid) == request:
            return
        content = {"id": time.time_ns(), "request": request}
        _write_json(attempt_directory(job, attempt) / "control.json", content)
        self._asked[attempt.uuid] = request

    def terminate(self, job: Job, attempt: Attempt) -> None:
        """TERM to the trainer alone: its data workers must live until it has saved."""
        if self._asked.get(attempt.uuid) == "end":
            return
        if process := _read_process(attempt_directory(job, attempt) / "process.json"):
            _signal(process, signal.SIGTERM)
            self._asked[attempt.uuid] = "end"

    def kill(self, job: Job, attempt: Attempt) -> None:
        """KILL to every process that carries the attempt's tag."""
        del job
        for pid in tagged_processes().get(attempt.uuid, ()):
            if process := identity(pid):
                _signal(process, signal.SIGKILL)

    def forget(self, job: Job, attempt: Attempt) -> None:
        """Stop watching; reap the shim if it was our child."""
        self._wakeups.unwatch(attempt_directory(job, attempt))
        self._asked.pop(attempt.uuid, None)
        if shim := self._shims.pop(attempt.uuid, None):
            self._wakeups.unwatch_process(shim.pid)
            self._leaving.append(shim)
        # A shim writes the end and then leaves: it is our child, and to be reaped, for a moment longer.
        self._leaving = [each for each in self._leaving if each.poll() is None]

    def is_ours(self, pid: int) -> bool:
        """Whether the process carries the tag of any attempt."""
        return attempt_of(pid) is not None

    def unfinished(self) -> Sequence[str]:
        """The uuids of all attempts that still have processes."""
        return list(tagged_processes())

    def _look(self, attempt: Attempt, attempt_dir: Path) -> Sighting:
        if ended := _read_exit(attempt_dir):
            return ended
        shim = self._shims.get(attempt.uuid)
        claim = _read_json(attempt_dir / "claim")
        if claim is None:
            if shim is not None and shim.poll() is None:
                return NotYet()
            return NeverStarted() if _claim(attempt_dir) else self._look(attempt, attempt_dir)
        if claim["by"] != "shim":
            return NeverStarted()
        keeper = Process(claim["pid"], claim["start_ticks"], claim["boot_id"])
        if keeper.boot_id != boot_id():
            return Ended(ended_at=time.time(), rebooted=True)
        return self._look_at_processes(attempt, attempt_dir, keeper)

    def _look_at_processes(self, attempt: Attempt, attempt_dir: Path, keeper: Process) -> Sighting:
        """A shim has claimed it in this boot: its life, or that of what it started, decides."""
        self._watch_directory(attempt_dir)
        process = _read_process(attempt_dir / "process.json")
        shim = self._shims.get(attempt.uuid)
        if shim.poll() is None if shim is not None else is_alive(keeper):
            self._wakeups.watch_process(keeper.pid)
            return Alive(process)
        # The shim is gone. It may have written the end between our look at it and now.
        if ended := _read_exit(attempt_dir):
            return ended
        survivors = [pid for pid in tagged_processes().get(attempt.uuid, ()) if self._wakeups.watch_process(pid)]
        if survivors or (process and is_alive(process)):
            return Alive(process or identity(survivors[0]))
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
            environment = {key: value for key, value in base.items() if not is_scrubbed(key)}
            environment |= {
                "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
                "CUDA_VISIBLE_DEVICES": ",".join(cards) or "-1",
                "YOLOTUI_ATTEMPT": order.attempt.uuid,
            }
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
            "trainer": {
                "resume_from": order.resume_from,
                "finalize": order.finalize,
                "gpus": spec.gpus,
                "gpu_uuids": cards,
                "cpu": not cards,
                "workers": max(1, min(8, (os.cpu_count() or 1) // max(1, len(order.devices)))),
            },
            "follow_up": {
                "argv": scheduler_command("--until-idle"),
                "lock": str(self._home.scheduler_lock),
                "env": scheduler_environment(self._home),
            },
        }


def attempt_directory(job: Job, attempt: Attempt) -> Path:
    """Where an attempt's files are."""
    return Path(job.run_dir) / f"attempt-{attempt.number}"


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
    content = _read_json(attempt_dir / "exit.json")
    if content is None:
        return None
    return Ended(
        ended_at=content["ended_at"],
        started_at=content["started_at"],
        exit_code=content["exit_code"],
        signal=content["signal"],
        error=content["error"],
    )


def _read_process(path: Path) -> Process | None:
    content = _read_json(path)
    return Process(content["pid"], content["start_ticks"], content["boot_id"]) if content else None


def _signal(process: Process, number: signal.Signals) -> None:
    """Signal exactly this process: the descriptor can't come to mean another between the check and the signal."""
    with suppress(ProcessLookupError, PermissionError):
        descriptor = os.pidfd_open(process.pid)
        try:
            if is_alive(process):
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)
