"""Days of a queue in seconds: random verbs, exits, GPU failures and clock jumps, against a naive model of the machine.

The model knows only who holds which card. After every step the plan must be one that this machine could follow.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from tests.core.planning import HOUR, NOW, cards, check, waiting
from yolotui.core.gpus import Free, Lost
from yolotui.core.jobs import Priority
from yolotui.core.plan import Policy, plan
from yolotui.core.timetable import Demand, Need, NeedMode, Timetable, World

POLICY = Policy(effort=200, careful=6, searched=4)
CARDS = 4


class Queue(RuleBasedStateMachine):
    """A queue, its machine, and a scheduler that starts exactly what the first column says."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.gpus = {gpu.uuid: gpu for gpu in cards(CARDS)}
        self.waiting: dict[int, Demand] = {}
        self.running: dict[int, tuple[Demand, float]] = {}
        self.ended: dict[int, str] = {}
        self.timetable: Timetable | None = None
        self.submitted = 0

    @rule(
        gpus=st.integers(0, CARDS),
        hours=st.floats(0.1, 20.0),
        priority=st.sampled_from(Priority),
        after=st.none() | st.integers(0, 5),
        mode=st.sampled_from(NeedMode),
    )
    def submit(self, gpus: int, hours: float, priority: Priority, after: int | None, mode: NeedMode) -> None:
        """A new job, perhaps after one of the last few."""
        self.submitted += 1
        demand = waiting(self.submitted, gpus=gpus, hours=hours, priority=priority, submitted_at=self.now)
        if after is not None and self.submitted - 1 - after > 0:
            needed = self.submitted - 1 - after
            demand = replace(demand, needs=(Need(needed, f"job-{needed}", "waiting", mode=mode),))
        self.waiting[demand.job_id] = demand

    @precondition(lambda self: self.running)
    @rule(data=st.data(), state=st.sampled_from(["succeeded", "failed", "cancelled"]))
    def end(self, data: st.DataObject, state: str) -> None:
        """A running job ends, as it likes and when it likes."""
        job_id = data.draw(st.sampled_from(sorted(self.running)))
        del self.running[job_id]
        self.ended[job_id] = state

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), verb=st.sampled_from(["cancel", "hold", "release", "P0", "P3"]))
    def change(self, data: st.DataObject, verb: str) -> None:
        """Somebody changes his mind about a job that waits."""
        job_id = data.draw(st.sampled_from(sorted(self.waiting)))
        if verb == "cancel":
            del self.waiting[job_id]
            self.ended[job_id] = "cancelled"
        elif verb in {"hold", "release"}:
            blocked = "It is held." if verb == "hold" else ""
            self.waiting[job_id] = replace(self.waiting[job_id], blocked=blocked)
        else:
            self.waiting[job_id] = replace(self.waiting[job_id], priority=Priority[verb])

    @rule(index=st.integers(0, CARDS - 1), lost=st.booleans())
    def break_or_mend(self, index: int, lost: bool) -> None:
        """A card falls off the bus, or is back."""
        uuid = f"gpu-{index}"
        self.gpus[uuid] = replace(self.gpus[uuid], availability=Lost("gone") if lost else Free())

    @rule(hours=st.floats(-30.0, 60.0))
    def pass_time(self, hours: float) -> None:
        """The clock moves on, or is set back."""
        self.now += hours * HOUR

    @rule()
    def schedule(self) -> None:
        """Plan, skip what can't start, start the first column."""
        timetable = self._plan()
        for skip in timetable.skips:
            del self.waiting[skip.job_id]
            self.ended[skip.job_id] = "skipped"
        for entry in timetable.starting_now():
            demand = self.waiting.pop(entry.job_id)
            held = {uuid for other, _ in self.running.values() for uuid in other.holding}
            assert not held & set(entry.gpus)
            assert all(isinstance(self.gpus[uuid].availability, Free) for uuid in entry.gpus)
            assert len(entry.gpus) == demand.gpus
            self.running[entry.job_id] = (replace(demand, state="running", holding=entry.gpus), self.now)
        self.timetable = timetable

    @invariant()
    def can_be_followed(self) -> None:
        """The plan is one that the machine could follow, and no card idles beside a job that could use it alone."""
        world = self._world()
        timetable = plan(world, POLICY, self.now)
        check(world, timetable, self.now)
        assert timetable == plan(world, POLICY, self.now)
        if not timetable.starting_now():
            self._nobody_could_start(timetable)

    def _nobody_could_start(self, timetable: Timetable) -> None:
        """With no job running and none starting, nobody who is free to start fits on the cards that there are."""
        if self.running:
            return
        usable = sum(isinstance(gpu.availability, Free) for gpu in self.gpus.values())
        for entry in timetable.entries:
            demand = self.waiting[entry.job_id]
            assert demand.blocked or demand.needs or demand.gpus > usable

    def _plan(self) -> Timetable:
        return plan(self._world(), POLICY, self.now)

    def _world(self) -> World:
        runs = [self._running(demand, started_at) for demand, started_at in self.running.values()]
        waits = [replace(demand, needs=tuple(map(self._need, demand.needs))) for demand in self.waiting.values()]
        return World(gpus=tuple(self.gpus.values()), demands=(*runs, *waits), side_slots=1, previous=self.timetable)

    def _running(self, demand: Demand, started_at: float) -> Demand:
        left_s = demand.estimate.remaining_s - (self.now - started_at)
        return replace(demand, estimate=replace(demand.estimate, remaining_s=left_s))

    def _need(self, need: Need) -> Need:
        state = "running" if need.job_id in self.running else self.ended.get(need.job_id, "waiting")
        return replace(need, state=state)


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
