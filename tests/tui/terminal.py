"""The dashboard as a process of its own on a real pty."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
from pathlib import Path

OPEN = (
    # A session leader that opens a terminal gets it as its own: its end is a hang-up, its resize a signal.
    "import os, sys; from pathlib import Path; from yolotui.tui import run_dashboard; "
    "{own} and os.open(os.ttyname(0), os.O_RDWR); "
    "sys.exit(run_dashboard(Path(sys.argv[1]), readonly={readonly}, mouse={mouse}))"
)

LEFT_OUT = {"NO_COLOR", "COLORTERM", "COLUMNS", "LINES"}
"""What would speak for another terminal than this one."""


class Terminal:
    """The dashboard on a pty of 80 by 24, which shows 256 colours unless the environment says otherwise.

    One that is not its own sends it no signal.
    """

    def __init__(
        self, root: Path, *, readonly: bool = True, mouse: bool = True, own: bool = True, **environment: str
    ) -> None:
        self.master, slave = pty.openpty()
        self.resize(80, 24)
        self.modes = termios.tcgetattr(self.master)
        self.seen = b""
        inherited = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        self.process = subprocess.Popen(
            [sys.executable, "-c", OPEN.format(readonly=readonly, mouse=mouse, own=own), str(root)],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**inherited, "TERM": "xterm-256color", "YOLOTUI_HOME": str(root), **environment},
        )  # fmt: skip
        os.close(slave)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size; the kernel tells the program."""
        termios.tcsetwinsize(self.master, (rows, columns))

    def press(self, keys: str) -> None:
        """Write keys."""
        os.write(self.master, keys.encode())

    def shows(self, text: str) -> bool:
        """Whether it has drawn this since it was last asked to `forget`."""
        while select.select([self.master], [], [], 0)[0]:
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:
                break
        return text.encode() in self.seen

    def forget(self) -> None:
        """Look only at what is drawn from now on."""
        self.shows("")
        self.seen = b""

    def close(self) -> None:
        """Close the window, and wait until the program is gone."""
        os.close(self.master)
        self.process.wait(timeout=15)
