"""What goes wrong around the dashboard: it stays correct, says what it knows, and recovers."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers import eventually
from tests.tui.believable import BelievableHome
from tests.tui.showing import dashboard, selected, settled, table, text_of, until
from tests.tui.terminal import Terminal
from yolotui.core.jobs import Priority
from yolotui.tui.keymap import with_keys

Open = Callable[..., Terminal]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[BelievableHome]:
    home = BelievableHome(tmp_path / "home")
    home.submit("night-n", "night-s")
    home.publish()
    yield home
    home.store.close()


@pytest.fixture
def opened(home: BelievableHome) -> Iterator[Open]:
    """Opens the dashboard of the home on a pty, and waits until it shows the jobs; closes it in the end."""
    terminals: list[Terminal] = []

    def open_it(**how: object) -> Terminal:
        terminals.append(Terminal(home.root, **how))  # type: ignore[arg-type]
        eventually(lambda: terminals[-1].shows("night-n"))
        return terminals[-1]

    yield open_it
    for terminal in terminals:
        terminal.close()


def test_a_window_of_20_by_5_and_back(home: BelievableHome, opened: Open):
    terminal = opened()
    terminal.resize(20, 5)
    eventually(lambda: terminal.shows("at least"))
    terminal.forget()
    terminal.resize(100, 30)
    eventually(lambda: terminal.shows("night-n"))
    assert terminal.process.poll() is None


def test_a_stopped_process_goes_on_with_what_is_true_then(home: BelievableHome, opened: Open):
    terminal = opened()
    terminal.process.send_signal(signal.SIGSTOP)
    home.submit("meanwhile")
    terminal.forget()
    terminal.process.send_signal(signal.SIGCONT)
    eventually(lambda: terminal.shows("meanwhile"))


def test_a_terminal_that_reads_again_shows_what_is_true_then(home: BelievableHome, opened: Open):
    terminal = opened()
    # The help, drawn and taken away: 90 KB, more than the buffer holds of a terminal that reads nothing.
    terminal.press("??" * 50)
    home.submit("meanwhile")
    eventually(lambda: terminal.shows("meanwhile"))
    assert terminal.process.poll() is None


@pytest.mark.parametrize(
    ("environment", "uses", "never"),
    [
        ({"TERM": "xterm"}, "\x1b[", ("38;5;", "38;2;")),
        ({"TERM": "xterm-256color"}, "38;5;", ("38;2;",)),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "38;2;", ()),
    ],
    ids=["16", "256", "24-bit"],
)
def test_colours_are_those_that_the_terminal_has(
    opened: Open, environment: dict[str, str], uses: str, never: tuple[str, ...]
):  # fmt: skip
    terminal = opened(**environment)
    eventually(lambda: terminal.shows("waiting"))
    assert terminal.shows(uses)
    assert not any(terminal.shows(sequence) for sequence in never)


def test_without_utf_8_the_signs_are_ascii_and_that_is_said(opened: Open):
    terminal = opened(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    eventually(lambda: terminal.shows("shows no Unicode"))
    assert terminal.seen.isascii()


def test_no_mouse_leaves_the_mouse_to_the_terminal(opened: Open):
    assert opened().shows("\x1b[?1003h")
    assert not opened(mouse=False).shows("\x1b[?1000h")


def test_a_path_is_copied_through_the_terminal(opened: Open):
    terminal = opened()
    terminal.press("y")
    eventually(lambda: terminal.shows("\x1b]52;c;"))


@contextmanager
def write_lock(home: BelievableHome) -> Iterator[None]:
    """Somebody else writes into the queue all the while."""
    connection = sqlite3.connect(home.home.queue, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


async def test_a_locked_queue_is_waited_for_while_everything_else_works(night: BelievableHome):
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("down", "down", "down")
        with write_lock(night):
            await pilot.press("plus", "down")
            await until(pilot, lambda: selected(pilot.app).id == 10)
            await pilot.press("slash", *"coco", "enter")
            assert table(pilot.app)._ids == [3]
        await until(pilot, lambda: night.store.read.job(3).priority is Priority.P1)
        await until(pilot, lambda: "now P1" in text_of(pilot.app))


async def test_a_queue_that_stays_locked_is_told_and_nothing_is_done(
    night: BelievableHome, monkeypatch: pytest.MonkeyPatch
):  # fmt: skip
    monkeypatch.setattr("yolotui.store.database.BUSY_TIMEOUT_S", 0.2)
    async with dashboard(night).run_test(notifications=True, size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("down", "down", "down")
        with write_lock(night):
            await pilot.press("plus")
            await until(pilot, lambda: "was busy for 0.2 s" in text_of(pilot.app))
        assert night.store.read.job(3).priority is Priority.P2
        await pilot.press("plus")
        await until(pilot, lambda: night.store.read.job(3).priority is Priority.P1)


HOLD = "import sys; from pathlib import Path; from yolotui.leadership import Lock; lock = Lock(Path(sys.argv[1])); " \
       "assert lock.acquire(); print('leads', flush=True); sys.stdin.read()"  # fmt: skip


@contextmanager
def leader(home: BelievableHome) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lead."""
    command = [sys.executable, "-c", HOLD, str(home.home.scheduler_lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "leads\n"
        yield process
        process.kill()


async def test_a_scheduler_that_dies_is_missed_and_the_next_one_is_seen(home: BelievableHome):
    home.take_the_lead()
    async with dashboard(home).run_test(notifications=True, size=(120, 40)) as pilot:
        with leader(home) as process:
            await until(pilot, lambda: "scheduler 4123" in text_of(pilot.app))
            assert "no scheduler" not in text_of(pilot.app)
            os.kill(process.pid, signal.SIGKILL)
            await until(pilot, lambda: "as of 14:01, no scheduler runs (S starts one)" in text_of(pilot.app))
        with leader(home):
            await until(pilot, lambda: "no scheduler" not in text_of(pilot.app))


@pytest.mark.parametrize("way", ["", "t", "E", "w", "\r", "a", "F"])
async def test_every_screen_names_the_key_that_starts_a_scheduler(home: BelievableHome, way: str):
    async with dashboard(home, actions=with_keys({"start_scheduler": "Z"})).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press(*(["enter"] if way == "\r" else way))
        await until(pilot, lambda: way == "" or len(pilot.app.screen_stack) > 1)
        said = "no scheduler runs · GPU" if way in {"a", "F"} else "no scheduler runs (Z starts one) · GPU"
        await until(pilot, lambda: said in text_of(pilot.app))
