"""The threads: what they read, when they keep quiet, and what they say when they can't read."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.helpers import eventually
from tests.tui.believable import NOW, BelievableHome, many_jobs
from tests.tui.showing import dashboard, settled, text_of
from yolotui.core.jobs import Priority
from yolotui.errors import QueueUnusable
from yolotui.queue import Queue
from yolotui.store import GpuMark, GpuState, MarkCause
from yolotui.tui.clerk import Clerk
from yolotui.tui.feed import Feed
from yolotui.tui.keymap import with_keys
from yolotui.tui.panels.frame import attention
from yolotui.tui.snapshot import Leading, Snapshot


def test_only_what_changed_is_read_and_nothing_is_said_twice(night: BelievableHome):
    posted: list[Snapshot] = []
    asked: list[int] = []

    class Watched(Queue):
        def jobs(self, *, since_revision=-1, unfinished=False, ids=None):
            found = super().jobs(since_revision=since_revision, unfinished=unfinished, ids=ids)
            asked.append(len(found))
            return found

    feed = Feed(lambda: Watched(night.root, start_scheduler=False), posted.append, night.clock)
    feed.start()
    try:
        eventually(lambda: len(posted) == 1)
        assert len(posted[0].jobs) == 25
        assert posted[0].leading == Leading(4123, NOW - 7200)
        quiet = len(asked)
        eventually(lambda: len(asked) >= quiet + 2)
        assert len(posted) == 1
        (new,) = night.submit("one-more")
        eventually(lambda: new in posted[-1].jobs)
        assert len(posted[-1].jobs) == 26
        assert sorted(asked)[-2:] == [1, 25]
    finally:
        feed.stop()
        feed.join()


def test_a_queue_that_can_not_be_read_keeps_what_was_known_and_recovers(night: BelievableHome):
    posted: list[Snapshot] = []
    broken = threading.Event()

    class Fragile(Queue):
        def data_version(self) -> int:
            if broken.is_set():
                raise QueueUnusable("busy for 10 s")
            return super().data_version()

    feed = Feed(lambda: Fragile(night.root, start_scheduler=False), posted.append, night.clock)
    feed.start()
    try:
        eventually(lambda: posted)
        broken.set()
        eventually(lambda: posted[-1].trouble == "busy for 10 s")
        assert len(posted[-1].jobs) == 25
        assert "as of 14:02: busy for 10 s" in attention(posted[-1], NOW, NOW, start_key="S")[0][0]
        broken.clear()
        eventually(lambda: not posted[-1].trouble)
        assert len(posted[-1].jobs) == 25
    finally:
        feed.stop()
        feed.join()


def test_of_a_long_queue_what_is_not_over_is_shown_first(tmp_path: Path):
    crowd = many_jobs(tmp_path / "home", 3000)
    posted: list[Snapshot] = []
    feed = Feed(lambda: Queue(crowd.root, start_scheduler=False), posted.append, crowd.clock)
    feed.start()
    try:
        eventually(lambda: len(posted) == 2)
        assert posted[0].reading
        assert len(posted[0].jobs) == 300
        assert not any(job.ended for job in posted[0].jobs.values())
        assert not posted[1].reading
        assert len(posted[1].jobs) == 3000
    finally:
        feed.stop()
        feed.join()
        crowd.store.close()


async def test_a_sentence_names_the_key_that_the_person_has_chosen(tmp_path: Path):
    home = BelievableHome(tmp_path / "home")
    home.submit("alone")
    async with dashboard(home, actions=with_keys({"start_scheduler": "ctrl+g"})).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert "no scheduler runs: ctrl+g starts one" in text_of(pilot.app)
    home.store.close()


async def test_what_is_published_is_shown_with_its_age_when_nobody_leads(tmp_path: Path):
    home = BelievableHome(tmp_path / "home")
    home.submit("alone")
    home.publish(seconds_ago=3600)
    async with dashboard(home).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        assert "as of 13:02, no scheduler runs" in text_of(pilot.app)
    home.store.close()


def test_a_silent_scheduler_and_a_silent_queue_are_told(night: BelievableHome):
    with Queue(night.root, start_scheduler=False) as queue:
        jobs = {job.id: job for job in queue.jobs()}
        snapshot = Snapshot(jobs=jobs, published=queue.published(), leading=Leading(1, NOW), read_at=NOW)
    assert "as of 14:01, the scheduler is silent" in attention(snapshot, NOW + 60, NOW + 60, start_key="S")[0][0]
    assert "the queue does not answer: as of 14:02" in attention(snapshot, NOW, NOW + 10, start_key="S")[0][0]


def test_a_card_that_is_lost_or_sick_needs_attention(night: BelievableHome):
    sick = GpuMark(
        uuid="GPU-0", state=GpuState.QUARANTINED, since=NOW, reason="x", by="scheduler", cause=MarkCause.ERRORS
    )
    with Queue(night.root, start_scheduler=False) as queue:
        snapshot = Snapshot(
            published=queue.published(), leading=Leading(1, NOW), gpu_marks={"GPU-0": sick}, read_at=NOW
        )
    told = [text for text, _ in attention(snapshot, NOW, NOW, start_key="S")]
    assert told == ["GPU 3 is lost", "GPU 0 is sick"]


def test_the_clerk_does_deeds_in_order_and_tells_what_was_refused(night: BelievableHome):
    told: list[tuple[str, bool]] = []
    clerk = Clerk(
        lambda: Queue(night.root, start_scheduler=False), lambda sentence, refused: told.append((sentence, refused))
    )
    clerk.start()

    def urgent(queue: Queue) -> str:
        queue.set_priority([3], Priority.P0)
        return "done"

    def impossible(queue: Queue) -> str:
        queue.resume([3])
        return "never"

    for deed in (urgent, impossible, urgent):
        clerk.ask(deed)
    clerk.stop()
    clerk.join()
    assert [refused for _, refused in told] == [False, True, False]
    assert "can't resume it" in told[1][0]
