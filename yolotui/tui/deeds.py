"""What the keys do to jobs: each deed is a verb of the queue, chosen by the state that the jobs are in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from yolotui.core.bookings import Booking, BookingRequest, Waitlisted
from yolotui.core.jobs import (
    ACTIVE,
    Cancelled,
    Failed,
    Held,
    Job,
    JobSpec,
    Kind,
    Paused,
    Priority,
    Running,
    Skipped,
    Starting,
    Stopping,
    Waiting,
)
from yolotui.errors import NotPossible
from yolotui.queue import Queue
from yolotui.tui.clerk import Deed
from yolotui.tui.draft import edits
from yolotui.tui.words import named
from yolotui.units import format_clock, moment

Jobs = Sequence[Job]


def shift_priority(ids: Sequence[int], step: int) -> Deed:
    """Deed: move each job `step` classes (-1: more urgent), as it stands when the deed is done."""

    def deed(queue: Queue) -> str:
        jobs = _of_state([job for job in queue.jobs(ids=ids) if not job.ended], "whose priority still matters")
        by_class: dict[Priority, list[int]] = {}
        for job in jobs:
            wanted = Priority(min(Priority.P3, max(Priority.P0, job.priority + step)))
            if wanted != job.priority:
                by_class.setdefault(wanted, []).append(job.id)
        if not by_class:
            return f"{say(jobs)}: already {jobs[0].priority.name}."
        for priority, group in by_class.items():
            queue.set_priority(group, priority)
        moved = [job for job in jobs if any(job.id in group for group in by_class.values())]
        return f"{say(moved)}: now {' and '.join(priority.name for priority in sorted(by_class))}."

    return deed


def pause_or_resume(ids: Sequence[int]) -> Deed:
    """Deed: resume the paused jobs; where there are none, pause the running ones."""

    def deed(queue: Queue) -> str:
        jobs = queue.jobs(ids=ids)
        if paused := [job for job in jobs if isinstance(job.status, Paused)]:
            queue.resume(_ids(paused))
            return f"{say(paused)}: continues when its turn comes."
        running = _of_state(
            [job for job in jobs if isinstance(job.status, Running | Starting)], "that runs or is paused"
        )
        queue.pause(_ids(running))
        return f"{say(running)}: stops at the end of its epoch."

    return deed


def hold_or_release(ids: Sequence[int]) -> Deed:
    """Deed: release the held jobs; where there are none, hold the waiting ones."""

    def deed(queue: Queue) -> str:
        jobs = queue.jobs(ids=ids)
        if held := [job for job in jobs if isinstance(job.status, Held)]:
            queue.release(_ids(held))
            return f"{say(held)}: released."
        waiting = _of_state([job for job in jobs if isinstance(job.status, Waiting)], "that waits or is held")
        queue.hold(_ids(waiting))
        return f"{say(waiting)}: held until somebody releases it."

    return deed


def retry(ids: Sequence[int]) -> Deed:
    """Deed: try again what failed, was cancelled or skipped."""

    def deed(queue: Queue) -> str:
        ended = [job for job in queue.jobs(ids=ids) if isinstance(job.status, Failed | Cancelled | Skipped)]
        ended = _of_state(ended, "that failed, was cancelled or skipped")
        again, behind = queue.retry(_ids(ended))
        return f"{say(queue.jobs(ids=again))}: waits again{f', and {len(behind)} behind it' if behind else ''}."

    return deed


def checkpoint(ids: Sequence[int]) -> Deed:
    """Deed: have running trainings write a checkpoint."""

    def deed(queue: Queue) -> str:
        running = _of_state(trainings_running(queue.jobs(ids=ids)), "that trains")
        queue.checkpoint(_ids(running))
        return f"{say(running)}: asked for a checkpoint."

    return deed


def finish(ids: Sequence[int]) -> Deed:
    """Deed: have exactly these trainings end with what they have."""

    def deed(queue: Queue) -> str:
        queue.finish(ids)
        return f"{say(queue.jobs(ids=ids))}: finishes with what it has."

    return deed


def end(to_kill: Sequence[int], to_cancel: Sequence[int]) -> Deed:
    """Deed: kill and cancel exactly these jobs, as a person has confirmed."""

    def deed(queue: Queue) -> str:
        if to_kill:
            queue.kill(to_kill)
        if to_cancel:
            queue.cancel(to_cancel)
        told = [(to_kill, "TERM goes out now"), (to_cancel, "out of the queue")]
        return ". ".join(f"{say(queue.jobs(ids=ids))}: {what}" for ids, what in told if ids) + "."

    return deed


def undo(queue: Queue) -> str:
    """Take back what this person did last, as far as it can be."""
    undone = queue.undo()
    what = f"@{undone.group}" if undone.group else say(queue.jobs(ids=undone.jobs))
    if undone.booking:
        what = f"booking {undone.booking}"
    behind = f"; {len(undone.rearmed)} behind it wait again" if undone.rearmed else ""
    return f"Taken back: {undone.verb} of {what}{behind}."


def submit(spec: JobSpec, priority: Priority) -> Deed:
    """Deed: put a new job into the queue."""

    def deed(queue: Queue) -> str:
        ids = queue.add(spec, priority=priority)
        return f"{say(queue.jobs(ids=ids))}: submitted as {priority.name}."

    return deed


def submit_file(path: str) -> Deed:
    """Deed: take a file of jobs, whole or not at all."""

    def deed(queue: Queue) -> str:
        taken = queue.add_file(Path(path).expanduser())
        known = len(taken.jobs) - len(taken.added)
        return f"{len(taken.added)} jobs submitted{f', {known} were there already' if known else ''}."

    return deed


def change(job: Job, spec: JobSpec, priority: Priority, now: float) -> Deed:
    """Deed: make a waiting job what the form says. A deadline counts from `now` (UTC seconds)."""

    def deed(queue: Queue) -> str:
        wanted = edits(job, spec, priority)
        if wanted.arguments or wanted.asks:
            queue.edit(job.id, wanted.arguments, asks=wanted.asks)
        if wanted.priority is not None:
            queue.set_priority([job.id], wanted.priority)
        if wanted.deadline is not None:
            queue.set_deadline([job.id], moment(wanted.deadline, now) if wanted.deadline else None)
        return f"{named(job)}: {wanted.told or 'nothing changed'}."

    return deed


def reserve(request: BookingRequest, *, waitlist: bool = False) -> Deed:
    """Deed: book a window; with `waitlist` one that others hold is waited for."""

    def deed(queue: Queue) -> str:
        booking = queue.reserve(request, waitlist=waitlist)
        if isinstance(booking.status, Waitlisted):
            return f"Booking {booking.id} is on the waitlist: it moves up when those who have its window let go."
        return f"Booking {booking.id} is made."

    return deed


def move_booking(booking: Booking, request: BookingRequest) -> Deed:
    """Deed: give a booking another window."""

    def deed(queue: Queue) -> str:
        queue.move_booking(booking.id, request.starts_at, request.ends_at)
        return f"Booking {booking.id} is moved."

    return deed


def extend_booking(booking_id: int, ends_at: float, now: float) -> Deed:
    """Deed: let a booking end at another moment (UTC seconds), later or sooner."""

    def deed(queue: Queue) -> str:
        moved_up = queue.extend(booking_id, ends_at)
        return f"Booking {booking_id} ends {format_clock(ends_at, now)}.{_up(moved_up)}"

    return deed


def transfer_booking(booking_id: int, to: str) -> Deed:
    """Deed: make a booking somebody else's."""

    def deed(queue: Queue) -> str:
        return f"Booking {booking_id} is {queue.transfer(booking_id, to).owner.name}'s now."

    return deed


def unreserve(booking_id: int) -> Deed:
    """Deed: take a booking back, or give back the rest of an open one."""

    def deed(queue: Queue) -> str:
        return f"Booking {booking_id} is taken back.{_up(queue.unreserve(booking_id))}"

    return deed


def _up(moved_up: Sequence[Booking]) -> str:
    """Who has a window now that waited for it."""
    return f" Booking {', '.join(str(each.id) for each in moved_up)} moves up." if moved_up else ""


def start_scheduler(queue: Queue) -> str:
    """Start a scheduler where none leads."""
    if queue.readonly:
        raise NotPossible("This is a read-only view: nothing can be changed from here.")
    return "A scheduler is starting." if queue.ensure_leader() else "A scheduler runs already."


def trainings_running(jobs: Jobs) -> list[Job]:
    """Those that can be asked for a checkpoint, or to finish."""
    return [job for job in jobs if isinstance(job.status, Running) and job.spec.kind is Kind.TRAIN]


def to_kill(jobs: Jobs) -> list[Job]:
    """Those that have a process to end."""
    return [job for job in jobs if isinstance(job.status, ACTIVE) and not isinstance(job.status, Stopping)]


def to_cancel(jobs: Jobs) -> list[Job]:
    """Those that can be taken out of the queue."""
    return [job for job in jobs if isinstance(job.status, Waiting | Held | Paused)]


def say(jobs: Jobs) -> str:
    """Jobs in a sentence: by name, or how many."""
    return named(jobs[0]) if len(jobs) == 1 else f"{len(jobs)} jobs"


def _ids(jobs: Jobs) -> list[int]:
    return [job.id for job in jobs]


def _of_state(jobs: list[Job], which: str) -> list[Job]:
    """The jobs, or NotPossible when a verb fits none of those that were chosen."""
    if not jobs:
        raise NotPossible(f"No job is chosen {which}.")
    return jobs
