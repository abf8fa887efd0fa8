"""A trace through `plan()`, event after event, with the clock passed in: what the live scheduler would have done."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from msgspec import Struct
from msgspec.structs import replace

from yolotui.core.estimating import learned, still_needed
from yolotui.core.gpus import Gpu
from yolotui.core.plan import Policy, plan
from yolotui.core.timetable import Calibration, Demand, Entry, Estimate, Forecast, Need, NeedMode, Timetable, World
from yolotui.errors import WrongUse
from yolotui.simulation.trace import Trace, TraceJob


class Ran(Struct, frozen=True):
    """What became of a job: seconds of the trace's clock, GPUs by index, and what was foreseen at its submission."""

    id: int
    submit: float
    start: float
    end: float
    gpus: tuple[int, ...]
    forecast: Forecast

    @property
    def wait(self) -> float:
        """Seconds from its submission to its start."""
        return self.start - self.submit


class Replay(Struct, frozen=True):
    """A whole trace, replayed: one outcome a job in the trace's order, and what its forecasts have taught."""

    jobs: tuple[Ran, ...]
    calibration: Calibration


def host(gpus: int) -> tuple[Gpu, ...]:
    """Identical simulated GPUs."""
    return tuple(Gpu(uuid=f"sim-{index}", index=index, name="simulated", kind="sim") for index in range(gpus))


def replay(trace: Trace, gpus: int, policy: Policy, calibration: Calibration | None = None) -> Replay:
    """Replay a trace on so many GPUs. Raises WrongUse when a job asks for more than there are, or can never start."""
    for number, job in enumerate(trace):
        if job.gpus > gpus:
            raise WrongUse(f"job {number} of the trace asks for {job.gpus} GPUs, and there are {gpus}")
        if any(not 0 <= need < len(trace) for need in job.after):
            raise WrongUse(f"job {number} of the trace comes after one that is not in it")
    return _Machine(trace, gpus, policy, calibration or Calibration()).run()


class _Machine:
    def __init__(self, trace: Trace, gpus: int, policy: Policy, calibration: Calibration) -> None:
        self._trace = trace
        self._gpus = host(gpus)
        self._policy = policy
        self._calibration = calibration
        self._arriving = sorted(range(len(trace)), key=lambda number: (trace[number].submit_s, number), reverse=True)
        self._ending: list[tuple[float, int]] = []
        self._waiting: dict[int, Demand] = {}
        self._running: dict[int, Ran] = {}
        self._ended: dict[int, Ran] = {}
        self._timetable: Timetable | None = None

    def run(self) -> Replay:
        while self._arriving or self._ending:
            now = min(self._next_moments())
            self._end(now)
            self._submit(now)
            self._timetable = plan(self._world(now), self._policy, now)
            self._start(self._timetable.starting_now(), now)
        if self._waiting:
            raise WrongUse(f"jobs {', '.join(map(str, self._waiting))} of the trace wait for each other")
        return Replay(tuple(self._ended[number] for number in range(len(self._trace))), self._calibration)

    def _next_moments(self) -> Iterable[float]:
        if self._arriving:
            yield self._trace[self._arriving[-1]].submit_s
        if self._ending:
            yield self._ending[0][0]

    def _end(self, now: float) -> None:
        while self._ending and self._ending[0][0] <= now:
            _, number = heappop(self._ending)
            self._ended[number] = self._running.pop(number)

    def _submit(self, now: float) -> None:
        while self._arriving and self._trace[self._arriving[-1]].submit_s <= now:
            number = self._arriving.pop()
            self._waiting[number] = _demand(number, self._trace[number])

    def _world(self, now: float) -> World:
        running = (self._held(ran, now) for ran in self._running.values())
        return World(
            gpus=self._gpus,
            demands=(*running, *map(self._with_needs, self._waiting.values())),
            previous=self._timetable,
            calibration=self._calibration,
        )

    def _with_needs(self, demand: Demand) -> Demand:
        """The demand with what it hangs on as that is now."""
        after = self._trace[demand.job_id].after
        return replace(demand, needs=tuple(map(self._need, after))) if after else demand

    def _need(self, number: int) -> Need:
        state = "succeeded" if number in self._ended else "running" if number in self._running else "waiting"
        return Need(number, _name(number), state, mode=NeedMode.FINISHED)

    def _held(self, ran: Ran, now: float) -> Demand:
        job = self._trace[ran.id]
        left_s = still_needed(job.expected_s, now - ran.start)
        holding = tuple(self._gpus[index].uuid for index in ran.gpus)
        return _demand(ran.id, job, left_s, state="running", holding=holding)

    def _start(self, entries: Iterable[Entry], now: float) -> None:
        for entry in entries:
            job = self._trace[entry.job_id]
            del self._waiting[entry.job_id]
            assert entry.first is not None
            gpus = tuple(sorted(int(uuid.removeprefix("sim-")) for uuid in entry.gpus))
            self._running[entry.job_id] = Ran(entry.job_id, job.submit_s, now, now + job.duration_s, gpus, entry.first)
            self._calibration = learned(self._calibration, entry.first, now)
            heappush(self._ending, (now + job.duration_s, entry.job_id))


def _demand(
    number: int, job: TraceJob, left_s: float | None = None, state: str = "waiting", holding: tuple[str, ...] = ()
) -> Demand:
    return Demand(
        job_id=number,
        name=_name(number),
        priority=job.priority,
        submitted_at=job.submit_s,
        gpus=job.gpus,
        estimate=Estimate(job.expected_s if left_s is None else left_s, "the trace", 0.85, 1.15),
        state=state,
        holding=holding,
    )


def _name(number: int) -> str:
    return f"job-{number}"
