"""Runs beside one another: what was asked differently, what each came to, and what makes them not comparable. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from math import isfinite

from msgspec import Struct

from yolotui.core.jobs import Argument, Job, Kind, Succeeded
from yolotui.core.metrics import main_column, main_metric
from yolotui.core.reporting import gpu_seconds

FEWEST, MOST = 2, 16
MEASURED_WITH = ("imgsz", "rect", "iou", "conf", "max_det", "split", "half", "single_cls", "agnostic_nms", "augment")
"""Arguments that change how a score is measured, and not only how well a run learns."""
CHANGES_DATA = ("fraction", "classes", "single_cls", "split")
"""Arguments that change what a run learns from or is measured on, beside the data file."""


class Changed(Struct, frozen=True):
    """Something that a run did otherwise than it was asked."""

    what: str
    before: Argument
    to: Argument
    why: str = ""


class RunFacts(Struct, frozen=True, kw_only=True):
    """A job, and what its run directory tells.

    `columns` are those of results.csv, a value an epoch (NaN: none); `elapsed_s` are seconds of training up to the end
    of each epoch, over all attempts. `made_from` has versions, the `commit` of the code and the fingerprint of the
    `data`; `in_force` the arguments that it went by, those that nobody gave among them.
    """

    job: Job
    epochs: tuple[int, ...] = ()
    elapsed_s: tuple[float, ...] = ()
    columns: dict[str, tuple[float, ...]] = {}
    changes: tuple[Changed, ...] = ()
    versions: dict[str, str] = {}
    made_from: dict[str, str] = {}
    in_force: dict[str, Argument] = {}


class Compared(Struct, frozen=True, kw_only=True):
    """What one run came to. `best_epoch` is the one with the highest `best`; both are None without a common metric.

    `gpu_s` are GPU-seconds over all attempts; `best_after_s` is how long it trained until its best epoch.
    """

    job_id: int
    name: str
    state: str
    epochs_done: int
    epochs_total: int | None
    best: float | None
    best_epoch: int | None
    best_after_s: float | None
    last: float | None
    trained_s: float | None
    gpu_s: float
    gpu_model: str


class Differing(Struct, frozen=True):
    """Something that is not the same in all runs: a value a run, in their order; None where it is not known.

    In `Comparison.differing` these are arguments, None where one was not given.
    """

    argument: str
    values: tuple[Argument, ...]


class Obstacle(StrEnum):
    """What keeps runs from being compared."""

    CHANGED = "changed"
    DATA = "data"
    TASK = "task"
    MEASURE = "measure"
    EPOCHS = "epochs"
    UNFINISHED = "unfinished"
    VERSIONS = "versions"
    HARDWARE = "hardware"


class Caveat(Struct, frozen=True):
    """A reason why a comparison misleads, as a sentence, and the jobs that it is about."""

    kind: Obstacle
    sentence: str
    jobs: tuple[int, ...]


class Comparison(Struct, frozen=True, kw_only=True):
    """Runs in the order in which they were named. `metric` is the column that those with an epoch share, if any.

    `made_otherwise` is what differs beside the arguments: versions, commit, data, GPU, driver, and arguments in force
    that nobody gave.
    """

    metric: str | None
    runs: tuple[Compared, ...]
    differing: tuple[Differing, ...]
    made_otherwise: tuple[Differing, ...]
    caveats: tuple[Caveat, ...]

    @property
    def winner(self) -> int | None:
        """The place of the run with the best score; None where nobody has one."""
        scores = [(run.best, -place) for place, run in enumerate(self.runs) if run.best is not None]
        return -max(scores)[1] if scores else None


def compare(runs: Sequence[RunFacts], now: float) -> Comparison:
    """Compare runs, as they are at `now` (UTC seconds)."""
    metric = _common_metric(runs)
    return Comparison(
        metric=metric,
        runs=tuple(_compared(run, metric, now) for run in runs),
        differing=tuple(_differing([_asked(run.job) for run in runs])),
        made_otherwise=tuple(_made_otherwise(runs)),
        caveats=tuple(_caveats(runs, metric)),
    )


def _common_metric(runs: Sequence[RunFacts]) -> str | None:
    """The score that all runs with an epoch have."""
    told = [run.columns for run in runs if run.columns]
    return main_column([name for name in told[0] if all(name in each for each in told)]) if told else None


def _compared(run: RunFacts, metric: str | None, now: float) -> Compared:
    job, scores = run.job, run.columns.get(metric or "", ())
    known = [(score, -place) for place, score in enumerate(scores) if isfinite(score)]
    place = -max(known)[1] if known else None
    return Compared(
        job_id=job.id,
        name=job.name,
        state=job.state,
        epochs_done=len(run.epochs) or job.progress.epochs_done,
        epochs_total=job.progress.epochs_total or job.spec.epochs,
        best=scores[place] if place is not None else None,
        best_epoch=run.epochs[place] if place is not None else None,
        best_after_s=run.elapsed_s[place] if place is not None else None,
        last=scores[-known[-1][1]] if known else None,
        trained_s=run.elapsed_s[-1] if run.elapsed_s else None,
        gpu_s=gpu_seconds(job, now),
        gpu_model=_gpu_model(job),
    )


def _gpu_model(job: Job) -> str:
    return job.attempts[-1].gpu_model if job.attempts else ""


def _asked(job: Job) -> dict[str, Argument]:
    """Everything that was asked for, in one mapping."""
    spec = job.spec
    asked: dict[str, Argument] = {"model": spec.model, "data": spec.data, "gpus": spec.gpus}
    return {**asked, **spec.arguments}


def _differing(tables: Sequence[Mapping[str, Argument]]) -> Iterable[Differing]:
    for name in dict.fromkeys(name for each in tables for name in each):
        values = tuple(each.get(name) for each in tables)
        if any(value != values[0] or type(value) is not type(values[0]) for value in values):
            yield Differing(name, values)


def _made_otherwise(runs: Sequence[RunFacts]) -> Iterable[Differing]:
    """What differs among those runs of which it is known; what was asked for differently is told as that."""
    asked = {name for run in runs for name in _asked(run.job)}
    for differing in _differing([_made_with(run, asked) for run in runs]):
        if len({repr(value) for value in differing.values if value is not None}) > 1:
            yield differing


def _made_with(run: RunFacts, asked: Collection[str]) -> dict[str, Argument]:
    found: dict[str, Argument] = {**run.versions, **run.made_from}
    if gpu := _gpu_model(run.job):
        found["GPU"] = gpu
    return found | {f"{name} in force": value for name, value in run.in_force.items() if name not in asked}


def _caveats(runs: Sequence[RunFacts], metric: str | None) -> Iterable[Caveat]:
    for run in runs:
        if run.job.spec.kind is not Kind.TRAIN:
            yield Caveat(Obstacle.TASK, _no_training(run.job), (run.job.id,))
    runs = [run for run in runs if run.job.spec.kind is Kind.TRAIN]
    for run in runs:
        yield from _changes(run)
    jobs = tuple(run.job.id for run in runs)
    asked = [_asked(run.job) for run in runs]
    if len({each["data"] for each in asked}) > 1:
        yield Caveat(Obstacle.DATA, "They were trained on different data: scores don't measure the same thing.", jobs)
    for name in CHANGES_DATA:
        if _varies(asked, name):
            yield Caveat(Obstacle.DATA, f"They use different parts of the data ({name} differs).", jobs)
    if metric is None and sum(bool(run.columns) for run in runs) > 1:
        yield Caveat(Obstacle.TASK, "They share no score: they are trainings of different tasks.", jobs)
    for name in MEASURED_WITH:
        if name not in CHANGES_DATA and _varies(asked, name):
            yield Caveat(Obstacle.MEASURE, f"Their scores are measured with a different {name}.", jobs)
    if len(planned := {run.job.spec.epochs for run in runs}) > 1:
        told = ", ".join("the default" if each is None else str(each) for each in sorted(planned, key=lambda e: e or 0))
        yield Caveat(Obstacle.EPOCHS, f"They were to train for different numbers of epochs: {told}.", jobs)
    unfinished = [run for run in runs if not isinstance(run.job.status, Succeeded)]
    for run in unfinished:
        reached = f" after {run.epochs[-1]} epochs" if run.epochs else ""
        sentence = f"#{run.job.id} {run.job.name} is {run.job.state}{reached}: it has not shown all that it can."
        yield Caveat(Obstacle.UNFINISHED, sentence, (run.job.id,))
    yield from _surroundings(runs)


def _no_training(job: Job) -> str:
    """A validation has a score, but not one of training epochs, and perhaps on other data."""
    score = main_metric(job.progress.best)
    told = f"its {score[0].removeprefix('metrics/')} of {score[1]:.4g} stands apart" if score else "it has no score"
    return f"#{job.id} {job.name} is no training ({job.spec.kind.value}): {told}."


def _changes(run: RunFacts) -> Iterable[Caveat]:
    """What it did otherwise than asked; what has no value any more (a refused name of a directory) changes no score."""
    for change in run.changes:
        if change.to is not None and change.what != "epoch":
            because = f": {change.why}" if change.why else ""
            sentence = f"#{run.job.id} {run.job.name} went on with {change.what} {change.to} instead of {change.before}"
            yield Caveat(Obstacle.CHANGED, f"{sentence}{because}.", (run.job.id,))


def _surroundings(runs: Sequence[RunFacts]) -> Iterable[Caveat]:
    jobs = tuple(run.job.id for run in runs)
    for name in dict.fromkeys(name for run in runs for name in run.versions if name != "python"):
        known = dict.fromkeys(run.versions[name] for run in runs if name in run.versions)
        if len(known) > 1:
            yield Caveat(
                Obstacle.VERSIONS, f"They were trained with different versions of {name}: {', '.join(known)}.", jobs
            )
    if _are_several(runs, "commit"):
        commits = ", ".join(dict.fromkeys(run.made_from["commit"] for run in runs if "commit" in run.made_from))
        yield Caveat(Obstacle.VERSIONS, f"The code beside them was not the same: {commits}.", jobs)
    if _are_several(runs, "data") and len({run.job.spec.data for run in runs}) == 1:
        yield Caveat(Obstacle.DATA, "Their data set was changed between them: its files are not the same.", jobs)
    models = dict.fromkeys(model for run in runs if (model := _gpu_model(run.job)))
    if len(models) > 1:
        yield Caveat(Obstacle.HARDWARE, f"Their times are of different GPUs: {', '.join(models)}.", jobs)


def _are_several(runs: Sequence[RunFacts], name: str) -> bool:
    return len({run.made_from[name] for run in runs if name in run.made_from}) > 1


def _varies(asked: Sequence[dict[str, Argument]], name: str) -> bool:
    return any(each.get(name) != asked[0].get(name) for each in asked)
