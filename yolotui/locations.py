"""Where everything is: the home, its files, and the run directories."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """A queue's home directory (0700) and the names of the files in it (0600)."""

    root: Path

    @classmethod
    def current(cls) -> Home:
        """`$YOLOTUI_HOME`, else the platform's user data directory."""
        if named := os.environ.get("YOLOTUI_HOME"):
            return cls(Path(named).expanduser().absolute())
        import platformdirs

        return cls(Path(platformdirs.user_data_dir("yolotui", appauthor=False)))

    def create(self) -> None:
        """Make the directory, for its owner alone. Raises OSError where that is not possible."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.root.stat().st_uid == os.getuid() and self.root.stat().st_mode & 0o077:
            self.root.chmod(0o700)

    @property
    def queue(self) -> Path:
        """The SQLite file that everybody meets in."""
        return self.root / "queue.db"

    @property
    def samples(self) -> Path:
        """Host and GPU samples; may be deleted at any time."""
        return self.root / "samples.db"

    @property
    def config(self) -> Path:
        """The configuration file that goes with the home, if there is one."""
        return self.root / "config.toml"

    @property
    def scheduler_lock(self) -> Path:
        """Held exclusively by the leader for as long as it leads."""
        return self.root / "scheduler.lock"

    @property
    def watchers_lock(self) -> Path:
        """Held shared by everybody who wants a leader to stay."""
        return self.root / "watchers.lock"

    @property
    def notify_lock(self) -> Path:
        """Held exclusively by the one process that sends notifications."""
        return self.root / "notify.lock"

    @property
    def scheduler_log(self) -> Path:
        """What the scheduler did, a line each."""
        return self.root / "scheduler.log"

    @property
    def demo_mark(self) -> Path:
        """Marks the home of a demonstration: its own driver leads it, no scheduler that would really train."""
        return self.root / "demonstration"

    @property
    def checks(self) -> Path:
        """What checks have seen of data sets, by fingerprint; may be deleted."""
        return self.root / "checks"

    @property
    def weights(self) -> Path:
        """Weights that `yolotui weights` fetched."""
        return self.root / "weights"

    @property
    def runs(self) -> Path:
        """Where run directories go unless the configuration names another place."""
        return self.root / "runs"


def user_config() -> Path:
    """The platform's configuration file, for a user who has no config.toml in the home."""
    import platformdirs

    return Path(platformdirs.user_config_dir("yolotui", appauthor=False)) / "config.toml"


def is_there(path: Path) -> bool:
    """Whether anything is at a path that a person named, as far as we can see: a name too long is nowhere, either."""
    return os.path.exists(path)  # noqa: PTH110 — Path.exists raises where nobody may look


def attempt_directory(run_dir: str | Path, number: int) -> Path:
    """Where the files of an attempt are: its claim, its console log, its events, its end."""
    return Path(run_dir) / f"attempt-{number}"


def console_log(run_dir: str | Path, number: int) -> Path:
    """What an attempt printed."""
    return attempt_directory(run_dir, number) / "console.log"


def earlier_log(file: Path) -> Path:
    """What was kept of a log when it was cut."""
    return file.with_name(f"{file.name}.1")


def run_dir_name(job_id: int, name: str) -> str:
    """`000012-night-n`: sorts by id, and says what it is without trusting the name as a path."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:60] or "job"
    return f"{job_id:06d}-{slug}"
