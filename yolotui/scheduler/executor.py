"""The narrow door behind which attempts are started, watched and ended. Nothing above it knows about pids.

`local` is what stands behind it on a workstation; a cluster, or an agent per user, would stand there as well.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

from msgspec import Struct

from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Attempt, Job, Process


class NotYet(Struct, frozen=True):
    """Ordered, and not yet seen."""


class NeverStarted(Struct, frozen=True):
    """Proven: nothing was or will be started for this attempt. `error` says why, if that is known."""

    error: str = ""


class Alive(Struct, frozen=True):
    """It runs. `process` is None while the first moments of its life are not written down."""

    process: Process | None


class Ended(Struct, frozen=True, kw_only=True):
    """No process of it lives any more. Without `exit_code` and `signal` nobody saw how it ended.

    `oom_kills`: how often the kernel killed for want of memory around it while it ran, None where that is not known.
    """

    ended_at: float
    started_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    error: str | None = None
    rebooted: bool = False
    oom_kills: int | None = None


class OutOfSight(Struct, frozen=True):
    """What can be seen proves neither life nor death."""

    reason: str


Sighting: TypeAlias = NotYet | NeverStarted | Alive | Ended | OutOfSight


class Order(Struct, frozen=True, kw_only=True):
    """What to start: an attempt of a job on these devices, from a checkpoint or from the beginning.

    `batch` overrules the batch size of the job and of the checkpoint; `workers` are data workers for each GPU.
    """

    job: Job
    attempt: Attempt
    devices: tuple[Gpu, ...]
    command: tuple[str, ...]
    environment: dict[str, str]
    resume_from: str | None = None
    finalize: bool = False
    batch: int | None = None
    workers: int = 1


class Executor(Protocol):
    """Starts, watches and ends attempts."""

    def start(self, order: Order) -> None:
        """Start an attempt; what becomes of it is seen by looking. Raises OSError when it can't even be ordered."""

    def look(self, job: Job, attempt: Attempt) -> Sighting:
        """What can be seen of an attempt; looking also arranges to be woken when that changes."""

    def ask(self, job: Job, attempt: Attempt, request: str) -> None:
        """Tell the trainer what a person asked for: pause, checkpoint, finish."""

    def terminate(self, job: Job, attempt: Attempt) -> None:
        """Ask the main process, once, to end now (TERM)."""

    def kill(self, job: Job, attempt: Attempt) -> None:
        """End every process of the attempt (KILL)."""

    def forget(self, job: Job, attempt: Attempt) -> None:
        """Stop watching an attempt that has ended."""

    def is_gone(self, job: Job, attempt: Attempt) -> bool:
        """Whether nothing of an attempt lives, whatever its files say."""

    def expect(self, attempts: frozenset[str]) -> None:
        """The uuids of all attempts that have not ended: what runs for them is ours."""
