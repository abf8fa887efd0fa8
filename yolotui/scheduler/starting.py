"""From the first column of a timetable to attempts that run."""

from __future__ import annotations

import logging
import os
import sqlite3
import uuid

import msgspec

from yolotui.core.gpus import Excluded, Free, Lost
from yolotui.core.jobs import Attempt, Waiting
from yolotui.core.timetable import Entry, World
from yolotui.errors import QueueUnusable
from yolotui.scheduler.deciding import Decider, foreseen
from yolotui.scheduler.executor import Executor, Order
from yolotui.scheduler.memory import promised_bytes, room_bytes
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.preparing import prepare
from yolotui.scheduler.troubles import log_trouble
from yolotui.scheduler.watch import Readings
from yolotui.store import Store
from yolotui.store.limits import StartLimits

POSTPONED_S = 30.0
MOST_WORKERS = 8  # Ultralytics' own default: more only take memory

log = logging.getLogger("yolotui.scheduler")


class Starter:
    """Starts jobs: commits to each start before it is done."""

    def __init__(
        self, store: Store, executor: Executor, host: Readings, picture: Picture, decider: Decider, *, tenants: int
    ) -> None:
        """`tenants` is how many jobs may share a card."""
        self._tenants = tenants
        self._store = store
        self._executor = executor
        self._host = host
        self._picture = picture
        self._decider = decider

    def confirmed(self, entries: list[Entry]) -> list[Entry]:
        """The starts whose GPUs are still free on a fresh look: somebody else's process may have come meanwhile."""
        cards = {gpu.uuid for gpu in self._host.latest.gpus if gpu.kind == "cuda"}
        if not any(cards & set(entry.gpus) for entry in entries):
            return entries
        free = {gpu.uuid for gpu in self._host.refresh().gpus if isinstance(gpu.availability, Free)}
        return [entry for entry in entries if set(entry.gpus) <= free]

    def start(self, entry: Entry, world: World, now: float) -> None:
        """Commit to the start, then start."""
        job, known = self._picture.jobs[entry.job_id], self._picture.known
        demand = next(demand for demand in world.demands if demand.job_id == entry.job_id)
        devices = tuple(gpu for gpu in self._host.latest.gpus if gpu.uuid in entry.gpus)
        attempt = Attempt(
            number=len(job.attempts) + 1,
            uuid=str(uuid.uuid4()),
            gpus=entry.gpus,
            gpu_model=" + ".join(sorted({gpu.name for gpu in devices})),
            promised_bytes=promised_bytes(demand),
        )
        promise = foreseen(entry, demand)
        limits = StartLimits(room_bytes=room_bytes(devices), tenants=self._tenants, quotas=world.quotas)
        try:
            checked = self._store.read.preflights([job.id]).get(job.id)
            needs = [known[need] for need in job.after if need in known]
            beginning = prepare(job, needs, checked.basis if checked else {})
            attempt = msgspec.structs.replace(
                attempt,
                resumed_from_epoch=beginning.resumed_from_epoch,
                progress=beginning.progress(job),
            )
            if not self._store.ledger.begin_attempt(
                job.id,
                attempt,
                planned_revision=job.revision,
                told=beginning.told,
                foreseen=promise,
                limits=limits,
            ):
                return
        except (QueueUnusable, sqlite3.Error):
            raise
        except Exception as trouble:  # noqa: BLE001  it is logged, and is this job's alone
            # Whatever a run directory holds must not keep the others from starting.
            log_trouble(job, trouble)
            why = f"its run directory can't be used: {trouble}"
            self._store.ledger.settle(job.id, Waiting, Waiting(now, now + POSTPONED_S), "postpone", why)
            return
        order = Order(
            job=job,
            attempt=attempt,
            devices=devices,
            command=beginning.spec.command,
            environment=self._store.read.environment(job.id),
            resume_from=beginning.resume_from,
            finalize=beginning.finalize,
            batch=beginning.batch,
            workers=self._workers(shares=demand.shares),
        )
        if promise:
            self._decider.learn_start(promise[0], now)
        log.info("job %d: starts attempt %d on %s", job.id, attempt.number, ", ".join(entry.gpus) or "no GPU")
        try:
            self._executor.start(order)
        except OSError as trouble:
            log.warning("job %d: %s", job.id, trouble)

    def _workers(self, *, shares: bool) -> int:
        """Data workers for each of a job's GPUs: an even share of the cores, should every slot be taken."""
        cards = sum(not isinstance(gpu.availability, Excluded | Lost) for gpu in self._host.latest.gpus)
        slots = max(1, cards) * (self._tenants if shares else 1)
        return max(1, min(MOST_WORKERS, (os.cpu_count() or 1) // slots))
