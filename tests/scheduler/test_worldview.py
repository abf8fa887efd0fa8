"""From the queue to the world: what is made anew, what a plan hangs on, and what of old promises is dropped."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from tests.probe.fake_nvml import GIB
from tests.scheduler.evictions import notice
from tests.store.builders import ANNA, command, submission, training
from yolotui.config import QuotaConfig, QuotasConfig
from yolotui.core.gpus import Excluded, Foreign, Gpu, Host, Lost
from yolotui.core.jobs import Attempt, Job, Outcome, Priority, Progress, Succeeded, Waiting
from yolotui.core.timetable import Calibration, Demand, Entry, Forecast, Timetable
from yolotui.locations import Home
from yolotui.scheduler.allowances import Allowances
from yolotui.scheduler.estimates import Estimates
from yolotui.scheduler.memory import Appetites
from yolotui.scheduler.picture import Picture
from yolotui.scheduler.worldview import WorldView, foreseen_anew
from yolotui.store import Actor, Store, with_marks

HOST = Host(at=0.0, gpus=tuple(Gpu(uuid=f"G{n}", index=n, name="A100" if n else "T4") for n in range(3)))


class View:
    """A queue with its picture and the worlds that are made of it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.estimates = Estimates()
        self.appetites = Appetites()
        self.picture = Picture(store, self._learn)
        self._worlds = WorldView(self.estimates, self.appetites, tenants=2)

    def _learn(self, job: Job) -> None:
        self.estimates.learn(job)
        self.appetites.learn(job)

    def demands(self, host: Host = HOST, now: float = 0.0) -> dict[int, Demand]:
        self.picture.refresh()
        world = self._worlds.world(self.picture, host, None, Calibration(), now)
        return {demand.job_id: demand for demand in world.demands}

    def run(self, job_id: int, *, succeeds: bool = True, peak: int | None = None) -> None:
        attempt = Attempt(number=1, uuid="u", started_at=10.0)
        assert self.store.ledger.begin_attempt(job_id, attempt)
        if succeeds:
            progress = Progress(peak_vram_bytes=peak)
            ended = Attempt(
                number=1, uuid="u", started_at=10.0, ended_at=80.0, outcome=Outcome.SUCCEEDED, progress=progress
            )
            self.store.ledger.attempt_ended(job_id, ended, lambda job: (Succeeded(1.0), 0))


@pytest.fixture
def view(home: Home) -> Iterator[View]:
    clock = itertools.count(100.0)
    with Store(home, clock=lambda: next(clock)) as store:
        yield View(store)


def test_of_the_ended_only_those_that_others_hang_on_are_kept_in_mind(view: View) -> None:
    """A leader that leads for months must not grow with every job that it has seen end."""
    alone, needed = view.store.verbs.submit([submission(command("alone")), submission(command("needed"))], ANNA)
    view.run(alone)
    (behind,) = view.store.verbs.submit([submission(command("behind", after=("needed",)))], ANNA)
    view.run(needed)
    assert view.demands()[behind].needs[0].state == "succeeded"
    assert view.picture.known.keys() == {needed, behind}
    view.store.verbs.cancel([behind], ANNA)
    view.demands()
    assert not view.picture.known


def test_only_what_has_changed_is_made_anew(view: View) -> None:
    first, second, behind = view.store.verbs.submit(
        [submission(command("a")), submission(command("b")), submission(command("c", after=("a",)))], ANNA
    )
    before = view.demands()
    assert all(view.demands()[job] is before[job] for job in (first, second, behind))
    view.store.verbs.set_priority([second], Priority.P0, ANNA)
    after = view.demands()
    assert after[second].priority is Priority.P0
    assert after[first] is before[first]
    view.store.verbs.hold([first], ANNA)
    held = view.demands()
    assert held[behind].needs[0].state == "held"
    assert held[second] is after[second]
    view.store.verbs.hold_group("default", ANNA)
    assert "group default is held" in view.demands()[second].blocked


def test_what_is_learned_reaches_all_that_waits(view: View) -> None:
    one, other = view.store.verbs.submit([submission(command("a")), submission(command("b"))], ANNA)
    assert "guess" in view.demands()[other].estimate.source
    view.run(one)
    assert view.demands()[other].estimate.remaining_s == 70.0


def test_a_job_that_waits_is_estimated_on_the_commonest_gpu_that_it_may_have(view: View) -> None:
    done, any_gpu, on_t4 = view.store.verbs.submit(
        [submission(training(name, **options)) for name, options in (("x", {}), ("y", {}), ("z", {"gpu_model": "T4"}))],
        ANNA,
    )
    attempt = Attempt(number=1, uuid="u", gpu_model="A100", started_at=10.0, outcome=Outcome.SUCCEEDED, ended_at=50.0)
    assert view.store.ledger.begin_attempt(done, Attempt(number=1, uuid="u"))
    view.store.ledger.attempt_ended(done, attempt, lambda job: (Succeeded(1.0), 0))
    view.estimates.learn(view.store.read.job(done))
    demands = view.demands()
    assert "the same" in demands[any_gpu].estimate.source
    assert "similar" in demands[on_t4].estimate.source


def test_a_plan_hangs_on_verbs_and_states_but_not_on_progress(view: View) -> None:
    (job,) = view.store.verbs.submit([submission(training("a"))], ANNA)
    view.run(job, succeeds=False)
    view.picture.refresh()
    version = view.picture.version
    view.store.ledger.record_progress([(job, 1, Progress(epochs_done=3, epoch_s=2.0))])
    view.picture.refresh()
    assert view.picture.version == version
    assert view.picture.jobs[job].progress.epochs_done == 3
    view.store.verbs.drain(["G0"], ANNA)
    view.picture.refresh()
    assert view.picture.version > version


def test_what_was_said_of_gpus_excludes_them_with_the_way_back(view: View) -> None:
    view.store.verbs.drain(["G0", "G2"], Actor("anna", 0, "new fan"))
    foreign = Host(
        at=0.0,
        gpus=(
            Gpu(uuid="G0", index=0, name="n", availability=Foreign((1,), 1)),
            Gpu(uuid="G1", index=1, name="n"),
            Gpu(uuid="G2", index=2, name="n", availability=Lost("gone")),
        ),
    )
    drained, free, lost = with_marks(foreign, view.store.read.gpu_marks()).gpus
    assert drained.availability == Excluded("drained by anna (new fan); `yolotui undrain 0` brings it back")
    assert (free, lost) == foreign.gpus[1:]
    view.store.verbs.undrain(["G0", "G2"], ANNA)
    assert with_marks(foreign, view.store.read.gpu_marks()) is foreign


def test_a_first_forecast_is_dropped_when_the_job_waits_anew_and_kept_otherwise(view: View) -> None:
    kept, tried, grouped = view.store.verbs.submit(
        [submission(command("a")), submission(command("b")), submission(command("c", group="night"))], ANNA
    )
    first = Forecast(200.0, 300.0, 250.0, 400.0, 500.0)
    timetable = Timetable(
        made_at=200.0, entries=tuple(Entry(job_id=job, first=first) for job in (kept, tried, grouped))
    )
    view.picture.refresh()
    assert foreseen_anew(timetable, view.picture) is timetable
    attempt = Attempt(number=1, uuid="u", outcome=Outcome.FAILED, ended_at=250.0)
    assert view.store.ledger.begin_attempt(tried, Attempt(number=1, uuid="u"))
    view.store.ledger.attempt_ended(tried, attempt, lambda job: (Waiting(260.0), 1))
    view.store.verbs.hold_group("night", ANNA)
    view.picture.refresh()
    now = foreseen_anew(timetable, view.picture).by_job()
    assert {job: entry.first for job, entry in now.items()} == {kept: first, tried: None, grouped: None}


def test_a_back_off_that_was_planned_with_is_over_when_the_clock_is_set_back(view: View) -> None:
    (job,) = view.store.verbs.submit([submission(command("tried"))], ANNA)
    assert view.store.ledger.begin_attempt(job, Attempt(number=1, uuid="u"))
    failed = Attempt(number=1, uuid="u", outcome=Outcome.FAILED, ended_at=500.0)
    view.store.ledger.attempt_ended(job, failed, lambda _: (Waiting(500.0, 530.0), 1))
    assert view.demands(now=501.0)[job].not_before == 530.0
    assert view.demands(now=499.0)[job].not_before is None


CARD = Host(at=0.0, gpus=(Gpu(uuid="G0", index=0, name="A100", memory_total_bytes=24 * GIB),))
CPU = Host(at=0.0, gpus=(Gpu(uuid="CPU-0", index=0, name="CPU", kind="cpu", memory_total_bytes=24 * GIB),))


def test_who_declares_its_memory_shares_a_card_and_nobody_else_who_has_not_been_seen(view: View) -> None:
    declared, wide, unknown, seen = view.store.verbs.submit(
        [
            submission(training("declared", vram_bytes=4 * GIB)),
            submission(training("wide", vram_bytes=4 * GIB, gpus=2)),
            submission(training("unknown")),
            submission(training("seen")),
        ],
        ANNA,
    )
    asked = {job: (demand.vram_bytes, demand.shares) for job, demand in view.demands(CARD).items()}
    assert asked == {declared: (4 * GIB, True), wide: (4 * GIB, False), unknown: (0, False), seen: (0, False)}
    assert not any(demand.shares for demand in view.demands(CPU).values()), "a CPU slot is for one"
    view.run(seen, peak=10 * GIB)
    learned = view.demands(CARD)[unknown]
    assert learned.shares
    assert learned.vram_bytes == pytest.approx(11.5 * GIB)
    small = replace(CARD, gpus=(replace(CARD.gpus[0], memory_total_bytes=8 * GIB),))
    assert not view.demands(small)[unknown].shares, "where it fits nowhere, its size is no reason to refuse it"


def test_what_a_tenant_holds_counts_when_it_is_more_than_it_was_promised(view: View) -> None:
    (job,) = view.store.verbs.submit([submission(training("tenant", vram_bytes=4 * GIB))], ANNA)
    attempt = Attempt(number=1, uuid="u", gpus=("G0",), promised_bytes=4 * GIB)
    assert view.store.ledger.begin_attempt(job, attempt)
    assert view.demands(CARD)[job].vram_bytes == 4 * GIB
    view.store.ledger.record_progress([(job, 1, Progress(peak_vram_bytes=6 * GIB))])
    assert view.demands(CARD)[job].vram_bytes == 6 * GIB


def test_a_plan_knows_what_an_eviction_would_cost_and_when_the_last_was(view: View) -> None:
    (job,) = view.store.verbs.submit([submission(training("a", preemptible=False))], ANNA)
    assert view.store.ledger.begin_attempt(job, Attempt(number=1, uuid="u", started_at=50.0))
    view.store.ledger.attempt_runs(job, 1, None)
    before = view.demands()[job]
    assert (before.resumable, before.preemptible, before.checkpoint_at) == (True, False, 50.0)
    view.store.ledger.record_progress([(job, 1, Progress(epochs_done=3, epoch_s=20.0, checkpoint_at=70.0))])
    assert view.store.ledger.give_notice(job, notice(due_at=500.0))
    told = view.demands()[job]
    assert (told.checkpoint_at, told.epoch_s, told.notice) == (70.0, 20.0, notice(due_at=500.0))
    ended = Attempt(number=1, uuid="u", ended_at=90.0, outcome=Outcome.EVICTED)
    view.store.ledger.attempt_ended(job, ended, lambda job: (Waiting(90.0), 0))
    again = view.demands()[job]
    assert (again.evicted_at, again.checkpoint_at, again.notice) == (90.0, None, None)


def test_deadlines_owners_and_groups_reach_the_plan_and_quotas_those_who_have_one(view: View) -> None:
    job, other = view.store.verbs.submit(
        [submission(command("a", group="night")), submission(command("b", gpus=1))], ANNA
    )
    view.store.verbs.set_deadline([job], 900.0, ANNA)
    demand = view.demands()[job]
    assert (demand.owner, demand.group, demand.deadline_at) == ("anna", "night", 900.0)
    attempt = Attempt(number=1, uuid="u", gpus=("G0",), started_at=100.0, ended_at=160.0, outcome=Outcome.FAILED)
    assert view.store.ledger.begin_attempt(other, Attempt(number=1, uuid="u", gpus=("G0",)))
    view.store.ledger.attempt_ended(other, attempt, lambda job: (Waiting(160.0), 0))
    config = QuotasConfig(owners={"*": QuotaConfig(gpu_hours=1.0)}, groups={"day": QuotaConfig(gpus=1)})
    view.picture.refresh()
    quotas = {quota.name: quota for quota in Allowances(view.store, config).quotas(view.picture, 200.0)}
    assert quotas.keys() == {"anna", "day"}
    assert (quotas["anna"].weekly_gpu_s, quotas["anna"].used_gpu_s) == (3600.0, 60.0)
    assert Allowances(view.store, QuotasConfig()).quotas(view.picture, 200.0) == ()
