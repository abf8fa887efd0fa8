"""Verbs about what is owed to whom: deadline, quotas; evict tells who would make room."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import click

from yolotui.cli.documents import quota_document
from yolotui.cli.lateness import lateness
from yolotui.cli.moments import read_moment
from yolotui.cli.options import complete_job, json_option, open_queue, reason_option
from yolotui.cli.printing import Table, narrate, print_document, print_table
from yolotui.cli.selecting import UNFINISHED, fitting, the_one, told
from yolotui.core.jobs import Job
from yolotui.core.quotas import Quota, QuotaScope
from yolotui.core.timetable import Eviction
from yolotui.queue import Queue
from yolotui.units import format_clock, format_duration


@click.command("deadline")
@click.argument("jobs", metavar="JOB", shell_complete=complete_job)
@click.argument("when", metavar="TIME|none")
@click.option("--dry-run", is_flag=True, help="Set none; tell whether it would be kept.")
@reason_option
def deadline_verb(jobs: str, when: str, dry_run: bool, reason: str) -> None:
    """Say when jobs must be done: "08:00", "tomorrow 08:00", "Wed 18:00", "2026-12-24 08:00"; none: whenever.

    Where it will be missed as things stand, it says so, and what would save it.
    """
    queue, now = open_queue(), time.time()
    chosen = fitting(queue, [jobs], "set a deadline for", UNFINISHED)
    at = None if when.strip().lower() == "none" else read_moment(when, "TIME", now)
    if dry_run:
        if at is None:
            raise click.UsageError("--dry-run tells whether a deadline would be kept: give it a time.")
        _tell_who_will_be_late(queue, chosen, at, now)
        narrate("Nothing was changed.")
        return
    queue.set_deadline([job.id for job in chosen], at, reason=reason)
    if at is None:
        narrate(f"No deadline any more: {told(chosen)}.")
        return
    narrate(f"To be done by {format_clock(at, now)}: {told(chosen)}.")
    _tell_who_will_be_late(queue, chosen, at, now)


@click.command("quotas")
@json_option
def quotas_verb(as_json: bool) -> None:
    """Show what owners and groups may have of the machine, and what they have and have used this week."""
    queue, now = open_queue(), time.time()
    quotas = queue.quotas()
    in_use = {quota: _gpus_in_use(queue.jobs(unfinished=True), quota) for quota in quotas}
    if as_json:
        print_document("quotas", [quota_document(quota, in_use[quota]) for quota in quotas])
        return
    if not quotas:
        narrate("Nobody has a quota. [quotas] in the configuration gives some: `yolotui config show` says where it is.")
        return
    table = Table(("who", "gpus", "this week", "until"), right=frozenset({"gpus", "this week"}))
    for quota in quotas:
        table.add(
            f"{quota.scope.value} {quota.name}",
            f"{in_use[quota]}{'' if quota.gpus is None else f' of {quota.gpus}'}",
            f"{quota.used_gpu_s / 3600:.1f}{_of_hours(quota)} h",
            format_clock(quota.week_ends_at, now),
        )
    print_table(table)


@click.command("evict")
@click.argument("job", metavar="JOB", shell_complete=complete_job)
@click.option("--dry-run", is_flag=True, help="Tell which jobs would make room, when, and what they would lose.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: one JSON object.")
def evict_verb(job: str, dry_run: bool, as_json: bool) -> None:
    """Tell who would make room for a job if it could ask for that: as P1, or as P0 if it is P0. Always --dry-run."""
    queue = open_queue()
    wanting = the_one(queue, job, "room is made for one")
    if not dry_run:
        raise click.UsageError(
            "Nobody evicts by hand: --dry-run tells who would make room. To have it done, put the job into P0 or P1 "
            '(`yolotui priority P1 JOB`) with preemption = "evict" under [scheduling] in the configuration.'
        )
    would_be = queue.what_if_evicting_for(wanting.id)
    evictions = [each for each in would_be.timetable.evictions if each.notice.for_job == wanting.id]
    if as_json:
        entry = would_be.entry(wanting.id)
        starts_at = entry.start_at if entry else None
        told_evictions = [_eviction_document(each) for each in evictions]
        print_document("evict", {"id": wanting.id, "then": starts_at, "evictions": told_evictions})
        return
    _tell_evictions(queue, wanting, evictions)
    narrate("Nothing was changed.")


def _tell_evictions(queue: Queue, job: Job, evictions: Sequence[Eviction]) -> None:
    now = time.time()
    if not evictions:
        narrate(f"Nobody would have to make room for {told([job])}: `yolotui why {job.id}` says what it waits for.")
        return
    jobs = {each.id: each for each in queue.jobs(ids=[eviction.job_id for eviction in evictions])}
    table = Table(("id", "name", "owner", "priority", "paused", "loses", "why"), right=frozenset({"id", "loses"}))
    for eviction in evictions:
        victim, notice = jobs[eviction.job_id], eviction.notice
        paused, loses = format_clock(notice.due_at, now), format_duration(round(notice.loses_s))
        table.add(str(victim.id), victim.name, victim.owner.name, victim.priority.name, paused, loses, notice.why)
    print_table(table)


def _eviction_document(eviction: Eviction) -> dict[str, Any]:
    notice = eviction.notice
    return {"id": eviction.job_id, "due_at": notice.due_at, "loses_s": notice.loses_s, "why": notice.why}


def _tell_who_will_be_late(queue: Queue, jobs: Sequence[Job], at: float, now: float) -> None:
    late = list(lateness(queue, jobs, at, now))
    narrate(*late)
    if not late and queue.published():
        narrate("As things stand it is kept.")


def _gpus_in_use(jobs: Iterable[Job], quota: Quota) -> int:
    """How many cards an owner or a group has just now; one that several of its jobs share counts once."""
    is_owner = quota.scope is QuotaScope.OWNER
    mine = (job for job in jobs if (job.owner.name if is_owner else job.spec.group) == quota.name)
    alive = (job.attempts[-1] for job in mine if job.attempts and job.attempts[-1].outcome is None)
    return len({uuid for attempt in alive for uuid in attempt.gpus})


def _of_hours(quota: Quota) -> str:
    return "" if quota.weekly_gpu_s is None else f" of {quota.weekly_gpu_s / 3600:g}"
