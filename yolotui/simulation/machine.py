"""The machine of a replay: who runs where, how far each has come, and who makes room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from yolotui.core.estimating import still_needed
from yolotui.core.gpus import Gpu
from yolotui.core.jobs import Notice
from yolotui.core.planning.leaving import RESTART_S, leave
from yolotui.core.planning.rooms import SLOWDOWN
from yolotui.core.timetable import Demand, Estimate, Forecast
from yolotui.simulation.trace import TraceJob

EPOCH_S = 300.0
"""How often a job of a trace has a checkpoint; a trace does not say."""
CARD_BYTES = 24 * 1024**3


class Segment(Struct, frozen=True):
    """A time in which a job held GPUs, by index. Seconds of the trace's clock."""

    start: float
    end: float
    gpus: tuple[int, ...]


def host(gpus: int, memory_bytes: int = CARD_BYTES) -> tuple[Gpu, ...]:
    """Identical simulated GPUs."""
    return tuple(
        Gpu(uuid=f"sim-{index}", index=index, name="simulated", kind="sim", memory_total_bytes=memory_bytes)
        for index in range(gpus)
    )


class Run:
    """A job of the trace, from its submission to its end. `work_s` is what it has done that was not lost."""

    def __init__(self, number: int, job: TraceJob) -> None:
        self.number = number
        self.job = job
        self.work_s = 0.0
        self.owes_s = 0.0  # the restart before it goes on where it was
        self.segments: list[Segment] = []
        self.gpus: tuple[int, ...] = ()
        self.is_running = False
        self.notice: Notice | None = None
        self.leaves_at: float | None = None
        self.evicted_at: float | None = None
        self.forecast: Forecast | None = None
        self._began_at = 0.0
        self._since = 0.0
        self._rate = 1.0

    @property
    def ends_at(self) -> float:
        """When it is done if nothing changes."""
        return self._since + (self.job.duration_s - self.work_s + self.owes_s) / self._rate

    def begin(self, gpus: tuple[int, ...], now: float) -> None:
        """It gets its GPUs."""
        self.gpus, self.is_running = gpus, True
        self._began_at, self._since, self._rate = now, now, 1.0

    def slow_down(self, rate: float, now: float) -> None:
        """From now on it runs at another rate, for it shares its card, or does so no more."""
        if rate != self._rate:
            self._advance(now)
            self._rate = rate

    def end(self, now: float) -> None:
        """It is done, and gives its GPUs back."""
        self.segments.append(Segment(self._began_at, now, self.gpus))
        self.gpus, self.is_running = (), False

    def make_room(self, now: float) -> None:
        """It leaves at its last checkpoint, or loses what it did since."""
        self._advance(now)
        last_s = (now - self._began_at) // EPOCH_S * EPOCH_S
        lost_s = 0.0 if self._is_at_checkpoint(now) else (now - self._began_at - last_s) * self._rate
        self.work_s = max(0.0, self.work_s - lost_s)
        self.owes_s = RESTART_S
        self.end(now)
        self.notice, self.leaves_at, self.evicted_at = None, None, now

    def tell(self, notice: Notice, demand: Demand, now: float) -> None:
        """It has to make room."""
        if notice != self.notice:
            self.notice, self.leaves_at = notice, leave(demand, now, notice).leaves_at

    def withdraw(self) -> None:
        """It may stay after all."""
        self.notice, self.leaves_at = None, None

    def demand(self, now: float, gpus: Sequence[Gpu]) -> Demand:
        """The job as the plan sees it."""
        job = self.job
        if self.is_running:
            work_s = self.work_s + max(0.0, (now - self._since) * self._rate - self.owes_s)
            left_s = still_needed(job.expected_s, work_s) / self._rate
        else:
            left_s = still_needed(job.expected_s, self.work_s) + self.owes_s
        is_leaving = self.notice is not None and now >= self.notice.due_at
        return Demand(
            job_id=self.number,
            name=f"job-{self.number}",
            priority=job.priority,
            submitted_at=job.submit_s,
            gpus=job.gpus,
            estimate=Estimate(left_s, "the trace", 0.85, 1.15),
            state="waiting" if not self.is_running else "pausing" if is_leaving else "running",
            holding=tuple(gpus[index].uuid for index in self.gpus),
            vram_bytes=job.vram_bytes or 0,
            shares=job.vram_bytes is not None and job.gpus == 1,
            owner=job.owner,
            resumable=job.preemptible,
            checkpoint_at=self._began_at + (now - self._began_at) // EPOCH_S * EPOCH_S if self.is_running else None,
            epoch_s=EPOCH_S,
            evicted_at=self.evicted_at,
            notice=self.notice,
            deadline_at=None if job.deadline_s is None else job.submit_s + job.deadline_s,
        )

    def _advance(self, now: float) -> None:
        done_s = (now - self._since) * self._rate
        paid_s = min(self.owes_s, done_s)
        self.owes_s -= paid_s
        self.work_s += done_s - paid_s
        self._since = now

    def _is_at_checkpoint(self, now: float) -> bool:
        passed_s = (now - self._began_at) % EPOCH_S
        return min(passed_s, EPOCH_S - passed_s) < 1.0


def settle_rates(running: Iterable[Run], now: float) -> None:
    """Who has company on a card is slower for it."""
    tenants: dict[int, int] = {}
    runs = list(running)
    for run in runs:
        for index in run.gpus:
            tenants[index] = tenants.get(index, 0) + 1
    for run in runs:
        has_company = any(tenants[index] > 1 for index in run.gpus)
        run.slow_down(1 / SLOWDOWN if has_company else 1.0, now)
