"""Taking back what a person did last, as long as everything is still as it was left."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from yolotui.core.jobs import Job, Priority, Status
from yolotui.errors import NotPossible
from yolotui.store.database import Transaction
from yolotui.store.queries import AuditRow, Queries
from yolotui.store.standing import STANDING, told_act
from yolotui.store.submitting import rearm_skipped, set_status
from yolotui.store.undoing_bookings import undo_to_booking

TO_BOOKINGS = frozenset({"reserve", "unreserve", "transfer", "extend", "move"})
UNDOABLE = TO_BOOKINGS | {"priority", "deadline", "hold", "release", "cancel", "hold-group", "release-group"}
LEFT_AS = {"hold": "held", "release": "waiting", "cancel": "cancelled"}
"""The state that a verb leaves a job in, at the moment of its audit row."""


class Undone(Struct, frozen=True, kw_only=True):
    """What was taken back: the verb, when it was done (UTC seconds), to which jobs, or to which group.

    Or it was done to a booking. `rearmed` are the jobs that were skipped because of it and wait again.
    """

    verb: str
    at: float
    jobs: tuple[int, ...] = ()
    group: str = ""
    booking: int | None = None
    rearmed: tuple[int, ...] = ()


def undo(write: Transaction, read: Queries, *, older: bool = False) -> Undone:
    """Take back the actor's last verb. Raises NotPossible where it can't be, there is none, or something has moved on.

    A verb that was taken back is passed over, so that a second undo takes back the one before it. With `older`, those
    that can't be taken back are passed over, too.
    """
    rows = _last_deed(read.deeds(write.actor, UNDOABLE | STANDING.keys() | {"undo"}), older=older)
    jobs = {job.id: job for job in read.jobs(ids=[row.job for row in rows if row.job is not None])}
    rearmed: list[int] = []
    group, booking = "", None
    for row in rows:
        if row.verb in TO_BOOKINGS:
            booking = row.detail["booking"]
            undo_to_booking(write, row, read.cards())
        elif row.job is None:
            group = row.detail["group"]
            _undo_to_group(write, read, row)
        else:
            rearmed += _undo_to_job(write, row, jobs[row.job])
        write.audit("undo", row.job, of=row.id, verb=row.verb)
    done_to = tuple(row.job for row in rows if row.job is not None and booking is None)
    return Undone(verb=rows[0].verb, at=rows[0].at, jobs=done_to, group=group, booking=booking, rearmed=tuple(rearmed))


def _last_deed(rows: Sequence[AuditRow], *, older: bool) -> list[AuditRow]:
    """The rows of the newest verb that was not taken back, in order; `rows` come newest first."""
    undone = {row.detail["of"] for row in rows if row.verb == "undo"}
    left = [row for row in rows if row.verb != "undo" and row.id not in undone]
    can_be = [row for row in left if row.verb in UNDOABLE]
    if left and left[0].verb in STANDING and not older:
        further = " `yolotui undo --older` takes back what you did before that." if can_be else ""
        raise NotPossible(f"Your last act was {told_act(_of_one_act(left))}.{further}")
    if not can_be:
        raise NotPossible(
            "There is nothing to undo: priority, deadline, hold, release, cancel can be taken back, and bookings."
        )
    return _of_one_act(can_be)


def _of_one_act(left: Sequence[AuditRow]) -> list[AuditRow]:
    """The rows that the newest one's verb has written, in order; `left` come newest first."""
    deed = [left[0]]
    for row in left[1:]:
        # One transaction writes its rows one after the other, with one clock reading.
        if (row.id, row.at) != (deed[-1].id - 1, deed[-1].at) or _root(row) != _root(deed[0]):
            break
        deed.append(row)
    return deed[::-1]


def _root(row: AuditRow) -> str:
    """The release of a group writes a release for each job in it, too."""
    return row.verb.removesuffix("-group")


def _undo_to_job(write: Transaction, row: AuditRow, job: Job) -> list[int]:
    """Put a job back; returns what waits again behind it."""
    if row.verb == "priority":
        if job.ended or job.priority.name != row.detail["after"]:
            raise _moved_on(job, row)
        before = int(Priority[row.detail["before"]])
        write.execute("UPDATE jobs SET priority = ?, revision = ? WHERE id = ?", (before, write.revision, job.id))
        return []
    if row.verb == "deadline":
        if job.ended or job.deadline_at != row.detail["after"]:
            raise _moved_on(job, row)
        was = row.detail["before"]
        write.execute("UPDATE jobs SET deadline_at = ?, revision = ? WHERE id = ?", (was, write.revision, job.id))
        return []
    if (job.state, job.status.since) != (LEFT_AS[row.verb], row.at) or "status" not in row.detail:
        raise _moved_on(job, row)
    set_status(write, job.id, msgspec.convert(row.detail["status"], Status))
    return rearm_skipped(write, job.id) if row.verb == "cancel" else []


def _undo_to_group(write: Transaction, read: Queries, row: AuditRow) -> None:
    name = row.detail["group"]
    held = read.held_groups().get(name)
    if row.verb == "hold-group":
        if held is None or held.since != row.at:
            raise NotPossible(f"Group {name!r} is no longer as that hold left it: nothing was undone.")
        write.execute("DELETE FROM held_groups WHERE name = ?", (name,))
        return
    if held is not None:
        raise NotPossible(f"Group {name!r} is held again: nothing was undone.")
    if before := row.detail.get("held"):
        values = (name, before["since"], before["reason"])
        write.execute("INSERT INTO held_groups (name, since, reason) VALUES (?, ?, ?)", values)


def _moved_on(job: Job, row: AuditRow) -> NotPossible:
    now = f"{job.state}, {job.priority.name}" if row.verb == "priority" else job.state
    return NotPossible(
        f"job {job.id} ({job.name}) is no longer as {row.verb!r} left it (it is {now}): nothing was undone."
    )
