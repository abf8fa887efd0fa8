"""Leaders and senders that come and go, and are killed: what is to be told is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil

from tests.helpers import eventually
from tests.scheduler.conftest import Rig
from yolotui.leadership import watching
from yolotui.locations import Home
from yolotui.store import MessageState, Store


def test_a_leader_that_is_killed_again_and_again_has_everything_told_once(tmp_path, unreliable):
    home = Home(tmp_path / "live")
    home.create()
    home.config.write_text(f'[notify]\nper_hour = 1000\nfinished = ["{unreliable.address}"]\n')
    with Rig(home, "cpu:1") as rig:
        jobs = [rig.command(f"job-{n}") for n in range(3)]
        for job in jobs:
            scheduler = rig.lead("--until-idle")
            rig.until(job, "succeeded")
            rig.kill(scheduler)
        rig.lead("--until-idle")
        eventually(lambda: len(unreliable.events) >= len(jobs), 90)
        eventually(lambda: {each.state for each in rig.store.outbox.newest(10)} == {MessageState.SENT})
    assert sorted(unreliable.titles) == [f"job-{n} has finished" for n in range(3)]
    assert len(set(unreliable.events)) == len(unreliable.events)


def test_the_first_address_is_heeded_without_another_leader(tmp_path, receiver):
    home = Home(tmp_path / "live")
    home.create()
    with Rig(home, "cpu:1") as rig:
        rig.lead()
        rig.until(rig.command("before"), "succeeded")
        home.config.write_text(f'[notify]\nfinished = ["{receiver.address}"]\n')
        eventually(rig.store.outbox.cursors)
        rig.until(rig.command("after"), "succeeded")
        eventually(lambda: receiver.titles, 60)
    assert receiver.titles == ["after has finished"]


def test_what_waits_when_leader_and_sender_are_gone_is_told_when_somebody_looks(tmp_path, receiver):
    """The leader leaves when all is done; its sender is killed while the other side keeps it waiting."""
    home = Home(tmp_path / "live")
    home.create()
    home.config.write_text(f'[notify]\nfinished = ["{receiver.address}"]\n')
    receiver.may_answer.clear()
    with Rig(home, "cpu:1") as rig:
        job = rig.command("night")
        scheduler = rig.lead("--until-idle")
        rig.until(job, "succeeded")
        eventually(lambda: receiver.requests == 1)
        scheduler.wait(60)
        os.kill(_sender_of(home), signal.SIGKILL)
        receiver.may_answer.set()
        assert [each.state for each in rig.store.outbox.newest(5)] == [MessageState.SENDING]
        look = [sys.executable, "-m", "yolotui", "list"]
        subprocess.run(look, env=rig.environment, check=True, stdout=subprocess.DEVNULL)
        eventually(lambda: [each.state for each in rig.store.outbox.newest(5)] == [MessageState.SENT])
    assert "(perhaps told before)" in receiver.taken[-1]["message"]


def test_a_leader_that_leaves_has_what_waits_in_good_hands(tmp_path, receiver):
    """The sender is killed while the leader is held back by a watcher: before it leaves, it starts another."""
    home = Home(tmp_path / "live")
    home.create()
    home.config.write_text(f'[notify]\nfinished = ["{receiver.address}"]\n')
    receiver.may_answer.clear()
    with Rig(home, "cpu:1") as rig:
        with watching(home):
            job = rig.command("night")
            scheduler = rig.lead("--until-idle")
            rig.until(job, "succeeded")
            eventually(lambda: receiver.requests == 1)
            os.kill(_sender_of(home), signal.SIGKILL)
        receiver.may_answer.set()
        assert scheduler.wait(60) == 0
        eventually(lambda: [each.state for each in rig.store.outbox.newest(5)] == [MessageState.SENT], 60)


def _sender_of(home: Home) -> int:
    """The process that sends for a home."""
    (found,) = [
        process.pid
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["cmdline"] or [""])[-1] == "yolotui.notify"
        and (process.info["environ"] or {}).get("YOLOTUI_HOME") == str(home.root)
    ]
    return found


def test_only_one_sender_is_at_it(home):
    Store(home).close()
    command = [sys.executable, "-m", "yolotui.notify"]
    environment = {**os.environ, "YOLOTUI_HOME": str(home.root)}
    senders = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [sender.wait(60) for sender in senders] == [0, 0]
