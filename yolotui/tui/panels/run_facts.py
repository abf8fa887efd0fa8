"""The pages of one run that are text: what was asked for, what became of each attempt, what it left. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.style import Style

from yolotui.core.jobs import Attempt, Job, Kind, Outcome
from yolotui.core.preflight import Preflight
from yolotui.core.reporting import gpu_seconds
from yolotui.telemetry.series import Change
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import GREEN, ORANGE, PLAIN, QUIET, RED, SKY, STATE_COLOURS, STRONG, ink
from yolotui.tui.panels.findings import finding_rows, remark_rows
from yolotui.tui.panels.texts import cut, pieces, spread, wrapped
from yolotui.tui.plot import Row
from yolotui.tui.run_book import RunBook, RunFile
from yolotui.tui.snapshot import Snapshot
from yolotui.tui.words import fit, named, plain, run_time_s, short_duration
from yolotui.units import format_bytes, format_clock, format_duration

NAME_WIDTH = 16
BAD = frozenset({Outcome.FAILED, Outcome.INTERRUPTED})


def tabs_row(pages: Sequence[str], shown: str, width: int) -> Row:
    """The names of the pages; the one that is shown in brackets, so that it is told without colour, too."""
    row = pieces((" ", QUIET))
    for page in pages:
        row += pieces((f"[{page}]", STRONG) if page == shown else (f" {page} ", QUIET), (" ", QUIET))
    return spread(row, pieces(("Tab ", QUIET)), width, "")


def title_of(job: Job, now: float, width: int, glyphs: Glyphs) -> Row:
    """State, name, and how long it has run; priority, owner and group on the right."""
    ran = run_time_s(job, now)
    state = f" {glyphs.state(job.state)} {job.state}"
    left = pieces((state, ink(STATE_COLOURS[job.state], bold=True)), (f"  {named(job)}", STRONG))
    left += pieces((f"  {short_duration(ran)}" if ran is not None else "", QUIET))
    detail = (
        f"P{int(job.priority)} {glyphs.separator} {plain(job.owner.name)} {glyphs.separator} @{plain(job.spec.group)} "
    )
    return spread(left, pieces((detail, QUIET)), width, glyphs.ellipsis)


def asked_rows(job: Job, book: RunBook, snapshot: Snapshot, now: float, width: int) -> list[Row]:
    """Everything that was asked for, and what it runs on."""
    spec = job.spec
    start = next((attempt.start for attempt in reversed(book.attempts) if attempt.start), None)
    names = {job_id: named(snapshot.jobs[job_id]) for job_id in job.after if job_id in snapshot.jobs}
    told: list[tuple[str, str]] = [
        ("kind", spec.kind.value),
        ("model", spec.model or ""),
        ("data", spec.data or ""),
        ("command", " ".join(spec.command)),
        ("GPUs", f"{spec.gpus}{f' {spec.gpu_model}' if spec.gpu_model else ''}"),
        ("memory", format_bytes(spec.vram_bytes) if spec.vram_bytes else ""),
        ("after", ", ".join(names.get(job_id, f"#{job_id}") for job_id in job.after)),
        ("only if", ", ".join(map(str, spec.when))),
        ("retries", f"{job.retries_used} of {spec.retries_allowed} used"),
        ("submitted", format_clock(job.submitted_at, now)),
        ("file", job.file or ""),
        ("python", spec.python or ""),
        ("cost", f"{gpu_seconds(job, now) / 3600:.2f} GPU-hours"),
        ("directory", job.run_dir),
    ]
    arguments = [(name, str(value)) for name, value in sorted(spec.arguments.items())]
    runs_on = [(name, str(value)) for name, value in start.versions.items()] if start else []
    rows = _section("Asked for", told, width)
    rows += _section("Arguments", arguments or [("", "Ultralytics' defaults")], width)
    return rows + (_section("Runs on", runs_on, width) if runs_on else [])


def _section(title: str, facts: Iterable[tuple[str, str]], width: int) -> list[Row]:
    rows: list[Row] = [pieces((title, ink(SKY, bold=True)))]
    for name, value in facts:
        if value:
            first, *rest = wrapped(plain(value), width - NAME_WIDTH) or [[]]
            rows.append([*pieces((fit(name, NAME_WIDTH, ""), QUIET)), *first])
            rows += [[*pieces((" " * NAME_WIDTH, QUIET)), *row] for row in rest]
    return [*rows, []]


def history_rows(  # noqa: PLR0917 — what it draws, where
    job: Job, book: RunBook, snapshot: Snapshot, now: float, width: int, glyphs: Glyphs
) -> list[Row]:
    """Attempts with what ended each, what was changed under them, checkpoints."""
    cards = {gpu.uuid: str(gpu.index) for gpu in snapshot.published.host.gpus} if snapshot.published else {}
    rows: list[Row] = [pieces(("Attempts", ink(SKY, bold=True)))]
    if not job.attempts:
        rows.append(pieces(("It has not started yet.", QUIET)))
    for attempt in reversed(job.attempts):
        rows += _attempt(attempt, cards, now, width, glyphs)
    if book.changes:
        rows += [[], pieces(("Not as it was asked for", ink(SKY, bold=True)))]
        rows += [row for change in book.changes for row in _change(change, width)]
    rows += [[], pieces(("Checkpoints", ink(SKY, bold=True)))]
    rows += [_file(file, file.path.name, now, width, glyphs) for file in book.checkpoints]
    return rows if book.checkpoints else [*rows, pieces(("None is on disk.", QUIET))]


def _change(change: Change, width: int) -> list[Row]:
    now = f" is {change.to} instead of {change.before}" if change.to is not None else ""
    return wrapped(f"{change.attempt}  {plain(f'{change.what}{now}: {change.why}')}", width, indent="   ")


def health_rows(job: Job, book: RunBook, now: float, width: int, glyphs: Glyphs) -> list[Row]:
    """All that the health rules have found in the run, and what was found before its start."""
    rows = finding_rows(job.progress.health, width, glyphs) or [*_found_nothing(job, width), []]
    return rows + (preflight_rows(book.preflight, now, width, glyphs) if book.preflight else [])


def _found_nothing(job: Job, width: int) -> list[Row]:
    if job.spec.kind is not Kind.TRAIN:
        return wrapped(f"The health rules look at trainings; this job runs {job.spec.kind.value}.", width, QUIET)
    if not job.attempts:
        return wrapped("The health rules look at it as soon as it trains.", width, QUIET)
    looked = f"after {job.progress.epochs_done} epochs" if job.progress.epochs_done else "so far"
    return wrapped(f"Nothing was found {looked}. What is looked for: docs/health.md.", width, QUIET)


def preflight_rows(preflight: Preflight, now: float, width: int, glyphs: Glyphs) -> list[Row]:
    """What was found before the start: of the data set, the weights, the arguments and the machine."""
    when = f"{preflight.summary}, looked at {format_clock(preflight.at, now)}"
    rows = [pieces(("Pre-flight  ", ink(SKY, bold=True)), (when, QUIET))]
    for name, split in preflight.data.splits.items() if preflight.data else ():
        left_out = f", {split.dropped:,} left out" if split.dropped else ""
        rows.append(pieces((f"{name}: {split.images:,} images, {split.boxes:,} boxes{left_out}", PLAIN)))
    return rows + [row for remark in preflight.remarks for row in remark_rows(remark, width, glyphs)]


def _attempt(attempt: Attempt, cards: Mapping[str, str], now: float, width: int, glyphs: Glyphs) -> list[Row]:
    state, style = _ending(attempt)
    when = format_clock(attempt.started_at, now) if attempt.started_at is not None else "not started"
    ran = ""
    if attempt.started_at is not None:
        ran = f", {format_duration(round((attempt.ended_at or now) - attempt.started_at))}"
    left = pieces((f"{attempt.number}  ", STRONG), (state, style), (f"  {when}{ran}", PLAIN))
    if attempt.resumed_from_epoch:
        left += pieces((f"  resumed from epoch {attempt.resumed_from_epoch}", QUIET))
    where = ", ".join(cards.get(uuid, "?") for uuid in attempt.gpus)
    right = pieces((f"{plain(attempt.gpu_model)} GPU {where}".lstrip() if where else "no GPU", QUIET))
    rows = [spread(left, right, width, glyphs.ellipsis)]
    if attempt.explanation:
        rows += wrapped(f"   {plain(attempt.explanation)}", width, QUIET, indent="   ")
    return rows


def _ending(attempt: Attempt) -> tuple[str, Style]:
    """What ended an attempt, in a word or three, and how loud that is."""
    if attempt.outcome is None:
        return "at work", ink(STATE_COLOURS["running"])
    ended = attempt.outcome.value.replace("_", " ")
    if attempt.signal:
        ended += f" by signal {attempt.signal}"
    elif attempt.exit_code:
        ended += f", exit code {attempt.exit_code}"
    if attempt.cause:
        ended += f" ({plain(attempt.cause)})"
    return ended, ink(GREEN if attempt.outcome is Outcome.SUCCEEDED else RED if attempt.outcome in BAD else ORANGE)


def file_rows(files: Sequence[RunFile], run_dir: str, now: float, width: int, glyphs: Glyphs) -> list[Row]:
    """The files that it has left, by their place in the run's directory."""
    return [_file(file, place_of(file.path, run_dir), now, width, glyphs) for file in files]


def place_of(path: Path, run_dir: str) -> str:
    """A file's path within the directory of its run."""
    return str(path.relative_to(run_dir)) if path.is_relative_to(run_dir) else str(path)


def _file(file: RunFile, name: str, now: float, width: int, glyphs: Glyphs) -> Row:
    age = f"{short_duration(now - file.modified_at)} ago" if width >= 40 else ""
    right = pieces((f"{format_bytes(file.size_bytes):>10}  {age:>10}", QUIET))
    return cut(spread(pieces((plain(name), PLAIN)), right, width, glyphs.ellipsis), width, glyphs.ellipsis)
