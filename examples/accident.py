"""Wait until a training has done some epochs, then kill it with SIGKILL, once: what a bad night does.

    python accident.py JOB [--epoch 4]

Nothing in yolotui knows about this: the job finds its victim as a person would, through `yolotui show --json`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

OVER = {"succeeded", "failed", "cancelled", "skipped"}


def look_at(job: str) -> dict[str, Any]:
    """The job as the command line shows it."""
    show = subprocess.run(
        [sys.executable, "-m", "yolotui", "show", job, "--json"], capture_output=True, text=True, check=True
    )
    shown: dict[str, Any] = json.loads(show.stdout)["job"]
    return shown


def main() -> int:
    """Strike once; a victim that has been struck already, or is over, is left in peace."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job")
    parser.add_argument("--epoch", type=int, default=4)
    arguments = parser.parse_args()
    while True:
        victim = look_at(arguments.job)
        if victim["state"] in OVER or len(victim["attempts"]) > 1:
            print(f"{arguments.job} is {victim['state']}: nothing to do")
            return 0
        done = victim["epochs"]["done"]
        if victim["state"] == "running" and done >= arguments.epoch:
            pid = victim["attempts"][-1]["pid"]
            os.kill(pid, signal.SIGKILL)
            print(f"killed {arguments.job} (pid {pid}) after epoch {done}")
            return 0
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
