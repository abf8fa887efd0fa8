"""How long each job will take: by its own epochs, by what ran before, by its owner's word, or by an open guess."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from math import ceil
from typing import TypeVar

from msgspec.structs import replace

from yolotui.core.estimating import GUESS_S, History, Likeness, Record, likeness_of, still_needed
from yolotui.core.jobs import ACTIVE, Attempt, Job, JobSpec, Kind, Outcome
from yolotui.core.limits import spent_s
from yolotui.core.timetable import Estimate
from yolotui.core.training_defaults import EPOCHS, PATIENCE
from yolotui.scheduler.judging import FINISHED_ON_REQUEST
from yolotui.store import ForecastRecord

RHYTHM_AFTER = 2  # epochs: the first warms up, and tells others nothing
KEPT_RECORDS = 200  # of the same model and data; older ones tell nothing that these don't
KEPT_KINDS = 2000  # of runs: models with their data, and commands
KEPT_ERRORS = 200
ENOUGH_ERRORS = 10

_Kin = tuple[object, ...]
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Question = tuple[Likeness, int | None, float | None, float]


class Estimates:
    """What is known about durations. `version` counts the changes of what a job that waits is told.

    What a job taught is replaced by what it teaches later, so that a row may be read as often as one likes.
    """

    def __init__(self) -> None:
        self.version = 0
        self._records: dict[_Kin, dict[int, Record]] = {}
        self._histories: dict[_Kin, History] = {}
        self._answers: dict[_Question, Estimate] = {}
        self._errors = Errors()

    def learn(self, job: Job) -> None:
        """Learn from a job's attempts: when it has ended, and as soon as it has a rhythm."""
        record = _record(job)
        if record is None:
            return
        kin = _kin(record.likeness)
        records = self._records.get(kin, {})
        if not job.ended and job.id in records:
            return
        if records.get(job.id) != record:
            keep_newest(records, job.id, record, KEPT_RECORDS)
            keep_newest(self._records, kin, records, KEPT_KINDS)
            self._histories.pop(kin, None)
            self._answers.clear()
            self.version += 1

    def learn_error(self, record: ForecastRecord) -> None:
        """Learn how far an estimate was off, from a run that it was made for."""
        if self._errors.learn(record):
            self._answers.clear()
            self.version += 1

    def estimate(self, job: Job, gpu_model: str, now: float) -> Estimate:
        """How long the job will still need its GPUs, from `now` if it runs. `gpu_model`: where it would run."""
        running = job.attempts[-1] if job.attempts and isinstance(job.status, ACTIVE) else None
        likeness = likeness_of(job.spec, running.gpu_model if running else gpu_model)
        estimate = self._by_its_epochs(job, likeness, running, now) or self._by_others(job, likeness, running, now)
        if not _can_stop_early(job.spec):
            estimate = replace(estimate, early_stop=0.0, early_stop_at=1.0)
        if job.spec.time_limit_s is None:
            return estimate
        left_s = max(1.0, job.spec.time_limit_s - spent_s(job.attempts, now))
        return replace(estimate, remaining_s=min(estimate.remaining_s, left_s))

    def _by_its_epochs(self, job: Job, likeness: Likeness, running: Attempt | None, now: float) -> Estimate | None:
        total = _epochs_total(job)
        measured = next((each for each in reversed(job.attempts) if each.progress.epoch_s), None)
        if not total or measured is None or not (epoch_s := measured.progress.epoch_s):
            return None
        own = measured.progress.epochs_done - (measured.resumed_from_epoch or 0)
        times_s = [epoch_s] * (2 if own >= RHYTHM_AFTER else 1)
        left = max(0, total - job.progress.epochs_done)
        estimate = self._history(likeness).remaining(likeness, times_s, left + len(times_s))
        if estimate is None or running is None:
            return estimate
        epoch_began_at = job.progress.checkpoint_at or running.started_at or now
        elapsed_s = min(max(now - epoch_began_at, 0.0), epoch_s)
        return replace(estimate, remaining_s=still_needed(estimate.remaining_s, elapsed_s))

    def _by_others(self, job: Job, likeness: Likeness, running: Attempt | None, now: float) -> Estimate:
        total = _epochs_total(job)
        left = max(1, total - job.progress.epochs_done) if total else None
        share = left / total if left and total else 1.0
        said_s = job.spec.estimate_s or _time_limit_s(job.spec)
        estimate = self._expect(likeness, left, said_s and said_s * share, GUESS_S[job.spec.kind] * share)
        if running is None:
            return estimate
        elapsed_s = max(0.0, now - (running.started_at or now))
        return replace(estimate, remaining_s=still_needed(estimate.remaining_s, elapsed_s))

    def _expect(self, likeness: Likeness, epochs: int | None, said_s: float | None, default_s: float) -> Estimate:
        question = (likeness, epochs, said_s, default_s)
        if (answer := self._answers.get(question)) is None:
            expected = self._history(likeness).expect(likeness, epochs, user_s=said_s, default_s=default_s)
            answer = self._answers[question] = self._errors.applied_to(expected)
        return answer

    def _history(self, likeness: Likeness) -> History:
        kin = _kin(likeness)
        if kin not in self._histories:
            keep_newest(self._histories, kin, History(list(self._records.get(kin, {}).values())), KEPT_KINDS)
        return self._histories[kin]


class Errors:
    """What true durations came to, in parts of what was estimated, by where the estimate came from."""

    def __init__(self) -> None:
        self._parts: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT_ERRORS))

    def learn(self, record: ForecastRecord) -> bool:
        """Take down one run that ended well; whether that changes what is said of such estimates."""
        if record.outcome is not Outcome.SUCCEEDED or record.ended_at is None or record.estimate_s <= 0:
            return False
        parts = self._parts[record.source]
        parts.append(max(0.0, record.ended_at - record.started_at) / record.estimate_s)
        return len(parts) >= ENOUGH_ERRORS

    def applied_to(self, estimate: Estimate) -> Estimate:
        """The estimate with the factors between which four out of five lay, where enough is known of its source."""
        parts = sorted(self._parts[estimate.source])
        if len(parts) < ENOUGH_ERRORS:
            return estimate
        return replace(estimate, low=min(1.0, _quantile(parts, 0.1)), high=max(1.0, _quantile(parts, 0.9)))


def keep_newest(kept: dict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    """Put a value last, and let go of the oldest where there are more than so many."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]


def _kin(likeness: Likeness) -> _Kin:
    """What two runs must have in common for one to tell anything about the other."""
    return likeness.command or (likeness.kind, likeness.model, likeness.data)


def _record(job: Job) -> Record | None:
    """What the job teaches: its whole duration if it succeeded, else the rhythm of its epochs if it has one."""
    if not job.attempts:
        return None
    last, progress = job.attempts[-1], job.progress
    own_epochs = progress.epochs_done - (last.resumed_from_epoch or 0)
    epoch_s = progress.epoch_s if own_epochs >= RHYTHM_AFTER else None
    likeness = likeness_of(job.spec, last.gpu_model)
    if job.state != "succeeded":
        if epoch_s is None:
            return None
        return Record(likeness, run_s=epoch_s * own_epochs, epochs_done=progress.epochs_done, epoch_s=epoch_s)
    if job.ran_s <= 0:
        return None
    by_itself = not last.explanation.startswith(FINISHED_ON_REQUEST)
    return Record(
        likeness,
        run_s=job.ran_s,
        epochs_planned=(_epochs_total(job) or 0) if by_itself else 0,
        epochs_done=progress.epochs_done,
        # One attempt's whole duration tells more than its epochs: beginning and end are in it. Several repeat some.
        epoch_s=epoch_s if len(job.attempts) > 1 else None,
    )


def _epochs_total(job: Job) -> int | None:
    if job.spec.kind is not Kind.TRAIN:
        return None
    return job.progress.epochs_total or job.spec.epochs or EPOCHS


def _can_stop_early(spec: JobSpec) -> bool:
    """Whether Ultralytics' patience can end it before its last epoch."""
    patience = spec.arguments.get("patience", PATIENCE)
    return spec.kind is Kind.TRAIN and isinstance(patience, int | float) and 0 < patience < (spec.epochs or EPOCHS)


def _time_limit_s(spec: JobSpec) -> float | None:
    """Ultralytics' `time`: hours that a training takes, whatever its epochs."""
    hours = spec.arguments.get("time")
    return hours * 3600.0 if isinstance(hours, int | float) and hours > 0 else None


def _quantile(values: Sequence[float], part: float) -> float:
    """The value that so large a part of the sorted values does not exceed."""
    return values[max(0, ceil(part * len(values)) - 1)]
