"""What stalls, runs too long or prints too much is ended, resumed or cut; and nothing else is."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import eventually
from tests.scheduler.conftest import ANNA, Rig
from tests.scheduler.test_leading import waiting_for
from yolotui.core.failures import Cause
from yolotui.core.jobs import Attempt, Job, JobSpec, Kind, Owner, Pausing, Priority, Running, Status
from yolotui.core.limits import Intervention, Limits
from yolotui.probe.processes import identity
from yolotui.scheduler import interventions
from yolotui.scheduler.endings import Endings
from yolotui.scheduler.local import LocalExecutor
from yolotui.scheduler.pulse import Pulses
from yolotui.scheduler.runs import Runs
from yolotui.scheduler.wakeups import Wakeups
from yolotui.scheduler.warden import LAST_WORDS_BYTES, Warden, cut


class Watched:
    """A training whose process is real and whose events and hours are made up."""

    def __init__(self, home: Any, run_dir: Path, *, ignores_term: bool) -> None:
        self.now = 0.0
        self.attempt_dir = run_dir / "attempt-1"
        self.attempt_dir.mkdir(parents=True)
        ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " if ignores_term else ""
        code = f"{ignore}print('ready', flush=True); import time; time.sleep(600)"
        environment = {**os.environ, "YOLOTUI_ATTEMPT": str(run_dir)}
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
        assert self.process.stdout
        self.process.stdout.readline()
        self.attempt = Attempt(number=1, uuid=str(run_dir), process=identity(self.process.pid), started_at=0.0)
        self.job = Job(
            id=1, spec=JobSpec(name="t", kind=Kind.TRAIN), priority=Priority.P2, owner=Owner("anna", 1),
            submitted_at=0.0, status=Running(0.0, 1), run_dir=str(run_dir), attempts=(self.attempt,),
        )  # fmt: skip
        self.wakeups = Wakeups()
        self.executor = LocalExecutor(home, self.wakeups)
        limits = Limits(stall_s=60.0, log_bytes=1000)
        self.endings = Endings(self.executor, clock=lambda: self.now)
        self.warden = Warden(self.endings, Pulses(Runs().series, lambda: self.now), limits)

    def says(self, event: str, **fields: Any) -> None:
        with (self.attempt_dir / "events.jsonl").open("a") as file:
            file.write(json.dumps({"t": 1000.0 + self.now, "event": event, **fields}) + "\n")

    def batch(self) -> None:
        self.says("batch", epoch=1, batch=1, wait_s=0.1, compute_s=0.1)

    def passes(self, seconds: float, every_s: float = 1.0, status: Status | None = None) -> None:
        """The leader looks, about once a second."""
        job = self.job if status is None else Job(**{**_fields(self.job), "status": status})
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + every_s)
            self.warden.look(job, self.attempt, 1000.0 + self.now)

    def note(self) -> Any:
        return interventions.read(self.attempt_dir)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.wakeups.close()


def _fields(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in job.__struct_fields__}


@pytest.fixture(params=[False, True], ids=["obeys", "ignores-term"])
def watched(request: pytest.FixtureRequest, home: Any, tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(home, tmp_path / "run", ignores_term=request.param)
    yield watched
    watched.close()


def test_a_training_that_falls_silent_is_told_to_end_and_then_killed(watched):
    watched.says("phase", name="training")
    watched.batch()
    watched.passes(59)
    assert watched.note() is None
    watched.passes(3)
    assert watched.note().cause is Cause.STALL
    assert "while training" in watched.note().sentence
    watched.passes(31)
    assert watched.process.wait(timeout=30) in {-signal.SIGTERM, -signal.SIGKILL}


def test_whoever_wants_it_ended_besides_the_wait_for_its_end_is_one(watched):
    watched.says("phase", name="training")
    watched.batch()
    watched.passes(62)
    assert watched.note() is not None
    watched.now += 30
    watched.endings.end(watched.job, watched.attempt)  # a person kills it as well
    assert watched.process.wait(timeout=30) in {-signal.SIGTERM, -signal.SIGKILL}


def test_every_batch_is_a_sign_of_life_and_what_is_printed_in_between_is_none(watched):
    watched.says("phase", name="training")
    for _ in range(5):
        watched.batch()
        watched.passes(50)
    assert watched.note() is None
    (watched.attempt_dir / "console.log").write_text("still waiting for a lock")
    watched.passes(15)
    assert watched.note() is not None


def test_caching_and_validating_may_take_their_time_and_a_progress_bar_is_a_sign_of_life(watched):
    watched.says("phase", name="dataset")
    watched.passes(350, every_s=5)
    (watched.attempt_dir / "console.log").write_text("caching images 50%")
    watched.passes(350, every_s=5)
    assert watched.note() is None
    watched.passes(20)
    assert "preparing its data set" in watched.note().sentence


def test_the_schedulers_own_absence_is_no_silence_of_the_training(watched):
    watched.says("phase", name="training")
    watched.batch()
    watched.passes(3)
    watched.now += 7 * 3600
    watched.passes(3)
    assert watched.note() is None


def test_a_training_that_is_to_pause_is_watched_as_well_and_one_that_a_person_stops_is_not(watched):
    watched.says("phase", name="training")
    watched.batch()
    watched.passes(100, status=Pausing(0.0, 1))
    assert watched.note() is not None


def test_a_log_without_end_is_cut_and_its_writer_goes_on(tmp_path):
    file = tmp_path / "console.log"
    writer = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(writer, b"first\n" * 100)
    cut(file, 1000)
    os.write(writer, b"second\n")
    cut(file, 1000)
    os.write(writer, b"third\n")
    os.close(writer)
    assert file.read_bytes() == b"third\n"
    assert (tmp_path / "console.log.1").read_bytes() == b"second\n"
    assert (tmp_path / "console.log.1").stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["console.log", "console.log.1"]


def test_of_a_log_that_grew_far_beyond_its_limit_only_the_end_is_copied(tmp_path):
    file = tmp_path / "console.log"
    file.write_bytes(b"old\n" * 5000 + b"new\n" * 250)
    cut(file, 1000)
    assert (tmp_path / "console.log.1").read_bytes() == b"new\n" * 250
    assert file.read_bytes() == b""


def test_a_log_that_has_filled_the_disk_is_cut_although_there_is_no_room_for_a_copy(tmp_path, monkeypatch):
    room = iter([10])

    def sendfile(out: int, source: int, offset: int, _count: int) -> int:
        for some in room:
            return os.write(out, os.pread(source, some, offset))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "sendfile", sendfile)
    file = tmp_path / "console.log"
    file.write_bytes(b"x" * 100_000 + b"the last words")
    cut(file, 90_000)
    assert file.read_bytes() == b""
    assert Path(f"{file}.1").read_bytes() == b"x" * (LAST_WORDS_BYTES - 14) + b"the last words"


def test_the_warden_cuts_logs(watched):
    file = watched.attempt_dir / "console.log"
    file.write_bytes(b"x" * 1001)
    watched.passes(12)
    assert file.stat().st_size == 0
    assert (watched.attempt_dir / "console.log.1").stat().st_size == 1000


def test_a_job_that_reaches_its_time_limit_fails_for_good_and_a_retry_gives_it_anew(rig: Rig, tmp_path: Path):
    job = rig.command("job", *waiting_for(tmp_path / "never"), time_limit_s=0.5, retries=3)
    rig.lead()
    failed = rig.until(job, "failed")
    assert failed.attempts[-1].cause == "time_limit"
    assert len(failed.attempts) == 1
    assert "time limit" in failed.status.reason  # type: ignore[union-attr]
    rig.store.verbs.retry([job], ANNA)
    eventually(lambda: len(rig.job(job).attempts) == 2)
    assert len(rig.until(job, "failed").attempts) == 2


def test_a_stalled_attempt_is_retried_and_the_reason_survives_the_leader_that_found_it(rig: Rig, tmp_path: Path):
    """A leader that is killed between its note and its first signal: the next one carries it out."""
    go = tmp_path / "go"
    job = rig.command("job", *waiting_for(go), retries=1)
    scheduler = rig.lead()
    running = rig.until(job, "running")
    rig.kill(scheduler)
    note = Intervention(cause=Cause.STALL, sentence="It stalled: nothing was heard of it for 10m.")
    interventions.write(Path(running.run_dir) / "attempt-1", note)
    rig.lead()
    eventually(lambda: len(rig.job(job).attempts) == 2)
    go.touch()
    first, second = rig.until(job, "succeeded").attempts
    assert (first.cause, first.explanation) == ("stall", note.sentence)
    assert second.outcome == "succeeded"
