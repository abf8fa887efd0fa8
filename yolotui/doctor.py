"""`yolotui doctor`: looks at everything on this machine that would spoil a night, and says what to do about it.

Nothing is changed and nothing heavy is imported. Each check is a function that answers with findings; a `Finding` that
is not ok carries its advice.
"""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from yolotui.core.gpus import Excluded, Foreign, Gpu, Host, Lost
from yolotui.locations import Home
from yolotui.probe.logind import logout_policy
from yolotui.probe.mounts import mount_of
from yolotui.probe.torch_build import TorchBuild, installed_torch
from yolotui.units import GIB

OLDEST_PYTHON = (3, 11)


class Level(StrEnum):
    """How bad a finding is: an error keeps trainings from working, a warning will hurt some day."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """What a check found: a sentence about what is, and what to do where that is not good."""

    name: str
    level: Level
    sentence: str
    advice: str = ""


def examine(
    home: Home,
    *,
    observe: Callable[[], Host],
    runs: Path | None = None,
    torch: Callable[[], TorchBuild | None] = installed_torch,
    environ: Mapping[str, str] | None = None,
    root: Path = Path("/"),
) -> list[Finding]:
    """All findings, in the order in which a person would look.

    `observe` looks at the GPUs once (`open_devices(…).observe`); `runs` is where run directories go, if not into the
    home; `root` is where /proc, /dev and /etc are looked for.
    """
    host = observe()
    runs = runs or home.runs
    return [
        *check_versions(),
        *check_driver(host, torch()),
        *check_gpus(host),
        *check_home(home, root),
        *check_disk({"home": home.root, "runs": runs}),
        *check_shared_memory(root / "dev/shm"),
        *check_logout(_login_name(), root),
        *check_terminal(os.environ if environ is None else environ),
    ]


def check_versions() -> Iterator[Finding]:
    """Python, yolotui, ultralytics, torch, SQLite; from the installed packages' metadata."""
    python = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        yield Finding("python", Level.OK, f"Python {python}.")
    else:
        yield Finding("python", Level.ERROR, f"Python {python} is too old.", "Use Python 3.11 or newer.")
    for package in ("yolotui", "ultralytics", "torch"):
        try:
            yield Finding(package, Level.OK, f"{package} {version(package)}.")
        except PackageNotFoundError:
            yield Finding(
                package,
                Level.ERROR,
                f"{package} is not installed for {sys.executable}.",
                f"Install it: pip install {package}",
            )
    yield Finding("sqlite", Level.OK, f"SQLite {sqlite3.sqlite_version}; only the scheduler moves its write-ahead log.")


def check_driver(host: Host, torch: TorchBuild | None) -> Iterator[Finding]:
    """Whether the driver is new enough for the CUDA of the installed torch; without NVIDIA cards it doesn't matter."""
    if torch is None or not any(gpu.kind == "cuda" for gpu in host.gpus):
        return
    if torch.cuda is None:
        yield Finding(
            "driver",
            Level.ERROR,
            f"torch {torch.version} is a build for the CPU: no training would use the GPUs.",
            "Install torch with CUDA: PyPI's own wheel for Linux has it.",
        )
        return
    what = f"the driver {host.driver_version or 'of unknown version'} and torch {torch.version} (CUDA {torch.cuda})"
    match torch.runs_on(host.driver_version):
        case True:
            yield Finding("driver", Level.OK, f"{what[0].upper()}{what[1:]} fit.")
        case False:
            yield Finding(
                "driver",
                Level.ERROR,
                f"{what[0].upper()}{what[1:]} don't fit: this CUDA needs driver {torch.oldest_driver} or newer.",
                f"Update the driver to {torch.oldest_driver} or newer, or install a torch for an older CUDA.",
            )
        case None:
            yield Finding(
                "driver",
                Level.WARNING,
                f"Nothing is known about whether {what} fit.",
                "Try a short training, or compare with NVIDIA's CUDA compatibility table.",
            )


def check_gpus(host: Host) -> Iterator[Finding]:
    """What there is to train on, and each card that can't be used."""
    if host.trouble:
        yield Finding("gpus", Level.ERROR, f"No GPU can be read: {host.trouble}", "No job that needs a GPU will start.")
    elif not any(gpu.kind == "cuda" for gpu in host.gpus):
        names = ", ".join(gpu.uuid for gpu in host.gpus)
        yield Finding("gpus", Level.OK, f"No NVIDIA GPU is used; jobs run on {names}.")
    else:
        kinds = ", ".join(dict.fromkeys(gpu.name for gpu in host.gpus))
        yield Finding("gpus", Level.OK, f"{len(host.gpus)} GPU{'s' if len(host.gpus) > 1 else ''}: {kinds}.")
    for gpu in host.gpus:
        yield from _check_gpu(gpu)


def _check_gpu(gpu: Gpu) -> Iterator[Finding]:
    name = f"gpu {gpu.index}"
    if gpu.ecc_errors:
        yield Finding(
            name,
            Level.WARNING,
            f"GPU {gpu.index} had {gpu.ecc_errors} memory errors that could not be corrected.",
            "Look at `nvidia-smi -q -d ECC`; reset the card, and have it replaced if they come back.",
        )
    match gpu.availability:
        case Lost(reason):
            advice = "Look at `dmesg` for Xid messages; a reboot brings most lost cards back."
            yield Finding(name, Level.ERROR, f"GPU {gpu.index} does not answer: {reason}.", advice)
        case Foreign(pids, memory_bytes, owners):
            who = f" of {', '.join(owners)}" if owners else ""
            held = f"{memory_bytes / GIB:.1f} GiB"
            pid_list = ", ".join(map(str, pids)) or "unknown"
            yield Finding(
                name,
                Level.OK,
                f"GPU {gpu.index} is in use by processes{who} (pid {pid_list}, {held}): jobs wait for them.",
            )
        case Excluded(reason):
            yield Finding(name, Level.OK, f"GPU {gpu.index} is left out: {reason}.")


def check_home(home: Home, root: Path = Path("/")) -> Iterator[Finding]:
    """Whether the home belongs to its owner alone, can be written, and is on a disk of this machine."""
    folder = home.root
    place = _existing(folder)
    if not place.is_dir():
        yield Finding("home", Level.ERROR, f"{place} is not a directory.", "Move it away, or set YOLOTUI_HOME.")
        return
    if not os.access(place, os.W_OK | os.X_OK):
        yield Finding("home", Level.ERROR, f"{place} can't be written.", "Set YOLOTUI_HOME to a directory of yours.")
    elif place != folder:
        yield Finding("home", Level.OK, f"{folder} is not there yet; the first job makes it.")
    else:
        yield from _check_privacy(home)
    mount = mount_of(folder, root / "proc/mounts")
    if mount and mount.is_network:
        yield Finding(
            "home",
            Level.WARNING,
            f"{folder} is on a network file system ({mount.type} at {mount.folder}), where SQLite's locks and its "
            "write-ahead log are not safe.",
            "Set YOLOTUI_HOME to a local disk; run directories may stay on the network ([paths] runs).",
        )


def _check_privacy(home: Home) -> Iterator[Finding]:
    owner = home.root.stat().st_uid
    if owner != os.getuid():
        yield Finding(
            "home",
            Level.ERROR,
            f"{home.root} belongs to uid {owner}, not to you.",
            "Set YOLOTUI_HOME to a directory of yours.",
        )
        return
    files = [home.queue, home.samples, home.config, home.scheduler_log]
    exposed = [path for path in (home.root, *files) if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    for path in exposed:
        mode = stat.S_IMODE(path.stat().st_mode)
        right = "700" if path == home.root else "600"
        yield Finding("home", Level.WARNING, f"Others may use {path} (mode {mode:04o}).", f"chmod {right} {path}")
    if not exposed:
        yield Finding("home", Level.OK, f"{home.root} is yours alone.")


def check_disk(
    places: Mapping[str, Path], free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
) -> Iterator[Finding]:
    """Free space where the queue and the runs are."""
    for name, path in places.items():
        free = free_bytes(_existing(path))
        sentence = f"{free / GIB:.1f} GiB are free for the {name} ({path})."
        if free < GIB:
            yield Finding(
                f"disk: {name}", Level.ERROR, sentence, "Make room: a checkpoint that can't be written is lost."
            )
        elif free < 10 * GIB:
            yield Finding(f"disk: {name}", Level.WARNING, sentence, "Make room, or set [paths] runs to a larger disk.")
        else:
            yield Finding(f"disk: {name}", Level.OK, sentence)


def check_shared_memory(
    folder: Path, total_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).total
) -> Iterator[Finding]:
    """Data workers hand batches over in /dev/shm; in a container it is often 64 MiB, and they die of a bus error."""
    advice = "Start the container with --ipc=host or --shm-size=8g, or train with workers = 0."
    if not folder.is_dir():
        yield Finding("shared memory", Level.WARNING, f"{folder} is not there.", advice)
        return
    total = total_bytes(folder)
    sentence = f"{folder} has {total / GIB:.2f} GiB."
    if total < GIB:
        yield Finding("shared memory", Level.WARNING, sentence, advice)
    else:
        yield Finding("shared memory", Level.OK, sentence)


def check_logout(user: str, root: Path = Path("/")) -> Iterator[Finding]:
    """Whether logging out would end the scheduler and the trainings."""
    policy = logout_policy(user, root)
    if policy is None:
        yield Finding("logout", Level.OK, "systemd does not run this machine: nothing ends your processes at logout.")
    elif policy.kills:
        linger = "" if policy.lingers else f"`loginctl enable-linger {user}` and "
        yield Finding(
            "logout",
            Level.WARNING,
            "KillUserProcesses=yes: logging out ends the scheduler and every training that you started from a session.",
            f"Run the scheduler as a unit of yours: {linger}`yolotui scheduler install`. Or set KillUserProcesses=no "
            "in /etc/systemd/logind.conf.",
        )
    elif not policy.lingers:
        yield Finding(
            "logout",
            Level.OK,
            "Trainings go on after a logout. A unit of yours would end there, and would not start after a reboot.",
            f"For `yolotui scheduler install`: `loginctl enable-linger {user}`.",
        )
    else:
        yield Finding("logout", Level.OK, "Trainings go on after a logout, and your units start after a reboot.")


def check_terminal(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the dashboard can draw."""
    term = environ.get("TERM", "")
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    if term in {"", "dumb", "unknown"}:
        yield Finding("terminal", Level.WARNING, f"TERM={term!r} can't draw.", "Set TERM, such as to xterm-256color.")
    elif "utf8" not in locale.casefold().replace("-", ""):
        yield Finding(
            "terminal",
            Level.WARNING,
            f"The locale {locale!r} is not UTF-8: charts would be garbage.",
            "export LANG=C.UTF-8",
        )
    else:
        yield Finding("terminal", Level.OK, f"{term}, {locale}.")


def _login_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    return next((place for place in (path, *path.parents) if os.access(place, os.F_OK)), Path("/"))
