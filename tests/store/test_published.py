"""What the leader published, as readers and the next leader get it."""

from __future__ import annotations

from yolotui.core.gpus import Gpu, Host
from yolotui.core.timetable import Entry, Forecast, Published, Timetable, World
from yolotui.locations import Home
from yolotui.store import Actor, Store

GPUS = (Gpu(uuid="A", index=0, name="n", links=("B",)),)
FIRST = Forecast(1.0, 2.0, 1.5, 3.0, 9.0)
PUBLISHED = Published(
    revision=0,
    at=5.0,
    leader_pid=7,
    host=Host(at=4.0, gpus=GPUS),
    world=World(gpus=GPUS, demands=()),
    timetable=Timetable(made_at=5.0, entries=(Entry(job_id=1, start_at=2.0, first=FIRST),), order=(1,), resting=("A",)),
)


def test_the_world_that_is_read_holds_what_was_promised(home: Home) -> None:
    """A plan that anybody makes of it keeps to the promises, as the leader's own next plan does."""
    with Store(home) as store:
        assert store.read.published() is None
        revision = store.ledger.publish(PUBLISHED)
        read = store.read.published()
        assert read is not None
        assert read.timetable == PUBLISHED.timetable
        assert read.world.previous == PUBLISHED.timetable
        assert read.revision == store.read.published_revision() == revision


def test_what_another_version_published_and_this_one_can_not_read_is_as_if_it_were_not_there(home: Home) -> None:
    with Store(home) as store:
        store.ledger.publish(PUBLISHED)
        with store._database.write(Actor.scheduler()) as write:
            write.execute("""UPDATE published SET content = '{"revision": "not a number"}'""")
        assert store.read.published() is None
