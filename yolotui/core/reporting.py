"""What the GPUs were used for over a period: hours by owner, group, project, runs with results, idle gaps. Pure.

Where several jobs share a card, each is charged its equal part of every moment: what all were charged adds up to what
the cards were busy. GPU time is in GPU-seconds; times are UTC seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from pathlib import PurePath

from msgspec import Struct

from yolotui.core.jobs import Held, Job

SHORTEST_GAP_S = 60.0
NIGHT_BEGINS_H, NIGHT_ENDS_H = 18, 8
NO_PROJECT = "no project"


class Period(StrEnum):
    """A stretch of time that people ask about."""

    TODAY = "today"
    NIGHT = "night"
    WEEK = "week"


class Usage(Struct, frozen=True):
    """What one owner, group or project was charged, and for how many jobs that ran."""

    name: str
    gpu_s: float
    jobs: int


class RunResult(Struct, frozen=True, kw_only=True):
    """A job that ran in the period. `gpu_s` counts the period alone; `best` are its metrics at their best."""

    job_id: int
    name: str
    owner: str
    group: str
    project: str
    state: str
    gpu_s: float
    ran_s: float
    attempts: int
    epochs_done: int
    epochs_total: int | None
    best: dict[str, float]


class IdleGap(Struct, frozen=True):
    """A GPU that nobody used. `queued` counts the jobs that asked for a GPU and were in the queue when it began."""

    since: float
    until: float
    queued: int

    @property
    def length_s(self) -> float:
        """How long it lasted."""
        return self.until - self.since


class CardUsage(Struct, frozen=True):
    """A GPU over the period, with its gaps of a minute and more in order. `label` is what people call it."""

    gpu: str
    label: str
    busy_s: float
    idle_s: float
    gaps: tuple[IdleGap, ...]


class Report(Struct, frozen=True, kw_only=True):
    """A period, `until` at most now. Owners, groups, projects, runs: in order of what they were charged, most first.

    There are no projects where none is known of any run.
    """

    since: float
    until: float
    gpu_s: float
    by_owner: tuple[Usage, ...] = ()
    by_group: tuple[Usage, ...] = ()
    by_project: tuple[Usage, ...] = ()
    runs: tuple[RunResult, ...] = ()
    cards: tuple[CardUsage, ...] = ()

    @property
    def share_busy(self) -> float | None:
        """How much of the cards' time was used, 0 to 1; None without cards."""
        total = sum(card.busy_s + card.idle_s for card in self.cards)
        return sum(card.busy_s for card in self.cards) / total if total > 0 else None


class _Span(Struct, frozen=True):
    """An attempt within the period."""

    job: Job
    gpus: tuple[str, ...]
    since: float
    until: float


def bounds(period: Period, now: float, *, zone: tzinfo | None = None) -> tuple[float, float]:
    """Start and end of a period as said at `now`; `zone` is the local one if None.

    The night lasts from six in the evening until eight in the morning: the one that is on, else the last one.
    """
    local = datetime.fromtimestamp(now, UTC).astimezone(zone)
    midnight = datetime.combine(local.date(), time(), zone)  # of the calendar: some days have 23 hours, some 25
    match period:
        case Period.TODAY:
            return midnight.timestamp(), now
        case Period.WEEK:
            return (midnight - timedelta(days=6)).timestamp(), now
        case Period.NIGHT:
            evening = midnight if local.hour >= NIGHT_BEGINS_H else midnight - timedelta(days=1)
            morning = evening + timedelta(days=1)
            return (
                evening.replace(hour=NIGHT_BEGINS_H).timestamp(),
                min(now, morning.replace(hour=NIGHT_ENDS_H).timestamp()),
            )


def gpu_seconds(job: Job, now: float) -> float:
    """What a job has cost by `now`: the GPU-seconds of all its attempts, as if it had each card for itself."""
    return sum(
        max(0.0, (attempt.ended_at or now) - attempt.started_at) * len(attempt.gpus)
        for attempt in job.attempts
        if attempt.started_at is not None
    )


def report(
    jobs: Sequence[Job], cards: Mapping[str, str], since: float, until: float, *, shortest_gap_s: float = SHORTEST_GAP_S
) -> Report:
    """What became of the time from `since` to `until` on these cards (UUID to label), and on others that were used."""
    spans = [span for job in jobs for span in _spans(job, since, until)]
    by_card: dict[str, list[_Span]] = {uuid: [] for uuid in cards}
    for span in spans:
        for uuid in span.gpus:
            by_card.setdefault(uuid, []).append(span)
    charged: dict[int, float] = {}
    queue = _QueueLength(jobs)
    usages: list[CardUsage] = []
    for uuid, held in by_card.items():
        gaps: list[IdleGap] = []
        busy_s = 0.0
        for begin, end, holders in _stretches(held, since, until):
            busy_s += end - begin if holders else 0.0
            for holder in holders:
                charged[holder] = charged.get(holder, 0.0) + (end - begin) / len(holders)
            if not holders and end - begin >= shortest_gap_s:
                gaps.append(IdleGap(begin, end, queue.at(begin)))
        idle_s = max(0.0, until - since - busy_s)
        usages.append(CardUsage(uuid, cards.get(uuid, uuid), busy_s, idle_s, tuple(gaps)))
    ran = {span.job.id: span.job for span in spans}
    ran_s: dict[int, float] = {}
    for span in spans:
        ran_s[span.job.id] = ran_s.get(span.job.id, 0.0) + span.until - span.since
    results = [_result(job, charged.get(job.id, 0.0), ran_s[job.id]) for job in ran.values()]
    runs = sorted(results, key=lambda run: (-run.gpu_s, run.job_id))
    projects = {run.project for run in runs}
    return Report(
        since=since,
        until=until,
        gpu_s=sum(charged.values()),
        by_owner=_usage((run.owner, run) for run in runs),
        by_group=_usage((run.group, run) for run in runs),
        by_project=_usage((project_name(run.project, projects), run) for run in runs) if any(projects) else (),
        runs=tuple(runs),
        cards=tuple(usages),
    )


def _spans(job: Job, since: float, until: float) -> Iterable[_Span]:
    for attempt in job.attempts:
        if attempt.started_at is None:
            continue
        begin, end = max(since, attempt.started_at), min(until, attempt.ended_at or until)
        if end > begin:
            yield _Span(job, attempt.gpus, begin, end)


def _stretches(spans: Sequence[_Span], since: float, until: float) -> Iterable[tuple[float, float, tuple[int, ...]]]:
    """One card from event to event: from when to when, and the ids of the jobs that held it."""
    starts = [(span.since, 1, span.job.id) for span in spans]
    ends = [(span.until, -1, span.job.id) for span in spans]
    holders: list[int] = []
    at = since
    for moment, change, job_id in [*sorted(starts + ends), (until, 0, 0)]:
        if moment > at:
            yield at, moment, tuple(holders)
        if change > 0:
            holders.append(job_id)
        elif change < 0:
            holders.remove(job_id)
        at = moment


class _QueueLength:
    """How many jobs that need a GPU were in the queue at a moment: submitted, not started yet, not ended, not held."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        asking = [job for job in jobs if job.spec.gpus]
        self._came = sorted(job.submitted_at for job in asking)
        self._left = sorted(left for job in asking if (left := left_queue_at(job)) is not None)

    def at(self, moment: float) -> int:
        """The number just after `moment`."""
        return bisect_right(self._came, moment) - bisect_right(self._left, moment)


def left_queue_at(job: Job) -> float | None:
    """When it stopped waiting for its first start (UTC seconds): it came, or is not to come. None while it waits."""
    if job.first_started_at is not None:
        return job.first_started_at
    return job.status.since if job.ended or isinstance(job.status, Held) else None


def _result(job: Job, gpu_s: float, ran_s: float) -> RunResult:
    progress = job.progress
    return RunResult(
        job_id=job.id,
        name=job.name,
        owner=job.owner.name,
        group=job.spec.group,
        project=job.project,
        state=job.state,
        gpu_s=gpu_s,
        ran_s=ran_s,
        attempts=len(job.attempts),
        epochs_done=progress.epochs_done,
        epochs_total=progress.epochs_total or job.spec.epochs,
        best=progress.best,
    )


def project_name(folder: str, among: Collection[str]) -> str:
    """What people call a project: the end of its folder's path that no other one has."""
    parts = PurePath(folder).parts
    others = [PurePath(other).parts for other in among if other != folder]
    depth = next((n for n in range(1, len(parts)) if all(other[-n:] != parts[-n:] for other in others)), len(parts))
    return str(PurePath(*parts[-depth:])) if parts else NO_PROJECT


def _usage(runs: Iterable[tuple[str, RunResult]]) -> tuple[Usage, ...]:
    sums: dict[str, tuple[float, int]] = {}
    for name, run in runs:
        gpu_s, jobs = sums.get(name, (0.0, 0))
        sums[name] = (gpu_s + run.gpu_s, jobs + 1)
    usages = [Usage(name, gpu_s, jobs) for name, (gpu_s, jobs) in sums.items()]
    return tuple(sorted(usages, key=lambda usage: (-usage.gpu_s, usage.name)))
