"""Having a scheduler started at boot: a systemd user unit, or a `@reboot` line for cron.

A plan says what it would do before it does it; carrying it out twice changes nothing twice.
"""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from yolotui.errors import NotPossible
from yolotui.locations import Home

UNIT = "yolotui-scheduler.service"

# KillMode=process: stopping the unit must not stop the trainings, which are processes of its control group.
# OOMPolicy=continue: a training that the kernel kills for its memory must not take the scheduler along.
TEMPLATE = """\
[Unit]
Description=yolotui's scheduler

[Service]
Environment={home}
{path}ExecStart={command}
KillMode=process
OOMPolicy=continue
Restart=on-failure
RestartSec=5

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True)
class SystemdPlan:
    """A user unit at `path` with `content`, enabled and started, and lingering, so that it starts without a login."""

    path: Path
    content: str
    user: str

    @property
    def commands(self) -> list[list[str]]:
        """What is run after the file has been written."""
        return [
            ["systemctl", "--user", "daemon-reload"],
            ["systemctl", "--user", "enable", "--now", UNIT],
            ["loginctl", "enable-linger", self.user],
        ]

    @property
    def description(self) -> str:
        """The file, then the commands."""
        commands = "\n".join(shlex.join(command) for command in self.commands)
        return f"# {self.path}\n{self.content}\n# then\n{commands}"

    def carry_out(self) -> list[str]:
        """Write the unit, enable it, and let it outlive logins."""
        if _run(["systemctl", "--user", "show-environment"]) is not None:
            raise NotPossible(
                "systemd has no user manager for you here (as in a container, or after su): nothing was installed. "
                "`yolotui scheduler install --cron` uses cron instead."
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.content, encoding="utf-8")
        *enabling, lingering = self.commands
        for command in enabling:
            if (complaint := _run(command)) is not None:
                raise NotPossible(f"{self.path} was written, but `{shlex.join(command)}` failed: {complaint}")
        told = [f"Installed: {self.path}. To undo: systemctl --user disable --now {UNIT}"]
        if (complaint := _run(lingering)) is not None:
            told.append(f"It starts when you log in. For a start at boot: sudo {shlex.join(lingering)} ({complaint})")
        return told


@dataclass(frozen=True)
class CronPlan:
    """`line` in the user's crontab. `marker` at its end tells it from all others when it is installed again."""

    line: str
    marker: str

    @property
    def description(self) -> str:
        """The line."""
        return self.line

    def carry_out(self) -> list[str]:
        """Put the line into the crontab, in place of one that was put there for the same home before."""
        if shutil.which("crontab") is None:
            raise NotPossible(
                "There is no crontab here. The line above does it wherever cron, or an init script, takes it."
            )
        listed = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)
        # Without a crontab `crontab -l` fails; any other failure must not end in an overwritten one.
        if listed.returncode != 0 and "no crontab" not in listed.stderr.lower():
            raise NotPossible(f"The crontab can't be read: {listed.stderr.strip()}")
        others = [line for line in listed.stdout.splitlines() if not line.endswith(self.marker)]
        content = "\n".join([*others, self.line, ""])
        written = subprocess.run(["crontab", "-"], input=content, capture_output=True, text=True, check=False)
        if written.returncode != 0:
            raise NotPossible(f"The crontab can't be written: {written.stderr.strip()}")
        return ["Installed. To undo: crontab -e"]


def plan_systemd(home: Home) -> SystemdPlan:
    """A user unit that leads the queue of `home`, with this interpreter."""
    config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    content = TEMPLATE.format(
        home=_quoted(f"YOLOTUI_HOME={home.root}"),
        path="".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in _handed_on()),
        # In a command systemd also expands $.
        command=" ".join(_quoted(word).replace("$", "$$") for word in _scheduler("run")),
    )
    return SystemdPlan(Path(config) / "systemd" / "user" / UNIT, content, getpass.getuser())


def plan_cron(home: Home) -> CronPlan:
    """A line that starts a scheduler for `home` at boot, with this interpreter."""
    devices = [f"{name}={value}" for name, value in _handed_on() if name != "PATH"]
    command = shlex.join(["env", f"YOLOTUI_HOME={home.root}", *devices, *_scheduler("start")])
    marker = f"# yolotui {home.root}"
    # cron takes a bare % for the end of the line.
    return CronPlan(f"@reboot {command} {marker}".replace("%", r"\%"), marker.replace("%", r"\%"))


def _handed_on() -> list[tuple[str, str]]:
    """What this shell says about programs and devices: a scheduler that is started at boot is to see the same."""
    names = ("PATH", "YOLOTUI_GPUS", "CUDA_VISIBLE_DEVICES")
    return [(name, os.environ[name]) for name in names if os.environ.get(name)]


def _scheduler(verb: str) -> list[str]:
    return [sys.executable, "-P", "-m", "yolotui", "scheduler", verb]


def _quoted(word: str) -> str:
    """A word of a unit file: in quotes, with what systemd would read in it taken for itself."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _run(command: list[str]) -> str | None:
    """Run a command; None if it went well, else what it complained about."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except FileNotFoundError:
        return f"there is no {command[0]}"
    except subprocess.TimeoutExpired:
        return "it did not answer"
    return None if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"
