"""When an attempt has to be ended by the scheduler itself: it has been silent too long, or it ran too long. Pure."""

from __future__ import annotations

from msgspec import Struct

from yolotui.core.failure_signatures import Cause
from yolotui.core.jobs import Attempt, Job
from yolotui.units import format_duration

BATCHES_OF_SILENCE = 20
EPOCHS_OF_SILENCE = 3
OTHERWISE_TIMES = 6  # as patient where there is no rhythm: data sets are cached, models compiled, epochs validated
TRAINING = "training"


class Limits(Struct, frozen=True, kw_only=True):
    """What attempts may do at most. `stall_s`: silence between batches, where their rhythm doesn't ask for more."""

    stall_s: float = 600.0
    log_bytes: int = 64 * 1024**2


class Intervention(Struct, frozen=True, kw_only=True):
    """The scheduler ends an attempt: why, in a word and in a sentence. `permanent`: it is not tried again."""

    cause: Cause
    sentence: str
    permanent: bool = False


class Pulse(Struct, frozen=True, kw_only=True):
    """How a training sounds: how long it has been silent, in which phase, and its rhythm as far as it is known."""

    silent_s: float
    phase: str = ""
    batch_s: float | None = None
    epoch_s: float | None = None

    def patience_s(self, limits: Limits) -> float:
        """How long a silence may last: a multiple of the run's own rhythm, generous where it has none."""
        if self.phase == TRAINING and self.batch_s is not None:
            return max(limits.stall_s, BATCHES_OF_SILENCE * self.batch_s)
        return max(OTHERWISE_TIMES * limits.stall_s, EPOCHS_OF_SILENCE * (self.epoch_s or 0.0))


def stalled(pulse: Pulse, limits: Limits) -> Intervention | None:
    """Whether a training has stopped moving."""
    patience_s = pulse.patience_s(limits)
    if pulse.silent_s < patience_s:
        return None
    doing = f" while {_DOING.get(pulse.phase, pulse.phase)}" if pulse.phase else " since it started"
    usual = ""
    if pulse.phase == TRAINING and pulse.batch_s is not None:
        usual = f" A batch takes it {format_duration(pulse.batch_s)}."
    silent = format_duration(pulse.silent_s)
    return Intervention(cause=Cause.STALL, sentence=f"It stalled: nothing was heard of it for {silent}{doing}.{usual}")


_DOING = {"dataset": "preparing its data set", "final_eval": "validating for the last time"}


def out_of_time(job: Job, now: float) -> Intervention | None:
    """Whether a job has used up its time limit."""
    limit_s = job.spec.time_limit_s
    if limit_s is None or spent_s(job.attempts, now) < limit_s:
        return None
    said = f"It reached its time limit of {format_duration(limit_s)}."
    return Intervention(cause=Cause.TIME_LIMIT, sentence=said, permanent=True)


def spent_s(attempts: tuple[Attempt, ...], now: float) -> float:
    """Seconds that a job has run since it was given its time: a retry after the limit gives it anew."""
    spent = 0.0
    for attempt in reversed(attempts):
        if attempt.cause == Cause.TIME_LIMIT:
            break
        if attempt.started_at is not None:
            end = now if attempt.outcome is None else attempt.ended_at or attempt.started_at
            spent += max(0.0, end - attempt.started_at)
    return spent
