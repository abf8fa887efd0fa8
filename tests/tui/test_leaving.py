"""A terminal that goes away, on a real pty; and what the dashboard refuses to draw on."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
from pathlib import Path

import pytest

from tests.helpers import eventually
from tests.tui.believable import BelievableHome
from tests.tui.terminal import Terminal
from yolotui.errors import WrongUse
from yolotui.tui import run_dashboard


@pytest.fixture
def home(tmp_path: Path) -> BelievableHome:
    home = BelievableHome(tmp_path / "home")
    home.submit("night-n")
    home.publish()
    home.store.close()
    return home


@pytest.mark.parametrize(("number", "code"), [(signal.SIGHUP, 129), (signal.SIGTERM, 143)])
def test_a_signal_leaves_cleanly_and_restores_the_terminal(home: BelievableHome, number: int, code: int):
    terminal = Terminal(home.root)
    eventually(lambda: terminal.shows("night-n"))
    terminal.process.send_signal(number)
    eventually(lambda: terminal.shows("\x1b[?1049l") or terminal.process.poll() is not None, timeout_s=10)
    assert terminal.process.wait(timeout=10) == code
    assert terminal.shows("\x1b[?1049l")
    assert termios.tcgetattr(terminal.master)[:4] == terminal.modes[:4]
    os.close(terminal.master)


def test_a_terminal_that_is_closed_ends_it(home: BelievableHome):
    terminal = Terminal(home.root)
    eventually(lambda: terminal.shows("night-n"))
    os.close(terminal.master)
    assert terminal.process.wait(timeout=10) == 129


def test_a_terminal_that_goes_without_a_signal_ends_it(home: BelievableHome):
    """Seed 4201 of the crash laboratory, under nohup: a dashboard stayed, and went on drawing for nobody."""
    terminal = Terminal(home.root, own=False)
    eventually(lambda: terminal.shows("night-n"))
    os.close(terminal.master)
    assert terminal.process.wait(timeout=10) == 129


def test_a_terminal_that_reads_nothing_does_not_keep_it(home: BelievableHome):
    terminal = Terminal(home.root)
    eventually(lambda: terminal.shows("night-n"))
    # Hold down a key without ever reading: the output backs up until the writer blocks.
    for _ in range(400):
        if not select.select([], [terminal.master], [], 0)[1]:
            break
        os.write(terminal.master, b"??" * 8)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.process.wait(timeout=15) == 143
    os.close(terminal.master)


def test_q_leaves_with_zero_and_says_that_jobs_go_on(home: BelievableHome):
    terminal = Terminal(home.root)
    eventually(lambda: terminal.shows("night-n"))
    os.write(terminal.master, b"q")
    eventually(lambda: terminal.shows("1 job goes on without the dashboard"))
    assert terminal.process.wait(timeout=10) == 0
    os.close(terminal.master)


def test_no_terminal_is_refused_with_a_sentence(home: BelievableHome):
    with pytest.raises(WrongUse, match="needs a terminal"):
        run_dashboard(home.root)


def test_a_dumb_terminal_is_refused_with_a_sentence(home: BelievableHome, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "dumb")
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    with pytest.raises(WrongUse, match="TERM is dumb"):
        run_dashboard(home.root)
