"""`--batch` on a terminal: a table of the jobs that is redrawn as they go on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from yolotui.cli.following import Following
from yolotui.cli.lines import line_of
from yolotui.cli.printing import console
from yolotui.cli.words import LOOKS, best_text, epochs_text, finish_text, resumption_text, run_time_text
from yolotui.core.jobs import STATES, Job
from yolotui.core.timetable import Entry
from yolotui.harmless import clean
from yolotui.units import format_clock

REDRAW_EVERY_S = 1.0
"""The clocks in the table move once a second; a change of a job is drawn at once."""

ORDER = ("stopping", "pausing", "running", "starting", "unknown", "waiting", "paused", "held")
BAR_COLUMNS = 10
WIDE = 100
"""From so many columns on there is room for the run time and for notes."""
FRAME_LINES = 5
"""What stands around the rows: title, header, rule, the line for what didn't fit, the cursor's."""


class Shown(NamedTuple):
    """The rows that fit the terminal, and how many did not."""

    jobs: list[Job]
    hidden: int


class LiveView:
    """A row a job: state, name, a bar of epochs, the best so far, when it ends. Resumptions and failures stay above."""

    def __init__(self, out: Console | None = None) -> None:
        self._console = out or console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._drawn_at = 0.0
        self._known: dict[int, Job] = {}

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def say(self, sentences: Sequence[str]) -> None:
        """Above the table, where the next picture does not wipe it away."""
        for sentence in sentences:
            self._console.print(Text(clean(sentence)), soft_wrap=True)

    def show(self, following: Following, changed: Sequence[Job]) -> None:
        """Redraw when a job has changed, and once a second."""
        if not changed and time.monotonic() - self._drawn_at < REDRAW_EVERY_S:
            return
        self._drawn_at = time.monotonic()
        for job in changed:
            before = self._known.get(job.id)
            if before is not None and is_news(before, job):
                new_attempt = len(job.attempts) > max(len(before.attempts), 1)
                self._console.print(clean(line_of(job, following.around, new_attempt=new_attempt)))
            self._known[job.id] = job
        size = self._console.size
        self._live.update(
            picture(following, time.time(), rows=size.height - FRAME_LINES, columns=size.width), refresh=True
        )


def is_news(before: Job, job: Job) -> bool:
    """Whether something has happened that a person will want to find again above the table."""
    begun_again = len(job.attempts) > max(len(before.attempts), 1)
    return begun_again or (job.state != before.state and job.state in {"failed", "cancelled", "skipped", "unknown"})


def picture(following: Following, now: float, *, rows: int, columns: int) -> Group:
    """The whole picture at `now`: at most `rows` jobs, on a terminal of so many columns."""
    shown = fitting(following.jobs, rows)
    wide = columns >= WIDE
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, header_style="bold")
    table.add_column("id", no_wrap=True, justify="right")
    table.add_column("state", no_wrap=True)
    table.add_column("name")  # gives way on a narrow terminal, as the notes do
    table.add_column("epochs", width=BAR_COLUMNS)
    table.add_column("", no_wrap=True, justify="right")
    table.add_column("best", no_wrap=True)
    table.add_column("expected", no_wrap=True)
    if wide:
        table.add_column("ran", no_wrap=True, justify="right")
        table.add_column("")
    for job in shown.jobs:
        row = _row(job, following, now)
        table.add_row(*(row if wide else row[:7]))
    parts: list[RenderableType] = [_headline(following.jobs), table]
    if shown.hidden:
        parts.append(Text(f"and {shown.hidden} more", style="dim"))
    return Group(*parts)


def fitting(jobs: Sequence[Job], rows: int) -> Shown:
    """All jobs in their order where they fit; otherwise what runs first, then what waits, then the newest ends."""
    rows = max(rows, 1)
    if len(jobs) <= rows:
        return Shown(list(jobs), 0)
    ranks = {state: rank for rank, state in enumerate(ORDER)}
    by_urgency = sorted(jobs, key=lambda job: (ranks.get(job.state, len(ORDER)), -job.status.since if job.ended else 0))
    return Shown(by_urgency[:rows], len(jobs) - rows)


def _headline(jobs: Sequence[Job]) -> Text:
    counts = {state: sum(job.state == state for job in jobs) for state in STATES}
    parts = [Text(f"{LOOKS[state][0]} {count} {state}", LOOKS[state][1]) for state, count in counts.items() if count]
    line = Text("  ").join([*parts, Text("Ctrl-C: how to leave", style="dim")])
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _row(job: Job, following: Following, now: float) -> list[RenderableType]:
    glyph, style = LOOKS[job.state]
    done, total = job.progress.epochs_done, job.progress.epochs_total or job.spec.epochs
    bar = ProgressBar(total=total, completed=done, width=BAR_COLUMNS, complete_style=style or "default")
    return [
        Text(str(job.id)),
        Text(f"{glyph} {job.state}", style),
        _cut(job.name),
        bar if total and job.attempts else Text(),
        Text(epochs_text(job)),
        Text(best_text(job, at_most=1)),
        Text(_expected(job, following.around.entry(job), now)),
        Text(run_time_text(job, job.status.since if job.ended else now)),
        _cut(_notes(job, following), "dim"),
    ]


def _expected(job: Job, entry: Entry | None, now: float) -> str:
    """`from ~22:05` while it waits, `till ~23:10` while it runs."""
    if job.ended:
        return ""
    if job.state in {"waiting", "held", "paused"}:
        return f"from ~{format_clock(max(entry.start_at, now), now)}" if entry and entry.start_at else ""
    finish = finish_text(job, entry, now)
    return f"till {finish}" if finish else ""


def _notes(job: Job, following: Following) -> str:
    resumed = resumption_text(job, len(job.attempts)) if len(job.attempts) > 1 else ""
    return "; ".join(text for text in (resumed, following.around.why(job)) if text)


def _cut(text: str, style: str = "") -> Text:
    """A text from outside, on one line however narrow its column."""
    return Text(clean(text), style, no_wrap=True, overflow="ellipsis")
