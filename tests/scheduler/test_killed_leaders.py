"""The leader SIGKILLed at random moments, above all between deciding to start a job and knowing its pid.

    YOLOTUI_KILLS=200 YOLOTUI_SEED=1 pytest tests/scheduler/test_killed_leaders.py

No job may run twice, none may be stuck. Each job writes one line when it begins, in one write: the file is the witness.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from collections import Counter
from functools import partial
from pathlib import Path

from tests.helpers import eventually
from tests.scheduler.conftest import Rig
from yolotui.core.jobs import Outcome

KILLS = int(os.environ.get("YOLOTUI_KILLS", "15"))
SEED = int(os.environ.get("YOLOTUI_SEED", "20261121"))
WITNESS = "import os,sys; os.write(os.open(sys.argv[1], os.O_WRONLY|os.O_APPEND), (sys.argv[2]+chr(10)).encode())"


def has_begun(rig: Rig, jobs: list[int]) -> bool:
    """Whether the start of one of these jobs is committed."""
    return any(state != "waiting" for _, state in rig.store.read.states(jobs).values())


def test_no_job_runs_twice_and_none_is_stuck(rig: Rig, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    witness = tmp_path / "witness"
    witness.touch()
    jobs: list[int] = []
    between = 0
    for number in range(KILLS):
        jobs += [
            rig.command(f"job-{number}-{n}", sys.executable, "-S", "-c", WITNESS, str(witness), f"{number}-{n}", gpus=n)
            for n in (0, 1)
        ]
        scheduler = rig.lead(wait=False)
        if number % 4:
            # Three times out of four, aimed: in the milliseconds after the commit of a start.
            eventually(partial(has_begun, rig, jobs[-2:]), every_s=0.0005)
            moment_s = chance.uniform(0.0, 0.02)
        else:
            moment_s = chance.uniform(0.0, 1.0)
        threading.Event().wait(moment_s)
        rig.kill(scheduler)
        between += any(job.state == "starting" for job in rig.store.read.jobs(ids=jobs[-2:]))
    rig.lead("--until-idle")
    ended = [rig.until(job, "succeeded", "failed") for job in jobs]
    began = Counter(witness.read_text().split())
    assert began == Counter(f"{number}-{n}" for number in range(KILLS) for n in (0, 1))
    for job in ended:
        outcomes = [attempt.outcome for attempt in job.attempts]
        assert outcomes[-1] is Outcome.SUCCEEDED
        assert set(outcomes[:-1]) <= {Outcome.NEVER_STARTED}
    assert rig.store.read.leases() == []
    stillborn = sum(len(job.attempts) - 1 for job in ended)
    print(f"{KILLS} leaders killed, {between} between deciding and knowing, {stillborn} starts made again")
