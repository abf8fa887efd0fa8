"""What a leader keeps in mind of jobs that have come and ended: its own objects, without SQLite's pages.

    python benchmarks/leader_memory.py [--jobs 2000]

No process is started: a job is submitted, begun and ended in the store, and the leader's picture and its memory of
durations follow. Counted by tracemalloc.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.store.builders import ANNA, command, submission
from yolotui.config import QuotasConfig
from yolotui.core.jobs import Attempt, Outcome, Succeeded
from yolotui.core.plan import Policy
from yolotui.locations import Home
from yolotui.scheduler.deciding import Decider
from yolotui.scheduler.picture import Picture
from yolotui.store import Store

LOOKS = 4


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, Store(Home(Path(directory)), wakes_leader=False) as store:
        picture = Picture(store, Decider(store, Policy(), QuotasConfig()).learn)
        picture.refresh()
        tracemalloc.start()
        for number in range(1, asked.jobs + 1):
            live(store, picture, number)
            if number % (asked.jobs // LOOKS) == 0:
                gc.collect()
                print(f"{number:>6} jobs  {tracemalloc.get_traced_memory()[0] / 1024:>8.0f} KiB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
