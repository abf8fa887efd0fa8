"""`yolotui demo`: the dashboard on a simulated host, to look around without a GPU and without a training."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from yolotui.cli.dashboard import refuse_without_terminal
from yolotui.cli.printing import narrate
from yolotui.errors import YolotuiError

LEAVES_WITHIN_S = 10.0


@click.command("demo")
@click.option("--seed", type=click.IntRange(min=0), default=1, metavar="N", help="Another week: other accidents.")
@click.option("--at", "at", metavar="TIME", help="With a clock that stands: 2026-11-21T14:02, as pictures need it.")
@click.option("--readonly", is_flag=True, help="Look, change nothing.")
@click.option("--ascii", "ascii_only", is_flag=True, help="No braille, no box drawing.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal.")
def demo_verb(*, seed: int, at: str | None, readonly: bool, ascii_only: bool, no_mouse: bool) -> int:
    """Look around: four simulated GPUs, a week of history, trainings that move.

    Everything is made up and lives in a directory of its own, which is removed at the end; your queue is not touched.
    Every key works: what you submit or kill is as little real as the rest.
    """
    stands_at = _moment(at)
    refuse_without_terminal()
    narrate("Making up a week of history…")
    from yolotui.tui import run_dashboard

    with _demonstration(seed, stands_at) as home:
        return run_dashboard(
            home, readonly=readonly, ascii_only=ascii_only, mouse=not no_mouse, stands_at=stands_at
        )  # fmt: skip


@contextmanager
def _demonstration(seed: int, stands_at: float | None) -> Iterator[Path]:
    """A home with a driver that moves it; both are gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix="yolotui-demo-"))
    options = [] if stands_at is None else ["--at", str(stands_at)]
    driver = subprocess.Popen(
        [sys.executable, "-P", "-m", "yolotui.demo", str(root), "--seed", str(seed), *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert driver.stdin is not None
    assert driver.stdout is not None
    assert driver.stderr is not None
    try:
        if driver.stdout.readline() != "ready\n":
            raise YolotuiError(f"The demonstration could not be made: {driver.stderr.read().strip()[-400:]}")
        yield root
    finally:
        driver.stdin.close()
        try:
            driver.wait(LEAVES_WITHIN_S)
        except subprocess.TimeoutExpired:
            driver.kill()
            driver.wait()
        driver.stdout.close()
        driver.stderr.close()
        shutil.rmtree(root, ignore_errors=True)


def _moment(text: str | None) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time: write 2026-11-21T14:02.", param_hint="--at") from None
