"""The real kernel, where it lets us: what it kills for want of memory is recognised by its own word."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runner.rig import Attempt as ShimAttempt
from yolotui.core.jobs import Attempt, Job, JobSpec, Kind, Owner, Priority, Running
from yolotui.scheduler.executor import Ended
from yolotui.scheduler.judging import judge

LIMIT = 60_000_000
GREEDY = [sys.executable, "-S", "-c", "hoard = [bytearray(10**7) for _ in range(100)]"]
V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group with little memory."""
    root, limit = (V1, "memory.limit_in_bytes") if V1.is_dir() else (V2, "memory.max")
    group = root / f"yolotui-test-{uuid.uuid4().hex[:8]}"
    try:
        group.mkdir()
        (group / limit).write_text(str(LIMIT))
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    yield group
    group.rmdir()


def test_the_kernels_out_of_memory_killer_is_recognised(small_group: Path, tmp_path: Path) -> None:
    run = ShimAttempt(tmp_path / "run" / "attempt-1").order(GREEDY)
    code = (
        f"import os; open({str(small_group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()));"
        f"from tests.runner.rig import SHIM; os.execv({sys.executable!r}, [{sys.executable!r}, '-I', '-S', str(SHIM),"
        f" {str(run.folder)!r}])"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], env=os.environ)
    content = run.read("exit.json")
    assert content["signal"] == 9
    assert content["oom_kills"] >= 1
    job = Job(
        id=1, spec=JobSpec(name="greedy", kind=Kind.COMMAND, gpus=0), priority=Priority.P2, owner=Owner("anna", 1),
        submitted_at=0.0, status=Running(0.0, 1), run_dir=str(tmp_path / "run"),
        attempts=(Attempt(number=1, uuid="1"),),
    )  # fmt: skip
    ended = Ended(
        ended_at=content["ended_at"], started_at=content["started_at"], signal=9, oom_kills=content["oom_kills"]
    )
    verdict = judge(job, run.folder, ended)
    assert verdict.cause == "host_out_of_memory"
    assert "kernel" in verdict.explanation
