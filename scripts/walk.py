"""A walk through the dashboard with real keys: submit, re-prioritise, kill, reserve, compare, hang up, come back.

    python scripts/walk.py [--keep DIR]        (needs tmux; about a minute on two cores)

On a simulated host of two GPUs with real, tiny trainings, in a home of its own that is removed afterwards. After each
step it waits until the screen shows what a person would look for, and prints it. `--keep` writes the screens to files.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
WIDTH, HEIGHT = 120, 40
PATIENCE_S = 90.0
TERMINAL_OF_THE_CALLER = {"TMUX", "NO_COLOR", "COLUMNS", "LINES"}


class Terminal:
    """A tmux server of its own with one window, in which the dashboard runs."""

    def __init__(self, home: Path, keep: Path | None) -> None:
        self._socket = home / "tmux"
        self._keep = keep
        self._steps = 0
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in TERMINAL_OF_THE_CALLER},
            "YOLOTUI_HOME": str(home / "queue"),
            "YOLOTUI_GPUS": "sim:2x24GiB",
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }

    def open(self, command: str) -> None:
        """Run `command` in a new window."""
        self._tmux("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), command)

    def hang_up(self) -> None:
        """Take the terminal away, as a lost SSH connection does."""
        self._tmux("kill-server")
        while self._tmux("list-sessions"):  # the socket is the old server's until that has gone
            time.sleep(0.05)

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux's names for them."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text, letter by letter."""
        self._tmux("send-keys", "-l", text)

    def screen(self) -> str:
        """What can be read on the screen."""
        return self._tmux("capture-pane", "-p")

    def shows(self, what: str, pattern: str) -> str:
        """Wait until the screen shows a pattern; print the screen under the heading `what`."""
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(pattern, screen := self.screen()):
            if time.monotonic() > deadline:
                sys.exit(f"{what}: {pattern!r} is not on the screen:\n{screen}")
            time.sleep(0.1)
        self._steps += 1
        text = "\n".join(line.rstrip() for line in screen.rstrip().splitlines())
        print(f"\n── {self._steps}. {what} " + "─" * max(0, WIDTH - len(what) - 8) + f"\n{text}", flush=True)
        if self._keep:
            (self._keep / f"{self._steps:02d}-{what.replace(' ', '-')}.txt").write_text(text + "\n")
        return screen

    def yolotui(self, *words: str) -> str:
        """What the command line says about the same queue."""
        command = [str(BIN / "yolotui"), *words]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True).stdout

    def close(self) -> None:
        """Take the terminal away, and end whatever has been submitted from it."""
        self.hang_up()
        for words in (["kill", "--yes", "1-20"], ["cancel", "--yes", "1-20"], ["scheduler", "stop"]):
            subprocess.run([str(BIN / "yolotui"), *words], env=self._environment, capture_output=True, check=False)

    def _tmux(self, *words: str) -> str:
        command = ["tmux", "-f", "/dev/null", "-S", str(self._socket), *words]
        result = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        return result.stdout


@contextmanager
def terminal(keep: Path | None) -> Iterator[Terminal]:
    """A terminal with a fresh home; everything in it is ended and removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="walk-"))
    window = Terminal(home, keep)
    try:
        yield window
    finally:
        window.close()
        shutil.rmtree(home, ignore_errors=True)


def submit(window: Terminal, name: str, model: str, data: Path, arguments: str) -> None:
    """Fill in the form, and send it."""
    window.keys("a")
    window.shows("the form", "A new job")
    window.type(name)
    window.keys("Down", "Down")
    window.type(model)
    window.keys("Down")
    window.type(str(data))
    window.keys("Down")
    window.type(arguments)
    window.shows("what it would come to", "can be submitted")
    window.keys("F2")
    window.shows(f"{name} is in the queue", rf"(?s)STATE.*P2 {name}")


def walk(window: Terminal, data: Path) -> None:
    """The walk itself."""
    window.open("yolotui")
    window.shows("an empty queue", "The queue is empty")
    window.shows("the GPUs", "free")
    submit(window, "first", "yolo11n.yaml", data, "epochs=4 imgsz=32 batch=8 workers=0 plots=False")
    submit(window, "second", "yolov8n.yaml", data, "epochs=4 imgsz=32 batch=8 workers=0 plots=False")
    window.yolotui("run", "--gpus", "1", "--name", "urgent", "--", "sleep", "300")
    window.shows("three jobs", "urgent")
    window.keys("G")
    window.keys("+", "+")
    window.shows("urgent goes first", r"P0\s+urgent")
    window.shows("two trainings have ended", r"(?s)succeeded.*succeeded")
    window.keys("/")
    window.type("urgent")
    window.keys("Enter")
    window.shows("only the urgent one", "(?s)urgent.*/urgent")
    window.keys("x")
    window.shows("what a kill costs", "(?s)Kill.*Cancel")
    window.keys("y")
    window.shows("it is gone", "⊘ cancelled")
    window.keys("Escape")
    window.shows("all jobs again", "(?s)urgent.*first|first.*urgent")
    window.keys("t")
    window.shows("the timetable", "by owner")
    window.keys("b")
    window.shows("a booking in the making", "Enter books")
    window.keys("Enter")
    window.shows("the window is booked", "▒▒ *\n|▒{4}")
    window.keys("Escape")
    window.shows("the queue again", "STATE")
    window.keys("g", "j", "Space", "Space", "V")
    window.shows("two runs laid over one another", "Arguments that differ")
    window.hang_up()
    window.open("yolotui")
    window.shows("back again", "(?s)reserved.*first")


def main() -> None:
    """Walk."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="a directory for the screens")
    keep: Path | None = parser.parse_args().keep
    if shutil.which("tmux") is None:
        sys.exit("The walk needs tmux: apt install tmux")
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="walk-data-") as folder, terminal(keep) as window:
        shapes = [sys.executable, str(ROOT / "examples/make_shapes.py"), folder]
        options = ["--task", "detect", "--train", "24", "--val", "8", "--size", "64"]
        subprocess.run([*shapes, *options], check=True, stdout=subprocess.DEVNULL)
        walk(window, Path(folder) / "data.yaml")


if __name__ == "__main__":
    main()
