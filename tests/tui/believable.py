"""A home as it looks in the middle of a night: made through the store's own verbs, with run directories that read."""

from __future__ import annotations

import json
import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from yolotui.core.bookings import Booking
from yolotui.core.gpus import Foreign, Gpu, Host, Lost
from yolotui.core.jobs import (
    Attempt,
    Failed,
    Job,
    JobSpec,
    Kind,
    Outcome,
    Priority,
    Process,
    Progress,
    Skipped,
    Succeeded,
    Waiting,
)
from yolotui.core.timetable import Demand, Entry, Estimate, Published, Timetable, Why, World
from yolotui.demo import curves
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.store import Actor, Store, Submission

NOW = datetime(2026, 11, 21, 14, 2, tzinfo=UTC).timestamp()
GIB = 2**30
LEADER = Process(4123, 1000, "boot")


@dataclass
class Clock:
    """A clock that stands where it is put."""

    at: float = NOW

    def __call__(self) -> float:
        return self.at


@dataclass
class BelievableHome:
    """A home with a store to fill it; `led()` holds the scheduler's lock as a leader would."""

    root: Path
    clock: Clock = field(default_factory=Clock)
    gpus: list[Gpu] = field(default_factory=lambda: list(FOUR_GPUS))
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home = Home(self.root)
        self.store = Store(self.home, clock=self.clock)

    @contextmanager
    def led(self) -> Iterator[None]:
        """A scheduler leads while this block runs."""
        lock = Lock(self.home.scheduler_lock)
        assert lock.acquire()
        try:
            yield
        finally:
            lock.release()

    # Jobs

    def submit(self, *names: str, owner: str = "maria", group: str = "night", hours_ago: float = 5.0,
               priority: Priority = Priority.P2, kind: Kind = Kind.TRAIN, epochs: int = 100, hold: bool = False,
               after: tuple[str, ...] = (), command: tuple[str, ...] = (), gpus: int = 1) -> list[int]:  # fmt: skip
        """Jobs that wait."""
        submissions = [
            Submission(
                spec=JobSpec(
                    name=name, kind=kind, group=group, model=None if command else "/data/models/yolo11n.yaml",
                    data=None if command else "/data/shapes/shapes.yaml",
                    arguments={} if command else {"epochs": epochs, "imgsz": 640, "batch": 16},
                    command=command, after=after, gpus=gpus,
                ),
                priority=priority, hold=hold,
            )
            for name in names
        ]  # fmt: skip
        with self._at(hours_ago):
            return self.store.verbs.submit(submissions, Actor(owner, 1000))

    def start(self, job_id: int, *, gpus: tuple[str, ...] = ("GPU-0",), hours_ago: float = 1.2) -> None:
        """Its process lives."""
        number = len(self.store.read.job(job_id).attempts) + 1
        attempt = Attempt(number=number, uuid=f"uuid-{job_id}-{number}", gpus=gpus)
        with self._at(hours_ago):
            assert self.store.ledger.begin_attempt(job_id, attempt)
            self.store.ledger.attempt_runs(job_id, number, Process(20_000 + job_id, 1, "boot"))

    def reach(self, job_id: int, epochs: int, *, minutes_since_checkpoint: float = 3.0, epoch_s: float = 110.0) -> None:
        """What the leader keeps of what it has reached."""
        job = self.store.read.job(job_id)
        metrics = self.metrics(job_id, epochs)
        progress = Progress(
            epochs_done=epochs, epochs_total=job.spec.epochs, epoch_s=epoch_s, phase="train",
            best=metrics, last=metrics, best_epoch=epochs, checkpoint_at=NOW - 60 * minutes_since_checkpoint,
        )  # fmt: skip
        self.store.ledger.record_progress([(job_id, len(job.attempts), progress)])

    def end(self, job_id: int, status: Any, *, hours_ago: float, outcome: Outcome, exit_code: int | None = 0,
            signal: int | None = None, explanation: str = "") -> None:  # fmt: skip
        """Its newest attempt has ended."""
        import msgspec

        at = NOW - 3600 * hours_ago
        attempt = msgspec.structs.replace(
            self.store.read.job(job_id).attempts[-1],
            ended_at=at, outcome=outcome, exit_code=exit_code, signal=signal, explanation=explanation,
        )  # fmt: skip
        with self._at(hours_ago):
            self.store.ledger.attempt_ended(job_id, attempt, lambda _: (status, 0))

    @contextmanager
    def _at(self, hours_ago: float) -> Iterator[None]:
        before, self.clock.at = self.clock.at, NOW - 3600 * hours_ago
        try:
            yield
        finally:
            self.clock.at = before

    # Run directories

    @staticmethod
    def metrics(job_id: int, epoch: int) -> dict[str, float]:
        """A training that learns: the columns of results.csv at an epoch."""
        return curves.metrics(job_id, epoch)

    def write_run(self, job_id: int, epochs: int, *, batches: int = 0, attempt: int = 1, log: str = "") -> None:
        """events.jsonl, results.csv and console.log of an attempt."""
        job = self.store.read.job(job_id)
        folder = Path(job.run_dir) / f"attempt-{attempt}"
        folder.mkdir(parents=True, exist_ok=True)
        began = NOW - 110.0 * epochs - 60
        total = job.spec.epochs or epochs
        events: list[dict[str, Any]] = [
            {
                "t": began,
                "event": "start",
                "task": "detect",
                "epochs": total,
                "batches": 480,
                "resumed_from_epoch": None,
            },
            {"t": began, "event": "phase", "name": "train"},
        ]
        for epoch in range(1, epochs + 1):
            at = began + 110.0 * epoch
            events.append(
                {"t": at, "event": "epoch", "epoch": epoch, "epochs": total, "epoch_s": 110.0, "fitness": 0.1,
                 "metrics": self.metrics(job_id, epoch), "best_fitness": 0.1, "best_epoch": epoch}
            )  # fmt: skip
        events += [self.batch_event(job_id, epochs + 1, batch) for batch in range(1, batches + 1, 4)]
        with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
        (folder / "console.log").write_text(log or self._console(job_id, epochs), encoding="utf-8")
        self._write_results(job, epochs)

    def batch_event(self, job_id: int, epoch: int, batch: int) -> dict[str, Any]:
        """What the trainer says of a batch."""
        noise = random.Random(job_id * 31 + batch)
        losses = {name: 1.2 + noise.gauss(0, 0.05) for name in ("box_loss", "cls_loss", "dfl_loss")}
        return {"t": NOW - 60 + batch / 10, "event": "batch", "epoch": epoch, "batch": batch, "batches": 480,
                "losses": losses, "lr": {"pg0": 0.00672}, "wait_s": 0.004, "compute_s": 0.118,
                "images_per_s": 412 + noise.gauss(0, 14), "memory_bytes": int(11.2 * GIB)}  # fmt: skip

    def _write_results(self, job: Job, epochs: int) -> None:
        train = Path(job.run_dir) / "train"
        train.mkdir(parents=True, exist_ok=True)
        rows = [{"epoch": e, "time": 110.0 * e, **self.metrics(job.id, e)} for e in range(1, epochs + 1)]
        if rows:
            lines = [",".join(rows[0]), *(",".join(f"{value:.5g}" for value in row.values()) for row in rows)]
            (train / "results.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    @staticmethod
    def _console(job_id: int, epochs: int) -> str:
        head = "Ultralytics 8.4.190 Python-3.11.7 torch-2.9.1 CUDA:0 (NVIDIA H100 80GB HBM3, 81090MiB)\n"
        rows = [
            f"     {e:>3}/100      11.2G     {1.9 - e / 90:.3f}      {3.1 - e / 45:.3f}      {1.6 - e / 120:.3f}       "
            f"{100 + e * 7 % 90:>3}        640: 100%|##########| 480/480 [01:44<00:00,  4.6it/s]"
            for e in range(max(1, epochs - 30), epochs + 1)
        ]
        return head + "\n".join(rows) + "\n"

    # What the leader says

    def publish(self, *, seconds_ago: float = 1.0, gpus: list[Gpu] | None = None, resting: tuple[str, ...] = (),
                demands: tuple[Demand, ...] = (), bookings: tuple[Booking, ...] = ()) -> None:  # fmt: skip
        """What a leader would have decided."""
        at = NOW - seconds_ago
        host = Host(at=at, gpus=tuple(self.gpus if gpus is None else gpus), driver_version="570.86", cpu_percent=31.0,
                    memory_total_bytes=512 * GIB, memory_available_bytes=380 * GIB)  # fmt: skip
        timetable = Timetable(made_at=at, entries=tuple(self.entries), resting=resting)
        world = World(gpus=host.gpus, demands=demands, bookings=bookings)
        self.store.ledger.publish(
            Published(revision=0, at=at, leader_pid=LEADER.pid, host=host, world=world, timetable=timetable)
        )

    def demand(self, job_id: int, gib: float) -> Demand:
        """What a job that runs was promised on each of its cards."""
        job = self.store.read.job(job_id)
        return Demand(job_id=job_id, name=job.name, priority=job.priority, submitted_at=job.submitted_at, gpus=1,
                      estimate=Estimate(3600, "told"), state=job.state, holding=job.attempts[-1].gpus,
                      vram_bytes=int(gib * GIB), shares=True)  # fmt: skip

    def take_the_lead(self) -> None:
        """A leader, two hours ago."""
        with self._at(2.0):
            self.store.ledger.take_the_lead(LEADER)


def h100(index: int, used_gib: float, busy: int, **rest: Any) -> Gpu:
    """A card."""
    return Gpu(
        uuid=f"GPU-{index}", index=index, name="NVIDIA H100 80GB HBM3", memory_total_bytes=80 * GIB,
        memory_used_bytes=int(used_gib * GIB), utilization_percent=busy, temperature_c=34 + busy * 2 // 5,
        power_w=90.0 + busy * 5.4, power_limit_w=700.0, **rest,
    )  # fmt: skip


FOUR_GPUS: tuple[Gpu, ...] = (
    h100(0, 61.3, 96),
    h100(1, 12.1, 88),
    h100(2, 23.5, 41, availability=Foreign(pids=(8123,), memory_bytes=int(23.5 * GIB), owners=("jonas",))),
    Gpu(uuid="GPU-3", index=3, name="NVIDIA H100 80GB HBM3", availability=Lost("Xid 79, fell off the bus")),
)
"""Two that work, one that somebody else uses, one that fell off the bus."""


def busy_night(root: Path) -> BelievableHome:
    """A queue with every state that people meet in a night."""
    night = BelievableHome(root)
    night.take_the_lead()
    base, small = night.submit("night-n", "night-s", priority=Priority.P1)
    long, crashed, export, deploy = night.submit("coco-x-1280", "crops-m", "export-n", "deploy", after=())
    tuned = night.submit("tune-lr-0.01", "tune-lr-0.02", "tune-lr-0.05", owner="jonas", group="tune")
    (behind,) = night.submit("night-n-onnx", kind=Kind.EXPORT, after=("night-n",), group="night")
    (held,) = night.submit("überlang-name-日本語-that-does-not-end", hold=True, priority=Priority.P3)
    (command,) = night.submit("report", kind=Kind.COMMAND, command=("python", "report.py", "--week"), gpus=0)
    done = night.submit(*(f"sweep-{n:02}" for n in range(1, 13)), hours_ago=30, group="sweep", owner="jonas")
    (skipped,) = night.submit("crops-m-int8", group="crops", after=("crops-m",))

    for number, job_id in enumerate(done):
        hours = 26 - 1.7 * number
        night.start(job_id, gpus=("GPU-1",), hours_ago=hours + 1.6)
        night.reach(job_id, 100)
        night.write_run(job_id, 100)
        night.end(job_id, Succeeded(NOW - hours * 3600), hours_ago=hours, outcome=Outcome.SUCCEEDED)
    night.start(crashed, gpus=("GPU-2",), hours_ago=3.0)
    night.reach(crashed, 12)
    night.write_run(crashed, 12, log=OUT_OF_MEMORY)
    reason = "CUDA out of memory: batch 64 at imgsz 1280 needs more than 80 GiB. Use a smaller batch, or batch=-1."
    night.end(crashed, Failed(NOW - 2.4 * 3600, "cuda_oom", reason), hours_ago=2.4, outcome=Outcome.FAILED, exit_code=1,
              explanation="CUDA out of memory")  # fmt: skip
    night.store.ledger.settle(skipped, Waiting, Skipped(NOW - 8000, "crops-m failed"), "skip", "crops-m failed")
    night.start(base, gpus=("GPU-0",), hours_ago=1.2)
    night.reach(base, 37)
    night.write_run(base, 37, batches=212)
    night.start(small, gpus=("GPU-1",), hours_ago=0.5)
    night.reach(small, 14, minutes_since_checkpoint=1)
    night.write_run(small, 14, batches=300)
    night.start(command, gpus=(), hours_ago=0.05)
    night.write_run(command, 0, log="reading 412 runs\n\x1b[31mwriting\x1b[0m report.html\n[bold]not markup[/bold]\n")

    queue_why = Why("Waits for a GPU: 2 are busy, 1 is used by others, 1 is lost.")
    night.entries = [
        Entry(job_id=base, start_at=NOW - 4320, finish_at=NOW + 63 * 110, gpus=("GPU-0",),
              finish_low_at=NOW + 55 * 110, finish_high_at=NOW + 70 * 110),
        Entry(job_id=small, start_at=NOW - 1800, finish_at=NOW + 86 * 110, gpus=("GPU-1",)),
        Entry(job_id=long, start_at=NOW + 6930, finish_at=NOW + 40_000, gpus=("GPU-0",), why=queue_why,
              start_low_at=NOW + 6050, start_high_at=NOW + 8300),
        Entry(job_id=behind, start_at=NOW + 6931, finish_at=NOW + 7100, gpus=("GPU-0",),
              why=Why(f"Comes after #{base} night-n, which runs.")),
        *(Entry(job_id=job_id, start_at=NOW + 9460 + n * 9000, finish_at=NOW + 18_000 + n * 9000, gpus=("GPU-1",),
                rough=n > 0, why=queue_why) for n, job_id in enumerate((*tuned, export, deploy))),
    ]  # fmt: skip
    night.publish()
    assert held
    return night


OUT_OF_MEMORY = """\
Ultralytics 8.4.190 Python-3.11.7 torch-2.9.1 CUDA:0 (NVIDIA H100 80GB HBM3, 81090MiB)
      12/100      78.9G      1.512      2.113      1.344        812       1280:  41%|####      | 31/75
Traceback (most recent call last):
  File "trainer.py", line 212, in main
    model.train(**arguments)
  File "ultralytics/engine/trainer.py", line 443, in _do_train
    self.scaler.scale(self.loss).backward()
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 79.19 GiB
"""


def bad_night(root: Path) -> BelievableHome:
    """Everything fails: out of memory, wrong data, a lost process, a held group, a card that fell off the bus."""
    bad = BelievableHome(root, gpus=[h100(0, 3, 0), *FOUR_GPUS[2:]])
    bad.take_the_lead()
    failures = {
        "crops-m": ("cuda_oom", "CUDA out of memory: batch 64 at imgsz 1280 needs more than 80 GiB."),
        "shapes-s": ("bad_data", "shapes.yaml: no images in /data/shapes/val. Is the disk mounted?"),
        "night-x": ("nan", "The loss became NaN at epoch 3 and did not recover after 3 tries. Try a lower lr0."),
    }
    for number, (name, (cause, reason)) in enumerate(failures.items()):
        (job_id,) = bad.submit(name, group="crops" if number == 0 else "night")
        bad.start(job_id, hours_ago=3 - number)
        bad.reach(job_id, number)
        bad.write_run(job_id, number, log=OUT_OF_MEMORY)
        bad.end(job_id, Failed(NOW - 3600 * (2.5 - number), cause, reason), hours_ago=2.5 - number,
                outcome=Outcome.FAILED, exit_code=1, explanation=reason)  # fmt: skip
    gone, stopping = bad.submit("gone", "unwanted", owner="jonas")
    bad.start(gone, gpus=("GPU-1",))
    bad.reach(gone, 40)
    bad.store.ledger.attempt_out_of_sight(gone, 1, "Its shim is gone and nothing proves its trainer dead.")
    bad.start(stopping, gpus=("GPU-0",))
    bad.reach(stopping, 12)
    with bad._at(12 / 3600):
        bad.store.verbs.kill([stopping], Actor("maria", os.getuid()))
    bad.submit("crops-l", "crops-x", group="crops")
    held = "3 jobs in a row failed within a minute of starting"
    bad.store.verbs.hold_group("crops", Actor("scheduler", os.getuid()), why=held)
    bad.publish()
    return bad


def many_jobs(root: Path, count: int) -> BelievableHome:
    """A long queue: a few run, some wait, most have ended. Written in bulk: the store's verbs would take minutes."""
    crowd = BelievableHome(root, gpus=[h100(index, 40, 90) for index in range(8)])
    crowd.take_the_lead()
    ids = crowd.submit(*(f"job-{n:05}" for n in range(count)), hours_ago=50)
    done = [(json.dumps({"state": "succeeded", "since": NOW - 10 * i}), i) for i in ids[: count * 9 // 10]]
    with sqlite3.connect(crowd.home.queue) as connection:
        connection.executemany("UPDATE jobs SET status = ? WHERE id = ?", done)
    connection.close()
    for gpu, job_id in enumerate(ids[-8:]):
        crowd.start(job_id, gpus=(f"GPU-{gpu}",), hours_ago=1)
        crowd.reach(job_id, 10 + gpu)
    crowd.publish()
    return crowd
