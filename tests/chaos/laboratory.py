"""A round: a night of work, broken again and again as a seed has it, then left alone until all has ended."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from examples.make_shapes import make_shapes
from tests.chaos import file_faults, small_disk
from tests.chaos.faults import FAULTS
from tests.chaos.house import House
from tests.chaos.judge import Judgement, Queue, judge
from tests.chaos.night import Night, nothing
from tests.chaos.people import People
from tests.chaos.sight import WORKING

SETTLE_S = 600.0  # an accident's end, not a night's: what is left then was forgotten
LEAVE_S = 30.0
ALTERNATIVES = 4
NOT_FOR_REAL = {"kill-rank", "lose-a-gpu", "break-the-driver", "a-stranger-on-a-gpu"}
ON_A_SMALL_DISK = {"disk-is-filled"}
WHERE_ONE_CHECKS = {"kill-check"}


class Rare(NamedTuple):
    """A victim that is seldom there: its role, what people submit to have one, how long to wait for it (seconds)."""

    role: str
    submit: Callable[[People], None]
    patience_s: float


RARE = {
    "kill-rank": Rare("rank", People.add_wide_training, 10.0),
    "kill-check": Rare("check", People.add_training, 3.0),
}


class Step(NamedTuple):
    """One planned fault: when (seconds after the one before), which, and the seed of its own choices.

    Where the first of its `kinds` finds no victim the next one is tried.
    """

    gap_s: float
    kinds: tuple[str, ...]
    seed: int


@dataclass(frozen=True)
class Round:
    """What a round is made of."""

    seed: int
    faults: int = 14
    jobs: int = 8
    most_epochs: int = 25
    real: bool = False
    only: tuple[str, ...] = ()
    patience_s: float = 0.3  # how long a kind of fault looks for a victim
    small_disk: bool = False

    @property
    def plan(self) -> list[Step]:
        """The faults, which hang on the seed alone."""
        chance = random.Random(f"{self.seed} {self.real}")
        kinds = self.only or self._kinds
        weights = [FAULTS[kind][0] for kind in kinds]
        mean_s = 1.5 if self.real else 0.25
        return [
            Step(
                min(chance.expovariate(1 / mean_s), 4 * mean_s),
                tuple(chance.choices(kinds, weights, k=ALTERNATIVES)),
                chance.getrandbits(32),
            )
            for _ in range(self.faults)
        ]

    @property
    def house(self) -> House:
        """The rules under which it is played."""
        return House.of(self.seed, real=self.real)

    @property
    def _kinds(self) -> tuple[str, ...]:
        left_out = {
            *(NOT_FOR_REAL if self.real else ()),
            *(() if self.small_disk else ON_A_SMALL_DISK),
            *(() if self.house.checks else WHERE_ONE_CHECKS),
        }
        return tuple(kind for kind in sorted(FAULTS) if kind not in left_out)


def play(this: Round, root: Path) -> Judgement:
    """Play a round in a directory of its own, and judge it. Ends everything that it has started."""
    with small_disk.mounted(root / "home") if this.small_disk else nullcontext():
        _live_through(this, root)
    return judge(root)


def _live_through(this: Round, root: Path) -> None:
    night = Night(root, this.seed, real=this.real)
    try:
        _prepare_data(night)
        (night.home / "config.toml").write_text(this.house.config)
        people = People(
            night,
            random.Random(f"people {this.seed}"),
            most_jobs=this.jobs,
            most_epochs=this.most_epochs,
            every_s=1.0 if this.real else 0.5,
            house=this.house,
        )
        night.on_idle = people.idle
        for step in this.plan:
            night.live(step.gap_s)
            _inject(night, people, step, this.patience_s)
        night.on_idle = nothing
        settle(night)
    finally:
        night.close()


def _inject(night: Night, people: People, step: Step, patience_s: float) -> None:
    """Commit a fault while a verb or an attempt is in flight, and note the evidence of that."""
    chance = random.Random(step.seed)
    for kind in step.kinds:
        if _commit(night, people, kind, chance, patience_s):
            return
        night.history.note("missed", kind=kind)


def _commit(night: Night, people: People, kind: str, chance: random.Random, patience_s: float) -> bool:
    """Wait for a victim; False if none has come in time."""
    if (rare := RARE.get(kind)) and not night.look(rare.role):
        rare.submit(people)
        patience_s = max(patience_s, rare.patience_s)
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        verbs, attempts = len(night.look("cli")), len({each.attempt for each in night.look("shim", *WORKING)})
        if (verbs or attempts) and (done := FAULTS[kind][1](night, chance)) is not None:
            night.history.note("fault", kind=kind, done=done, verbs=verbs, attempts=attempts)
            return True
        if not attempts:
            people.find_work()
        night.live(0.03)
    return False


def settle(night: Night) -> None:
    """Everything is mended, and people bring to its end what they had stopped."""
    until = time.monotonic() + SETTLE_S
    for each in night.look():
        each.signal(signal.SIGCONT)
    while night.verbs:
        night.live(0.02)
    night.say("undrain", "--all")  # this verb finds a queue, even where every one before it was killed
    while time.monotonic() < until:
        with Queue(night.home) as queue:
            states, mending = queue.states(), list(_mending(queue))
        for verb in mending:
            night.say(*verb)
        if all(each in Queue.ENDED for each in states.values()):
            break
        if not night.look("scheduler"):
            night.start_scheduler()
        night.live(0.1)
    _await_the_end(night)


def _mending(queue: Queue) -> Iterator[list[str]]:
    """The verbs that take back what keeps jobs from their end."""
    if cards := queue.cards_out_of_use():
        yield ["undrain", *cards]
    if bookings := queue.bookings_to_come():
        yield ["unreserve", "--yes", *map(str, bookings)]
    for group in queue.held_groups():
        yield ["release", f"@{group}"]
    for verb, state in (("release", "held"), ("resume", "paused")):
        if jobs := [str(job) for job, each in queue.states().items() if each == state]:
            yield [verb, *jobs]


def _await_the_end(night: Night) -> None:
    """Processes of ended jobs are given a moment to go; what is left then is evidence."""
    until = time.monotonic() + LEAVE_S
    while (left := night.look("shim", *WORKING)) and time.monotonic() < until:
        night.live(0.05)
    night.history.note(
        "left", processes=[f"{each.role} {each.pid} of {each.attempt_dir or each.attempt}" for each in left]
    )
    lost = [each.pid for each in night.bystanders if each.poll() is not None]
    lost += [pid for pid in night.strangers if not file_faults.lives(pid)]
    night.history.note("bystanders", lost=lost)
    for leader in night.look("scheduler"):
        leader.signal(signal.SIGTERM)
    while night.look("scheduler") and time.monotonic() < until + LEAVE_S:
        night.live(0.02)


def _prepare_data(night: Night) -> None:
    """A data set that no check finds fault with; doubles don't look at it."""
    train, val = (16, 4) if night.real else (4, 2)
    (night.root / "data.yaml").symlink_to(make_shapes(night.root / "shapes", train=train, val=val, size=64))
