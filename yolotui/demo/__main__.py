"""`python -m yolotui.demo DIRECTORY`: fill an empty directory with a demonstration, and lead it until stdin closes.

Says `ready` when there is something to see. What it made is removed when it leaves, however its starter ended: the pipe
closes by itself.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from yolotui.demo.leading import demonstration
from yolotui.locations import Home
from yolotui.scheduler.wakeups import Wakeups


def main(arguments: list[str] | None = None) -> int:
    """Lead until told to leave."""
    parser = argparse.ArgumentParser(prog="python -m yolotui.demo", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at", type=float, help="UTC seconds at which the clock stands; it goes if left out")
    asked = parser.parse_args(arguments)
    home = Home(asked.directory.absolute())
    home.create()
    if any(home.root.iterdir()):
        parser.error(f"{home.root} is not empty: a demonstration removes its directory when it leaves")
    logging.basicConfig(filename=home.scheduler_log, format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    wakeups = Wakeups()
    wakeups.leave_on(signal.SIGTERM, signal.SIGINT)
    closed = _watch_stdin(wakeups)
    try:
        with demonstration(home.root, asked.at or time.time(), asked.seed, wakeups) as shown:
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            if asked.at is None:
                shown.lead()
            else:
                closed.wait()
    finally:
        shutil.rmtree(home.root, ignore_errors=True)
    return 0


def _watch_stdin(wakeups: Wakeups) -> threading.Event:
    """Leave when whoever started this has gone."""
    closed = threading.Event()

    def watch() -> None:
        sys.stdin.buffer.read()
        wakeups.asked_to_leave = True
        wakeups.nudge()
        closed.set()

    threading.Thread(target=watch, name="stdin", daemon=True).start()
    return closed


if __name__ == "__main__":
    sys.exit(main())
