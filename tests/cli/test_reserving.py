"""Windows are booked, changed and shown as people say them; a conflict says who, when, and what is free instead."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tests.cli import states
from tests.cli.conftest import Shell
from yolotui.cli.verbs.reserving import unreserve_verb
from yolotui.store import Actor, Store

Add = Callable[..., int]
HOUR = 3600.0


@pytest.fixture
def machine(shell: Shell, store: Store) -> Shell:
    """A shell on a machine with four cards, as a scheduler has seen it."""
    states.publish(store, 4, at=time.time())
    return shell


def test_before_a_scheduler_has_looked_nothing_can_be_booked(shell: Shell) -> None:
    result = shell("reserve", "--for", "8h")
    assert result.exit_code == 4
    assert "`yolotui scheduler start`" in result.stderr


def test_a_window_is_booked_shown_and_taken_back(machine: Shell) -> None:
    assert "Nothing is booked" in machine("reservations").stderr
    booked = machine(
        "reserve", "--gpus", "2", "--from", "tomorrow 22:00", "--for", "8h", "--note", "demo for the board"
    )
    assert (booked.exit_code, booked.stdout) == (0, "1\n")
    assert "Booked: GPU 0, 1 from tomorrow 22:00 to " in booked.stderr
    (shown,) = machine.json("reservations")["reservations"]
    assert (shown["id"], shown["state"], shown["gpus"], shown["note"]) == (
        1,
        "booked",
        ["GPU-0", "GPU-1"],
        "demo for the board",
    )
    assert shown["ends_at"] - shown["starts_at"] == 8 * HOUR
    assert shown["kept_until"] - shown["ends_at"] == pytest.approx(0.8 * HOUR)
    assert machine("reservations").stdout.splitlines()[1].split()[:4] == ["1", "booked", shown["owner"], "0,"]
    taken_back = machine("unreserve", "1", "--reason", "moved to Friday")
    assert taken_back.exit_code == 0
    assert "Taken back: booking 1 of " in taken_back.stderr
    assert machine.json("reservations")["reservations"] == []
    assert machine.json("reservations", "--all")["reservations"][0]["ending"] == "cancelled"
    assert machine("unreserve", "1").exit_code == 4
    assert machine("unreserve", "9").exit_code == 3
    assert "Taken back: unreserve" in machine("undo").stderr
    assert machine.json("reservations")["reservations"][0]["state"] == "booked"


@pytest.mark.parametrize(
    "verb", [("reserve", "--for"), ("extend", "1", "--by"), ("rebook", "1", "--from", "now", "--for")]
)
def test_a_bare_number_is_no_length(machine: Shell, verb: tuple[str, ...]) -> None:
    assert machine("reserve", "--for", "2h").exit_code == 0
    refused = machine(*verb, "3")
    assert refused.exit_code == 2
    assert "'3' says no unit: write \"3h\" for hours" in refused.stderr
    assert len(machine.json("reservations")["reservations"]) == 1


def test_a_conflict_says_who_when_and_what_is_free(machine: Shell, store: Store) -> None:
    assert machine("reserve", "--gpus", "3", "--from", "in 10h", "--for", "10h").exit_code == 0
    refused = machine("reserve", "--gpus", "2", "--from", "in 12h", "--for", "4h")
    assert refused.exit_code == 4
    assert "2 GPUs can't be had from" in refused.stderr
    assert "has GPU 0, 1, 2 from" in refused.stderr
    assert refused.stderr.split("Free instead: ")[1].count(" to ") == 3
    assert machine("reserve", "--gpus", "2", "--from", "in 12h", "--for", "4h", "--dry-run").exit_code == 4
    waits = machine("reserve", "--gpus", "2", "--from", "in 12h", "--for", "4h", "--waitlist")
    assert (waits.exit_code, waits.stdout) == (0, "2\n")
    assert "On the waitlist: 2 GPUs from" in waits.stderr
    moved = machine("extend", "1", "--by=-9h")
    assert "Booking 1 ends 9h sooner" in moved.stderr
    assert "Moved up from the waitlist: booking 2 of" in moved.stderr
    too_long = machine("extend", "1", "--by", "6h")
    assert too_long.exit_code == 4
    assert "It can last until" in too_long.stderr
    assert len(store.read.bookings()) == 2


def test_a_dry_run_books_nothing(machine: Shell, store: Store, add: Add) -> None:
    add("night")
    states.publish(store, 4, at=time.time())
    told = machine("reserve", "--gpus", "4", "--for", "8h", "--dry-run")
    assert (told.exit_code, told.stderr.splitlines()[-1]) == (0, "Nothing was changed.")
    assert "moves" in machine.json("reserve", "--gpus", "4", "--for", "8h", "--dry-run")
    assert store.read.bookings() == []
    assert machine("reserve", "--for", "8h", "--json").exit_code == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--for", "8h", "--until", "06:00"], "one of both"),
        ([], "one of both"),
        (["--for", "8x"], "--for: '8x' is not a duration"),
        (["--from", "soon", "--for", "8h"], "--from: 'soon' is not a time: write"),
        (["--for", "1h"], "lasts 2h at least"),
        (["--gpus", "5", "--for", "8h"], "has 4 GPUs, fewer than 5 GPUs"),
        (["--gpus", "1", "--on", "0,1", "--for", "8h"], "1 GPUs on 2 cards"),
        (["--gpu", "A100", "--for", "8h"], "has no GPUs called 'A100'"),
        (["--gpu", "A100", "--on", "0", "--for", "8h"], "leave one of both out"),
        (["--on", "7", "--for", "8h"], "names no GPU of this machine"),
        (["--from", "2020-01-01 08:00", "--for", "8h"], "ago: choose a later start"),
        (["--from", "in 800d", "--for", "8h"], "more than a year"),
        (["--job", "ghost", "--for", "8h"], "No job matches 'ghost'"),
    ],
)
def test_what_can_not_be_is_refused_with_a_sentence(machine: Shell, words: list[str], complaint: str) -> None:
    result = machine("reserve", *words)
    assert result.exit_code in {2, 3}
    assert complaint in result.stderr


def test_cards_can_be_named(machine: Shell, store: Store) -> None:
    assert machine("reserve", "--on", "3,1", "--on", "GPU-0", "--for", "2h").exit_code == 0
    (booking,) = store.read.bookings()
    assert (booking.gpus, booking.pinned, booking.count) == (("GPU-3", "GPU-1", "GPU-0"), True, 3)


def test_a_booking_for_a_job_is_as_wide_as_the_job(machine: Shell, store: Store, add: Add) -> None:
    job = add("wide", "--gpus", "2")
    assert machine("reserve", "--job", "wide", "--for", "2h").exit_code == 0
    (booking,) = store.read.bookings()
    assert (booking.job_id, booking.count) == (job, 2)
    assert machine("reserve", "--job", "wide", "--for", "2h", "--from", "in 8h").exit_code == 4


def test_until_is_the_first_such_time_after_the_beginning(machine: Shell, store: Store) -> None:
    assert machine("reserve", "--from", "tomorrow 22:00", "--until", "06:00").exit_code == 0
    (booking,) = store.read.bookings()
    assert booking.ends_at - booking.starts_at == 8 * HOUR
    assert machine("extend", "1", "--until", "08:00").exit_code == 0
    assert store.read.booking(1).ends_at - booking.starts_at == 10 * HOUR
    assert machine("extend", "1").exit_code == 2


def test_a_booking_gets_another_window_and_another_owner(machine: Shell, store: Store) -> None:
    assert machine("reserve", "--from", "tomorrow 22:00", "--for", "8h").exit_code == 0
    before = store.read.booking(1)
    assert "Booked: GPU 0 from" in machine("rebook", "1", "--from", "in 3d").stderr
    after = store.read.booking(1)
    assert after.starts_at > before.starts_at
    assert after.ends_at - after.starts_at == pytest.approx(8 * HOUR)
    assert machine("rebook", "1", "--from", "in 3d", "--for", "4h").exit_code == 0
    assert "Booking 1 is root's now" in machine("transfer", "1", "root").stderr or before.owner.name == "root"
    unknown = machine("transfer", "1", "nobody-of-that-name")
    assert unknown.exit_code == 2
    assert "Nobody here is called" in unknown.stderr


def test_waiting_for_a_window_that_anna_has(machine: Shell, store: Store) -> None:
    request = ["--gpus", "4", "--from", "in 3h", "--for", "4h"]
    assert machine("reserve", *request).exit_code == 0
    assert machine("reserve", *request, "--waitlist").exit_code == 0
    assert "Moved up from the waitlist: booking 2" in machine("unreserve", "1").stderr
    assert store.read.booking(2).holds


def test_deadlines_are_set_shown_and_taken_away(machine: Shell, store: Store, add: Add) -> None:
    job = add("night", "--deadline", "tomorrow 08:00", "--estimate", "50h", "--not-preemptible")
    deadline = store.read.job(job).deadline_at
    assert deadline is not None
    assert machine.json("show", "night")["job"]["deadline_at"] == deadline
    assert not store.read.job(job).spec.preemptible
    assert "deadline" in machine("show", "night").stdout
    states.publish(store, 4, at=time.time())
    assert "As things stand it is kept." in machine("deadline", "night", "in 60h", "--dry-run").stderr
    foretold = machine("deadline", "night", "in 2h", "--dry-run").stderr
    assert "too late." in foretold
    assert store.read.job(job).deadline_at == deadline
    late = machine("deadline", "night", "in 2h")
    assert late.exit_code == 0
    assert "too late." in late.stderr
    assert "To be done by" in late.stderr
    assert machine("deadline", "night", "none").exit_code == 0
    assert store.read.job(job).deadline_at is None
    assert machine("deadline", "night", "2020-01-01 08:00").exit_code == 2
    assert machine("deadline", "night", "at eight").exit_code == 2
    states.succeed(store, job)
    assert machine("deadline", "night", "08:00").exit_code == 4


def test_what_would_save_a_deadline_is_told(machine: Shell, store: Store, add: Add) -> None:
    for n in range(4):
        add(f"long-{n}", "--estimate", "10h")
    add("night", "--estimate", "2h", "--priority", "P3")
    states.publish(store, 1, at=time.time())
    told = machine("deadline", "night", "in 5h", "--dry-run").stderr
    assert "too late." in told
    assert "would save it" in told
    assert "`yolotui priority P" in told
    assert machine("deadline", "night", "in 5h").exit_code == 0
    states.publish(store, 1, at=time.time())
    assert "too late." in machine("forecast").stderr
    why = machine("why", "night").stdout
    assert "too late." in why
    assert "would save it" in why
    (foreseen,) = [each for each in machine.json("forecast")["forecast"]["entries"] if each["name"] == "night"]
    deadline = foreseen["deadline"]
    assert (deadline["at"], deadline["missed"]) == (store.read.job(5).deadline_at, True)
    assert deadline["late_s"] == foreseen["expected_finish"] - deadline["at"] > 0
    assert machine.json("why", "night")["why"][0]["deadline"] == deadline
    assert machine.json("why", "long-0")["why"][0]["deadline"] is None


def test_quotas_are_shown_with_what_is_used(machine: Shell, store: Store, add: Add) -> None:
    assert "Nobody has a quota" in machine("quotas").stderr
    assert machine.json("quotas")["quotas"] == []
    (machine.home.root / "config.toml").write_text(
        "[quotas]\n"
        'owners = { "*" = { gpus = 3, gpu_hours = 40 }, ben = { gpus = 1 } }\n'
        "groups = { demo = { gpu_hours = 5 } }\n"
    )
    job = add("night", "--group", "demo")
    states.start(store, job, gpus=("GPU-0", "GPU-1"))
    me = Actor.current().name
    quotas = {(each["scope"], each["name"]): each for each in machine.json("quotas")["quotas"]}
    assert quotas.keys() == {("owner", me), ("owner", "ben"), ("group", "demo")}
    assert (quotas["owner", me]["gpus"], quotas["owner", me]["gpus_in_use"]) == (3, 2)
    assert quotas["group", "demo"]["weekly_gpu_s"] == 5 * HOUR
    assert quotas["owner", "ben"]["weekly_gpu_s"] is None
    assert f"owner {me}" in machine("quotas").stdout


def test_what_is_more_than_a_quota_is_refused_at_once(machine: Shell, store: Store, shapes: Path) -> None:
    me = Actor.current().name
    (machine.home.root / "config.toml").write_text(f"[quotas]\nowners = {{ {me} = {{ gpus = 2 }} }}\n")
    booked = machine("reserve", "--gpus", "3", "--for", "2h")
    assert booked.exit_code == 2
    assert f"It is for 3 GPUs at once, and {me} may have 2" in booked.stderr
    added = machine("add", "yolo11n.yaml", str(shapes), "--gpus", "3")
    assert added.exit_code == 2
    assert "could never start. It is for 3 GPUs at once" in added.stderr
    assert (store.read.jobs(), store.read.bookings()) == ([], [])


def test_the_shell_completes_bookings(machine: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine("reserve", "--gpus", "2", "--from", "tomorrow 22:00", "--for", "8h").exit_code == 0
    monkeypatch.setenv("YOLOTUI_HOME", str(machine.home.root))
    found = unreserve_verb.params[0].shell_complete(click.Context(unreserve_verb), "")
    assert [(item.value, item.help and item.help.split(" from ")[0].split(", ", 1)[1]) for item in found] == [
        ("1", "GPU 0, 1")
    ]


def test_the_audit_log_tells_moments_as_people_read_them(machine: Shell) -> None:
    assert machine("reserve", "--from", "tomorrow 22:00", "--for", "8h").exit_code == 0
    assert machine("extend", "1", "--by", "2h").exit_code == 0
    told = machine("audit").stdout
    assert re.search(r"booking 1 of \S+, GPU 0, \S+ 22:00:00 to \S+ 06:00:00, booked", told)
    assert re.search(r"booking 1, ends from \S+ 06:00:00 to \S+ 08:00:00", told)
    assert "owner_uid" not in told


def test_evict_tells_who_would_make_room(machine: Shell, store: Store, add: Add) -> None:
    job = add("urgent")
    states.publish(store, 4, at=time.time())
    assert machine("evict", "urgent").exit_code == 2
    told = machine("evict", "urgent", "--dry-run")
    assert told.exit_code == 0
    assert "Nobody would have to make room" in told.stderr
    assert machine.json("evict", "urgent", "--dry-run")["evict"]["id"] == job
    states.start(store, job)
    assert machine("evict", "urgent", "--dry-run").exit_code == 4


def test_drains_can_wait_for_an_hour_and_be_for_all(machine: Shell, store: Store) -> None:
    result = machine("drain", "--all", "--at", "in 3h")
    assert result.exit_code == 0
    assert "GPU 0, 1, 2, 3: nothing starts that would not end by" in result.stderr
    gpus = machine.json("gpus")["gpus"]
    assert [(gpu["state"], gpu["closes_at"] is not None) for gpu in gpus] == [("free", True)] * 4
    assert "drained from" in machine("gpus").stdout
    assert machine("drain", "0").exit_code == 0
    assert [gpu["state"] for gpu in machine.json("gpus")["gpus"]] == ["drained", "free", "free", "free"]
    assert machine("undrain", "--all").exit_code == 0
    assert not any(mark.closes_at for mark in store.read.gpu_marks().values())
    assert machine("undrain", "--all").exit_code == 4
    assert machine("drain").exit_code == 2
    assert machine("drain", "1", "--at", "2020-01-01 08:00").exit_code == 2
