"""The GPU strip: whose memory it is, and every trouble of a card told by a sign and a word."""

from __future__ import annotations

import os

import pytest
from msgspec.structs import replace

from tests.tui.believable import GIB, NOW, BelievableHome, h100
from tests.tui.showing import dashboard, settled, text_of, until
from yolotui.core.bookings import Booked, Booking, Open
from yolotui.core.gpus import Excluded, Foreign, Gpu, Host, Lost
from yolotui.core.jobs import Attempt, Job, JobSpec, Kind, Owner, Priority, Progress, Running
from yolotui.core.timetable import Demand, Estimate, Published, Timetable, World
from yolotui.store import Actor, GpuMark, GpuState, MarkCause
from yolotui.tui.glyphs import ASCII, UNICODE, Glyphs
from yolotui.tui.panels.gpu_state import Memory
from yolotui.tui.panels.gpus import gpu_rows
from yolotui.tui.snapshot import Leading, Snapshot

JONAS = Owner("jonas", 1001)


def job(job_id: int, name: str, gpu: str = "GPU-0") -> Job:
    spec = JobSpec(name=name, kind=Kind.TRAIN, arguments={"epochs": 100})
    attempt = Attempt(number=1, uuid=f"u{job_id}", gpus=(gpu,))
    return Job(id=job_id, spec=spec, priority=Priority.P2, owner=JONAS, submitted_at=0, status=Running(NOW, 1),
               run_dir="/r", attempts=(attempt,))  # fmt: skip


def demand(of: Job, gib: float) -> Demand:
    return Demand(job_id=of.id, name=of.name, priority=of.priority, submitted_at=0, gpus=1, estimate=Estimate(60, "x"),
                  state="running", holding=of.attempts[0].gpus, vram_bytes=int(gib * GIB), shares=True)  # fmt: skip


def booking(starts_in_h: float, ends_in_h: float, gpu: str = "GPU-0") -> Booking:
    status = Booked(NOW) if starts_in_h > 0 else Open(NOW)
    return Booking(id=1, owner=JONAS, starts_at=NOW + 3600 * starts_in_h, ends_at=NOW + 3600 * ends_in_h, count=1,
                   gpus=(gpu,), made_at=NOW, status=status)  # fmt: skip


def seen(*gpus: Gpu, jobs: tuple[Job, ...] = (), marks: tuple[GpuMark, ...] = (), **rest: object) -> Snapshot:
    resting, world = rest.pop("resting", ()), World(gpus=gpus, demands=(), **rest)  # type: ignore[arg-type]
    timetable = Timetable(made_at=NOW, resting=resting)  # type: ignore[arg-type]
    published = Published(revision=1, at=NOW, leader_pid=1, host=Host(at=NOW, gpus=gpus), world=world,
                          timetable=timetable)  # fmt: skip
    return Snapshot(jobs={each.id: each for each in jobs}, published=published, leading=Leading(1, NOW), read_at=NOW,
                    gpu_marks={mark.uuid: mark for mark in marks})  # fmt: skip


def strip(snapshot: Snapshot, width: int = 140, height: int = 4, glyphs: Glyphs = UNICODE) -> list[str]:
    return ["".join(s.text for s in row).rstrip() for row in gpu_rows(snapshot, NOW, width, height, glyphs)]


def mark(state: GpuState, reason: str) -> GpuMark:
    return GpuMark(uuid="GPU-0", state=state, since=NOW, reason=reason, by="anna", cause=MarkCause.PERSON)


def test_where_room_is_short_names_give_way_to_how_far_a_run_has_come():
    far = replace(
        job(7, "traffic-l-ddp-1280-153"),
        attempts=(replace(job(7, "x").attempts[0], progress=Progress(epochs_done=50)),),
    )
    told = strip(seen(h100(0, 24, 41), jobs=(far,)), width=80)[0]
    assert told.endswith(" 50%")
    assert len(told) <= 80
    assert "7 tra" in told
    assert "153 50%" in told


@pytest.mark.parametrize(
    ("snapshot", "said"),
    [
        (seen(h100(0, 24, 41, availability=Foreign((8123,), 24 * GIB, ("jonas",)))), "◆ foreign: jonas 24G"),
        (seen(h100(0, 24, 41, availability=Foreign((81, 82), 24 * GIB))), "◆ foreign: pid 81, 82 24G"),
        (seen(h100(0, 0, 0, availability=Lost("Xid 79"))), "✗ lost: Xid 79"),
        (
            seen(h100(0, 0, 0, availability=Excluded("[gpus] use leaves it out"))),
            "⊘ excluded: [gpus] use leaves it out",
        ),
        (seen(h100(0, 0, 0), marks=(mark(GpuState.DRAINED, "new fan"),)), "⊘ drained by anna (new fan)"),
        (seen(h100(0, 0, 0), marks=(mark(GpuState.QUARANTINED, "3 jobs failed"),)), "✗ sick, in quarantine: 3 jobs"),
        (seen(h100(0, 0, 0), marks=(mark(GpuState.TRUSTED, ""),)), "○ free"),
        (seen(h100(0, 40, 99), resting=("GPU-0",)), "▲ hot: rests until it is cooler"),
        (seen(h100(0, 40, 99, slowdowns=("heat",))), "▲ hot: its clocks are held back"),
        (seen(h100(0, 40, 99, ecc_errors=2)), "▲ ECC: 2 errors"),
        (seen(h100(0, 0, 0), bookings=(booking(-1, 4),)), "▣ reserved for jonas until 18:02"),
        (seen(h100(0, 0, 0), bookings=(booking(8, 10),)), "▣ reserved 22:02 for jonas"),
        (seen(h100(0, 0, 0), bookings=(booking(48, 50),)), "○ free"),
        (seen(h100(0, 0, 0, closes_at=NOW + 3600)), "⊘ closes 15:02"),
    ],
)
def test_every_trouble_of_a_card_has_a_sign_and_a_word(snapshot: Snapshot, said: str):
    assert said in strip(snapshot)[0]
    word = said.split()[1].rstrip(":,")
    assert word in strip(snapshot, width=80)[0]
    assert word in strip(replace_with_many(snapshot), width=80)[0]


def replace_with_many(snapshot: Snapshot) -> Snapshot:
    """The same card beside eleven others: there is only a cell for each."""
    assert snapshot.published
    others = tuple(h100(index, 1, 1) for index in range(1, 12))
    host = replace(snapshot.published.host, gpus=snapshot.published.host.gpus + others)
    published = replace(snapshot.published, host=host)
    return Snapshot(published=published, leading=snapshot.leading, read_at=NOW, gpu_marks=snapshot.gpu_marks)


def test_several_jobs_share_a_card():
    one, two = job(1, "night-n"), job(2, "night-s")
    line = strip(seen(h100(0, 30, 90), jobs=(one, two)))[0]
    assert "● 1 night-n 0%  ● 2 night-s 0%" in line
    cell = strip(replace_jobs(seen(h100(0, 30, 90), jobs=(one, two))), width=80)[0]
    assert "● +1 1 nigh" in cell


def replace_jobs(snapshot: Snapshot) -> Snapshot:
    many = replace_with_many(snapshot)
    return Snapshot(jobs=snapshot.jobs, published=many.published, leading=many.leading, read_at=NOW)


def test_memory_is_ours_others_and_promised():
    one, two = job(1, "night-n"), job(2, "night-s")
    card = h100(0, 30, 90, foreign_bytes=4 * GIB)
    snapshot = seen_with_demands(card, (one, two), (24.0, 12.0))
    assert Memory.of(card, snapshot) == Memory(26 * GIB, 10 * GIB, 4 * GIB, 80 * GIB)
    assert "30/80G" in strip(snapshot)[0]
    assert "+10G promised" in strip(snapshot)[0]
    assert "━━━━═╍" in strip(snapshot, width=120)[0]
    assert "####%:" in strip(snapshot, width=120, glyphs=ASCII)[0]


def seen_with_demands(card: Gpu, jobs: tuple[Job, ...], gib: tuple[float, ...]) -> Snapshot:
    snapshot = seen(card, jobs=jobs)
    assert snapshot.published
    demands = tuple(demand(of, size) for of, size in zip(jobs, gib, strict=True))
    published = replace(snapshot.published, world=World(gpus=(card,), demands=demands))
    return Snapshot(jobs=snapshot.jobs, published=published, leading=snapshot.leading, read_at=NOW)


def test_what_is_promised_never_exceeds_the_card():
    one = job(1, "night-n")
    card = h100(0, 70, 90)
    memory = Memory.of(card, seen_with_demands(card, (one,), (100.0,)))
    assert memory
    assert memory.used + memory.promised == memory.total


def test_in_little_room_the_words_stay_and_the_details_go():
    one = job(1, "a-name-that-is-rather-long")
    snapshot = seen(h100(0, 30, 90), jobs=(one,), resting=("GPU-0",), bookings=(booking(8, 10),))
    assert "▲ hot: rests until it is cooler  ▣ reserved 22:02 for jonas" in strip(snapshot, width=200)[0]
    assert "▲ hot: rests until it is cooler  ▣ reserved" in strip(snapshot, width=180)[0]
    assert strip(snapshot, width=140)[0].endswith("▲ hot  ▣ reserved")


async def test_a_drained_card_is_told_from_the_queue(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        night.store.verbs.drain(["GPU-1"], Actor("anna", os.getuid(), "new fan"))
        await until(pilot, lambda: "⊘ drained by anna (new fan)" in text_of(pilot.app))
