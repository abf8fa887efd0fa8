"""The GPU strip: a line a card, or several compact cells a line when there are many. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from yolotui.core.gpus import Gpu, Host, Lost
from yolotui.core.jobs import Job
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import DIM, ORANGE, PLAIN, QUIET, SKY, STATE_COLOURS, STRONG, YELLOW, ink
from yolotui.tui.panels.gpu_state import SOME_BYTES, Memory, Remark, remarks_on
from yolotui.tui.panels.texts import cut, pieces, row_length
from yolotui.tui.plot import Row
from yolotui.tui.snapshot import Snapshot
from yolotui.tui.words import fit, fit_ends, plain
from yolotui.units import GIB

CELL_WIDTH = 24
LEAST_NAME = 10
GAP = Segment("  ")


def strip_height(gpus: int, screen_height: int) -> int:
    """Rows that the strip takes: one a card, and at most what leaves room for the jobs."""
    return max(1, min(gpus, 4 if screen_height < 30 else 8 if screen_height < 50 else 16))


def gpu_rows(snapshot: Snapshot, now: float, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """The cards in `height` rows."""
    if snapshot.published is None:
        return [pieces(("No scheduler has looked at this machine yet.", QUIET))]
    host = snapshot.published.host
    if not host.gpus:
        return [pieces((f"{glyphs.attention} No GPU: {plain(host.trouble) or 'none was found'}", ink(ORANGE)))]
    cards = [
        Card(gpu, snapshot.jobs_by_gpu.get(gpu.uuid, []), Memory.of(gpu, snapshot),
             remarks_on(gpu, snapshot, now, glyphs), stale=snapshot.stale(now))
        for gpu in host.gpus
    ]  # fmt: skip
    if len(cards) <= height:
        return [_line(card, host, width, glyphs) for card in cards]
    across = max(-(-len(cards) // height), 1)
    size = min(CELL_WIDTH * 2, width // across)
    cells = [_cell(card, size, glyphs) for card in cards]
    return [[s for cell in cells[at : at + across] for s in cell] for at in range(0, len(cells), across)]


@dataclass(frozen=True)
class Card:
    """Everything that is shown of a card. `stale`: nobody has looked at it for a while."""

    gpu: Gpu
    jobs: Sequence[Job]
    memory: Memory | None
    remarks: Sequence[Remark]
    stale: bool


def _line(card: Card, host: Host, width: int, glyphs: Glyphs) -> Row:
    wide = width >= 110
    bar = 20 if width >= 160 else 12 if wide else 6
    gpu, style = card.gpu, QUIET if card.stale else PLAIN
    room = 22 if wide else 12
    size = min(room, max(cell_len(by_words(short_name(each), room)) for each in host.gpus))
    row = pieces(
        (f"{gpu.index:>2} ", STRONG), (fit(by_words(short_name(gpu), room), size, glyphs.ellipsis) + " ", style)
    )
    if not isinstance(gpu.availability, Lost):
        row += _readings(card, host, bar, glyphs, style, wide=wide)
    row += _occupation(card, width - row_length(row), glyphs)
    return cut(row, width, glyphs.ellipsis)


def short_name(gpu: Gpu) -> str:
    """A card's name without what every card's name has."""
    return plain(gpu.name).removeprefix("NVIDIA ").removeprefix("GeForce ").removeprefix("Tesla ")


def by_words(name: str, width: int) -> str:
    """As many words of a name as fit."""
    while cell_len(name) > width and " " in name:
        name = name.rpartition(" ")[0]
    return name


def _readings(card: Card, host: Host, bar: int, glyphs: Glyphs, style: Style, *, wide: bool) -> Row:
    """Utilisation, memory, temperature, power; a dash for what the card doesn't tell. A CPU slot tells the host's."""
    gpu, memory = card.gpu, card.memory
    busy: float | None = gpu.utilization_percent
    if gpu.kind == "cpu":
        busy, total = host.cpu_percent, host.memory_total_bytes
        memory = Memory(total - host.memory_available_bytes, 0, 0, total) if total else None
    row = _bar(None if busy is None else busy / 100, bar, SKY, glyphs)
    row += pieces((f"{glyphs.none if busy is None else f'{busy:.0f}%':>4} ", style))
    said = glyphs.none if memory is None else f"{memory.used / GIB:.0f}/{memory.total / GIB:.0f}G"
    row += [*_memory_bar(memory, bar, glyphs), *pieces((f"{said:>8} ", style))]
    heat = gpu.temperature_c
    hot = any(remark.word == "hot" for remark in card.remarks)
    row += pieces(
        (f"{glyphs.none if heat is None else f'{heat}{glyphs.degree}C':>4} ", ink(ORANGE, bold=True) if hot else style)
    )
    power = glyphs.none if gpu.power_w is None else f"{gpu.power_w:.0f}W"
    limit = f"/{gpu.power_limit_w:.0f}W" if wide and gpu.power_limit_w and gpu.power_w is not None else ""
    return row + pieces((f"{power + limit:>{9 if wide else 4}} ", style), (" ", style))


def _bar(fraction: float | None, width: int, colour: str, glyphs: Glyphs) -> Row:
    if fraction is None:
        return pieces((" " * width, DIM))
    full, empty = glyphs.progress(fraction, width)
    return pieces((full, ink(colour)), (empty, DIM))


def _memory_bar(memory: Memory | None, width: int, glyphs: Glyphs) -> Row:
    """Ours, what others hold, what is promised but not yet allocated: each with a line of its own kind."""
    if memory is None:
        return pieces((" " * width, DIM))
    if not (memory.foreign or memory.promised):
        return _bar(memory.used / memory.total, width, YELLOW, glyphs)
    foreign, promised = (
        # What there is at all is seen, however little it is.
        max(1, round(width * part / memory.total)) if part > SOME_BYTES else 0
        for part in (memory.foreign, memory.promised)
    )
    ours = min(round(width * memory.ours / memory.total), width - foreign - promised)
    return pieces(
        (glyphs.bar[-1] * ours, ink(YELLOW)),
        (glyphs.foreign_bar * foreign, ink(ORANGE)),
        (glyphs.promised_bar * promised, ink(YELLOW)),
        (glyphs.bar[0] * (width - ours - foreign - promised), DIM),
    )


def _occupation(card: Card, width: int, glyphs: Glyphs) -> Row:
    """Who is on the card and what is to be said about it.

    Where room is short, the last remarks lose their details, then the names of jobs what is in their middle.
    """
    names = [f"{job.id} {plain(job.name)}" for job in card.jobs]
    promised: list[Row] = []
    if card.memory and card.memory.promised > SOME_BYTES:
        promised.append(pieces((f"+{card.memory.promised / GIB:.0f}G promised", QUIET)))
    if not names and not promised and not card.remarks:
        return pieces((f"{glyphs.free} free", QUIET))

    def row(names: Sequence[str], whole: int) -> Row:
        jobs = [_job(job, name, glyphs) for job, name in zip(card.jobs, names, strict=True)]
        remarks = [
            pieces((str(remark) if number < whole else remark.short, remark.style))
            for number, remark in enumerate(card.remarks)
        ]
        return [segment for part in (*jobs, *promised, *remarks) for segment in (*part, GAP)][:-1]

    whole = next((n for n in range(len(card.remarks), 0, -1) if row_length(row(names, n)) <= width), 0)
    excess = row_length(row(names, whole)) - width
    return row(_shortened(names, excess, glyphs) if excess > 0 and names else names, whole)


def _shortened(names: Sequence[str], excess: int, glyphs: Glyphs) -> list[str]:
    """The names without so many cells, as far as they can still be told from one another."""
    most = max(LEAST_NAME, max(map(cell_len, names)) - ceil(excess / len(names)))
    return [fit_ends(name, min(cell_len(name), most), glyphs.ellipsis) for name in names]


def _job(job: Job, name: str, glyphs: Glyphs) -> Row:
    progress = job.progress
    total = progress.epochs_total or job.spec.epochs
    share = f" {progress.epochs_done / total:.0%}" if total else ""
    return pieces((f"{glyphs.state(job.state)} ", ink(STATE_COLOURS[job.state])), (name, PLAIN), (share, QUIET))


def _cell(card: Card, width: int, glyphs: Glyphs) -> Row:
    """A card in little room: index, utilisation, memory, and who is on it, else what keeps everybody off."""
    gpu = card.gpu
    busy = glyphs.none if gpu.utilization_percent is None else f"{gpu.utilization_percent}%"
    used = glyphs.none if gpu.memory_used_bytes is None else f"{gpu.memory_used_bytes / GIB:.0f}G"
    row = pieces((f"{gpu.index:>2} ", STRONG), (f"{busy:>4} {used:>4} ", QUIET))
    if card.jobs:
        row += pieces(*((remark.sign, remark.style) for remark in card.remarks))
        more = f" +{len(card.jobs) - 1}" if len(card.jobs) > 1 else ""
        sign = ink(STATE_COLOURS[card.jobs[0].state])
        row += pieces((f"{glyphs.state(card.jobs[0].state)}", sign), (more, QUIET))
        row += pieces((f" {card.jobs[0].id} {plain(card.jobs[0].name)}", PLAIN))
    elif card.remarks:
        row += pieces((card.remarks[0].short, card.remarks[0].style))
    else:
        row += pieces((f"{glyphs.free} free", QUIET))
    row = cut(row, width - 1, glyphs.ellipsis)
    return [*row, Segment(" " * (width - row_length(row)))]
