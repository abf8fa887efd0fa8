"""Verbs about GPUs: gpus shows what the leader last saw of them; drain and undrain take them out and back."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from yolotui.cli.documents import availability_text, gpu_state, gpus_document, jobs_on
from yolotui.cli.options import json_option, open_queue, reason_option
from yolotui.cli.printing import Cell, Table, narrate, print_document, print_table
from yolotui.core.gpus import Gpu
from yolotui.core.timetable import Published
from yolotui.store import GpuMark
from yolotui.units import format_bytes, format_duration

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
@click.argument("gpus", nargs=-1, required=True, metavar="GPU...")
@reason_option
def drain_verb(gpus: Sequence[str], reason: str) -> None:
    """Start nothing more on GPUs, by index or UUID. What runs on them goes on to its end."""
    open_queue().drain(gpus, reason=reason)
    narrate(f"Drained: GPU {', '.join(gpus)}. `yolotui undrain {' '.join(gpus)}` brings back.")


@click.command("undrain")
@click.argument("gpus", nargs=-1, required=True, metavar="GPU...")
@reason_option
def undrain_verb(gpus: Sequence[str], reason: str) -> None:
    """Use GPUs again that were drained, or quarantined because jobs failed on them."""
    open_queue().undrain(gpus, reason=reason)
    narrate(f"In use again: GPU {', '.join(gpus)}.")


def _cells(gpu: Gpu, published: Published, mark: GpuMark | None) -> tuple[str | Cell, ...]:
    jobs = jobs_on(gpu, published)
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
        " ".join(map(str, jobs)) or availability_text(gpu),
    )


def _memory(gpu: Gpu) -> str:
    if not gpu.memory_total_bytes:
        return ""
    used = "?" if gpu.memory_used_bytes is None else format_bytes(gpu.memory_used_bytes)
    return f"{used} / {format_bytes(gpu.memory_total_bytes)}"
