"""The page of a run: written for who is told of its end, named in the message; bad luck costs the page alone."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.states import end, publish, start
from tests.helpers import eventually
from tests.notify.server import Receiver
from tests.store.builders import ANNA, submission, training
from tests.telemetry.writing import Run
from yolotui.config import NotifyEvent
from yolotui.core.jobs import Failed, Outcome, Succeeded
from yolotui.locations import Home
from yolotui.notify.channels import Channel
from yolotui.notify.delivering import deliver
from yolotui.notify.pages import RunPages
from yolotui.notify.sender import Sender
from yolotui.store import Store

ENDS = frozenset({NotifyEvent.FINISHED, NotifyEvent.FAILED})


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with Store(home) as store:
        publish(store, 1, at=time.time())
        yield store


@pytest.fixture
def run_dir(store: Store) -> Path:
    """That of a training, named `night`, which runs and has made some epochs."""
    (job,) = store.verbs.submit([submission(training("night"))], ANNA)
    start(store, job, gpus=("GPU-0",))
    run = Run(Path(store.read.job(job).run_dir))
    run.begin()
    for epoch in range(1, 4):
        run.epoch(epoch)
    return run.root


def sender_to(home: Home, store: Store, *addresses: str, events: frozenset[NotifyEvent] = ENDS) -> Sender:
    sender = Sender(store, deliver, write_page=RunPages(home, store).write)
    sender.tell_to([Channel(address=address, events=events, per_hour=10_000) for address in addresses])
    return sender


def succeed(store: Store) -> None:
    end(store, 1, Succeeded(time.time()))


def reports(receiver: Receiver) -> list[list[str]]:
    """For each message what it names as its report."""
    told = (message["message"].splitlines() for message in receiver.taken)
    return [[line.partition(": ")[2] for line in lines if line.startswith("Report: ")] for lines in told]


def test_the_message_names_the_page_which_only_its_owner_reads(home, store, run_dir, receiver):
    sender = sender_to(home, store, receiver.address)
    succeed(store)
    assert sender.step() is None
    assert receiver.titles == ["night has finished"]
    assert reports(receiver) == [[str(run_dir / "report.html")]]
    page = run_dir / "report.html"
    assert "<h1>Run 1: night</h1>" in page.read_text()
    assert "succeeded" in page.read_text()
    assert page.read_text().count("<polyline") == 3
    assert page.stat().st_mode & 0o777 == 0o600


def test_a_failure_names_it_too(home, store, run_dir, receiver):
    sender = sender_to(home, store, receiver.address)
    end(store, 1, Failed(time.time(), "exit", "No such data."), outcome=Outcome.FAILED, explanation="No such data.")
    sender.step()
    assert reports(receiver) == [[str(run_dir / "report.html")]]
    assert "No such data." in (run_dir / "report.html").read_text()


def test_nothing_is_written_where_nobody_is_told(home, store, run_dir, receiver):
    sender = sender_to(home, store, receiver.address, events=frozenset({NotifyEvent.STARTED}))
    succeed(store)
    sender.step()
    assert receiver.taken == []
    assert not (run_dir / "report.html").exists()


def test_several_who_are_told_are_given_one_page(home, store, run_dir, receiver, monkeypatch):
    written: list[str] = []
    monkeypatch.setattr("yolotui.notify.pages.write_atomically", lambda path, _content: written.append(path))
    sender = sender_to(home, store, receiver.address, f"{receiver.address}?a=b")
    succeed(store)
    sender.step()
    assert reports(receiver) == [[str(run_dir / "report.html")]] * 2
    assert written == [str(run_dir / "report.html")]


@contextmanager
def full_disk(_run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(_path: str, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("yolotui.notify.pages.write_atomically", refuse)
    yield


@contextmanager
def no_directory(run_dir: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    shutil.rmtree(run_dir)
    yield
    assert not run_dir.exists()


@contextmanager
def a_directory_in_its_place(run_dir: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (run_dir / "report.html").mkdir()
    yield
    assert [path.name for path in run_dir.iterdir() if "tmp" in path.name] == []


@pytest.mark.parametrize("bad_luck", [full_disk, no_directory, a_directory_in_its_place])
def test_what_keeps_a_page_from_being_written_keeps_nobody_from_being_told(
    home, store, run_dir, receiver, monkeypatch, bad_luck
):
    sender = sender_to(home, store, receiver.address)
    succeed(store)
    with bad_luck(run_dir, monkeypatch):
        assert sender.step() is None
    assert receiver.titles == ["night has finished"]
    assert reports(receiver) == [[]]


def test_whatever_lies_in_the_run_directory_the_message_goes_out(home, store, run_dir, receiver):
    """Pipes, too: whoever opens one that nobody writes to waits for ever."""
    sender = sender_to(home, store, receiver.address)
    succeed(store)
    (run_dir / "attempt-1" / "events.jsonl").write_bytes(b"\x00\xff{]\n" * 100)
    (run_dir / "train").mkdir()
    os.mkfifo(run_dir / "train" / "results.csv")
    os.mkfifo(run_dir / "attempt-1" / "provenance.json")
    assert sender.step() is None
    assert reports(receiver) == [[str(run_dir / "report.html")]]


def test_the_process_that_sends_writes_it(home, store, run_dir, receiver):
    home.config.write_text(f'[notify]\nfinished = ["{receiver.address}"]\n')
    store.outbox.know([receiver.address])
    succeed(store)
    command = [sys.executable, "-m", "yolotui.notify"]
    with subprocess.Popen(command, env={**os.environ, "YOLOTUI_HOME": str(home.root)}) as process:
        eventually(lambda: receiver.taken, 60)
        process.terminate()
    assert reports(receiver) == [[str(run_dir / "report.html")]]
    assert "<h1>Run 1: night</h1>" in (run_dir / "report.html").read_text()
