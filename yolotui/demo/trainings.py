# ruff: noqa: ARG002 — the signatures are the door's
"""What stands behind the scheduler's narrow door in a demonstration: trainings that only write what trainings write.

Looking at an attempt brings its files up to the clock's time. Nothing runs in between, so that a week goes by in the
time that it takes to write it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from math import inf, sin
from pathlib import Path
from typing import Any

from yolotui.core.jobs import Attempt, Job, JobSpec, Kind
from yolotui.core.training_defaults import BATCH, EPOCHS, IMGSZ
from yolotui.demo.clock import Clock
from yolotui.demo.curves import batch_losses, learning_rate, metrics
from yolotui.demo.files import COLUMNS, HEAD, RunFiles, epoch_line
from yolotui.demo.roles import Break, Role
from yolotui.probe.processes import identity
from yolotui.scheduler.executor import Alive, Ended, NeverStarted, Order, Sighting
from yolotui.units import GIB

SETUP_S = 18.0
QUICK_SETUP_S = 2.0
FINAL_S = 20.0
QUICK_FINAL_S = 2.0
DIES_AFTER_S = 2.5  # of a TERM: the checkpoint is written
BATCH_EVERY_S = 0.5
BATCHES = 480
LIVE_S = 60.0  # how far back single batches are written


class Trainings:
    """Starts, moves and ends made-up attempts. `role_of` says how a job behaves."""

    def __init__(self, clock: Clock, role_of: Callable[[Job], Role]) -> None:
        self._clock = clock
        self._role_of = role_of
        self._runs: dict[str, Run] = {}
        self._me = identity(os.getpid())

    @property
    def running(self) -> list[Run]:
        """What runs now."""
        return list(self._runs.values())

    @property
    def next_end_at(self) -> float:
        """When the next one ends, if nobody asks for anything else (UTC seconds)."""
        return min((run.ends_at for run in self._runs.values()), default=inf)

    def start(self, order: Order) -> None:
        """A new run, from its checkpoint or from the beginning."""
        self._runs[order.attempt.uuid] = Run(order, self._role_of(order.job), self._clock())

    def look(self, job: Job, attempt: Attempt) -> Sighting:
        """Bring the run's files up to now, and say whether it has ended."""
        run = self._runs.get(attempt.uuid)
        if run is None:
            return NeverStarted("It was started by a demonstration that is over.")
        return run.advance(self._clock(), live=self._clock.goes) or Alive(self._me)

    def ask(self, job: Job, attempt: Attempt, request: str) -> None:
        """A person's request, carried out at the end of the epoch, a checkpoint at once."""
        if run := self._runs.get(attempt.uuid):
            run.obey(request, self._clock())

    def terminate(self, job: Job, attempt: Attempt) -> None:
        """It ends in a moment."""
        if run := self._runs.get(attempt.uuid):
            run.told_to_end_at = run.told_to_end_at or self._clock()

    def kill(self, job: Job, attempt: Attempt) -> None:
        """It has ended by now: a made-up training never hangs."""

    def forget(self, job: Job, attempt: Attempt) -> None:
        """It has ended."""
        self._runs.pop(attempt.uuid, None)

    def is_gone(self, job: Job, attempt: Attempt) -> bool:
        """Nothing outlives its run."""
        return attempt.uuid not in self._runs

    def expect(self, attempts: frozenset[str]) -> None:
        """There are no processes to tell apart."""


class Run:
    """One attempt. Its epochs end at times that are known beforehand; `advance` writes those that have come."""

    def __init__(self, order: Order, role: Role, began_at: float) -> None:
        self.gpus = order.attempt.gpus
        self.role = role
        self.began_at = began_at
        self.told_to_end_at: float | None = None
        self._job_id = order.job.id
        self._spec: JobSpec = order.job.spec
        self._files = RunFiles(Path(order.job.run_dir), order.attempt.number)
        self._resumed_from = order.attempt.resumed_from_epoch
        self.epoch = self._resumed_from or 0
        self._batch = _number(self._spec, "batch", BATCH)
        self._told_at = began_at
        self._unsaved = False
        self._asked: str | None = None
        first = order.attempt.number == 1
        self._break: Break | None = role.breaks if role.breaks and (first or role.breaks.permanent) else None
        self._is_quick = role.epoch_s < 15.0
        if self._break and self._break.epoch <= self.epoch and not self._break.permanent:
            self._break = None
        self._begin(order)

    @property
    def trains(self) -> bool:
        """Whether it has epochs."""
        return self._spec.kind is Kind.TRAIN

    @property
    def epochs(self) -> int:
        """How many it was asked for."""
        return self._spec.epochs or EPOCHS

    @property
    def last_epoch(self) -> int:
        """The epoch after which it ends by itself."""
        return min(self.epochs, self.role.stops_at or self.epochs)

    @property
    def ends_at(self) -> float:
        """When it ends, as things stand (UTC seconds)."""
        if not self.trains:
            return self.began_at + (2.0 if self._break else self.role.lasts_s)
        if self._break:
            return self._epoch_ends_at(self._break.epoch) + 0.4 * self.role.epoch_s
        final_s = QUICK_FINAL_S if self._is_quick else FINAL_S
        return self._epoch_ends_at(self.last_epoch) + final_s

    def advance(self, now: float, *, live: bool) -> Ended | None:
        """Write what has happened until now; how it ended, if it has."""
        ends_at = self.ends_at
        if self.told_to_end_at is not None:
            ends_at = min(ends_at, self.told_to_end_at + DIES_AFTER_S)
        ended = None
        for epoch in self._epochs_until(min(now, ends_at)):
            self._write_epoch(epoch)
            self._unsaved = True
            if self._asked in {"pause", "finish"}:
                ended = self._end(self._epoch_ends_at(epoch) + 0.5, *_ANSWERS[self._asked])
                break
        if ended is None and now >= ends_at:
            ended = self._end_by_itself(ends_at)
        if ended is None and self._unsaved:
            self._save(self._epoch_ends_at(self.epoch))
        if ended is None and self.trains and live:
            self._write_batches(now)
        self._files.flush()
        self._told_at = now
        return ended

    def obey(self, request: str, now: float) -> None:
        """Note what was asked for."""
        if request == "checkpoint":
            self._save(now)
            self._files.flush()
        else:
            self._asked = request

    def _begin(self, order: Order) -> None:
        arguments = self._spec.arguments
        self._files.log(HEAD)
        if self.trains:
            self._files.event(
                self.began_at, "start", task="detect", epochs=self.epochs, batch=self._batch,
                imgsz=arguments.get("imgsz", IMGSZ), batches=BATCHES, resumed_from_epoch=self._resumed_from,
                resumed_from=order.resume_from, versions={"ultralytics": "8.4.190", "torch": "2.9.1"},
            )  # fmt: skip
            self._files.event(self.began_at + 1, "phase", name="training")
            self._files.log(f"Starting training for {self.epochs} epochs...\n{COLUMNS}")
        elif self._spec.command:
            self._files.log(f"$ {' '.join(self._spec.command)}\n")
        self._files.flush()

    def _epochs_until(self, now: float) -> Iterator[int]:
        last = self._break.epoch if self._break else self.last_epoch
        while self.trains and self.epoch < last and self._epoch_ends_at(self.epoch + 1) <= now:
            yield self.epoch + 1

    def _epoch_ends_at(self, epoch: int) -> float:
        """The first epoch warms up; none takes exactly as long as the other."""
        setup_s = QUICK_SETUP_S if self._is_quick else SETUP_S
        own = epoch - (self._resumed_from or 0)
        wobble = 0.04 * sin(epoch * 1.7 + self._job_id)
        return self.began_at + setup_s + self.role.epoch_s * (own + (0.3 if own > 0 else 0.0) + wobble)

    def _write_epoch(self, epoch: int) -> None:
        at = self._epoch_ends_at(epoch)
        begins_at = self._epoch_ends_at(epoch - 1) if epoch - 1 > (self._resumed_from or 0) else self.began_at
        if epoch == self.role.smaller_batch:
            halved = max(1, self._batch // 2)
            why = "out of memory: the epoch begins again with a smaller batch"
            self._files.event(at, "changed", what="batch", **{"from": self._batch, "to": halved, "why": why})
            self._files.log(f"CUDA out of memory in epoch {epoch}: batch {self._batch} -> {halved}\n")
            self._batch = halved
        row = metrics(self._job_id, epoch, self.epochs)
        fitness = row["metrics/mAP50-95(B)"]
        self._files.event(
            at, "epoch", epoch=epoch, epochs=self.epochs, epoch_s=at - begins_at, metrics=row, fitness=fitness,
            best_fitness=fitness, best_epoch=epoch,
        )  # fmt: skip
        self._files.row(epoch, at - self.began_at + self.role.epoch_s * (self._resumed_from or 0), row)
        size = _number(self._spec, "imgsz", IMGSZ)
        self._files.log(epoch_line(self._job_id, epoch, self.epochs, self.role.memory_gib, size))
        self.epoch = epoch

    def _save(self, at: float) -> None:
        """A checkpoint of the last whole epoch."""
        self._unsaved = False
        if self.epoch:
            path = self._files.checkpoint("last.pt", self.epoch, self._arguments)
            self._files.checkpoint("best.pt", self.epoch, self._arguments)
            self._files.event(at, "checkpoint", epoch=self.epoch, path=str(path), bytes=path.stat().st_size)

    def _write_batches(self, now: float) -> None:
        """Where it is in the epoch, twice a second."""
        at = max(self._told_at, now - LIVE_S)
        begins_at = max(self._epoch_ends_at(self.epoch), self.began_at + QUICK_SETUP_S)
        length_s = max(1.0, self._epoch_ends_at(self.epoch + 1) - begins_at)
        speed = self._batch * BATCHES / length_s
        while (at := at + BATCH_EVERY_S) <= now:
            batch = int(BATCHES * (at - begins_at) / length_s)
            if 1 <= batch <= BATCHES:
                wobble = sin(at * 0.7 + self._job_id) * 0.03 + sin(at * 3.1) * 0.02
                compute_s = length_s / BATCHES
                self._files.event(
                    at, "batch", epoch=self.epoch + 1, batch=batch, batches=BATCHES,
                    losses=batch_losses(self._job_id, self.epoch + 1, batch),
                    lr={"pg0": learning_rate(self.epoch + 1, self.epochs)}, wait_s=compute_s * 0.04,
                    compute_s=compute_s * 0.96, images_per_s=round(speed * (1 + wobble), 1),
                    memory_bytes=int(self.role.memory_gib * GIB),
                )  # fmt: skip

    def _end_by_itself(self, at: float) -> Ended:
        if self.told_to_end_at is not None and at >= self.told_to_end_at:
            return self._end(at, "stopped", 143)
        if self._break:
            return self._end(at, "failed", self._break.exit_code, self._break)
        if self._spec.kind is Kind.COMMAND:
            self._files.log("done\n")
        early = self.trains and self.last_epoch < self.epochs
        return self._end(at, "stopped_early" if early else "finished", 0)

    def _end(self, at: float, outcome: str, exit_code: int | None, accident: Break | None = None) -> Ended:
        if self._unsaved:
            self._save(at)
        error = None
        if accident and accident.error_type:
            error = {"type": accident.error_type, "message": accident.message, "trace_tail": ""}
        if accident:
            said = f"{accident.error_type}: {accident.message}" if accident.error_type else accident.message
            self._files.log(f"Traceback (most recent call last):\n{said}\n")
        if self._spec.kind is not Kind.COMMAND and not (accident and accident.signal):
            self._files.event(at, "end", outcome=outcome, error=error, epochs_done=self.epoch, metrics=self._result())
        if self.trains and outcome in {"finished", "stopped_early", "finish_requested"}:
            for name in ("last.pt", "best.pt"):
                self._files.checkpoint(name, self.epoch, self._arguments, stripped=True)
        self._files.flush()
        signal = accident.signal if accident else None
        self._files.exit(self.began_at, at, exit_code, signal)
        return Ended(ended_at=at, started_at=self.began_at, exit_code=exit_code, signal=signal)

    def _result(self) -> dict[str, float]:
        """What it measured at its end: its last epoch, or a validation's numbers."""
        if self._spec.kind is Kind.COMMAND or (self.trains and not self.epoch):
            return {}
        row = metrics(self._job_id, self.epoch or 60, self.epochs)
        return {name: value for name, value in row.items() if name.startswith("metrics/")}

    @property
    def _arguments(self) -> dict[str, Any]:
        return {**self._spec.arguments, "epochs": self.epochs}


_ANSWERS = {"pause": ("paused", 75), "finish": ("finish_requested", 0)}
"""How a request for the end of an epoch ends the attempt: its last word, and its exit code."""


def _number(spec: JobSpec, name: str, otherwise: int) -> int:
    value = spec.arguments.get(name)
    return value if isinstance(value, int) and value > 0 else otherwise
