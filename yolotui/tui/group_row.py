"""A folded group in one row, and its jobs in a panel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment

from yolotui.core.jobs import Job
from yolotui.core.metrics import main_metric
from yolotui.core.timetable import Entry
from yolotui.tui.columns import PRIORITY_COLOURS, STATE_WIDTH, WHEN_WIDTH, Columns, spaced
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import PLAIN, QUIET, STATE_COLOURS, STRONG, YELLOW, ink
from yolotui.tui.panels.findings import complaint_sign
from yolotui.tui.panels.texts import cut, pieces, row_length, spread
from yolotui.tui.plot import Row
from yolotui.tui.words import fit, in_said_order, number, plain, short_duration, when


@dataclass(frozen=True)
class GroupView:
    """Everything that the row shows. `name` is the row's (`@night`); `entries` go with `jobs`: one at least."""

    name: str
    jobs: Sequence[Job]
    entries: Sequence[Entry | None]
    now: float
    stale: bool
    marked: bool


def group_row(view: GroupView, columns: Columns, glyphs: Glyphs) -> list[Segment]:
    """The row, without its cursor, as wide as the row of a job."""
    priority = min(view.jobs, key=lambda job: (job.ended, job.priority)).priority
    count = "1 job" if len(view.jobs) == 1 else f"{len(view.jobs):,} jobs"
    owners = {job.owner.name for job in view.jobs}
    owner = plain(next(iter(owners))) if len(owners) == 1 else f"{len(owners)} people"
    cells = [
        [Segment(glyphs.mark if view.marked else " ", ink(YELLOW, bold=True))],
        [
            Segment(fit(f"{glyphs.folded} {count}", STATE_WIDTH - 1, glyphs.ellipsis), PLAIN),
            complaint_sign(view.jobs, glyphs),
        ],
        [Segment(" " * columns.id)],
        [Segment(priority.name, ink(PRIORITY_COLOURS[priority]))],
        [Segment(fit(plain(view.name), columns.name, glyphs.ellipsis), STRONG)],
    ]
    if columns.owner:
        cells.append([Segment(fit(owner, columns.owner, glyphs.ellipsis), QUIET)])
    cells.append(_counts(view.jobs, columns.middle, glyphs))
    cells.append([Segment(fit(_when(view).rjust(WHEN_WIDTH), WHEN_WIDTH, glyphs.ellipsis), QUIET)])
    if columns.interval:
        cells.append([Segment(" " * columns.interval)])
    return spaced(cells)


def _counts(jobs: Sequence[Job], width: int, glyphs: Glyphs) -> list[Segment]:
    """How many are in which state: with words where there is room for all of them, else with the signs alone."""
    counts = Counter(job.state for job in jobs)
    for word in ("{} {}  ", "{}  "):
        row = [
            segment
            for state in in_said_order(counts)
            for segment in pieces(
                (f"{glyphs.state(state)} ", ink(STATE_COLOURS[state])), (word.format(counts[state], state), QUIET)
            )
        ]
        if row_length(row) - 2 <= width:
            break
    row = cut(row, width, glyphs.ellipsis)
    return [*row, Segment(" " * (width - row_length(row)))]


def _when(view: GroupView) -> str:
    """What is left until the last of them is expected to finish, or since the last has ended; empty if nobody knows."""
    if all(job.ended for job in view.jobs):
        return f"{short_duration(view.now - max(job.status.since for job in view.jobs))} ago"
    unfinished = [entry for job, entry in zip(view.jobs, view.entries, strict=True) if not job.ended]
    ends = [entry.finish_at for entry in unfinished if entry and entry.finish_at is not None]
    if view.stale or len(ends) < len(unfinished):
        return ""
    about = "~" if any(entry and entry.rough for entry in unfinished) else ""
    return f"{about}{short_duration(max(ends) - view.now)} left"


def member_rows(view: GroupView, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """The jobs of the group in a panel of its own: as many as fit, and how many more there are."""
    room = height - 3
    rows: list[Row] = [pieces((f"{glyphs.folded} {plain(view.name)}", STRONG)), []]
    for job, entry in list(zip(view.jobs, view.entries, strict=True))[:room]:
        sign = fit(f"{glyphs.state(job.state)} {job.state}", STATE_WIDTH + 1, "")
        found = main_metric(job.progress.best)
        right = f" {number(found[1]) if found else ''}  {when(job, entry, view.now, stale=view.stale):>{WHEN_WIDTH}}"
        left = pieces((sign, ink(STATE_COLOURS[job.state])), (f"{job.id} ", QUIET), (plain(job.name), PLAIN))
        rows.append(spread(left, pieces((right, QUIET)), width, glyphs.ellipsis))
    if len(view.jobs) > room:
        rows.append(pieces((f"and {len(view.jobs) - room} more", QUIET)))
    return rows
