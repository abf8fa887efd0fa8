"""The world that a plan is made from, and the timetable that it comes to. Both are published and read by everybody."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from yolotui.core.bookings import Booking
from yolotui.core.gpus import Gpu, Host
from yolotui.core.jobs import Notice, Priority
from yolotui.core.preflight import Checking
from yolotui.core.quotas import Quota
from yolotui.core.standstill import Standstill

STALE_AFTER_S = 15.0
"""A leader publishes at least every few seconds; what is older was published by one that no longer leads, or hangs."""


class NeedMode(StrEnum):
    """What a job asks of those it comes after: that `all` or `any` one of these succeed, has ended, has failed."""

    ALL = "all"
    ANY = "any"
    FINISHED = "finished"
    FAILED = "failed"


class Need(Struct, frozen=True, omit_defaults=True):
    """A job that another hangs on, with the state it is in, and the gates on it that its results have missed."""

    job_id: int
    name: str
    state: str
    missed_gates: tuple[str, ...] = ()
    mode: NeedMode = NeedMode.ALL


class Estimate(Struct, frozen=True, omit_defaults=True):
    """How long a job will still hold its GPUs, in seconds, and where that number comes from.

    `low` and `high` are factors on it: the true time lies between them four times out of five. `early_stop` is the
    probability that the job ends before its plan does, and `early_stop_at` the part of the time that it then takes.
    """

    remaining_s: float
    source: str
    low: float = 0.7
    high: float = 1.5
    early_stop: float = 0.0
    early_stop_at: float = 1.0


class Demand(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job that has not ended, as the plan sees it.

    `holding` are the UUIDs that an active job has leased. `blocked` is a sentence that keeps it from starting whatever
    is free (held, paused, waiting for a retry is `not_before` instead). `gpu_model`, `avoid` and `prefer` name GPUs by
    index, by UUID or by a part of the model's name; avoided ones are never used, preferred ones first.

    `vram_bytes` is the memory that it needs on each card; one that `shares` leaves the rest of its card to others that
    do. `resumable` ones go on from a checkpoint (the last at `checkpoint_at`, an epoch takes `epoch_s`); of these the
    `preemptible` ones may be evicted. `evicted_at` is when that last happened, `notice` the eviction that is coming.
    """

    job_id: int
    name: str
    priority: Priority
    submitted_at: float
    gpus: int
    estimate: Estimate
    state: str = "waiting"
    holding: tuple[str, ...] = ()
    vram_bytes: int = 0
    not_before: float | None = None
    needs: tuple[Need, ...] = ()
    blocked: str = ""
    gpu_model: str = ""
    avoid: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    owner: str = ""
    group: str = ""
    shares: bool = False
    resumable: bool = False
    preemptible: bool = True
    checkpoint_at: float | None = None
    epoch_s: float | None = None
    evicted_at: float | None = None
    notice: Notice | None = None
    deadline_at: float | None = None


class Calibration(Struct, frozen=True, omit_defaults=True):
    """How far forecast waits were off, learned from what came true: natural logarithms of true over forecast wait.

    Between `low` and `high` lie four waits out of five. `count` is how many waits it has learned from.
    """

    low: float = -0.9
    high: float = 0.9
    count: int = 0


class World(Struct, frozen=True, kw_only=True):
    """A frozen snapshot: the devices, every job that has not ended, and the timetable that was promised last.

    `side_slots` is how many jobs that ask for no GPU may run at once. `bookings` are those that are not over.
    `calibration` is what the forecasts' intervals are made from.
    """

    gpus: tuple[Gpu, ...]
    demands: tuple[Demand, ...]
    side_slots: int = 4
    bookings: tuple[Booking, ...] = ()
    quotas: tuple[Quota, ...] = ()
    previous: Timetable | None = None
    calibration: Calibration = Calibration()


class Why(Struct, frozen=True, omit_defaults=True, gc=False):
    """Why a job is not running: one true sentence, and the change that would start it, if there is one.

    `cause` is the same in a word, for sums over many waits.
    """

    sentence: str
    remedy: str = ""
    cause: Standstill = Standstill.CARDS

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".strip()


class Forecast(Struct, frozen=True, omit_defaults=True, gc=False):
    """What was foreseen of a job's start at one moment, to be compared with what comes true. UTC seconds."""

    made_at: float
    start_at: float
    low_at: float
    high_at: float
    finish_at: float


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A job's line in the timetable: when it is expected to start and finish (UTC seconds, None: not foreseeable).

    `starts_now` marks the first column: the scheduler starts exactly these. `rough` says that it stands too far back in
    a long queue to have been placed with care. Four starts out of five lie between `start_low_at` and `start_high_at`,
    finishes likewise. `first` is what was foreseen when the job was first planned; it never changes. From `overdue_at`
    on, settled then as well, it goes before every class but P0: the guard that lets nobody wait for ever.

    At `yields_at` it is expected to be paused, to make room for a booking or a higher job, and continued later;
    `finish_at` includes that. `booking` is the booking in whose window it is placed. `checking` is no part of a plan:
    how far the check before its start was when this was published, while one goes on.
    """

    job_id: int
    start_at: float | None = None
    finish_at: float | None = None
    gpus: tuple[str, ...] = ()
    starts_now: bool = False
    rough: bool = False
    why: Why | None = None
    start_low_at: float | None = None
    start_high_at: float | None = None
    finish_low_at: float | None = None
    finish_high_at: float | None = None
    first: Forecast | None = None
    overdue_at: float | None = None
    yields_at: float | None = None
    booking: int | None = None
    checking: Checking | None = None

    @property
    def told(self) -> str:
        """Why it is not running, in full: that it is being checked, and whatever else it waits for."""
        return f"{self.checking.sentence if self.checking else ''} {self.why or ''}".strip()


class Eviction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A running job that is to make room: what the scheduler gives notice of, and carries out when it is due.

    A notice in force comes back as it was given, as long as it is needed; another one takes its place.
    """

    job_id: int
    notice: Notice


class Binding(Struct, frozen=True):
    """Better cards for a booking that has not opened: nobody would have to make room on these."""

    booking_id: int
    gpus: tuple[str, ...]


class Hindrance(Struct, frozen=True):
    """Why a booking won't have all its cards when it opens, as a sentence."""

    booking_id: int
    why: str


class Skip(Struct, frozen=True):
    """A waiting job that can never start, and why."""

    job_id: int
    reason: str


class Timetable(Struct, frozen=True, kw_only=True):
    """What `plan()` decided at `made_at`: one entry per job that has not ended, and the jobs to skip.

    `order` is the order in which the carefully placed jobs were given their places: the next plan keeps to it.
    `resting` are the UUIDs of GPUs that are too hot to start anything on. `evictions` are all that are needed as things
    stand: a notice that is not among them any more is withdrawn.
    """

    made_at: float
    entries: tuple[Entry, ...] = ()
    skips: tuple[Skip, ...] = ()
    order: tuple[int, ...] = ()
    resting: tuple[str, ...] = ()
    evictions: tuple[Eviction, ...] = ()
    bindings: tuple[Binding, ...] = ()
    hindrances: tuple[Hindrance, ...] = ()

    def by_job(self) -> dict[int, Entry]:
        """The entries by job id."""
        return {entry.job_id: entry for entry in self.entries}

    def starting_now(self) -> list[Entry]:
        """The first column, in the order in which the jobs are to be started."""
        return [entry for entry in self.entries if entry.starts_now]


class Published(Struct, frozen=True, kw_only=True):
    """What the leader last decided, with its age: readers show this and never probe."""

    revision: int
    at: float
    leader_pid: int
    host: Host
    world: World
    timetable: Timetable
