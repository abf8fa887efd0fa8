"""What grows in a leader while jobs come and end: its own objects, SQLite's pages, or the process as a whole.

    python benchmarks/leader_memory.py [--jobs 4000]

No process is started: a job is submitted, begun and ended in the store, and the leader's picture and its memory of
durations follow. SQLite's memory is asked of the library that Python has loaded; 0 where Python brings its own.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import sys
import tempfile
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.store.builders import ANNA, command, submission
from yolotui.config import QuotasConfig
from yolotui.core.jobs import Attempt, Outcome, Succeeded
from yolotui.core.plan import Policy
from yolotui.locations import Home
from yolotui.scheduler.deciding import Decider
from yolotui.scheduler.picture import Picture
from yolotui.store import Store

LOOKS = 10
CHECKPOINT_EVERY = 20  # jobs
KIB = 1024


def live(store: Store, picture: Picture, number: int) -> None:
    """One job from its submission to its end, with a look of the leader after each step."""
    (job,) = store.verbs.submit([submission(command(f"job-{number}"))], ANNA)
    picture.refresh()
    running = Attempt(number=1, uuid=f"attempt-{number}", started_at=10.0)
    store.ledger.begin_attempt(job, running)
    picture.refresh()
    ended = Attempt(number=1, uuid=running.uuid, started_at=10.0, ended_at=80.0 + number, outcome=Outcome.SUCCEEDED)
    store.ledger.attempt_ended(job, ended, lambda _: (Succeeded(1.0), 0))
    picture.refresh()


def sqlite_bytes() -> int:
    """What SQLite holds of the heap, in this process, by its own account."""
    library = ctypes.CDLL("libsqlite3.so.0")
    library.sqlite3_memory_used.restype = ctypes.c_longlong
    return int(library.sqlite3_memory_used())


def show(jobs: int, store: Store) -> None:
    gc.collect()
    memory, queue = psutil.Process().memory_info().rss, store.home.queue.stat().st_size
    sizes = " ".join(f"{size / KIB:>10.0f}" for size in (memory, sqlite_bytes(), queue))
    print(f"{jobs:>6} {sizes} {sys.getallocatedblocks():>10}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=4000)
    asked = parser.parse_args()
    print(f"{'jobs':>6} {'memory KiB':>10} {'SQLite':>10} {'queue.db':>10} {'objects':>10}")
    with (
        tempfile.TemporaryDirectory() as directory,
        Store(Home(Path(directory)), wakes_leader=False, durable=False) as store,
    ):
        picture = Picture(store, Decider(store, Policy(), QuotasConfig()).learn)
        picture.refresh()
        for number in range(1, asked.jobs + 1):
            live(store, picture, number)
            if number % CHECKPOINT_EVERY == 0:
                store.checkpoint()
            if number % (asked.jobs // LOOKS) == 0:
                show(number, store)
    return 0


if __name__ == "__main__":
    sys.exit(main())
