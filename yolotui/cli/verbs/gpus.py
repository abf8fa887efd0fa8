"""Verbs about GPUs: gpus shows what the leader last saw of them; drain and undrain take them out and back."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from yolotui.cli.documents import availability_text, demands_on, gpu_state, gpus_document
from yolotui.cli.moments import read_moment
from yolotui.cli.options import json_option, open_queue, reason_option
from yolotui.cli.printing import Cell, Table, narrate, print_document, print_table
from yolotui.core.gpus import Gpu
from yolotui.core.timetable import Published
from yolotui.errors import NotPossible
from yolotui.store import GpuMark, GpuState
from yolotui.units import format_bytes, format_clock, format_duration

STYLES = {
    "free": "green",
    "busy": "cyan",
    "foreign": "yellow",
    "lost": "red",
    "excluded": "dim",
    "drained": "dim",
    "quarantined": "magenta",
}


@click.command("gpus")
@json_option
def gpus_verb(as_json: bool) -> None:
    """Show the GPUs as the scheduler last saw them, and who uses each."""
    queue = open_queue()
    published, marks = queue.published(), queue.gpu_marks()
    if as_json:
        print_document("gpus", gpus_document(published, marks) if published else [])
        return
    if published is None:
        narrate("No scheduler has looked at the GPUs yet: `yolotui scheduler start` starts one.")
        return
    table = Table(
        ("gpu", "state", "name", "use", "memory", "temp", "power", "uuid", "jobs"),
        right=frozenset({"gpu", "use", "memory", "temp", "power"}),
    )
    for gpu in published.host.gpus:
        table.add(*_cells(gpu, published, marks.get(gpu.uuid)))
    print_table(table)
    if published.host.trouble:
        narrate(published.host.trouble)
    narrate(f"As seen {format_duration(max(round(time.time() - published.host.at), 0))} ago.")


@click.command("drain")
@click.argument("gpus", nargs=-1, metavar="GPU...")
@click.option("--all", "every", is_flag=True, help="All GPUs of the machine.")
@click.option("--at", metavar="TIME", help='Not now: nothing starts that would not have ended by then ("18:00").')
@reason_option
def drain_verb(gpus: Sequence[str], every: bool, at: str | None, reason: str) -> None:
    """Start nothing more on GPUs, by index or UUID. What runs on them goes on to its end."""
    queue, now = open_queue(), time.time()
    chosen = _chosen(gpus, [str(card.index) for card in queue.cards()], every=every)
    at_s = read_moment(at, "--at", now) if at else None
    queue.drain(chosen, at=at_s, reason=reason)
    back = f"`yolotui undrain {' '.join(chosen)}` brings back"
    if at_s is None:
        narrate(f"Drained: GPU {', '.join(chosen)}. {back}.")
    else:
        when = format_clock(at_s, now)
        narrate(f"GPU {', '.join(chosen)}: nothing starts that would not end by {when}. {back}.")


@click.command("undrain")
@click.argument("gpus", nargs=-1, metavar="GPU...")
@click.option("--all", "every", is_flag=True, help="All that are out of use, or will be.")
@reason_option
def undrain_verb(gpus: Sequence[str], every: bool, reason: str) -> None:
    """Use GPUs again that were drained, or quarantined because jobs failed on them."""
    queue = open_queue()
    out = [uuid for uuid, mark in queue.gpu_marks().items() if mark.state is not GpuState.TRUSTED]
    chosen = _chosen(gpus, out, every=every)
    queue.undrain(chosen, reason=reason)
    narrate(f"In use again: GPU {', '.join(chosen)}.")


def _chosen(named: Sequence[str], all_there_are: Sequence[str], *, every: bool) -> Sequence[str]:
    """The GPUs that are named, or all. Raises UsageError unless it is one of both, NotPossible where there are none."""
    if bool(named) == every:
        raise click.UsageError("Name the GPUs by index or UUID, or say --all.")
    if every and not all_there_are:
        raise NotPossible("There are none: no scheduler has seen the GPUs yet, or all of them are in use.")
    return all_there_are if every else named


def _cells(gpu: Gpu, published: Published, mark: GpuMark | None) -> tuple[str | Cell, ...]:
    holders = [f"{each.job_id} {each.name} ({each.owner})" for each in demands_on(gpu, published)]
    state = gpu_state(gpu, published, mark)
    return (
        str(gpu.index),
        Cell(state, STYLES.get(state, "")),
        gpu.name,
        "" if gpu.utilization_percent is None else f"{gpu.utilization_percent} %",
        _memory(gpu),
        "" if gpu.temperature_c is None else f"{gpu.temperature_c} °C",
        "" if gpu.power_w is None else f"{gpu.power_w:.0f} W",
        gpu.uuid,
        "; ".join(filter(None, (_closing(mark, published.host.at), ", ".join(holders)))) or availability_text(gpu),
    )


def _closing(mark: GpuMark | None, now: float) -> str:
    if mark is None or mark.closes_at is None or not mark.will_close(now):
        return ""
    return f"drained from {format_clock(mark.closes_at, now)} on"


def _memory(gpu: Gpu) -> str:
    if not gpu.memory_total_bytes:
        return ""
    used = "?" if gpu.memory_used_bytes is None else format_bytes(gpu.memory_used_bytes)
    return f"{used} / {format_bytes(gpu.memory_total_bytes)}"
