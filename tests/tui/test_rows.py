"""Rows of the table, words, orders: the pure parts."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.believable import NOW
from yolotui.core.jobs import (
    Attempt,
    Failed,
    Held,
    Job,
    JobSpec,
    Kind,
    Owner,
    Priority,
    Progress,
    Running,
    Status,
    Stopping,
    Succeeded,
    Waiting,
)
from yolotui.core.preflight import Checking
from yolotui.core.timetable import Entry, Why
from yolotui.tui.arranging import Order, arrange, matches
from yolotui.tui.columns import RowView, columns_for, heading, row
from yolotui.tui.glyphs import ASCII, UNICODE
from yolotui.tui.panels.texts import row_length
from yolotui.tui.screens.confirm import loss_sentence
from yolotui.tui.snapshot import Snapshot
from yolotui.tui.words import fit, fit_ends, number, plain, reason, squeeze, when, without_curves


def job(job_id: int = 7, status: Status | None = None, name: str = "night-n", **rest: object) -> Job:
    spec = JobSpec(name=name, kind=Kind.TRAIN, arguments={"epochs": 100})
    made = Job(id=job_id, spec=spec, priority=Priority.P2, owner=Owner("maria", 1), submitted_at=NOW - 9000,
               status=status or Waiting(NOW - 60), run_dir="/runs/7")  # fmt: skip
    return msgspec.structs.replace(made, **rest)


def text_of(view_job: Job, width: int = 98, entry: Entry | None = None, *, stale: bool = False) -> str:
    view = RowView(view_job, entry, NOW, stale, False, (0.1, 0.2))
    return "".join(segment.text for segment in row(view, columns_for(width), UNICODE))


STATUSES: list[Status] = [
    Waiting(NOW - 5), Held(NOW - 5, "held by jonas"), Running(NOW - 5, 1), Succeeded(NOW - 5),
    Failed(NOW - 5, "cuda_oom", "out of memory"), Stopping(NOW - 5, 1, "maria"),
]  # fmt: skip


@pytest.mark.parametrize("status", STATUSES)
@given(
    width=st.integers(58, 260),
    several=st.booleans(),
    highest=st.sampled_from([1, 999, 12_345]),
    name=st.text(max_size=90),
)
def test_a_row_fills_its_width_exactly_whatever_the_name(
    status: Status, width: int, several: bool, highest: int, name: str
):
    columns = columns_for(width, highest_id=highest, several_owners=several)
    view = RowView(job(highest, status, name=name), None, NOW, False, True, (0.1,))
    for glyphs in (UNICODE, ASCII):
        cells = row(view, columns, glyphs)
        assert row_length(cells) == width
        assert row_length(heading(columns, width, glyphs)) == width
        assert not any(ord(c) < 32 or ord(c) == 127 for cell in cells for c in cell.text)


def test_escapes_in_names_do_not_reach_the_terminal():
    assert plain("a\x1b[31mred\x07") == "a?[31mred?"


@given(text=st.text(max_size=60), width=st.integers(1, 40))
def test_fit_is_exact(text: str, width: int):
    assert cell_len(fit(plain(text), width, "…")) == width
    assert cell_len(fit_ends(plain(text), width, "…")) == width


def test_names_of_a_series_can_be_told_apart_in_little_room():
    names = ("traffic-l-ddp-153", "traffic-l-ddp-153-val", "traffic-l-ddp-153-trt")
    assert [fit_ends(name, 12, "…") for name in names] == ["traffi…p-153", "traffi…3-val", "traffi…3-trt"]


def test_a_waiting_job_tells_why_and_when():
    entry = Entry(job_id=7, start_at=NOW + 1500, why=Why("Waits for a GPU."))
    text = text_of(job(), entry=entry)
    assert "○ waiting" in text
    assert "Waits for a GPU." in text
    assert "in 25m" in text


def test_a_stale_timetable_promises_nothing():
    assert when(job(), Entry(job_id=7, start_at=NOW + 1500), NOW, stale=True) == ""


def test_a_rough_time_is_marked_and_a_past_one_is_no_promise():
    assert when(job(), Entry(job_id=7, start_at=NOW + 1500, rough=True), NOW, stale=False) == "in ~25m"
    assert when(job(), Entry(job_id=7, start_at=NOW - 10), NOW, stale=False) == "any moment"


def test_a_running_job_tells_epochs_metric_and_what_is_left():
    attempt = Attempt(number=1, uuid="u", started_at=NOW - 600, progress=Progress(
        epochs_done=37, epochs_total=100, best={"metrics/mAP50-95(B)": 0.5123}))  # fmt: skip
    text = text_of(job(7, Running(NOW, 1), attempts=(attempt,)), entry=Entry(job_id=7, finish_at=NOW + 3900))
    assert "37/100" in text
    assert "0.512" in text
    assert "1h5m left" in text


def test_what_a_kill_would_cost():
    def running(progress: Progress) -> Job:
        attempt = Attempt(number=1, uuid="u", started_at=NOW - 600, progress=progress)
        return job(7, Running(NOW - 600, 1), attempts=(attempt,))

    assert loss_sentence(running(Progress()), NOW) == "No checkpoint yet: all 10m may be lost."
    saved = loss_sentence(running(Progress(checkpoint_at=NOW - 240)), NOW)
    assert saved == "Loses at most 4m: what came after its last checkpoint."
    assert loss_sentence(job(), NOW) == "Has no process: no work is lost."


def test_filter_needs_every_word():
    night = job(name="night-n")
    assert matches(night, "NIGHT wait")
    assert matches(night, "p2 maria")
    assert not matches(night, "night jonas")


def test_queue_order_is_running_waiting_kept_back_ended():
    jobs = [
        job(1, Succeeded(NOW - 50)), job(2, Held(NOW, "x")), job(3, Waiting(NOW)), job(4, Running(NOW, 1)),
        job(5, Succeeded(NOW - 10)), job(6, Waiting(NOW)),
    ]  # fmt: skip
    snapshot = Snapshot(jobs={each.id: each for each in jobs})
    assert arrange(snapshot, Order.QUEUE, "").rows == [4, 3, 6, 2, 5, 1]
    assert arrange(snapshot, Order.NEWEST, "").rows == [6, 5, 4, 3, 2, 1]
    assert arrange(snapshot, Order.QUEUE, "succeeded").rows == [5, 1]


def test_orders_go_round():
    seen = [Order.QUEUE]
    while (following := seen[-1].next()) != Order.QUEUE:
        seen.append(following)
    assert seen == list(Order)


def test_numbers_are_short():
    assert [number(v) for v in (0.51234, 12.34, 1234.5, 0.0000123, 0.0)] == ["0.512", "12.3", "1234", "1.2e-5", "0"]


def test_squeezing_keeps_the_shape():
    assert list(squeeze([1, 1, 2, 2, 3, 3], 3)) == [1, 2, 3]
    assert squeeze([1.0, 2.0], 5) == [1.0, 2.0]


def test_nobody_waits_for_curves_that_can_not_come():
    waiting = job(1, Waiting(NOW))
    assert "curves show up here by themselves" in without_curves(waiting)
    assert "ended before its first epoch" in without_curves(job(1, Succeeded(NOW)))
    errand = msgspec.structs.replace(waiting, spec=JobSpec(name="x", kind=Kind.COMMAND, command=("true",)))
    assert "Only trainings have curves" in without_curves(errand)


def test_how_far_a_check_is_stands_in_the_place_of_the_state():
    waiting = job(7, Waiting(NOW))
    checking = Entry(job_id=7, starts_now=True, checking=Checking(42_000, 100_000))
    text = text_of(waiting, width=120, entry=checking)
    assert "check 42%" in text
    assert "Its data is being checked: 42 % (42,000 of 100,000 images)." in text_of(waiting, width=200, entry=checking)
    about_to_be = msgspec.structs.replace(checking, checking=Checking(), why=Why("Job 3 goes first."))
    assert "waiting" in text_of(waiting, entry=about_to_be)
    assert reason(waiting, about_to_be) == "Its data is about to be checked. Job 3 goes first."
    assert "check 99%" in text_of(waiting, entry=msgspec.structs.replace(checking, checking=Checking(9, 9)))
