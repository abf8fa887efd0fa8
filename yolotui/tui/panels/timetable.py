"""The timetable as rows of cells: an axis, a track per GPU, a legend, and what is under the cursor. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from yolotui.core.gpus import Excluded, Foreign, Gpu, Lost
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.owners import ColourBy, Sign, mixed
from yolotui.tui.palette import BACKGROUND, CURSOR, DIM, MUTED, PLAIN, QUIET, STRONG, TEXT, YELLOW, ink
from yolotui.tui.panels.gpus import by_words, short_name
from yolotui.tui.panels.texts import cut, pieces
from yolotui.tui.plot import Row
from yolotui.tui.tracks import Span, SpanKind, Tracks, in_view, lanes
from yolotui.tui.window import Window
from yolotui.tui.words import fit, plain, short_duration
from yolotui.units import format_clock

MOST_ROWS = 3
Cell = tuple[str, Style | None]

_FILLS = {
    True: {
        SpanKind.PAST: "─",
        SpanKind.RUNNING: "━",
        SpanKind.FORECAST: "╌",
        SpanKind.BOOKED: "▒",
        SpanKind.GHOST: "┄",
    },
    False: {
        SpanKind.PAST: "_",
        SpanKind.RUNNING: "=",
        SpanKind.FORECAST: "-",
        SpanKind.BOOKED: "#",
        SpanKind.GHOST: "~",
    },
}
_WORDS = {SpanKind.PAST: "was", SpanKind.RUNNING: "runs", SpanKind.FORECAST: "forecast", SpanKind.BOOKED: "booked",
          SpanKind.GHOST: "what if"}  # fmt: skip


@dataclass(frozen=True)
class View:
    """What is drawn, and how a person looks at it. `ghosts` are spans of a timetable that is only thought of."""

    gpus: Sequence[Gpu]
    tracks: Tracks
    window: Window
    now: float
    cursor_gpu: str
    cursor_at: float
    by: ColourBy
    signs: Mapping[str, Sign]
    glyphs: Glyphs
    ghosts: Tracks
    selected: Span | None = None


def label_width(width: int) -> int:
    """Cells in front of the tracks for the name of the GPU."""
    return 5 if width < 100 else 18 if width < 160 else 26


def track_rows(view: View, height: int, first: int = 0) -> list[Row]:
    """The axis and as many tracks as fit, from the `first` on."""
    shown = view.gpus[first:]
    rows_each = max(1, min(MOST_ROWS, (height - 2) // max(1, len(shown))))
    labels = label_width(view.window.width + label_width(view.window.width))
    rows = _axis(view, labels)
    for gpu in shown:
        rows += _track(view, gpu, rows_each, labels)
    return rows[:height]


def visible_tracks(gpus: int, height: int) -> int:
    """How many tracks fit."""
    return max(1, min(gpus, height - 2))


def coming_rows(view: View, width: int, height: int) -> list[Row]:
    """What starts next, below the tracks: when, what, whose, where, how long, and why not now."""
    spans = sorted((s for spans in view.tracks.values() for s in spans if s.kind is SpanKind.FORECAST), key=_by_start)
    rows: list[Row] = [[], pieces((" NEXT", QUIET))] if spans else []
    gpus = {gpu.uuid: gpu.index for gpu in view.gpus}
    told: set[int] = set()
    for span in spans:
        if span.job is None or span.entry is None or span.job.id in told:
            continue
        told.add(span.job.id)
        sign = view.signs.get(view.by.of(span))
        when = f" {'~' if span.entry.rough else ''}{format_clock(span.starts_at, view.now)}"
        where = "GPU " + " ".join(str(gpus.get(gpu, "?")) for gpu in span.entry.gpus)
        row = pieces(
            (fit(when, 18, ""), PLAIN),
            (fit(short_duration(span.ends_at - span.starts_at), 7, ""), QUIET),
            (f"{sign.letter if sign else '?'} ", ink(sign.colour if sign else MUTED)),
            (fit(f"{span.job.id} {plain(span.job.name)}", 30, view.glyphs.ellipsis), PLAIN),
            (fit(f" {where}", 12, view.glyphs.ellipsis), QUIET),
            (plain(span.entry.told), QUIET),
        )
        rows.append(cut(row, width, view.glyphs.ellipsis))
    return rows[:height]


def _by_start(span: Span) -> float:
    return span.starts_at


def _axis(view: View, labels: int) -> list[Row]:
    """The times, the now-line's head over them, and a tick below each."""
    window, glyphs = view.window, view.glyphs
    times, ticks = [" "] * window.width, ["─" if glyphs.braille else "-"] * window.width
    for column, text in window.ticks():
        if column + len(text) <= window.width and all(sign == " " for sign in times[max(0, column - 1) : column]):
            times[column : column + len(text)] = text
        ticks[column] = "┬" if glyphs.braille else "+"
    now, head = window.column(view.now), "▼" if glyphs.braille else "v"
    head_style: list[Cell] = [(sign, DIM) for sign in ticks]
    if 0 <= now < window.width:
        head_style[now] = (head, ink(YELLOW, bold=True))
    corner = fit("GPU", labels, "")
    return [[Segment(" " * labels), Segment("".join(times), QUIET)], [Segment(corner, QUIET), *_joined(head_style)]]


def _track(view: View, gpu: Gpu, rows: int, labels: int) -> list[Row]:
    """One GPU: its spans in lanes, and below them, where there is room, how uncertain each end is."""
    window = view.window
    spans = in_view(view.tracks.get(gpu.uuid, ()), window.starts_at, window.ends_at)
    ghosts = in_view(view.ghosts.get(gpu.uuid, ()), window.starts_at, window.ends_at)
    jobs = lanes([span for span in spans if span.kind is not SpanKind.BOOKED])
    field: list[list[Cell]] = [_ground(view) for _ in range(rows)]
    for booked in (span for span in spans if span.kind is SpanKind.BOOKED):
        for row in field:
            _paint(row, booked, view, labelled=row is field[0])
    for number, lane in enumerate(jobs):
        for span in lane:
            _paint(field[min(number, rows - 1)], span, view)
    below = field[len(jobs) :] or ([] if rows == 1 else field[-1:])
    if below and not ghosts:
        for lane in jobs:
            for span in lane:
                _paint_interval(below[0], span, view)
    for ghost in ghosts:
        _paint(below[0] if below else field[-1], ghost, view)
    is_here = gpu.uuid == view.cursor_gpu
    if is_here:
        _mark_cursor(field, view)
    return [[*_name(view, gpu, labels, number, is_here=is_here), *_joined(row)] for number, row in enumerate(field)]


def _name(view: View, gpu: Gpu, labels: int, row: int, *, is_here: bool) -> Row:
    """In front of a track: which GPU, and in the second row what keeps jobs off it."""
    sign = view.glyphs.cursor if is_here else " "
    if row == 0:
        name = by_words(short_name(gpu), labels - 6) if labels > 8 else ""
        text, style = f"{gpu.index:>2} {name}", STRONG if is_here else PLAIN
    else:
        state = _state(gpu, view.glyphs) if row == 1 else ""
        text, style = "   " + state if labels > 8 else state[:1].rjust(labels - 3), ink(YELLOW)
    return pieces((sign, ink(YELLOW, bold=True)), (fit(text, labels - 2, view.glyphs.ellipsis) + " ", style))


def _state(gpu: Gpu, glyphs: Glyphs) -> str:
    match gpu.availability:
        case Foreign():
            return f"{glyphs.foreign} foreign"
        case Lost():
            return f"{glyphs.lost} lost"
        case Excluded():
            return f"{glyphs.excluded} excluded"
    return ""


def _ground(view: View) -> list[Cell]:
    """An empty track with the now-line."""
    row: list[Cell] = [(" ", None)] * view.window.width
    if 0 <= (now := view.window.column(view.now)) < view.window.width:
        row[now] = ("│" if view.glyphs.braille else "|", ink(YELLOW))
    return row


def _paint(row: list[Cell], span: Span, view: View, *, labelled: bool = True) -> None:
    """A span: its letter, its name as far as there is room, and a pattern that tells what it is."""
    first, last = _cells(span.starts_at, span.ends_at, view.window)
    width = last - first
    fill = _FILLS[view.glyphs.braille][span.kind]
    sign = view.signs.get(view.by.of(span))
    text = f"{sign.letter if sign else '?'} {_title(span, view.glyphs)} " if labelled else ""
    if width < 4:
        text = text[:1]
    room = max(1, width - 1)  # a cell of the pattern stays, where there are two
    text = _as_fits(text, room)
    selected = view.selected is not None and _same(span, view.selected)
    style, fill_style = _styles(span, sign.colour if sign else MUTED, selected=selected)
    cells: list[Cell] = [(letter, style) for letter in text if cell_len(letter) == 1]
    cells += [(fill, fill_style)] * (width - len(cells))
    row[first:last] = cells[:width]
    now = view.window.column(view.now)
    if first <= now < last and row[now][0] == fill:
        row[now] = ("│" if view.glyphs.braille else "|", fill_style)


def _as_fits(text: str, room: int) -> str:
    """As much of a text as fits into so many cells."""
    while text and cell_len(text) > room:
        text = text[:-1]
    return text


def _title(span: Span, glyphs: Glyphs) -> str:
    if span.booking and not span.job:
        note = plain(span.booking.note)
        return f"{plain(span.owner)}{f': {note}' if note else ''}"
    if span.job is None:
        return "new job" if span.kind is SpanKind.GHOST else "?"
    failed = span.attempt is not None and span.kind is SpanKind.PAST and span.attempt.outcome == "failed"
    return f"{glyphs.state('failed') if failed else ''}{span.job.id} {plain(span.job.name)}"


def _styles(span: Span, colour: str, *, selected: bool) -> tuple[Style, Style]:
    """How the text and the pattern of a span look."""
    strong = Style(bold=True, underline=True) if selected else Style()
    match span.kind:
        case SpanKind.RUNNING:
            ground = mixed(colour, 0.8)
            return Style(color=BACKGROUND, bgcolor=ground, bold=True) + strong, Style(
                color=mixed(colour, 0.35), bgcolor=ground
            )
        case SpanKind.PAST:
            ground = mixed(colour, 0.16)
            return Style(color=mixed(colour, 0.8), bgcolor=ground) + strong, Style(
                color=mixed(colour, 0.4), bgcolor=ground
            )
        case SpanKind.BOOKED:
            return Style(color=colour, bgcolor=mixed(colour, 0.1), bold=True), Style(color=mixed(colour, 0.35))
        case SpanKind.FORECAST:
            return ink(colour) + strong, Style(color=mixed(colour, 0.6))
        case SpanKind.GHOST:
            return Style(color=TEXT, italic=True), Style(color=colour)


def _paint_interval(row: list[Cell], span: Span, view: View) -> None:
    """Between which moments it ends, four times out of five."""
    entry = span.entry
    if entry is None or entry.finish_low_at is None or entry.finish_high_at is None:
        return
    first, last = _cells(entry.finish_low_at, entry.finish_high_at, view.window)
    sign = view.signs.get(view.by.of(span))
    style = Style(color=mixed(sign.colour if sign else MUTED, 0.7))
    left, middle, right = ("╶", "─", "╴") if view.glyphs.braille else ("<", "-", ">")
    for column in range(first, last):
        mark = left if column == first else right if column == last - 1 else middle
        if row[column][0] in {" ", left, middle, right}:
            row[column] = (mark, style)


def _mark_cursor(field: list[list[Cell]], view: View) -> None:
    column = view.window.column(view.cursor_at)
    for row in field:
        if 0 <= column < len(row):
            text, style = row[column]
            row[column] = (text, (style or Style()) + Style(bgcolor=CURSOR, color=TEXT, reverse=True))


def _cells(starts_at: float, ends_at: float, window: Window) -> tuple[int, int]:
    """The cells from the first to the one after the last: within the window, at least one."""
    first = min(window.width - 1, max(0, window.column(starts_at)))
    return first, min(window.width, max(first + 1, window.column(ends_at)))


def _same(one: Span, other: Span) -> bool:
    if one.job and other.job:
        return one.job.id == other.job.id
    return bool(one.booking and other.booking and one.booking.id == other.booking.id)


def _joined(cells: Sequence[Cell]) -> Row:
    """Cells as segments, neighbours of one style in one."""
    row: Row = []
    text, current = "", cells[0][1] if cells else None
    for sign, style in cells:
        if style != current:
            row.append(Segment(text, current))
            text, current = "", style
        text += sign
    return [*row, Segment(text, current)] if text else row


def legend_row(view: View, width: int) -> Row:
    """Which letter and colour is whose, and what the patterns mean; where room is short, names give way."""
    fills = _FILLS[view.glyphs.braille]
    used = [SpanKind.PAST, SpanKind.RUNNING, SpanKind.FORECAST, SpanKind.BOOKED]
    whose = pieces((f" by {view.by.value}: ", QUIET))
    for sign in view.signs.values():
        whose += pieces((f"{sign.letter} {plain(sign.name)}  ", ink(sign.colour)))
    patterns = pieces((f" {view.glyphs.separator}", QUIET))
    for kind in [*used, *([SpanKind.GHOST] if view.ghosts else [])]:
        patterns += pieces((f" {fills[kind] * 2} ", PLAIN), (f"{_WORDS[kind]} ", QUIET))
    room = max(0, width - Segment.get_line_length(patterns))
    return cut([*cut(whose, room, view.glyphs.ellipsis), *patterns], width, view.glyphs.ellipsis)


def empty_rows(width: int) -> list[Row]:
    """What to do where no scheduler has looked at this machine."""
    lines = [
        [],
        [("  No timetable yet.", STRONG)],
        [],
        [("  A scheduler makes one as soon as it leads: ", QUIET), ("S", STRONG), (" starts one.", QUIET)],
        [("  Jobs come with ", QUIET), ("a", STRONG), (" or `yolotui add`.", QUIET)],
    ]
    return [cut(pieces(*line), width, "") for line in lines]
