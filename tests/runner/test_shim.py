from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import eventually
from tests.runner.rig import SHIM, Attempt, alive, tagged


@pytest.fixture
def attempt(tmp_path: Path) -> Iterator[Attempt]:
    made = Attempt(tmp_path / "attempt-1", tag=str(tmp_path))
    yield made
    made.clean_up()


def sh(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def test_exit_code_console_and_identity(attempt):
    ending = attempt.order(sh("echo to stdout; echo to stderr >&2; exit 7")).run()

    assert (ending["exit_code"], ending["signal"], ending["error"]) == (7, None, None)
    assert ending["started_at"] <= ending["ended_at"]
    assert ending["max_rss_bytes"] > 100_000
    assert (attempt.folder / "console.log").read_text() == "to stdout\nto stderr\n"
    claim, process = attempt.read("claim"), attempt.read("process.json")
    assert claim["by"] == "shim"
    assert claim["boot_id"] == process["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert process["pid"] != claim["pid"]
    assert process["start_ticks"] >= claim["start_ticks"]
    assert not list(attempt.folder.glob("*.tmp"))


def test_a_trainer_killed_by_a_signal(attempt):
    ending = attempt.order(sh("kill -9 $$")).run()

    assert (ending["exit_code"], ending["signal"]) == (None, 9)


@pytest.mark.parametrize(("argv", "code"), [(["/no/such/program"], 127), (["/etc/passwd"], 126), ([], 126)])
def test_what_cannot_be_started_is_said(attempt, argv, code):
    ending = attempt.order(argv).run()

    assert ending["exit_code"] == code
    assert ending["error"]
    assert not (attempt.folder / "process.json").exists()


def test_a_broken_order_is_said(attempt):
    attempt.order(sh("exit 0"))
    (attempt.folder / "launch.json").write_text("{half")

    assert "launch.json" in attempt.run()["error"]


def test_two_shims_race_and_one_starts(attempt):
    attempt.order(sh(f"echo started >> {attempt.folder}/starts"))
    racers = [subprocess.Popen([sys.executable, "-I", "-S", str(SHIM), str(attempt.folder)]) for _ in range(4)]

    assert sorted(racer.wait(timeout=60) for racer in racers) == [0, 3, 3, 3]
    assert (attempt.folder / "starts").read_text() == "started\n"


def test_a_claim_by_another_is_respected(attempt):
    attempt.order(sh("exit 0"))
    (attempt.folder / "claim").write_text(json.dumps({"by": "leader"}))

    assert attempt.start().shim.wait(timeout=60) == 3
    assert not (attempt.folder / "exit.json").exists()
    assert attempt.read("claim") == {"by": "leader"}


@pytest.mark.parametrize("signum", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_shim_do_nothing_and_the_trainer_has_its_own(attempt, signum):
    attempt.order(sh("trap 'exit 9' HUP INT TERM; echo up; while :; do sleep 0.05; done")).start()
    console = attempt.folder / "console.log"
    eventually(lambda: console.exists() and console.read_text() == "up\n")
    os.kill(attempt.shim.pid, signum)

    assert alive(attempt.read("process.json")["pid"])
    assert os.getsid(attempt.read("process.json")["pid"]) != os.getsid(attempt.shim.pid)
    attempt.signal(signum)
    assert attempt.wait()["exit_code"] == 9


def test_the_trainer_outlives_a_killed_shim(attempt):
    attempt.order(["/bin/sleep", "600"]).start()
    eventually(lambda: tagged(attempt.tag))
    attempt.shim.kill()
    attempt.shim.wait(timeout=60)
    pid = attempt.read("process.json")["pid"]

    assert alive(pid)
    assert pid in tagged(attempt.tag)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid))


def test_the_shim_itself_carries_no_tag(attempt):
    attempt.order(["/bin/sleep", "600"]).start()
    eventually((attempt.folder / "process.json").exists)

    eventually(lambda: tagged(attempt.tag) == [attempt.read("process.json")["pid"]])
    attempt.signal(signal.SIGKILL)
    attempt.wait()


def test_leftovers_are_killed_after_their_grace(attempt):
    # A daemon in a session of its own, a grandchild that is reparented, a child that ignores SIGTERM.
    script = "setsid sleep 600 & (sleep 600 & sleep 600 &) ; (trap '' TERM; sleep 600) & exit 3"
    ending = attempt.order(sh(script), kill_grace_s=0.2).run()

    assert ending["exit_code"] == 3
    assert ending["leftovers_killed"] >= 4
    assert not tagged(attempt.tag)


def test_descendants_that_leave_by_themselves_are_waited_for_and_not_killed(attempt):
    # They hold a lock that is free only when they have gone, and the grace is far longer than the test's patience.
    held = attempt.folder / "held"
    script = f"(flock {held} sleep 0.3 &) ; exit 0"
    ending = attempt.order(sh(script), kill_grace_s=10_000).run()

    assert ending["leftovers_killed"] == 0
    assert not tagged(attempt.tag)


def test_the_trainer_is_the_one_that_the_kernel_takes(attempt):
    ending = attempt.order(sh("exit $(cat /proc/self/oom_score_adj | wc -c)"), oom_score_adj=987).run()

    assert ending["exit_code"] == len("987\n")


def test_signal_dispositions_are_reset_for_the_trainer(attempt):
    attempt.order([sys.executable, "-c", "print(open('/proc/self/status').read())"]).run()
    masks = dict(
        line.split(":\t") for line in (attempt.folder / "console.log").read_text().splitlines() if ":\t" in line
    )

    assert int(masks["SigBlk"], 16) == 0
    ignored = int(masks["SigIgn"], 16)
    assert not any(ignored >> (number - 1) & 1 for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM))


def test_a_full_disk_delays_the_exit_file_only(attempt, tmp_path):
    # A directory in the way of the temporary file makes every write fail until somebody makes room.
    attempt.order(sh("exit 5"))
    obstacle = attempt.folder / "exit.json.tmp"
    obstacle.mkdir()
    (obstacle / "full").touch()
    attempt.start()
    eventually((attempt.folder / "process.json").exists)
    eventually(lambda: not alive(attempt.read("process.json")["pid"]))
    assert attempt.shim.poll() is None
    (obstacle / "full").unlink()
    obstacle.rmdir()

    assert attempt.wait()["exit_code"] == 5


def test_a_removed_run_directory_ends_the_shim(attempt, tmp_path):
    attempt.order(sh(f"mv {attempt.folder} {tmp_path}/moved"))
    assert attempt.start().shim.wait(timeout=60) == 0


@pytest.mark.parametrize("leads", [False, True])
def test_a_scheduler_is_started_when_nobody_leads(attempt, tmp_path, leads):
    lock, started = tmp_path / "scheduler.lock", tmp_path / "started"
    order = {"argv": sh(f"echo $MARK > {started}.tmp; mv {started}.tmp {started}"), "lock": str(lock),
             "env": {**os.environ, "MARK": "follower"}}  # fmt: skip
    with lock.open("w") as leader:
        if leads:
            fcntl.flock(leader, fcntl.LOCK_EX)
        attempt.order(sh("exit 0"), follow_up=order).run()
        if leads:
            assert not started.exists()
        else:
            assert eventually(lambda: started.exists() and started.read_text()) == "follower\n"
            with lock.open() as free:
                fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)
