"""`yolotui` without a verb."""

from __future__ import annotations

import sys

from yolotui.errors import WrongUse
from yolotui.locations import Home


def open_dashboard(*, readonly: bool, ascii_only: bool, mouse: bool, refresh_s: float | None) -> int:
    """Open the dashboard; returns its exit code. Raises WrongUse where there is no terminal to draw on."""
    refuse_without_terminal()
    from yolotui.tui import run_dashboard

    root = Home.current().root
    return run_dashboard(root, readonly=readonly, ascii_only=ascii_only, mouse=mouse, refresh_s=refresh_s)


def refuse_without_terminal() -> None:
    """Raise WrongUse where there is no terminal to draw on."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUse(
            "The dashboard needs a terminal. `yolotui list` prints the queue, `yolotui --batch FILE` runs a file of "
            "jobs, `yolotui --help` shows all verbs."
        )
