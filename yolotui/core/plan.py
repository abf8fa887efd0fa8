"""The heart: from a frozen world to a full timetable. Pure and deterministic; the clock is passed in.

The policy is strict: class before class (P0 first), submission order within one. Jobs are placed one after the other on
a timeline per device, each at the earliest moment at which all its GPUs are free together (a gang starts whole or not
at all) and nothing placed before it is delayed: a short job may use a gap before a wide one, by the estimates, and
never push it back. To start a job is to read the first column.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from math import inf

from msgspec import Struct

from yolotui.core.gpus import Free, Gpu
from yolotui.core.timetable import Demand, Entry, Need, Skip, Timetable, Why, World

SHORTEST_S = 1.0  # a running job is never expected to have ended already: its GPUs are free when it has


class Policy(Struct, frozen=True, kw_only=True):
    """How to plan. Behind the first `careful` waiting jobs placement is rough: after all else on its devices."""

    careful: int = 200


def plan(world: World, policy: Policy, now: float) -> Timetable:
    """Place every job that has not ended; say for each when it starts, or why that can't be foreseen."""
    return _Planner(world, policy, now).timetable()


class _Track:
    """What is promised on one device: disjoint busy intervals in order of time."""

    def __init__(self) -> None:
        self._busy: list[tuple[float, float]] = []

    def free(self, start: float, finish: float) -> bool:
        """Whether nothing is promised between two moments."""
        at = bisect_right(self._busy, (start, inf))
        if at and self._busy[at - 1][1] > start:
            return False
        return at == len(self._busy) or self._busy[at][0] >= finish

    def book(self, start: float, finish: float) -> None:
        """Promise an interval."""
        insort(self._busy, (start, finish))

    def ends_after(self, moment: float) -> Iterable[float]:
        """The moments after `moment` at which something ends."""
        return (finish for _, finish in self._busy if finish > moment)

    @property
    def last_end(self) -> float:
        """When the last promise ends; 0 without any."""
        return self._busy[-1][1] if self._busy else 0.0


class _Planner:
    def __init__(self, world: World, policy: Policy, now: float) -> None:
        self._world = world
        self._now = now
        self._careful = policy.careful
        self._entries: dict[int, Entry] = {}
        self._skips: dict[int, Skip] = {}
        self._gpus = {gpu.uuid: gpu for gpu in world.gpus}
        self._tracks = {gpu.uuid: _Track() for gpu in world.gpus}
        self._side_tracks = {f"side-{number}": _Track() for number in range(world.side_slots)}
        self._demands = {demand.job_id: demand for demand in world.demands}
        self._placed = 0

    def timetable(self) -> Timetable:
        for demand in self._world.demands:
            if demand.state != "waiting":
                self._keep(demand)
        waiting = [demand for demand in self._world.demands if demand.state == "waiting"]
        waiting.sort(key=lambda demand: (demand.priority, demand.submitted_at, demand.job_id))
        self._find_skips(waiting)
        todo = [demand for demand in waiting if demand.job_id not in self._skips]
        # A job comes after what it hangs on, whatever their classes: those behind are taken up again, in order.
        while todo:
            later = [demand for demand in todo if not self._place(demand)]
            if len(later) == len(todo):
                break
            todo = later
        return Timetable(
            made_at=self._now,
            entries=tuple(self._entries[d.job_id] for d in self._world.demands if d.job_id in self._entries),
            skips=tuple(self._skips.values()),
        )

    def _keep(self, demand: Demand) -> None:
        """A job that holds its devices keeps them for as long as it is expected to; a held or paused one holds none."""
        if not demand.holding and demand.state in {"held", "paused"}:
            self._entries[demand.job_id] = Entry(job_id=demand.job_id, why=Why(demand.blocked))
            return
        finish = self._now + max(demand.estimate.remaining_s, SHORTEST_S)
        for uuid in demand.holding:
            if uuid in self._tracks:
                self._tracks[uuid].book(self._now, finish)
        if not demand.holding:
            self._first_free(self._side_tracks, self._now).book(self._now, finish)
        self._entries[demand.job_id] = Entry(
            job_id=demand.job_id, start_at=self._now, finish_at=finish, gpus=demand.holding
        )

    @staticmethod
    def _first_free(tracks: dict[str, _Track], moment: float) -> _Track:
        return min(tracks.values(), key=lambda track: max(track.last_end, moment))

    def _find_skips(self, waiting: Sequence[Demand]) -> None:
        """Jobs that can never start: something they hang on ended without success, missed a gate, or is skipped."""
        found = True
        while found:
            found = False
            for demand in waiting:
                if demand.job_id in self._skips:
                    continue
                if reason := next(filter(None, map(self._why_never, demand.needs)), ""):
                    self._skips[demand.job_id] = Skip(demand.job_id, reason)
                    found = True

    def _why_never(self, need: Need) -> str:
        name = f"job {need.job_id} ({need.name})"
        if need.state in {"failed", "cancelled", "skipped"}:
            return f"It comes after {name}, which {_was(need.state)}."
        if need.job_id in self._skips:
            return f"It comes after {name}, which is skipped."
        if need.missed_gates:
            return f"It asks that {' and '.join(need.missed_gates)}, and {name} did not reach that."
        return ""

    def _place(self, demand: Demand) -> bool:
        """Find the job's place in the timetable; False while something that it hangs on has none yet."""
        open_needs = [need for need in demand.needs if need.state != "succeeded"]
        if any(need.job_id in self._demands and need.job_id not in self._entries for need in open_needs):
            return False
        self._entries[demand.job_id] = self._entry(demand, open_needs)
        return True

    def _entry(self, demand: Demand, open_needs: Sequence[Need]) -> Entry:
        if demand.blocked:
            return Entry(job_id=demand.job_id, why=Why(demand.blocked))
        earliest = max(self._now, demand.not_before or 0.0)
        for need in open_needs:
            entry = self._entries.get(need.job_id)
            if entry is None or entry.finish_at is None:
                return Entry(job_id=demand.job_id, why=_after(need))
            earliest = max(earliest, entry.finish_at)
        tracks = self._candidates(demand)
        count = demand.gpus or 1
        if len(tracks) < count:
            return Entry(job_id=demand.job_id, why=self._why_no_place(demand))
        self._placed += 1
        rough = self._placed > self._careful
        duration = max(demand.estimate.remaining_s, SHORTEST_S)
        start, chosen = (_append if rough else _earliest)(tracks, count, duration, earliest)
        for name in chosen:
            tracks[name].book(start, start + duration)
        starts_now = start <= self._now and not open_needs
        return Entry(
            job_id=demand.job_id,
            start_at=start,
            finish_at=start + duration,
            gpus=tuple(chosen) if demand.gpus else (),
            starts_now=starts_now,
            rough=rough,
            why=None if starts_now else self._why_later(demand, open_needs, start),
        )

    def _candidates(self, demand: Demand) -> dict[str, _Track]:
        """The tracks of the devices that could take the job, the smallest that suffice first."""
        if demand.gpus == 0:
            return self._side_tracks
        fitting = [gpu for gpu in self._world.gpus if isinstance(gpu.availability, Free) and _fits(gpu, demand)]
        fitting.sort(key=lambda gpu: (gpu.memory_total_bytes, gpu.index))
        return {gpu.uuid: self._tracks[gpu.uuid] for gpu in fitting}

    def _why_no_place(self, demand: Demand) -> Why:
        total = len(self._world.gpus)
        if demand.gpus > total:
            return Why(
                f"It asks for {_gpus(demand.gpus)} and this machine has {total}.",
                "Ask for fewer, or run it on another machine.",
            )
        large_enough = [gpu for gpu in self._world.gpus if _fits(gpu, demand)]
        if len(large_enough) < demand.gpus:
            return Why(
                f"It asks for more memory than {_gpus(demand.gpus)} here {'has' if demand.gpus == 1 else 'have'}."
            )
        kept = [gpu for gpu in large_enough if not isinstance(gpu.availability, Free)]
        what = ", ".join(f"GPU {gpu.index}: {_what_keeps(gpu)}" for gpu in kept)
        return Why(
            f"It needs {_gpus(demand.gpus)}, and too few can be used ({what}).", "It starts when they are free again."
        )

    def _why_later(self, demand: Demand, open_needs: Sequence[Need], start: float) -> Why:
        if open_needs:
            return _after(open_needs[0])
        if demand.not_before and demand.not_before > self._now and start <= demand.not_before:
            return Why(f"It is tried again in {_span(demand.not_before - self._now)}, after an attempt that failed.")
        if demand.gpus == 0:
            return Why(f"{self._world.side_slots} jobs without a GPU run already, as many as may run at once.")
        free = sum(self._tracks[uuid].free(self._now, self._now + SHORTEST_S) for uuid in self._candidates(demand))
        holders = [d for d in self._world.demands if d.holding]
        if free >= demand.gpus:
            return Why(
                f"{_gpus(free)} {'is' if free == 1 else 'are'} free, but promised to a job before it, "
                "which it would delay.",
                "A higher priority would put it first.",
            )
        need = (
            f"It needs {_gpus(demand.gpus)}; {free or 'none'} of {len(self._gpus)} {'is' if free == 1 else 'are'} free."
        )
        if not holders:
            return Why(need)
        first = min(holders, key=lambda d: d.estimate.remaining_s)
        return Why(
            f"{need} The first to end is job {first.job_id} ({first.name}), in about "
            f"{_span(first.estimate.remaining_s)}; this job's turn comes in about {_span(start - self._now)}."
        )


def _earliest(tracks: dict[str, _Track], count: int, duration: float, earliest: float) -> tuple[float, list[str]]:
    """The first moment at which `count` devices are free together for `duration`, and these devices."""
    moments = sorted({earliest, *(end for track in tracks.values() for end in track.ends_after(earliest))})
    for moment in moments:
        free = [name for name, track in tracks.items() if track.free(moment, moment + duration)]
        if len(free) >= count:
            return moment, free[:count]
    raise AssertionError("after the last promise every device is free")


def _append(tracks: dict[str, _Track], count: int, duration: float, earliest: float) -> tuple[float, list[str]]:
    """Behind everything else: the devices that are free for good first. Rough, and quick for a long queue."""
    del duration
    chosen = sorted(tracks, key=lambda name: tracks[name].last_end)[:count]
    return max(earliest, *(tracks[name].last_end for name in chosen)), chosen


def _fits(gpu: Gpu, demand: Demand) -> bool:
    return gpu.memory_total_bytes >= demand.vram_bytes or gpu.kind == "cpu"


def _after(need: Need) -> Why:
    remedy = f"`yolotui release {need.job_id}` lets that one go." if need.state == "held" else ""
    if need.state == "paused":
        remedy = f"`yolotui resume {need.job_id}` continues that one."
    return Why(f"It comes after job {need.job_id} ({need.name}), which {_was(need.state)}.", remedy)


def _was(state: str) -> str:
    """A state as the end of a clause: "which is waiting", "which failed"."""
    return {"failed": "failed", "waiting": "waits", "cancelled": "was cancelled", "skipped": "was skipped"}.get(
        state, f"is {state}"
    )


def _what_keeps(gpu: Gpu) -> str:
    kept = gpu.availability
    reason = getattr(kept, "reason", "")
    return reason or ("used by a process that is not ours" if not isinstance(kept, Free) else "free")


def _gpus(count: int) -> str:
    return "1 GPU" if count == 1 else f"{count} GPUs"


def _span(seconds: float) -> str:
    """A length of time as one or two units."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{round(whole / 60)} min"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
