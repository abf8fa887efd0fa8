"""The GPU strip: a line a card, or several compact cells a line when there are many. Pure."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from yolotui.core.gpus import Excluded, Foreign, Free, Gpu, Host, Lost
from yolotui.core.jobs import Job
from yolotui.tui.glyphs import Glyphs
from yolotui.tui.palette import DIM, ORANGE, PLAIN, QUIET, RED, SKY, STATE_COLOURS, STRONG, YELLOW, ink
from yolotui.tui.panels.texts import cut, pieces, row_length
from yolotui.tui.plot import Row
from yolotui.tui.snapshot import Snapshot
from yolotui.tui.words import fit, plain

CELL_WIDTH = 24
GIB = 2**30


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
    stale = snapshot.stale(now)
    if len(host.gpus) <= height:
        return [
            _card(gpu, host, snapshot.jobs_by_gpu.get(gpu.uuid, []), width, glyphs, stale=stale) for gpu in host.gpus
        ]
    across = max(-(-len(host.gpus) // height), 1)
    size = min(CELL_WIDTH * 2, width // across)
    cells = [_cell(gpu, snapshot.jobs_by_gpu.get(gpu.uuid, []), size, glyphs) for gpu in host.gpus]
    return [[s for cell in cells[at : at + across] for s in cell] for at in range(0, len(cells), across)]


def _card(gpu: Gpu, host: Host, jobs: list[Job], width: int, glyphs: Glyphs, *, stale: bool) -> Row:
    wide = width >= 110
    bar = 20 if width >= 160 else 12 if wide else 6
    name = min(22 if wide else 12, max(cell_len(short_name(each)) for each in host.gpus))
    plain_style = QUIET if stale else PLAIN
    row = pieces(
        (f"{gpu.index:>2} ", STRONG), (fit(by_words(short_name(gpu), name), name, glyphs.ellipsis) + " ", plain_style)
    )
    if not isinstance(gpu.availability, Lost):
        row += _readings(gpu, host, bar, glyphs, plain_style, wide=wide)
    row += _occupation(gpu, jobs, glyphs)
    return cut(row, width, glyphs.ellipsis)


def short_name(gpu: Gpu) -> str:
    """A card's name without what every card's name has."""
    return plain(gpu.name).removeprefix("NVIDIA ").removeprefix("GeForce ").removeprefix("Tesla ")


def by_words(name: str, width: int) -> str:
    """As many words of a name as fit."""
    while cell_len(name) > width and " " in name:
        name = name.rpartition(" ")[0]
    return name


def _readings(gpu: Gpu, host: Host, bar: int, glyphs: Glyphs, style: Style, *, wide: bool) -> Row:
    """Utilisation, memory, temperature, power; a dash for what the card doesn't tell. A CPU slot tells the host's."""
    busy: float | None = gpu.utilization_percent
    used, total = gpu.memory_used_bytes, gpu.memory_total_bytes
    if gpu.kind == "cpu":
        busy, total = host.cpu_percent, host.memory_total_bytes
        used = total - host.memory_available_bytes
    row = _bar(None if busy is None else busy / 100, bar, SKY, glyphs)
    row += pieces((f"{glyphs.none if busy is None else f'{busy:.0f}%':>4} ", style))
    full = None if used is None or not total else used / total
    memory = glyphs.none if full is None or used is None else f"{used / GIB:.0f}/{total / GIB:.0f}G"
    row += [*_bar(full, bar, YELLOW, glyphs), *pieces((f"{memory:>8} ", style))]
    heat = gpu.temperature_c
    warm = ink(ORANGE) if heat is not None and heat >= 85 else style
    row += pieces((f"{glyphs.none if heat is None else f'{heat}{glyphs.degree}C':>4} ", warm))
    power = glyphs.none if gpu.power_w is None else f"{gpu.power_w:.0f}W"
    limit = f"/{gpu.power_limit_w:.0f}W" if wide and gpu.power_limit_w and gpu.power_w is not None else ""
    return row + pieces((f"{power + limit:>{9 if wide else 4}} ", style), (" ", style))


def _bar(fraction: float | None, width: int, colour: str, glyphs: Glyphs) -> Row:
    if fraction is None:
        return pieces((" " * width, DIM))
    full, empty = glyphs.progress(fraction, width)
    return pieces((full, ink(colour)), (empty, DIM))


def _occupation(gpu: Gpu, jobs: list[Job], glyphs: Glyphs) -> Row:
    """Who is on the card: our jobs, or what keeps them off."""
    if jobs:
        row: Row = []
        for job in jobs:
            progress = job.progress
            total = progress.epochs_total or job.spec.epochs
            share = f" {progress.epochs_done / total:.0%}" if total else ""
            colour = ink(STATE_COLOURS[job.state])
            row += pieces(
                (f"{glyphs.state(job.state)} ", colour), (f"{job.id} {plain(job.name)}", PLAIN), (share, QUIET)
            )
            row += pieces(("  ", PLAIN))
        return row[:-1] + _obstacle(gpu, glyphs, prefix="  ")
    return _obstacle(gpu, glyphs) or pieces((f"{glyphs.free} free", QUIET))


def _obstacle(gpu: Gpu, glyphs: Glyphs, *, prefix: str = "") -> Row:
    match gpu.availability:
        case Foreign(pids=pids, memory_bytes=held, owners=owners):
            who = ", ".join(map(plain, owners)) or f"pid {', '.join(map(str, pids[:3]))}"
            return pieces((f"{prefix}{glyphs.foreign} foreign: {who} {held / GIB:.0f}G", ink(ORANGE)))
        case Lost(reason=reason):
            return pieces((f"{prefix}{glyphs.lost} lost: {plain(reason)}", ink(RED)))
        case Excluded(reason=reason):
            return pieces((f"{prefix}{glyphs.excluded} excluded: {plain(reason)}", QUIET))
        case Free():
            return []


def _cell(gpu: Gpu, jobs: list[Job], width: int, glyphs: Glyphs) -> Row:
    """A card in little room: index, utilisation, memory, and who is on it."""
    busy = glyphs.none if gpu.utilization_percent is None else f"{gpu.utilization_percent}%"
    used = glyphs.none if gpu.memory_used_bytes is None else f"{gpu.memory_used_bytes / GIB:.0f}G"
    row = pieces((f"{gpu.index:>2} ", STRONG), (f"{busy:>4} {used:>4} ", QUIET), *_short_occupation(gpu, jobs, glyphs))
    row = cut(row, width - 1, glyphs.ellipsis)
    return [*row, Segment(" " * (width - row_length(row)))]


def _short_occupation(gpu: Gpu, jobs: list[Job], glyphs: Glyphs) -> list[tuple[str, Style]]:
    if jobs:
        sign = ink(STATE_COLOURS[jobs[0].state])
        return [(f"{glyphs.state(jobs[0].state)} ", sign), (f"{jobs[0].id} {plain(jobs[0].name)}", PLAIN)]
    match gpu.availability:
        case Foreign():
            return [(f"{glyphs.foreign} foreign", ink(ORANGE))]
        case Lost():
            return [(f"{glyphs.lost} lost", ink(RED))]
        case Excluded():
            return [(f"{glyphs.excluded} excluded", QUIET)]
        case Free():
            return [(f"{glyphs.free} free", QUIET)]
