"""What does the dashboard cost on a long queue, and how fast does it answer?

    python -m benchmarks.tui [--jobs 10000] [--minutes 4] [--starts 5] [--keys 200] [--peer "COMMAND"]

On a real pty of 120 columns and 40 rows, with eight runs live at 2 Hz and 300 epochs behind them: first paint, key to
echo, CPU and bytes a second at rest with live charts, memory and its growth. A `--peer` (`htop`, `nvitop`…) is put on
the same pty for its first paint, CPU, bytes and memory; a bare Textual application is the floor. On a machine that does
other things, too, CPU time is what counts: wall-clock figures are worse there than they are.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from benchmarks.tui_home import Driver, fill

WIDTH, HEIGHT = 120, 40
TICKS = os.sysconf("SC_CLK_TCK")
FLOOR = "from textual.app import App; from textual.widgets import Header; A = type('A', (App,), {'compose': " \
        "lambda self: [Header(show_clock=True)]}); A().run()"  # fmt: skip
CURSOR_AT = re.compile(rb"\x1b\[(\d+);1H(?:\x1b\[[0-9;]*m)*\xe2\x96\x8c")
"""A row that is drawn with the cursor's sign in its first cell."""


class Terminal:
    """A program on a pty that is always read."""

    def __init__(self, command: list[str], **environment: str) -> None:
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(self.master, (HEIGHT, WIDTH))
        self.seen = bytearray()
        self.bytes_read = 0
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC", **environment},
        )  # fmt: skip
        os.close(slave)

    def read(self, seconds: float) -> None:
        """Read what comes within so many seconds, at most until something has come."""
        if select.select([self.master], [], [], seconds)[0]:
            chunk = os.read(self.master, 1 << 16)
            self.bytes_read += len(chunk)
            self.seen += chunk

    def read_for(self, seconds: float) -> None:
        """Read for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.read(left)
            self.seen.clear()

    def wait_for(self, text: bytes, patience_s: float = 60.0) -> float:
        """Seconds since the start until `text` has been drawn."""
        while text not in self.seen:
            if time.monotonic() - self.began > patience_s or self.process.poll() is not None:
                sys.exit(f"{text!r} was not drawn; the last that was: {bytes(self.seen[-2000:])!r}")
            self.read(0.5)
        return time.monotonic() - self.began

    @property
    def cpu_s(self) -> float:
        """CPU time that the process has taken so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def rss_mb(self) -> float:
        """Resident memory in MB (10⁶ bytes)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def close(self) -> None:
        """End the program."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        os.close(self.master)


def first_paint(command: list[str], text: bytes, starts: int, **environment: str) -> None:
    """Wall and CPU seconds from exec to the alternate screen, and to `text` on it."""
    opened, painted, cpu = [], [], []
    for _ in range(starts):
        terminal = Terminal(command, **environment)
        opened.append(terminal.wait_for(b"\x1b[?1049h"))
        painted.append(terminal.wait_for(text))
        cpu.append(terminal.cpu_s)
        terminal.close()
    say("exec to alternate screen", f"{statistics.median(opened):.2f} s")
    say("exec to first paint", f"{statistics.median(painted):.2f} s (best {min(painted):.2f}; CPU {min(cpu):.2f} s)")


def key_to_echo(terminal: Terminal, keys: int) -> None:
    """Milliseconds from a key to the cursor on its new row, down and up again, among live charts."""
    delays = []
    for number in range(keys):
        terminal.read_for(0.05)
        at = time.monotonic()
        os.write(terminal.master, b"j" if number % 2 == 0 else b"k")
        while not CURSOR_AT.search(terminal.seen):
            terminal.read(1.0)
        delays.append((time.monotonic() - at) * 1000)
        terminal.seen.clear()
    ordered = sorted(delays)
    p95 = ordered[int(len(ordered) * 0.95)]
    say("key to echo", f"median {statistics.median(ordered):.1f} ms, p95 {p95:.1f} ms, worst {ordered[-1]:.1f} ms")


def at_rest(terminal: Terminal, seconds: float) -> None:
    """CPU, bytes and memory while nobody presses a key."""
    terminal.read_for(min(20.0, seconds / 2))
    cpu, size, before, began = terminal.cpu_s, terminal.bytes_read, terminal.rss_mb, time.monotonic()
    terminal.read_for(seconds)
    took = time.monotonic() - began
    say("CPU at rest", f"{100 * (terminal.cpu_s - cpu) / took:.1f} % of a core")
    say("to the terminal", f"{(terminal.bytes_read - size) / took / 1000:.1f} KB/s")
    say("memory", f"{terminal.rss_mb:.1f} MB, grown by {terminal.rss_mb - before:+.1f} MB in {took / 60:.1f} min")


def say(what: str, figure: str) -> None:
    """A line of the result."""
    print(f"  {what:26} {figure}", flush=True)


def measure(name: str, command: list[str], drawn: bytes, asked: argparse.Namespace, **environment: str) -> None:
    """Another program on the same pty."""
    print(name)
    first_paint(command, drawn, asked.starts, **environment)
    terminal = Terminal(command, **environment)
    terminal.wait_for(drawn)
    at_rest(terminal, min(30.0, asked.minutes * 60))
    terminal.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--peer", help="a command to measure on the same pty")
    parser.add_argument("--drive", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.drive:
        Driver(asked.drive).run_for_ever()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        fill(home, asked.jobs)
        command = [sys.executable, "-m", "yolotui"]
        drawn = f"job-{asked.jobs - 1:05}".encode()
        driver = subprocess.Popen([sys.executable, "-m", "benchmarks.tui", "--drive", str(home)])
        try:
            time.sleep(2)
            print(f"yolotui, {asked.jobs:,} jobs, eight live runs, {WIDTH}x{HEIGHT}")
            first_paint(command, drawn, asked.starts, YOLOTUI_HOME=str(home))
            terminal = Terminal(command, YOLOTUI_HOME=str(home))
            terminal.wait_for(drawn)
            terminal.read_for(3)
            key_to_echo(terminal, asked.keys)
            at_rest(terminal, asked.minutes * 60)
            terminal.close()
        finally:
            driver.terminate()
            driver.wait()
    measure("a bare Textual application with a clock", [sys.executable, "-c", FLOOR], b"A", asked)
    if asked.peer:
        measure(asked.peer, shlex.split(asked.peer), b"\x1b[", asked)


if __name__ == "__main__":
    main()
