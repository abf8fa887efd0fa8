"""What `--dry-run` prints: who would start sooner, who later, by how much; and that nothing was done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

from yolotui.cli.documents import estimate_document
from yolotui.cli.printing import Table, narrate, print_document, print_table
from yolotui.core.plan import Move
from yolotui.core.planning.leaving import loses
from yolotui.core.timetable import Estimate
from yolotui.core.whatif import NEW_JOB, Difference
from yolotui.queue import Queue
from yolotui.units import format_clock, format_duration

SHOWN_AT_MOST = 30


class NewJob(NamedTuple):
    """A job that is not in the queue yet: its name, and how long it would take."""

    name: str
    estimate: Estimate


def tell_moves(queue: Queue, difference: Difference, new: NewJob | None = None) -> None:
    """Print the moves as a table, those that gain first."""
    now = time.time()
    names = _names(queue, difference, new)
    table = Table(("id", "name", "start", "then", "change"), right=frozenset({"id"}))
    shown = difference.moves
    if len(shown) > SHOWN_AT_MOST:
        shown = [*shown[: SHOWN_AT_MOST // 2], *shown[-SHOWN_AT_MOST // 2 :]]
        narrate(f"{len(difference.moves)} jobs would move: those that move most. --json lists all.")
    for move in shown:
        job_id = "new" if move.job_id == NEW_JOB else str(move.job_id)
        then = [_clock(moment, now) for moment in (move.before, move.after)]
        table.add(job_id, names.get(move.job_id, ""), *then, _change(move))
    if table.rows:
        print_table(table)
    entry = difference.entry(NEW_JOB)
    if new and entry is not None and entry.start_at is None:
        narrate(f"{new.name} can't be foreseen. {entry.why or ''}")
    elif not table.rows and not difference.evictions:
        narrate("Nothing would move.")
    for eviction in difference.evictions:
        due, lost = format_clock(eviction.notice.due_at, now), loses(eviction.notice.loses_s)
        narrate(f"Job {eviction.job_id} ({names[eviction.job_id]}) would have to make room at {due}. {lost}")
    if new:
        narrate(f"Estimate of {new.name}: {format_duration(round(new.estimate.remaining_s))}, {new.estimate.source}.")
    narrate("Nothing was changed.")


def print_moves(queue: Queue, difference: Difference, new: NewJob | None = None) -> None:
    """Print the moves as a document: ids (null for a new job), expected starts in UTC seconds, null where unknown.

    The new job has its estimate with it.
    """
    names = _names(queue, difference, new)
    moves = [
        {
            "id": move.job_id if move.job_id != NEW_JOB else None,
            "name": names.get(move.job_id),
            "expected_start": move.before,
            "then": move.after,
            "estimate": estimate_document(new.estimate) if new and move.job_id == NEW_JOB else None,
            "later_s": move.later_s if isfinite(move.later_s) else None,
        }
        for move in difference.moves
    ]
    print_document("moves", moves)


def _names(queue: Queue, difference: Difference, new: NewJob | None) -> Mapping[int, str]:
    moved, leaving = ([each.job_id for each in which] for which in (difference.moves, difference.evictions))
    jobs = queue.jobs(ids=[*moved, *leaving])
    return {NEW_JOB: new.name if new else ""} | {job.id: job.name for job in jobs}


def _clock(moment: float | None, now: float) -> str:
    return "" if moment is None else format_clock(max(moment, now), now)


def _change(move: Move) -> str:
    if move.job_id == NEW_JOB:
        return "new"
    if not isfinite(move.later_s):
        return "can't be foreseen any more" if move.after is None else "can be foreseen"
    return f"{format_duration(abs(round(move.later_s)))} {'later' if move.later_s > 0 else 'sooner'}"
