"""The first and the last lines of the screen: what needs attention, what there is, which keys work. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yolotui.tui.actions import Action
from yolotui.tui.arranging import Order
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import ALARM, CAUTION, PLAIN, QUIET, SKY, STATE_COLOURS, STRONG, YELLOW, ink
from yolotui.tui.panels.texts import Piece, cut, joined, pieces, row_length, spread
from yolotui.tui.plot import Row
from yolotui.tui.snapshot import Snapshot
from yolotui.tui.words import in_said_order, named, plain, short_duration
from yolotui.units import format_clock

SILENT_FOR_S = 3.0


@dataclass(frozen=True)
class View:
    """How the person looks at the table: filter, order, marks, place among so many rows that stand for so many jobs."""

    needle: str
    order: Order
    marked: int
    in_range: bool
    place: int
    rows: int
    jobs: int
    readonly: bool


def header_row(snapshot: Snapshot, seen_at: float, now: float, width: int, glyphs: Glyphs, *, start_key: str) -> Row:
    """The program, what needs a person, and who schedules; `seen_at` is when the queue last answered.

    `start_key` starts a scheduler; it is empty where no key does.
    """
    notices = attention(snapshot, seen_at, now, start_key=start_key)
    left = pieces((" yolotui ", ink(SKY, bold=True)))
    for number, (text, style) in enumerate(notices):
        sign = f" {glyphs.attention} " if number == 0 else f" {glyphs.separator} "
        left += pieces((sign, style), (text, style))
    if snapshot.leading:
        who = f"scheduler {snapshot.leading.pid}, up {short_duration(now - snapshot.leading.since)}"
    else:
        who = "no scheduler"
    right = pieces((f"{who} {glyphs.separator} ", QUIET), (f"{format_clock(now, now)} ", PLAIN))
    if row_length(left) + row_length(right) >= width:
        right = right[1:]  # what needs a person comes before who schedules
    return spread(left, right, width, glyphs.ellipsis)


def attention(snapshot: Snapshot, seen_at: float, now: float, *, start_key: str) -> list[Piece]:
    """What a person should know, the worst first."""
    notices: list[Piece] = []
    if snapshot.trouble:
        notices.append((f"as of {format_clock(snapshot.read_at, now)}: {plain(snapshot.trouble)}", ALARM))
    elif now - seen_at > SILENT_FOR_S:
        notices.append((f"the queue does not answer: as of {format_clock(seen_at, now)}", ALARM))
    if snapshot.out_of_sight:
        notices.append((f"out of sight: {named(snapshot.out_of_sight[0])}{_more(snapshot.out_of_sight)}", ALARM))
    if snapshot.published and snapshot.has_unfinished and snapshot.stale(now):
        missing = f"no scheduler runs ({start_key} starts one)" if start_key else "no scheduler runs"
        why = missing if snapshot.leading is None else "the scheduler is silent"
        notices.append((f"as of {format_clock(snapshot.published.at, now)}, {why}", CAUTION))
    elif snapshot.leading is None and snapshot.has_unfinished:
        notices.append((f"no scheduler runs{f': {start_key} starts one' if start_key else ''}", CAUTION))
    if snapshot.failed:
        notices.append((f"failed: {named(snapshot.failed[0])}{_more(snapshot.failed)}", CAUTION))
    notices += [(f"group {plain(group)} is held", CAUTION) for group in snapshot.held_groups]
    return notices + [(f"GPU {gpu.index} is {what}", CAUTION) for gpu, what in snapshot.ailing_gpus]


def _more(jobs: Sequence[object]) -> str:
    return f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""


def status_row(snapshot: Snapshot, view: View, width: int, glyphs: Glyphs) -> Row:
    """How many jobs are in which state, and how the table is being looked at."""
    counts: list[Row] = []
    for state in in_said_order(snapshot.counts):
        sign = (f"{glyphs.state(state)} {snapshot.counts[state]:,}", ink(STATE_COLOURS[state], bold=True))
        counts.append(pieces(sign, (f" {state}  ", QUIET)))
    parts: list[Piece] = []
    if view.readonly:
        parts.append(("read-only", ink(YELLOW)))
    if view.marked:
        range_open = " (range)" if view.in_range else ""
        parts.append((f"{view.marked} marked{range_open}", ink(YELLOW, bold=True)))
    if view.needle:
        parts.append((f"/{plain(view.needle)}", ink(YELLOW)))
    if view.order is not Order.QUEUE:
        parts.append((view.order.value, PLAIN))
    if snapshot.reading:
        parts.append((f"reading what has ended{glyphs.ellipsis}", PLAIN))
    elif view.rows:
        folded = f" ({view.jobs:,} jobs)" if view.jobs != view.rows else ""
        parts.append((f"{view.place} of {view.rows:,}{folded}", QUIET))
    right: Row = []
    for text, style in parts:
        right += pieces((f" {glyphs.separator} " if right else "", QUIET), (text, style))
    right += pieces((" ", PLAIN))
    left, room = pieces((" ", PLAIN)), width - row_length(right) - 1
    for count in counts:
        if row_length(left) + row_length(count) <= room:
            left += count
    return spread(left, right, width, glyphs.ellipsis)


def keys_row(actions: Sequence[Action], width: int, glyphs: Glyphs) -> Row:
    """As many keys as fit, the most needed first; help always fits."""
    shown = sorted((action for action in actions if action.rank), key=lambda action: action.rank)
    items = [pieces((action.key_sign, STRONG), (f" {action.label}", QUIET)) for action in shown]
    return cut([*pieces((" ", PLAIN)), *joined(items, pieces(("  ", PLAIN)), width - 1)], width, glyphs.ellipsis)


def empty_rows(needle: str, width: int, keys: Mapping[str, str]) -> list[Row]:
    """What to do when there is nothing to show; `keys` are those of add, jobs_file and help, as people read them."""
    if needle:
        return [[], pieces((f"  No job matches /{plain(needle)}", PLAIN)), pieces(("  Esc shows all again.", QUIET))]
    text: list[list[Piece]] = [
        [],
        [("  The queue is empty.", STRONG)],
        [],
        [("  yolotui add yolo11n.yaml data.yaml epochs=100", ink(SKY)), ("   one training", QUIET)],
        [("  yolotui add --file jobs.toml", ink(SKY)), ("                    many, from a file", QUIET)],
        [("  yolotui --batch jobs.toml", ink(SKY)), ("                       and wait for their end", QUIET)],
        [],
        [("  Or press ", QUIET), (keys["add"], STRONG), (" for a form, ", QUIET), (keys["jobs_file"], STRONG),
         (" for a file of jobs, ", QUIET), (keys["help"], STRONG), (" for all keys.", QUIET)],
        [("  Jobs show up here by themselves.", QUIET)],
    ]  # fmt: skip
    return [cut(pieces(*line), width, "") for line in text]
