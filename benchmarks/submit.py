"""What does it cost to submit: 1,000 jobs in one file, and 100 jobs one by one, beside task-spooler where there is one?

    python benchmarks/submit.py

Every job is durable (committed and synced) when its command returns. task-spooler (Debian's `tsp`) keeps its queue in
memory: it is measured beside ours because it is the quickest that people use, and it promises less.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from yolotui.leadership import Lock
from yolotui.locations import Home

YOLOTUI = [sys.executable, "-m", "yolotui"]


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of one command."""
    before, at = os.times(), time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - at, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def repeated(command: list[str], environment: dict[str, str], count: int) -> tuple[float, float]:
    """Wall and CPU seconds of the same command so many times, one after the other."""
    timings = [timed(command, environment) for _ in range(count)]
    return sum(wall for wall, _ in timings), sum(cpu for _, cpu in timings)


def report(what: str, count: int, timing: tuple[float, float]) -> None:
    wall, cpu = timing
    print(f"{what:<46} {wall:7.3f} s wall {cpu:7.3f} s CPU   {wall / count * 1000:7.2f} ms a job")


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        home = Home(Path(directory, "home"))
        home.create()
        environment = {**os.environ, "YOLOTUI_HOME": str(home.root)}
        lock = Lock(home.scheduler_lock)
        lock.acquire()  # nobody runs what is submitted: submitting alone is measured
        file = Path(directory, "jobs.toml")
        file.write_text("".join(f'[[job]]\nname = "job-{n}"\nrun = "true"\ngpus = 0\n' for n in range(1000)))
        subprocess.run([*YOLOTUI, "list"], env=environment, check=True, stdout=subprocess.DEVNULL)
        report("yolotui add --file, 1000 jobs", 1000, timed([*YOLOTUI, "add", "--file", str(file)], environment))
        report("yolotui run -- true, 100 times", 100, repeated([*YOLOTUI, "run", "--", "true"], environment, 100))
        lock.release()
        if tsp := shutil.which("tsp"):
            environment["TS_SOCKET"] = f"{directory}/tsp"
            report("tsp true, 100 times", 100, repeated([tsp, "true"], environment, 100))
            report("tsp true, 1000 times", 1000, repeated([tsp, "true"], environment, 1000))
            subprocess.run([tsp, "-K"], env=environment, check=True)
        else:
            print("tsp is not here (Debian: apt install task-spooler)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
