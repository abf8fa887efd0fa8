"""How long from a submit to the start of its process, and from the end of a process to the start of the next?

    python benchmarks/latency.py [--jobs 50]

Both on a queue that a scheduler leads, with command jobs that write down the time at which they began and ended: what
is measured includes the commit, the decision, the shim and the start of the process. The floor beside it is a bare
fork and exec of the same command on the same machine, in the same run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from yolotui import JobSpec, Kind, Queue

# The shell's own clock, so that the start of an interpreter is not measured.
NOTE = 'date +%s.%N >> "$YOLOTUI_RUN_DIR/times"; {}; date +%s.%N >> "$YOLOTUI_RUN_DIR/times"'


def noting(command: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", NOTE.format(command))


def command(name: str, *, gpus: int, work: str = ":") -> JobSpec:
    return JobSpec(name=name, kind=Kind.COMMAND, command=noting(work), gpus=gpus, cwd="/")


def times_of(queue: Queue, job: int) -> tuple[float, float]:
    began, ended = Path(queue.job(job).run_dir, "times").read_text().split()
    return float(began), float(ended)


def wait_for(queue: Queue, job: int) -> None:
    while not queue.job(job).ended:
        time.sleep(0.005)


def submit_to_start(queue: Queue, jobs: int) -> list[float]:
    delays = []
    for number in range(jobs):
        at = time.time()
        (job,) = queue.add(command(f"start-{number}", gpus=0))
        wait_for(queue, job)
        delays.append(times_of(queue, job)[0] - at)
    return delays


def exit_to_start(queue: Queue, jobs: int) -> list[float]:
    """All on one GPU, one after the other: each begins when the one before it has ended."""
    ids = queue.add(*(command(f"next-{number}", gpus=1, work="sleep 0.05") for number in range(jobs + 1)))
    wait_for(queue, ids[-1])
    moments = [times_of(queue, job) for job in ids]
    return [after[0] - before[1] for before, after in pairwise(moments)]


def bare(jobs: int) -> list[float]:
    delays = []
    with tempfile.TemporaryDirectory() as directory:
        for number in range(jobs):
            Path(directory, str(number)).mkdir()
            environment = {**os.environ, "YOLOTUI_RUN_DIR": f"{directory}/{number}"}
            at = time.time()
            subprocess.run(noting(":"), env=environment, check=True)
            delays.append(float(Path(directory, str(number), "times").read_text().split()[0]) - at)
    return delays


def report(what: str, delays: list[float], goal_s: float | None = None) -> None:
    ordered = sorted(delays)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    goal = "" if goal_s is None else f"   goal {goal_s * 1000:.0f} ms"
    print(f"{what:<28} median {statistics.median(ordered) * 1000:6.1f} ms   p95 {p95 * 1000:6.1f} ms{goal}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=50)
    jobs: int = parser.parse_args().jobs
    os.environ["YOLOTUI_GPUS"] = "sim:1x24GiB"
    with tempfile.TemporaryDirectory() as home, Queue(home, start_scheduler=False) as queue:
        environment = {**os.environ, "YOLOTUI_HOME": home}
        log = subprocess.DEVNULL
        scheduler = subprocess.Popen(
            [sys.executable, "-m", "yolotui.scheduler"], env=environment, stdout=log, stderr=log
        )
        try:
            wait_for(queue, queue.add(command("warm-up", gpus=0))[0])
            report("fork + exec alone (floor)", bare(jobs))
            report("submit to process start", submit_to_start(queue, jobs), 0.1)
            report("process exit to next start", exit_to_start(queue, jobs), 0.1)
        finally:
            scheduler.terminate()
            scheduler.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
