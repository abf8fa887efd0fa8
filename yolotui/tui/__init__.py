"""The dashboard. Importing this imports neither textual nor anything else that takes time."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from yolotui.errors import WrongUse

__all__ = ["run_dashboard"]


def run_dashboard(
    home: Path | None,
    *,
    readonly: bool = False,
    ascii_only: bool = False,
    mouse: bool = True,
    refresh_s: float | None = None,
    stands_at: float | None = None,
) -> int:
    """Show the queue of `home` until the person leaves; returns the exit code (129 and 143 after SIGHUP and SIGTERM).

    With `stands_at` (UTC seconds) its clock stands. Starts a scheduler if nobody leads, unless `readonly`. Raises
    WrongUse where there is no terminal to draw on, QueueUnusable where there is no queue to show.
    """
    _refuse_poor_terminal()
    from yolotui.core.jobs import Job
    from yolotui.queue import Queue
    from yolotui.tui.app import Dashboard
    from yolotui.tui.keymap import with_keys
    from yolotui.tui.leaving import leaving_on_signals
    from yolotui.tui.themes import theme_named

    now = time.time if stands_at is None else lambda: stands_at
    unicode = _shows_unicode()
    with Queue(home, readonly=readonly) as queue, queue.watching():
        if not readonly:
            queue.ensure_leader()  # with an empty queue as well: it is who looks at the GPUs
        app = Dashboard(
            lambda: Queue(home, readonly=readonly, clock=now),
            actions=with_keys(queue.config.keys),
            readonly=readonly,
            ascii_only=ascii_only or not unicode,
            refresh_s=refresh_s or queue.config.ui.refresh_s,
            confirm=queue.config.queue.confirm,
            theme=theme_named(queue.config.ui.theme),
            now=now,
        )
        if not (unicode or ascii_only):
            app.greeting = "This terminal shows no Unicode (its locale is not UTF-8): all signs are drawn in ASCII."
        with leaving_on_signals(app.leave):
            app.run(mouse=mouse)
        code = app.return_code or 0
        if code == 0 and not queue.home.demo_mark.exists():
            resting = {"held", "paused", *Job.ENDED_STATES}
            going_on = sum(count for state, count in queue.counts().items() if state not in resting)
            if going_on:
                who = "1 job goes" if going_on == 1 else f"{going_on} jobs go"
                with suppress(OSError):
                    print(f"{who} on without the dashboard; `yolotui` shows them again.", file=sys.stderr)
        return code


def _refuse_poor_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUse("The dashboard needs a terminal. In a pipe or a script use `yolotui list` or `yolotui --batch`.")
    if os.environ.get("TERM", "dumb") in {"dumb", "unknown", ""}:
        raise WrongUse("The dashboard needs a terminal that can move its cursor (TERM is dumb): use `yolotui list`.")


def _shows_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") in {"utf8", "utf16", "utf32"}
