"""How much later a training starts because of the check before its start, on a data set of 25 images.

    python -m benchmarks.check_before_start [--jobs 20]

From the commit of a submit to the commit of the start, on a queue that a scheduler leads and with a free GPU: without
checks, with data that was never looked at, and with data that was. The three take turns. The trainings have an
interpreter that ends at once.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.preflight.drawing import draw
from yolotui import JobSpec, Kind, Queue


@contextmanager
def led(home: Path, preflight: str) -> Iterator[Queue]:
    """A queue with a scheduler of its own."""
    home.mkdir()
    (home / "config.toml").write_text(f'[scheduling]\npreflight = "{preflight}"\n')
    environment = {**os.environ, "YOLOTUI_HOME": str(home)}
    with Queue(home, start_scheduler=False) as queue:
        log = subprocess.DEVNULL
        scheduler = subprocess.Popen(
            [sys.executable, "-m", "yolotui.scheduler"], env=environment, stdout=log, stderr=log
        )
        try:
            yield queue
        finally:
            scheduler.terminate()
            scheduler.wait()


def wait_to_start(queue: Queue, data: Path) -> float:
    """Seconds from the submit of a training to its start."""
    spec = JobSpec(name="t", kind=Kind.TRAIN, model="yolo11n.yaml", data=str(data), python="/bin/false", retries=0)
    (number,) = queue.add(spec)
    while not (job := queue.job(number)).ended:
        time.sleep(0.01)
    rows = {row.verb: row.at for row in queue.audit(jobs=[number])}
    return rows["start"] - job.submitted_at


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20)
    jobs: int = parser.parse_args().jobs
    os.environ["YOLOTUI_GPUS"] = "sim:1x24GiB"
    waits = defaultdict(list)
    with (
        tempfile.TemporaryDirectory() as name,
        led(Path(name, "unchecked"), "off") as unchecked,
        led(Path(name, "checked"), "hold") as checked,
    ):
        known = draw(Path(name, "known"))
        for queue in (unchecked, checked):
            wait_to_start(queue, known)  # the schedulers have come up, and the known data is known
        for number in range(jobs):
            waits["no check"].append(wait_to_start(unchecked, known))
            waits["data never looked at"].append(wait_to_start(checked, draw(Path(name, str(number)), seed=number)))
            waits["data looked at before"].append(wait_to_start(checked, known))
    for what, each in waits.items():
        print(
            f"{what:24} median {statistics.median(each):.3f} s   shortest {min(each):.3f} s   longest {max(each):.3f} s"
        )


if __name__ == "__main__":
    main()
