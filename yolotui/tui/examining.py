"""A look at a draft: is it right, when would it start, whom would it delay? Not for the thread that draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from yolotui.core.jobs import Job, JobSpec, Priority
from yolotui.core.timetable import Entry, Estimate
from yolotui.core.whatif import NEW_JOB, Difference
from yolotui.errors import NotPossible, WrongFile, WrongUse
from yolotui.jobfile import FileJob, read
from yolotui.queue import Queue
from yolotui.tui.draft import Draft, edits
from yolotui.tui.words import named, plain, short_duration
from yolotui.units import format_clock

MOST_MOVES = 4


@dataclass(frozen=True)
class Examined:
    """What is known of a draft: its mistakes, or the job that it means and what it would come to, in sentences."""

    draft: Draft
    spec: JobSpec | None = None
    priority: Priority = Priority.P2
    mistakes: tuple[str, ...] = ()
    foreseen: tuple[str, ...] = ()


def examine(draft: Draft, queue: Queue, now: float) -> Examined:
    """Check a draft and look ahead."""
    try:
        spec, priority = draft.meant(Path.cwd(), queue.home.weights, queue.names())
    except WrongUse as error:
        return Examined(draft, mistakes=tuple(str(error).splitlines()))
    if draft.edits and draft.source and not edits(draft.source, spec, priority):
        return Examined(draft, spec, priority, foreseen=("Nothing is changed yet.",))
    try:
        if draft.edits and draft.source:
            job_id, difference = draft.source.id, queue.what_if_edited(draft.source.id, spec, priority)
        else:
            job_id, difference = NEW_JOB, queue.what_if_added(spec, priority)
    except WrongUse as error:
        return Examined(draft, mistakes=tuple(str(error).splitlines()))
    except NotPossible as error:
        return Examined(draft, spec, priority, foreseen=(str(error),))
    entry = difference.entry(job_id)
    told = [*_when(entry, now), _how_long(queue.expected(spec)), *moves_told(difference, queue, now, job_id)]
    return Examined(draft, spec, priority, foreseen=tuple(told))


def _when(entry: Entry | None, now: float) -> list[str]:
    if entry is None or entry.start_at is None:
        return [plain(str(entry.why)) if entry and entry.why else "When it would start can't be foreseen."]
    if entry.starts_now:
        start = "Would start at once"
    else:
        start = f"Would start {'about ' if entry.rough else ''}{format_clock(entry.start_at, now)}"
        if entry.start_low_at is not None and entry.start_high_at is not None:
            start += f" ({format_clock(entry.start_low_at, now)} to {format_clock(entry.start_high_at, now)})"
    return [f"{start}, end {format_clock(entry.finish_at, now)}." if entry.finish_at else f"{start}."]


def _how_long(estimate: Estimate) -> str:
    return f"Takes about {short_duration(estimate.remaining_s)}, by {estimate.source}."


def moves_told(difference: Difference, queue: Queue, now: float, but: int = NEW_JOB) -> list[str]:
    """Whom it would delay, or help, those first that it matters most to."""
    moved = [move for move in difference.moves if move.job_id != but]
    if not moved:
        return ["Nobody else would start later."]
    moved.sort(key=lambda move: -abs(move.later_s))
    jobs: dict[int, Job] = {job.id: job for job in queue.jobs(ids=[move.job_id for move in moved])}
    told = []
    for move in moved[:MOST_MOVES]:
        if move.job_id not in jobs:
            continue
        if move.after is None or move.before is None:
            how = "could no longer be foreseen" if move.after is None else "could be foreseen"
        else:
            later = "later" if move.later_s > 0 else "sooner"
            how = f"{short_duration(abs(move.later_s))} {later}, at {format_clock(move.after, now)}"
        told.append(f"{named(jobs[move.job_id])}: {how}")
    rest = len(moved) - len(told)
    return [*told, *([f"and {rest} more would move"] if rest > 0 else [])]


@dataclass(frozen=True)
class FileLook:
    """What a file of jobs would submit: its jobs, or its mistakes."""

    path: str
    jobs: tuple[FileJob, ...] = ()
    mistakes: tuple[str, ...] = ()


def look_into(path: str, queue: Queue) -> FileLook:
    """Read a file of jobs as submitting it would."""
    file = Path(path).expanduser()
    if not file.is_file():
        return FileLook(path, mistakes=(f"There is no file {path!r}." if path else "",))
    try:
        return FileLook(path, read(file.absolute(), weights_dir=queue.home.weights, existing=queue.names()).jobs)
    except WrongFile as error:
        return FileLook(path, mistakes=tuple(error.mistakes))
