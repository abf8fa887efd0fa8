"""A home for `benchmarks/tui.py`: 10,000 jobs with a past, and a stand-in for the leader that moves eight live runs."""

from __future__ import annotations

import json
import math
import random
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from yolotui.core.gpus import Gpu, Host
from yolotui.core.jobs import Attempt, Job, JobSpec, Kind, Process, Progress
from yolotui.core.timetable import Entry, Published, Timetable, Why, World
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.store import Actor, Store, Submission

GIB = 2**30
LIVE, HISTORY, EPOCHS, BATCHES = 8, 300, 600, 500
BATCHES_PER_S = 2.0
EPOCH_EVERY_S = 20.0
PUBLISH_EVERY_S = 2.0
LOSSES = ("box_loss", "cls_loss", "dfl_loss")


def fill(root: Path, jobs: int) -> None:
    """Jobs of which nine in ten have ended, the last eight run, and the rest wait."""
    home = Home(root)
    now = time.time()
    with Store(home) as store:
        submissions = [Submission(spec=_training(number)) for number in range(jobs)]
        ids = store.verbs.submit(submissions, Actor("maria", 1000))
        for gpu, job_id in enumerate(ids[-LIVE:]):
            store.ledger.begin_attempt(job_id, Attempt(number=1, uuid=f"u-{job_id}", gpus=(f"GPU-{gpu}",)))
            store.ledger.attempt_runs(job_id, 1, Process(10_000 + gpu, 1, "boot"))
        store.ledger.record_progress([(job_id, 1, _progress(job_id, HISTORY)) for job_id in ids[-LIVE:]])
        for job in store.read.jobs(ids=ids[-LIVE:]):
            _write_history(job)
    ended = [
        (json.dumps({"state": "succeeded", "since": now - 60 * n}), job_id)
        for n, job_id in enumerate(ids[: jobs * 9 // 10])
    ]
    with sqlite3.connect(home.queue) as connection:
        connection.executemany("UPDATE jobs SET status = ? WHERE id = ?", ended)
    connection.close()


def _training(number: int) -> JobSpec:
    return JobSpec(
        name=f"job-{number:05}", group=f"group-{number % 40}", kind=Kind.TRAIN, model="/m/yolo11n.yaml",
        data="/d/coco.yaml", arguments={"epochs": EPOCHS},
    )  # fmt: skip


class Driver:
    """Leads the home and moves its live runs, as a scheduler and eight trainers would."""

    def __init__(self, root: Path) -> None:
        self._home = Home(root)
        self._store = Store(self._home)
        unfinished = self._store.read.jobs(unfinished=True)
        self._live = [job for job in unfinished if job.state == "running"]
        self._waiting = [job for job in unfinished if job.state == "waiting"]
        self._epoch = HISTORY + 1
        self._batch = 0

    def run_for_ever(self) -> None:
        """Write batches twice a second, epochs now and then, and publish, until the process is ended."""
        lock = Lock(self._home.scheduler_lock)
        assert lock.acquire()
        self._store.ledger.take_the_lead(Process(4123, 1, "boot"))
        began = time.monotonic()
        next_epoch, next_publish = began + EPOCH_EVERY_S, began
        while True:
            now = time.monotonic()
            if now >= next_publish:
                next_publish += PUBLISH_EVERY_S
                self._publish()
            if now >= next_epoch:
                next_epoch += EPOCH_EVERY_S
                self._end_epoch()
            self._batch += 1
            for job in self._live:
                _append(job, [_batch_event(job.id, self._epoch, self._batch)])
            time.sleep(1 / BATCHES_PER_S)

    def _end_epoch(self) -> None:
        for job in self._live:
            _append(job, [_epoch_event(job.id, self._epoch)])
            _append_result(job, self._epoch)
        self._store.ledger.record_progress([(job.id, 1, _progress(job.id, self._epoch)) for job in self._live])
        self._epoch, self._batch = self._epoch + 1, 0

    def _publish(self) -> None:
        now = time.time()
        gpus = tuple(_gpu(index) for index in range(LIVE))
        why = Why("Waits for a GPU: 8 are busy.")
        entries = [
            *(Entry(job_id=job.id, start_at=now - 9000, finish_at=now + 4000, gpus=(f"GPU-{gpu}",))
              for gpu, job in enumerate(self._live)),
            *(Entry(job_id=job.id, start_at=now + 4000 + 900 * n, finish_at=now + 14000 + 900 * n, gpus=("GPU-0",),
                    rough=n > 100, why=why) for n, job in enumerate(self._waiting)),
        ]  # fmt: skip
        host = Host(at=now, gpus=gpus, cpu_percent=31.0, memory_total_bytes=512 * GIB, memory_available_bytes=380 * GIB)
        self._store.ledger.publish(
            Published(revision=0, at=now, leader_pid=4123, host=host, world=World(gpus=gpus, demands=()),
                      timetable=Timetable(made_at=now, entries=tuple(entries)))
        )  # fmt: skip


def _gpu(index: int) -> Gpu:
    busy = random.randint(80, 99)
    return Gpu(
        uuid=f"GPU-{index}", index=index, name="NVIDIA H100 80GB HBM3", memory_total_bytes=80 * GIB,
        memory_used_bytes=60 * GIB + random.randrange(GIB), utilization_percent=busy, temperature_c=40 + busy // 4,
        power_w=6.0 * busy, power_limit_w=700.0,
    )  # fmt: skip


def _metrics(job_id: int, epoch: int) -> dict[str, float]:
    noise = random.Random(job_id * 10_007 + epoch)
    learnt = 1 - math.exp(-epoch / 90)
    row = {f"train/{name}": 2 - 1.4 * learnt + noise.gauss(0, 0.02) for name in LOSSES}
    row |= {f"metrics/{name}": 0.8 * learnt + noise.gauss(0, 0.01)
            for name in ("precision(B)", "recall(B)", "mAP50(B)", "mAP50-95(B)")}  # fmt: skip
    return row | {f"val/{name}": 2.1 - 1.3 * learnt + noise.gauss(0, 0.03) for name in LOSSES} | {"lr/pg0": 0.01}


def _progress(job_id: int, epoch: int) -> Progress:
    metrics = _metrics(job_id, epoch)
    return Progress(
        epochs_done=epoch, epochs_total=EPOCHS, epoch_s=EPOCH_EVERY_S, phase="train", best=metrics, last=metrics,
        best_epoch=epoch, checkpoint_at=time.time(),
    )  # fmt: skip


def _epoch_event(job_id: int, epoch: int) -> dict[str, Any]:
    return {"t": time.time(), "event": "epoch", "epoch": epoch, "epochs": EPOCHS, "epoch_s": EPOCH_EVERY_S,
            "metrics": _metrics(job_id, epoch), "best_epoch": epoch}  # fmt: skip


def _batch_event(job_id: int, epoch: int, batch: int) -> dict[str, Any]:
    noise = random.Random(job_id * 31 + batch)
    return {"t": time.time(), "event": "batch", "epoch": epoch, "batch": batch, "batches": BATCHES,
            "losses": {name: 0.7 + noise.gauss(0, 0.05) for name in LOSSES}, "lr": {"pg0": 0.00672},
            "wait_s": 0.004, "compute_s": 0.118, "images_per_s": 412 + noise.gauss(0, 14),
            "memory_bytes": 11 * GIB}  # fmt: skip


def _append(job: Job, events: Sequence[dict[str, Any]]) -> None:
    with Path(job.run_dir, "attempt-1", "events.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


def _append_result(job: Job, epoch: int) -> None:
    row = {"epoch": epoch, "time": EPOCH_EVERY_S * epoch, **_metrics(job.id, epoch)}
    with Path(job.run_dir, "train", "results.csv").open("a", encoding="utf-8") as file:
        if file.tell() == 0:
            file.write(",".join(row) + "\n")
        file.write(",".join(f"{value:.5g}" for value in row.values()) + "\n")


def _write_history(job: Job) -> None:
    for folder in ("attempt-1", "train"):
        Path(job.run_dir, folder).mkdir(parents=True)
    start = {"t": time.time(), "event": "start", "task": "detect", "epochs": EPOCHS, "batches": BATCHES}
    _append(job, [start, {"t": time.time(), "event": "phase", "name": "train"}])
    for epoch in range(1, HISTORY + 1):
        _append_result(job, epoch)
        if epoch % 10 == 0:
            _append(job, [_batch_event(job.id, epoch, batch) for batch in range(1, 100, 10)])
        _append(job, [_epoch_event(job.id, epoch)])
    Path(job.run_dir, "attempt-1", "console.log").write_text("Ultralytics\n" * 400, encoding="utf-8")
