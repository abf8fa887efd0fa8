"""Jobs and attempts: what was asked for, what state it is in, what each start of it came to.

A state is a variant that carries its own data, so a job can't be "running" without an attempt or "failed" without a
cause. Variants are msgspec structs tagged by ``state``: the tag is what the command line and the database call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from pathlib import PurePath
from typing import Any, ClassVar, Literal, TypeAlias

from msgspec import Struct, field

from yolotui.core.health import Finding, Severity

Argument: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None
"""A value that `train()` and its siblings take, as TOML can write it."""

AfterMode: TypeAlias = Literal["all", "any", "finished", "failed"]
"""What a job asks of one it comes after: that all such, or any one of them, succeed; that it ends; that it fails."""

AFTER_FIELDS: Mapping[AfterMode, str] = {
    "all": "after",
    "any": "after_any",
    "finished": "after_finished",
    "failed": "after_failed",
}
"""The field of a `JobSpec` with the jobs of which that is asked."""


class Kind(StrEnum):
    """What a job runs: one of Ultralytics' modes, or any command."""

    TRAIN = "train"
    VAL = "val"
    PREDICT = "predict"
    EXPORT = "export"
    COMMAND = "command"


def kill_after_s(kind: Kind) -> float:
    """Seconds from TERM to KILL: a training on several GPUs needs time to leave, a command rarely."""
    return 10.0 if kind is Kind.COMMAND else 30.0


class Priority(IntEnum):
    """P0 goes before everything else; P2 is what a job gets when nobody says otherwise."""

    P0 = 0
    P1 = 1
    P2 = 2
    P3 = 3


class Owner(Struct, frozen=True):
    """Who submitted: the name that people see (`YOLOTUI_USER` or the login name) and the uid that counts."""

    name: str
    uid: int


class Gate(Struct, frozen=True):
    """A quality gate: `job`'s best `metric` compared with `threshold`; a miss skips the job that has the gate."""

    job: str
    metric: str
    comparison: str
    threshold: float

    def __str__(self) -> str:
        return f"{self.job}.{self.metric} {self.comparison} {self.threshold:g}"

    def passes(self, value: float) -> bool:
        """Whether `value` satisfies the comparison."""
        match self.comparison:
            case ">=":
                return value >= self.threshold
            case ">":
                return value > self.threshold
            case "<=":
                return value <= self.threshold
            case "<":
                return value < self.threshold
        raise ValueError(f"unknown comparison {self.comparison!r}")


class JobSpec(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a person asked for; it changes only while the job waits, through a verb that says so.

    Paths are absolute. `after` and its siblings name jobs of the same submission or ids of earlier ones as text; the
    store resolves them to ids. All of `after` must succeed, one of `after_any`; `after_finished` wait for an end of any
    kind, `after_failed` for a failure. `arguments` go to Ultralytics as they are.

    `gpu_model`, `avoid` and `prefer` name GPUs by index, UUID or a part of the model's name. `estimate_s` is how long
    its owner thinks that it takes, `time_limit_s` how long it may run at most, over all its attempts. `keep` says which
    epochs' checkpoints stay: every n-th, or these. `keep_env` names variables of the submitter's that look like secrets
    and go with the job all the same. `cwd` is where it was asked for: a command runs there.
    """

    name: str
    kind: Kind
    group: str = "default"
    model: str | None = None
    data: str | None = None
    arguments: dict[str, Argument] = {}
    command: tuple[str, ...] = ()
    gpus: int = 1
    vram_bytes: int | None = None
    gpu_model: str = ""
    avoid: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    estimate_s: float | None = None
    time_limit_s: float | None = None
    keep: int | tuple[int, ...] | None = None
    after: tuple[str, ...] = ()
    after_any: tuple[str, ...] = ()
    after_finished: tuple[str, ...] = ()
    after_failed: tuple[str, ...] = ()
    when: tuple[Gate, ...] = ()
    retries: int | None = None
    retry_delay_s: float = 30.0
    preemptible: bool = True
    deadline: str | None = None
    python: str | None = None
    cwd: str = ""
    env: dict[str, str] = {}
    keep_env: tuple[str, ...] = ()

    @property
    def retries_allowed(self) -> int:
        """How often it is tried again by itself: a training resumes; a command may not bear it, so it must be told."""
        return self.retries if self.retries is not None else 5 if self.kind is Kind.TRAIN else 0

    @property
    def needs(self) -> tuple[tuple[str, AfterMode], ...]:
        """Every name that it comes after, with what it asks of that job."""
        return tuple((name, mode) for mode, field in AFTER_FIELDS.items() for name in getattr(self, field))

    @property
    def epochs(self) -> int | None:
        """How many epochs a training was asked for, where it says so."""
        epochs = self.arguments.get("epochs")
        return epochs if self.kind is Kind.TRAIN and isinstance(epochs, int) else None


class Request(StrEnum):
    """What a person asked of a running attempt, until the scheduler has passed it on."""

    CHECKPOINT = "checkpoint"
    FINISH = "finish"


class Held(Struct, frozen=True, tag_field="state", tag="held"):
    """Waits for a person to release it."""

    since: float
    reason: str


class Waiting(Struct, frozen=True, tag_field="state", tag="waiting"):
    """Waits for GPUs, for other jobs, or for `not_before` (UTC seconds), the end of a retry's back-off."""

    since: float
    not_before: float | None = None


class Starting(Struct, frozen=True, tag_field="state", tag="starting"):
    """Committed to start: GPUs are leased, the process is not yet known."""

    since: float
    attempt: int


class Notice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An eviction that is coming: at `due_at` (UTC seconds) the training is paused, to make room for whom `why` names.

    `for_job` or `for_booking` is who needs the room. `loses_s` is how much of its work is expected to be lost, in
    seconds since its last checkpoint. When `patience_s` is over after `due_at` without a checkpoint, it is stopped.
    """

    given_at: float
    due_at: float
    why: str
    for_job: int | None = None
    for_booking: int | None = None
    loses_s: float = 0.0
    patience_s: float | None = None


class Running(Struct, frozen=True, tag_field="state", tag="running"):
    """An attempt's process lives. With a `notice` it will have to make room."""

    since: float
    attempt: int
    request: Request | None = None
    notice: Notice | None = None


class Pausing(Struct, frozen=True, tag_field="state", tag="pausing"):
    """Asked to stop at the end of its epoch: by a person, or to make room (`notice`); then it waits its turn again."""

    since: float
    attempt: int
    notice: Notice | None = None

    def is_out_of_patience(self, now: float) -> bool:
        """Whether nobody waits any longer for its checkpoint; a clock that was set back prolongs nothing."""
        if self.notice is None or self.notice.patience_s is None:
            return False
        return not self.since <= now < self.since + self.notice.patience_s


class Paused(Struct, frozen=True, tag_field="state", tag="paused"):
    """Stopped at a checkpoint by a person; continues when a person says so."""

    since: float


class Stopping(Struct, frozen=True, tag_field="state", tag="stopping"):
    """Being ended by a person: TERM, a wait, then KILL over the whole tree. It ends cancelled."""

    since: float
    attempt: int
    by: str


class Succeeded(Struct, frozen=True, tag_field="state", tag="succeeded"):
    """Ran to its end."""

    since: float


class Failed(Struct, frozen=True, tag_field="state", tag="failed"):
    """Ended without success and will not be tried again by itself. `cause` is a key of `core.failures`."""

    since: float
    cause: str
    reason: str


class Cancelled(Struct, frozen=True, tag_field="state", tag="cancelled"):
    """Ended by a person, before or while it ran."""

    since: float
    by: str


class Skipped(Struct, frozen=True, tag_field="state", tag="skipped"):
    """Never started, because something that it hangs on did not succeed."""

    since: float
    reason: str


class Unknown(Struct, frozen=True, tag_field="state", tag="unknown"):
    """Out of sight: nothing proves its process dead, so it is neither failed nor started again."""

    since: float
    attempt: int
    reason: str


Status: TypeAlias = (
    Held
    | Waiting
    | Starting
    | Running
    | Pausing
    | Paused
    | Stopping
    | Succeeded
    | Failed
    | Cancelled
    | Skipped
    | Unknown
)
ACTIVE = (Starting, Running, Pausing, Stopping, Unknown)
"""The states in which an attempt holds GPUs."""

ENDED = (Succeeded, Failed, Cancelled, Skipped)
COMPLAINING = frozenset({"running", "pausing", "paused", "stopping"})
"""The states of a run in which a finding of the health rules can still be acted on."""
STATES = (
    "held",
    "waiting",
    "starting",
    "running",
    "pausing",
    "paused",
    "stopping",
    "succeeded",
    "failed",
    "cancelled",
    "skipped",
    "unknown",
)


def state_of(status: Status) -> str:
    """The word for a state, as the command line and the database say it."""
    tag = status.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


class Process(Struct, frozen=True):
    """A process that can't be mistaken for another: pid, start time in clock ticks since boot, boot id."""

    pid: int
    start_ticks: int
    boot_id: str


class Outcome(StrEnum):
    """What an attempt came to."""

    SUCCEEDED = "succeeded"
    PAUSED = "paused"
    EVICTED = "evicted"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NEVER_STARTED = "never_started"


class Progress(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an attempt has reached, kept by the leader from the run directory.

    `epochs_done` counts whole epochs of the job over all attempts; `epoch_s` is the rhythm: a smoothed duration of one
    epoch of this attempt, the first left out. `best` and `last` map metric names to values. `peak_vram_bytes` is the
    most that its processes held on one card, as the driver saw it. `findings` are what the health rules see, suspicions
    among them; `health` has those that are told. `first` are the training losses of the first epoch.
    """

    epochs_done: int = 0
    epochs_total: int | None = None
    epoch_s: float | None = None
    phase: str = ""
    best: dict[str, float] = {}
    last: dict[str, float] = {}
    best_epoch: int | None = None
    checkpoint_at: float | None = None
    peak_vram_bytes: int | None = None
    first: dict[str, float] = {}
    findings: tuple[Finding, ...] = ()

    @property
    def health(self) -> tuple[Finding, ...]:
        """What is wrong with the run, or worth knowing: the worst first."""
        order = list(Severity)[::-1]
        told = (finding for finding in self.findings if finding.told)
        return tuple(sorted(told, key=lambda finding: (order.index(finding.severity), finding.epoch, finding.rule)))


class Attempt(Struct, frozen=True, kw_only=True):
    """One start of a job. `outcome` is None while it lives. `explanation` is a sentence for people.

    `gpus` are UUIDs, `gpu_model` is the name of what they are: how long it took holds for the like. `promised_bytes` is
    the memory that it was promised of a card that it shares; None: it has its cards alone.
    """

    number: int
    uuid: str
    gpus: tuple[str, ...] = ()
    gpu_model: str = ""
    promised_bytes: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    process: Process | None = None
    outcome: Outcome | None = None
    cause: str | None = None
    explanation: str = ""
    exit_code: int | None = None
    signal: int | None = None
    resumed_from_epoch: int | None = None
    progress: Progress = field(default_factory=Progress)


class Job(Struct, frozen=True, kw_only=True):
    """A job as the queue knows it, with its attempts in order.

    `after` holds the ids it hangs on, `after_modes` what it asks of those of which it asks something else than success.
    `failures` counts those that its retries are for. `deadline_at` is when it must be done (UTC seconds). `revision` is
    that of the queue when the row last changed: readers ask for what is newer than what they have.
    """

    ENDED_STATES: ClassVar = frozenset({"succeeded", "failed", "cancelled", "skipped"})

    id: int
    spec: JobSpec
    priority: Priority
    owner: Owner
    submitted_at: float
    status: Status
    run_dir: str
    after: tuple[int, ...] = ()
    after_modes: dict[int, AfterMode] = {}
    failures: int = 0
    attempts: tuple[Attempt, ...] = ()
    file: str | None = None
    round: int = 1
    deadline_at: float | None = None
    revision: int = 0

    @property
    def name(self) -> str:
        """The job's name, unique in nothing: people may call two jobs alike."""
        return self.spec.name

    @property
    def project(self) -> str:
        """The folder whose code it belongs to: that of its file of jobs, else where it was submitted, if known."""
        return str(PurePath(self.file).parent) if self.file else self.spec.cwd

    @property
    def state(self) -> str:
        """The word for its state."""
        return state_of(self.status)

    def missed_gates(self, need: Job) -> tuple[str, ...]:
        """Which of its quality gates `need` has missed, as people read them; none before it has succeeded."""
        if need.state != "succeeded":
            return ()
        best = need.progress.best
        own = (gate for gate in self.spec.when if gate.job in {need.name, str(need.id)})
        return tuple(
            f"{gate} (it is {f'{best[gate.metric]:.4g}' if gate.metric in best else 'not known'})"
            for gate in own
            if gate.metric not in best or not gate.passes(best[gate.metric])
        )

    @property
    def complaint(self) -> Finding | None:
        """The worst that is wrong with a run that still trains or may go on; None where it is only good to know."""
        worst = next(iter(self.progress.health), None)
        if worst is None or worst.severity is Severity.INFO or self.state not in COMPLAINING:
            return None
        return worst

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return isinstance(self.status, ENDED)

    @property
    def first_started_at(self) -> float | None:
        """When its first attempt that really started did so (UTC seconds)."""
        return next((each.started_at for each in self.attempts if each.started_at is not None), None)

    @property
    def ran_s(self) -> float:
        """How long its attempts ran that have ended, in seconds."""
        return sum(each.ended_at - each.started_at for each in self.attempts if each.started_at and each.ended_at)

    @property
    def retries_used(self) -> int:
        """How often a failure was, or is about to be, followed by another try: the last one of a failed job is not."""
        return max(0, self.failures - isinstance(self.status, Failed))

    @property
    def progress(self) -> Progress:
        """What it has reached: the newest attempt's progress, which counts over all attempts."""
        return self.attempts[-1].progress if self.attempts else Progress(epochs_total=self.spec.epochs)
