"""How long a job will take, from what is known: its own epochs, earlier runs, the user's word, or an open guess.

What comes true is learned from: `Calibration` says how far the forecast waits of this queue are off.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from yolotui.core.jobs import Argument, JobSpec, Kind
from yolotui.core.timetable import Calibration, Estimate, Forecast
from yolotui.core.training_defaults import BATCH, IMGSZ

GUESS_S = {Kind.TRAIN: 3600.0, Kind.VAL: 300.0, Kind.PREDICT: 300.0, Kind.EXPORT: 300.0, Kind.COMMAND: 600.0}
"""What a job takes of which nothing at all is known. An estimate made from it says so."""
SMOOTHING = 0.3
OVERRUN_SHARE = 0.05
LEAST_REMAINING_S = 5.0
MISSED = 0.1  # of the starts on either side of an interval that four out of five fall into
STOP_PRIOR = (1.0, 9.0)  # 10 of 77 public runs ended before their plan
STOPPED_AT = 0.57  # at this part of it, in the median


class Likeness(Struct, frozen=True):
    """What makes two runs take alike: the model, the data, the image size, the batch, and what it ran on."""

    kind: str
    model: str = ""
    data: str = ""
    imgsz: int | None = None
    batch: float | None = None
    gpus: int = 1
    gpu_model: str = ""
    command: tuple[str, ...] = ()


class Record(Struct, frozen=True):
    """A run that has ended: how long it took in all, and each epoch of how many that were planned."""

    likeness: Likeness
    run_s: float
    epochs_planned: int = 0
    epochs_done: int = 0
    epoch_s: float | None = None

    @property
    def stopped_early(self) -> bool:
        """Whether it ended by itself before its last planned epoch."""
        return 0 < self.epochs_done < self.epochs_planned


class _Source(Struct, frozen=True):
    """A kind of knowledge, and the factors that four runs out of five turned out to take of what it said."""

    words: str
    low: float
    high: float


OWN_EPOCHS = (_Source("its own first epoch", 0.6, 1.6), _Source("its own epochs", 0.85, 1.3))
SAME = _Source("earlier runs of the same", 0.8, 1.45)
SIMILAR = _Source("earlier runs of something similar", 0.5, 2.0)
USER = _Source("what its owner said", 0.5, 2.0)
GUESS = _Source("a guess: nothing like it ran before", 0.1, 5.0)


class History:
    """What earlier runs tell about the next one."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self._records = tuple(records)

    def expect(
        self, likeness: Likeness, epochs: int | None, *, user_s: float | None = None, default_s: float
    ) -> Estimate:
        """How long a run that has not begun will take: the best that is known, and where it comes from."""
        for source, alike in ((SAME, _is_same), (SIMILAR, _is_similar)):
            records = [record for record in self._records if alike(record.likeness, likeness)]
            durations = sorted(_scaled_s(record, epochs) for record in records)
            if durations:
                return self._estimate(durations[len(durations) // 2], source, likeness)
        if user_s is not None:
            return self._estimate(user_s, USER, likeness)
        return self._estimate(default_s, GUESS, likeness)

    def remaining(self, likeness: Likeness, epoch_times_s: Sequence[float], epochs: int) -> Estimate | None:
        """How long a run that has finished epochs will still take; None before its first one."""
        rhythm_s = rhythm(epoch_times_s)
        if rhythm_s is None:
            return None
        left = max(0, epochs - len(epoch_times_s))
        source = OWN_EPOCHS[len(epoch_times_s) > 1]
        return self._estimate(max(left * rhythm_s, LEAST_REMAINING_S), source, likeness)

    def early_stop(self, likeness: Likeness) -> float:
        """The probability that such a run ends before its plan: what was seen of such runs, beside what is common."""
        seen = [record for record in self._records if record.epochs_planned and _is_same(record.likeness, likeness)]
        stopped = sum(record.stopped_early for record in seen)
        return (STOP_PRIOR[0] + stopped) / (sum(STOP_PRIOR) + len(seen))

    def _estimate(self, seconds: float, source: _Source, likeness: Likeness) -> Estimate:
        early_stop = self.early_stop(likeness) if likeness.kind == "train" else 0.0
        return Estimate(
            remaining_s=seconds,
            source=source.words,
            low=source.low,
            high=source.high,
            early_stop=early_stop,
            early_stop_at=STOPPED_AT if early_stop else 1.0,
        )


def rhythm(epoch_times_s: Sequence[float]) -> float | None:
    """How long an epoch takes, in seconds: the newest count most; None before there is one.

    The first is left out as soon as there is another: it warms up caches and takes a good part longer.
    """
    if not epoch_times_s:
        return None
    rhythm_s, *others = epoch_times_s[1:] or epoch_times_s
    for time_s in others:
        rhythm_s += SMOOTHING * (time_s - rhythm_s)
    return rhythm_s


def likeness_of(spec: JobSpec, gpu_model: str = "") -> Likeness:
    """What makes another run take alike, on such GPUs; a job that spells a default out is the same."""
    if spec.kind is Kind.COMMAND:
        return Likeness(kind=spec.kind, gpus=spec.gpus, gpu_model=gpu_model, command=spec.command)
    batch = spec.arguments.get("batch", BATCH)
    return Likeness(
        kind=spec.kind,
        model=spec.model or "",
        data=spec.data or "",
        imgsz=_largest(spec.arguments.get("imgsz", IMGSZ)),
        batch=batch if isinstance(batch, int | float) else None,
        gpus=spec.gpus,
        gpu_model=gpu_model,
    )


def still_needed(estimate_s: float, elapsed_s: float) -> float:
    """What is left of an estimate; one that was outrun is corrected upwards, by a part of what it has taken so far."""
    if elapsed_s < estimate_s:
        return estimate_s - elapsed_s
    return max(OVERRUN_SHARE * elapsed_s, LEAST_REMAINING_S)


def learned(calibration: Calibration, forecast: Forecast, started_at: float) -> Calibration:
    """The calibration after one more forecast start came true: each bound moves towards being missed one time in ten.

    Nothing is learned from a job that was foreseen to start at once.
    """
    if forecast.start_at <= forecast.made_at:
        return calibration
    step = max(0.08, 0.5 / ceil((calibration.count + 1) ** 0.5))
    low = calibration.low + step * (MISSED - (started_at < forecast.low_at))
    high = calibration.high + step * ((started_at > forecast.high_at) - MISSED)
    return replace(calibration, low=low, high=high, count=calibration.count + 1)


def _is_same(one: Likeness, other: Likeness) -> bool:
    return one == other


def _is_similar(one: Likeness, other: Likeness) -> bool:
    """The same kind of run of the same model on the same data; a command is only similar to itself."""
    if one.command or other.command:
        return one.command == other.command
    return (one.kind, one.model, one.data) == (other.kind, other.model, other.data)


def _largest(size: Argument) -> int | None:
    sizes = size if isinstance(size, list) else [size]
    return max((each for each in sizes if isinstance(each, int)), default=None)


def _scaled_s(record: Record, epochs: int | None) -> float:
    """A record's duration, for another number of epochs."""
    if epochs and record.epoch_s:
        return epochs * record.epoch_s
    if epochs and record.epochs_done:
        return record.run_s * epochs / record.epochs_done
    return record.run_s
