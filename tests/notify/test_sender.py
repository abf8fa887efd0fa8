"""What happened is told: each event once, to whom it matters, whatever the network and the sender go through."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from apprise.plugins.custom_json import NotifyJSON
from msgspec.structs import replace

from tests.cli.states import end, publish, reach, start
from tests.helpers import eventually
from tests.store.builders import ANNA
from yolotui.config import NotifyEvent
from yolotui.core.bookings import BookingRequest, Ending
from yolotui.core.failures import Ending as AttemptEnding
from yolotui.core.failures import classify
from yolotui.core.gpus import Foreign, Host
from yolotui.core.health import Finding, Severity
from yolotui.core.jobs import Failed, JobSpec, Kind, Notice, Outcome, Progress, Skipped, Succeeded, Waiting
from yolotui.core.preflight import Preflight, Remark
from yolotui.locations import Home
from yolotui.notify.channels import Channel
from yolotui.notify.delivering import Refusal, deliver, room
from yolotui.notify.sender import GIVE_UP_AFTER_TRIES, Deliver, Sender
from yolotui.notify.telling import VERBS
from yolotui.scheduler.card_troubles import LASTS_S, CardTroubles
from yolotui.store import Actor, MarkCause, MessageState, Store, Submission
from yolotui.store.preflights import Found
from yolotui.units import DAY_S

EVERYTHING = frozenset(NotifyEvent)
BEN = Actor("ben", 0)


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with Store(home) as store:
        publish(store, 2, at=time.time())
        yield store


def channel(address: str, **details: object) -> Channel:
    return Channel(**{"address": address, "events": EVERYTHING, "per_hour": 10_000, **details})  # type: ignore[arg-type]


def sender_to(store: Store, *channels: Channel, send: Deliver = deliver) -> Sender:
    sender = Sender(store, send, first_retry_s=0.0)
    sender.tell_to(channels)
    return sender


def drain(sender: Sender) -> None:
    """Let it work until nothing is due any more."""
    eventually(lambda: (due := sender.step()) is None or due > time.time() + 1)


NO_IMAGES = Remark(
    rule="data", severity=Severity.ERROR, text="/home/anna/patients has no images.", advice="Look there."
)


def submit(store: Store, name: str, actor: Actor = ANNA) -> int:
    """A training of which much is nobody else's business."""
    spec = JobSpec(
        name=name, kind=Kind.TRAIN, model="yolo11n.yaml", data="/home/anna/patients/data.yaml", cwd="/srv/project",
        arguments={"epochs": 10, "mosaic": 0.3}, env={"API_TOKEN": "hush"},
    )  # fmt: skip
    return store.verbs.submit([Submission(spec=spec, environment={"WANDB_API_KEY": "tok_123"})], actor)[0]


def a_day(store: Store) -> Iterator[str]:
    """Let everything happen that people are told, one after the other; yields the title that each should have."""
    night, broken, sick = submit(store, "night"), submit(store, "broken"), submit(store, "sick")
    ledger, now = store.ledger, time.time()
    start(store, night, gpus=("GPU-0",))
    yield "night has started"
    finding = Finding(rule="plateau", severity=Severity.WARNING, epoch=3, text="No gain.", advice="Stop.", told=True)
    ledger.record_progress([(night, 1, Progress(epochs_done=3, findings=(finding,)))])
    yield "night: plateau"
    end(store, night, Waiting(now), outcome=Outcome.FAILED, explanation="It lost its GPU.")
    start(store, night, gpus=("GPU-0",), resumed_from_epoch=3)
    yield "night runs again"
    notice = Notice(given_at=now, due_at=now + 60, why="job 9 (P0) needs the room")
    ledger.give_notice(night, notice)
    yield "night will have to make room"
    ledger.withdraw_notice(night)
    yield "night need not make room after all"
    ledger.evict(night, notice)
    yield "night makes room"
    end(store, night, Waiting(now), outcome=Outcome.EVICTED)
    start(store, night, gpus=("GPU-0",), resumed_from_epoch=5)
    end(store, night, Succeeded(now))
    yield "night has finished"
    start(store, broken, gpus=("GPU-0",))
    yield "broken has started"
    end(
        store,
        broken,
        Failed(now, "exit", "x"),
        outcome=Outcome.FAILED,
        cause="exit",
        explanation="In /srv/labels/a.txt.",
    )
    yield "broken has failed"
    ledger.tell("deadline-in-danger", sick, deadline_at=now, expected_finish=now + 60, why="Late.", change="P0 helps.")
    yield "sick: its deadline is in danger"
    ledger.tell("deadline-safe-again", sick, deadline_at=now, expected_finish=now - 60)
    yield "sick: its deadline is safe again"
    held, behind = submit(store, "held"), submit(store, "behind")
    ledger.record_preflights([Found(held, "", Preflight(at=now, took_s=0.1, remarks=(NO_IMAGES,)), holds=True)])
    yield "held is held"
    ledger.settle(behind, Waiting, Skipped(now, "night failed"), "skip", "It comes after job 1, which failed.")
    yield "behind will not run"
    store.verbs.hold_group("default", Actor.scheduler(), why="jobs 1, 2, 3 failed within a minute of starting")
    yield "The group default is held"
    store.verbs.release_group("default", ANNA)
    start(store, sick, gpus=("GPU-0",))
    yield "sick has started"
    ledger.attempt_out_of_sight(sick, 1, "no process")
    yield "sick is out of sight"
    yield from _a_day_of_gpus(store, sick)
    yield from _a_day_of_bookings(store)


def _a_day_of_gpus(store: Store, job: int) -> Iterator[str]:
    ledger, now = store.ledger, time.time()
    ledger.quarantine("GPU-1", MarkCause.ECC, "3 uncorrected errors")
    yield "GPU 1 is out of use"
    ledger.end_quarantine("GPU-1", "it was replaced")
    yield "GPU 1 is used again"
    ledger.tell("gpu-error", job, attempt=1, gpus=("GPU-0",), why="The driver reports Xid 79: it fell off the bus.")
    yield "sick met an error of GPU 0"
    cards = store.read.cards()
    ill = (
        replace(cards[0], temperature_c=91, slowdowns=("heat",)),
        replace(cards[1], availability=Foreign((7,), 8 << 30, ("ben",))),
    )
    troubles = CardTroubles(store)
    for at in (now, now + LASTS_S):
        troubles.look_at(Host(at=at, gpus=ill, trouble="no answer"), {"GPU-0"})
    yield from ("The driver of the GPUs fails", "GPU 0: too hot", "GPU 0: slowed down", "GPU 1: used by others")
    for at in (now + 100, now + 100 + LASTS_S):
        troubles.look_at(Host(at=at, gpus=cards), ())
    for title in ("The driver of the GPUs fails", "GPU 0: too hot", "GPU 0: slowed down", "GPU 1: used by others"):
        yield f"{title} no more"


def _a_day_of_bookings(store: Store) -> Iterator[str]:
    ledger, now = store.ledger, time.time()
    window = BookingRequest(starts_at=now, ends_at=now + 7200, count=2)
    first = store.verbs.reserve(window, ANNA)
    second = store.verbs.reserve(window, ANNA, waitlist=True)
    ledger.open_booking(first.id)
    yield f"Booking {first.id} is open"
    ledger.tell("booking-hindered", None, booking=second.id, why="GPU-1 is lost.")
    yield f"Booking {second.id} won't have all its GPUs"
    ledger.end_booking(first.id, Ending.EXPIRED, "nobody came")
    yield f"Booking {first.id} has expired: nobody used it"
    yield f"Booking {second.id} has moved up from the waitlist"
    for ending, words in (
        (Ending.ENDED, "has ended"),
        (Ending.GIVEN_BACK, "was given back: its job is done"),
        (Ending.MISSED, "was missed"),
    ):
        last = second if ending is Ending.ENDED else store.verbs.reserve(window, ANNA)
        ledger.end_booking(last.id, ending, "")
        yield f"Booking {last.id} {words}"


def test_every_event_arrives_once_at_a_server_that_fails_half_of_its_requests(store, unreliable):
    sender = sender_to(store, channel(unreliable.address))
    expected: list[str] = []
    for title in a_day(store):
        expected.append(title)
        drain(sender)
    assert sorted(unreliable.titles) == sorted(expected)
    assert len(unreliable.events) == len(set(unreliable.events)) == len(expected)
    messages = store.outbox.newest(1000)
    assert {message.state for message in messages} == {MessageState.SENT}
    assert {message.event for message in messages} == set(EVERYTHING)
    told = {message.audit for message in messages}
    assert {row.verb for row in store.read.audit() if row.id in told} == VERBS
    assert unreliable.requests >= 2 * len(expected) - 1


def test_a_finished_training_is_told_with_its_figures_and_where_its_weights_are(store, receiver):
    sender = sender_to(store, channel(receiver.address, events=frozenset({NotifyEvent.FINISHED})))
    night = submit(store, "night")
    start(store, night)
    reach(store, night, 10, **{"mAP50-95(B)": 0.4321})
    end(store, night, Succeeded(time.time()))
    drain(sender)
    (told,) = receiver.taken
    assert told["title"] == "night has finished"
    assert "mAP50-95(B) 0.4321" in told["message"]
    assert "1m" in told["message"]
    assert f"{store.read.job(night).run_dir}/train/weights/best.pt" in told["message"]
    assert f"{store.read.job(night).run_dir}/train/results.csv" in told["message"]


def error(kind: str, message: str) -> AttemptEnding:
    return AttemptEnding(kind=Kind.TRAIN, exit_code=1, error_type=kind, error_message=message)


@pytest.mark.parametrize(
    "ending",
    [
        error("OSError", "can't reach https://anna:hunter2@data.lab/patients"),
        error("FileNotFoundError", "No such file or directory: '/home/anna/patients/scan 1, left.png'"),
        error("ValueError", "patients old, new/data.yaml: “patients” is gone"),
        error("\x1b]0;patients\x07Error", "it broke"),
        AttemptEnding(
            kind=Kind.COMMAND, exit_code=3, log_tail="copying ftp://anna:hunter2@data.lab\nended at patients/3\n"
        ),
        AttemptEnding(kind=Kind.COMMAND, spawn_error="[Errno 13] Permission denied: 'patients/run me.sh'"),
    ],
)
def test_of_a_failure_its_cause_is_told_and_its_words_only_to_who_wants_them(store, ending):
    told: dict[str, str] = {}

    def note(address: str, _title: str, body: str, _severity: Severity) -> None:
        told[address] = body

    failures = frozenset({NotifyEvent.FAILED})
    everybody, wants = channel("json://all", events=failures), channel("json://x", events=failures, details=True)
    sender = sender_to(store, everybody, wants, send=note)
    job, failure = submit(store, "broken"), classify(ending)
    start(store, job)
    failed = Failed(time.time(), failure.cause, failure.sentence)
    end(store, job, failed, outcome=Outcome.FAILED, cause=failure.cause.value, explanation=failure.sentence)
    drain(sender)
    assert failure.cause.value.replace("_", " ") in told["json://all"]
    assert "patients" not in told["json://all"]
    assert "patients" in told["json://x"]
    assert not any(secret in text for text in told.values() for secret in ("hunter2", "\x1b", "\x07"))


def test_what_a_health_rule_has_found_is_told_with_its_advice_and_where_it_is_explained(store, receiver):
    sender = sender_to(store, channel(receiver.address, events=frozenset({NotifyEvent.HEALTH})))
    for _ in a_day(store):
        drain(sender)
    (told,) = receiver.taken
    assert told["message"].splitlines()[1:4] == ["No gain.", "Stop.", "The rule: docs/health.md#plateau"]


def test_only_figures_and_names_leave_the_machine_whatever_happens(store, receiver):
    """Of what is somebody's own: no picture, no folder of data or code, no variable, no argument."""
    sender = sender_to(store, channel(receiver.address))
    for _ in a_day(store):
        drain(sender)
    assert len(receiver.taken) > 30
    assert [taken for taken in receiver.taken if taken.get("attachments")] == []
    said = json.dumps(receiver.taken)
    assert "the check before the start has found errors (data)" in said
    assert [secret for secret in ("patients", "/srv", "hush", "tok_123", "mosaic", "scan.jpg") if secret in said] == []


def test_a_sender_that_starts_anew_tells_nothing_again_and_forgets_nothing(store, receiver):
    for name in ("one", "two", "three"):
        sender = sender_to(store, channel(receiver.address))
        start(store, submit(store, name), gpus=(f"GPU-{name}",))
        drain(sender)
        drain(sender_to(store, channel(receiver.address)))
    assert receiver.titles == ["one has started", "two has started", "three has started"]


def test_what_a_dead_sender_was_sending_is_told_again_and_says_so(store, receiver):
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    sender = sender_to(store, channel(receiver.address), send=die)
    start(store, submit(store, "night"))
    with pytest.raises(KeyboardInterrupt):
        sender.step()
    drain(sender_to(store, channel(receiver.address)))
    (told,) = receiver.taken
    assert "(perhaps told before)" in told["message"]


def test_what_a_slow_server_may_have_taken_is_told_again_and_says_so(store, receiver):
    sender = sender_to(store, channel(f"{receiver.address}?rto=0.5"))
    start(store, submit(store, "night"))
    receiver.may_answer.clear()
    sender.step()
    (message,) = store.outbox.newest(5)
    assert (message.state, message.doubtful) == (MessageState.WAITING, True)
    receiver.may_answer.set()
    drain(sender)
    told = [taken["message"] for taken in receiver.taken]
    assert ["(perhaps told before)" in each for each in told] == [False] + [True] * (len(told) - 1)
    assert len(told) > 1


def test_a_new_address_is_told_what_happens_from_then_on(store, receiver):
    start(store, submit(store, "before"))
    sender = sender_to(store, channel(receiver.address))
    start(store, submit(store, "after"), gpus=("GPU-1",))
    drain(sender)
    assert receiver.titles == ["after has started"]


def test_owners_events_and_severity_say_who_is_told(store, receiver):
    failures = channel(receiver.address + "?x=1", severity=Severity.WARNING)
    sender = sender_to(store, channel(receiver.address, owners=frozenset({"ben"})), failures)
    start(store, submit(store, "annas"))
    start(store, submit(store, "bens", BEN), gpus=("GPU-1",))
    store.ledger.quarantine("GPU-0", MarkCause.LOST, "gone")
    drain(sender)
    assert sorted(receiver.titles) == ["GPU 0 is out of use", "bens has started"]


def test_a_digest_goes_out_together_when_its_time_has_come(store, receiver):
    sent: list[str] = []

    def note(_address: str, title: str, body: str, _severity: Severity) -> None:
        sent.append(f"{title}: {body}")

    now = time.time()
    sender = Sender(store, note, clock=lambda: now)
    sender.tell_to([channel("json://x", digest_s=600.0)])
    for name in ("one", "two"):
        start(store, submit(store, name), gpus=(f"GPU-{name}",))
    due = sender.step()
    assert due is not None
    assert not sent
    now = due
    assert sender.step() is None
    (told,) = sent
    assert "one has started" in told
    assert "two has started" in told


def test_more_than_so_many_an_hour_wait_and_go_out_together(store):
    sent: list[str] = []

    def note(_address: str, title: str, _body: str, _severity: Severity) -> None:
        sent.append(title)

    now = time.time() + 5
    sender = Sender(store, note, clock=lambda: now)
    sender.tell_to([channel("json://x", per_hour=2)])
    for name in ("one", "two"):
        start(store, submit(store, name), gpus=(f"GPU-{name}",))
        now += 1
        sender.step()
    for name in ("three", "four"):
        start(store, submit(store, name), gpus=(f"GPU-{name}",))
    now += 1
    due = sender.step()
    assert sent == ["one has started", "two has started"]
    assert due is not None
    now = due + 1
    sender.step()
    assert len(sent) == 3
    assert sent[2].startswith("2 events on ")


def test_what_was_held_up_until_quiet_hours_began_waits_for_their_end_too(store):
    sent: list[str] = []
    refusals = [Refusal("not now")]

    def note(_address: str, title: str, _body: str, _severity: Severity) -> Refusal | None:
        if refusals:
            return refusals.pop()
        sent.append(title)
        return None

    now = datetime(2025, 11, 20, 21, 59, 58).astimezone().timestamp()
    sender = Sender(store, note, clock=lambda: now)
    sender.tell_to([channel("json://x", quiet="22:00-07:00")])
    start(store, submit(store, "one"), gpus=("GPU-0",))
    again_at = sender.step()
    assert again_at is not None
    now = again_at
    store.ledger.quarantine("GPU-1", MarkCause.LOST, "gone")
    ends_at = sender.step()
    assert sent == ["GPU 1 is out of use"]
    assert ends_at == datetime(2025, 11, 21, 7).astimezone().timestamp()
    now = ends_at
    sender.step()
    assert sent[1:] == ["one has started"]


def test_a_command_that_fails_has_no_epochs_and_a_finding_of_before_the_first_is_there_since_the_start(store):
    told: list[str] = []

    def note(_address: str, _title: str, body: str, _severity: Severity) -> None:
        told.append(body.splitlines()[0])

    events = frozenset({NotifyEvent.FAILED, NotifyEvent.HEALTH})
    sender = sender_to(store, channel("json://x", events=events), send=note)
    spec = JobSpec(name="deploy", kind=Kind.COMMAND, command=("sh",))
    (deploy,) = store.verbs.submit([Submission(spec=spec, environment={})], ANNA)
    start(store, deploy)
    end(store, deploy, Failed(time.time(), "exit_code", "x"), outcome=Outcome.FAILED, cause="exit_code")
    night = submit(store, "night")
    start(store, night)
    finding = Finding(rule="few-images", severity=Severity.INFO, epoch=0, text="Few.", advice="More.", told=True)
    store.ledger.record_progress([(night, 1, Progress(findings=(finding,)))])
    drain(sender)
    assert told == [f"Job {deploy}, 1m, exit code.", f"Job {night}, since the start."]


def test_an_error_is_told_at_once_even_beyond_the_limit_of_an_hour(store):
    sent: list[str] = []

    def note(_address: str, title: str, _body: str, _severity: Severity) -> None:
        sent.append(title)

    sender = Sender(store, note)
    sender.tell_to([channel("json://x", per_hour=1)])
    for name in ("one", "two"):
        start(store, submit(store, name), gpus=(f"GPU-{name}",))
        sender.step()
        store.ledger.quarantine(f"GPU-{name}", MarkCause.LOST, "gone")
        sender.step()
    assert sent == ["one has started", "GPU GPU-one is out of use", "GPU GPU-two is out of use"]


def test_what_happened_while_the_clock_was_ahead_is_told_at_once(home, receiver):
    with Store(home, clock=lambda: time.time() + 2 * 3600) as ahead:
        publish(ahead, 1, at=time.time())
        sender = sender_to(ahead, channel(receiver.address))
        start(ahead, submit(ahead, "night"))
    with Store(home) as store:
        sender = sender_to(store, channel(receiver.address))
        assert sender.step() is None
    assert receiver.titles == ["night has started"]


def test_what_has_no_room_in_one_message_goes_in_several(store, receiver, monkeypatch):
    monkeypatch.setattr(NotifyJSON, "body_maxlen", 400)
    sender = Sender(store, deliver, room=room)
    sender.tell_to([channel(receiver.address)])
    for n in range(20):
        start(store, submit(store, f"job-{n}"), gpus=(f"GPU-{n}",))
    drain(sender)
    assert len(receiver.events) == len(set(receiver.events)) == 20
    assert 1 < len(receiver.taken) < 20
    assert all(len(taken["title"]) + len(taken["message"]) <= 400 for taken in receiver.taken)


def test_what_can_not_be_told_is_given_up_after_days_of_trying_and_that_is_on_record(store):
    """Of trying: a machine that was off for a week, or a clock that was wrong, costs no try."""
    sender = Sender(store, lambda *_: Refusal("nobody is there"), clock=lambda: now)
    sender.tell_to([channel("json://nobody/secret-token-1234")])
    start(store, submit(store, "night"))
    now = began = time.time() + 7 * DAY_S
    while (due := sender.step()) is not None:
        now = due
    assert now - began > 2.5 * DAY_S
    (message,) = store.outbox.newest(5)
    assert (message.state, message.trouble, message.tries) == (
        MessageState.GIVEN_UP, "nobody is there", GIVE_UP_AFTER_TRIES,
    )  # fmt: skip
    (row,) = [row for row in store.read.audit() if row.verb == "give-up-telling"]
    assert row.detail["of"] == [message.audit]
    assert "secret" not in str(row.detail)
