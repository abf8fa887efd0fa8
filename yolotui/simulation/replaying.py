"""A trace through `plan()`, event after event, with the clock passed in: what the live scheduler would have done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from yolotui.core.bookings import Booked, Booking, Open
from yolotui.core.estimating import learned
from yolotui.core.gpus import Gpu
from yolotui.core.plan import Policy, plan
from yolotui.core.timetable import Calibration, Demand, Entry, Forecast, Need, NeedMode, Timetable, World
from yolotui.errors import WrongUse
from yolotui.simulation.machine import CARD_BYTES, EPOCH_S, Run, Segment, host, settle_rates
from yolotui.simulation.trace import Trace


class Ran(Struct, frozen=True):
    """What became of a job: seconds of the trace's clock, GPUs by index, and what was foreseen at its submission.

    `start` and `gpus` are those of the first of its `segments`: there are several when it had to make room.
    """

    id: int
    submit: float
    start: float
    end: float
    gpus: tuple[int, ...]
    forecast: Forecast
    segments: tuple[Segment, ...] = ()

    @property
    def wait(self) -> float:
        """Seconds from its submission to its start."""
        return self.start - self.submit


class Replay(Struct, frozen=True):
    """A whole trace, replayed: one outcome a job in the trace's order, and what its forecasts have taught."""

    jobs: tuple[Ran, ...]
    calibration: Calibration


def replay(
    trace: Trace,
    gpus: int,
    policy: Policy,
    calibration: Calibration | None = None,
    *,
    card_bytes: int = CARD_BYTES,
    bookings: Sequence[Booking] = (),
) -> Replay:
    """Replay a trace on so many GPUs, with bookings on the trace's clock.

    Raises WrongUse when a job asks for more than there is, or can never start.
    """
    for number, job in enumerate(trace):
        if job.gpus > gpus:
            raise WrongUse(f"job {number} of the trace asks for {job.gpus} GPUs, and there are {gpus}")
        if job.vram_bytes is not None and job.vram_bytes > card_bytes:
            raise WrongUse(f"job {number} of the trace asks for more memory than a card has: see --vram")
        if any(not 0 <= need < len(trace) for need in job.after):
            raise WrongUse(f"job {number} of the trace comes after one that is not in it")
    return _Replaying(trace, host(gpus, card_bytes), policy, calibration or Calibration(), bookings).run()


class _Replaying:
    def __init__(
        self,
        trace: Trace,
        gpus: tuple[Gpu, ...],
        policy: Policy,
        calibration: Calibration,
        bookings: Sequence[Booking],
    ) -> None:
        self._trace = trace
        self._gpus = gpus
        self._policy = policy
        self._calibration = calibration
        self._bookings = list(bookings)
        self._arriving = sorted(range(len(trace)), key=lambda number: (trace[number].submit_s, number), reverse=True)
        self._waiting: dict[int, Run] = {}
        self._running: dict[int, Run] = {}
        self._ended: dict[int, Ran] = {}
        self._timetable: Timetable | None = None
        self._now = float("-inf")

    def run(self) -> Replay:
        while self._arriving or self._running or self._waiting:
            if (now := min(self._next_moments(), default=None)) is None:
                raise WrongUse(f"jobs {', '.join(map(str, self._waiting))} of the trace wait for each other")
            self._now = now
            self._end(now)
            self._submit(now)
            demands = {run.number: self._demand(run) for run in (*self._running.values(), *self._waiting.values())}
            self._timetable = plan(self._world(demands), self._policy, now)
            self._tell(self._timetable, demands)
            self._rebind(self._timetable)
            self._start(self._timetable.starting_now(), now)
            settle_rates(self._running.values(), now)
        return Replay(tuple(self._ended[number] for number in range(len(self._trace))), self._calibration)

    def _next_moments(self) -> Iterable[float]:
        if self._arriving:
            yield self._trace[self._arriving[-1]].submit_s
        for run in self._running.values():
            yield run.ends_at
            if run.notice and run.leaves_at is not None:
                yield from (moment for moment in (run.notice.due_at, run.leaves_at) if moment > self._now)
        for booking in self._bookings:
            due_at = booking.starts_at - EPOCH_S
            moments = (due_at - self._policy.notice_s, due_at, booking.starts_at, booking.ends_at)
            yield from (moment for moment in moments if moment > self._now)

    def _end(self, now: float) -> None:
        for run in [run for run in self._running.values() if run.ends_at <= now]:
            run.end(now)
            del self._running[run.number]
            self._ended[run.number] = _outcome(run)
        for run in [run for run in self._running.values() if run.leaves_at is not None and run.leaves_at <= now]:
            run.make_room(now)
            self._waiting[run.number] = self._running.pop(run.number)
        self._bookings = [each for each in self._bookings if each.ends_at > now and each.job_id not in self._ended]

    def _submit(self, now: float) -> None:
        while self._arriving and self._trace[self._arriving[-1]].submit_s <= now:
            number = self._arriving.pop()
            self._waiting[number] = Run(number, self._trace[number])

    def _world(self, demands: dict[int, Demand]) -> World:
        return World(
            gpus=self._gpus,
            demands=tuple(demands.values()),
            bookings=tuple(self._as_it_is(booking) for booking in self._bookings),
            previous=self._timetable,
            calibration=self._calibration,
        )

    def _as_it_is(self, booking: Booking) -> Booking:
        status = Open(booking.starts_at) if booking.starts_at <= self._now else Booked(booking.made_at)
        return replace(booking, status=status)

    def _demand(self, run: Run) -> Demand:
        """The demand with what it hangs on as that is now."""
        demand = run.demand(self._now, self._gpus)
        return replace(demand, needs=tuple(map(self._need, run.job.after))) if run.job.after else demand

    def _need(self, number: int) -> Need:
        state = "succeeded" if number in self._ended else "running" if number in self._running else "waiting"
        return Need(number, f"job-{number}", state, mode=NeedMode.FINISHED)

    def _tell(self, timetable: Timetable, demands: dict[int, Demand]) -> None:
        """Give notice, and take it back from who need not leave and is not on its way."""
        notices = {eviction.job_id: eviction.notice for eviction in timetable.evictions}
        for number, run in self._running.items():
            if number in notices:
                run.tell(notices[number], demands[number], self._now)
            elif demands[number].state == "running":
                run.withdraw()

    def _rebind(self, timetable: Timetable) -> None:
        gpus = {binding.booking_id: binding.gpus for binding in timetable.bindings}
        self._bookings = [replace(each, gpus=gpus.get(each.id, each.gpus)) for each in self._bookings]

    def _start(self, entries: Iterable[Entry], now: float) -> None:
        for entry in entries:
            run = self._running[entry.job_id] = self._waiting.pop(entry.job_id)
            run.begin(tuple(sorted(int(uuid.removeprefix("sim-")) for uuid in entry.gpus)), now)
            if run.forecast is None:
                assert entry.first is not None
                run.forecast = entry.first
                self._calibration = learned(self._calibration, entry.first, now)


def _outcome(run: Run) -> Ran:
    assert run.forecast is not None
    first, last = run.segments[0], run.segments[-1]
    return Ran(run.number, run.job.submit_s, first.start, last.end, first.gpus, run.forecast, tuple(run.segments))
