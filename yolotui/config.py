"""What can be configured, with its defaults. `config_reading` reads the file, where there is one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct, field

from yolotui.core.health import Severity
from yolotui.locations import Home, user_config

Confirm: TypeAlias = Literal["always", "marked", "never"]


class QueueConfig(Struct, frozen=True):
    """[queue] `confirm`: when verbs that destroy ask.

    Always; always except before a single waiting job is cancelled ("marked": several at once ask); never.
    """

    confirm: Confirm = "marked"


def is_to_ask(confirm: Confirm, *, harmless: bool) -> bool:
    """Whether a person is asked before something is destroyed; one thing that is not running is harmless."""
    return confirm == "always" or (confirm == "marked" and not harmless)


class PathsConfig(Struct, frozen=True):
    """[paths] `runs`: an absolute directory for run directories; None is the home."""

    runs: str | None = None


class GpusConfig(Struct, frozen=True):
    """[gpus] Which cards may be used (numbers in PCI order; None: all) and when one is passed over.

    A foreign process that holds less than `ignore_below_bytes` doesn't block a card; `too_hot_c` is in °C.
    """

    use: tuple[int, ...] | None = None
    exclude: tuple[int, ...] = ()
    ignore_below_bytes: int = 300 * 1024**2
    too_hot_c: int = 85


class SchedulingConfig(Struct, frozen=True):
    """[scheduling] `preemption`: never, queue, evict; `notice_s`: seconds of warning; `mode`: balanced, throughput.

    `checkpoint_wait_s` is how long a P0 or a booking waits for the checkpoint of whom it evicts; `tenants` how many
    jobs may share a card. `preflight`: what the check before the start of a training does with errors: hold, warn, off.
    """

    preemption: str = "queue"
    notice_s: float = 1800.0
    checkpoint_wait_s: float = 120.0
    tenants: int = 2
    mode: str = "balanced"
    preflight: str = "hold"


class BookingsConfig(Struct, frozen=True):
    """[bookings] The smallest window, and after how long one that nobody uses expires (seconds)."""

    smallest_s: float = 7200.0
    expires_s: float = 900.0


class QuotaConfig(Struct, frozen=True, omit_defaults=True):
    """[quotas.owners.NAME], [quotas.groups.NAME]: `gpus` at once, `gpu_hours` a week; None is no limit."""

    gpus: int | None = None
    gpu_hours: float | None = None


class QuotasConfig(Struct, frozen=True):
    """[quotas] By owner and by group; `"*"` is for each that has none of its own."""

    owners: dict[str, QuotaConfig] = {}
    groups: dict[str, QuotaConfig] = {}


class LimitsConfig(Struct, frozen=True):
    """[limits] `stall_s`: silence of a training between batches before it is stopped and resumed, where its own rhythm
    does not ask for more; `log_bytes`: a console log longer than that is cut, one earlier piece is kept.
    """

    stall_s: float = 600.0
    log_bytes: int = 64 * 1024**2


class KeepConfig(Struct, frozen=True):
    """[keep] How long after their job's end run directories, and checkpoints but the best, stay; None: until `gc`."""

    runs_s: float | None = None
    checkpoints_s: float | None = None


class NotifyEvent(StrEnum):
    """What people can be told."""

    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    RECOVERED = "recovered"
    EVICTED = "evicted"
    BOOKING = "booking"
    DEADLINE = "deadline"
    HEALTH = "health"
    GPU = "gpu"


class ChannelConfig(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"digest_s": "digest"}):
    """[notify.channels.NAME] `to`: addresses (apprise URLs), told of `events` (none: of all) of this `severity` or
    more, about what belongs to `owners` (none: to anybody). With `details` it is also told the last words of what
    failed. The rest overrides [notify].
    """

    to: tuple[str, ...]
    events: tuple[NotifyEvent, ...] = ()
    severity: Severity = Severity.INFO
    owners: tuple[str, ...] = ()
    quiet: str = ""
    digest_s: float | None = None
    per_hour: int | None = None
    details: bool = False


class NotifyConfig(Struct, frozen=True):
    """[notify] Addresses (apprise URLs) by event, and channels.

    In `quiet` hours ("22:00-07:00", local time), and more often than every `digest_s` seconds (0: each by itself), only
    errors are told at once. At most `per_hour` messages go to an address.
    """

    started: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()
    evicted: tuple[str, ...] = ()
    booking: tuple[str, ...] = ()
    deadline: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    gpu: tuple[str, ...] = ()
    channels: dict[str, ChannelConfig] = {}
    quiet: str | None = None
    digest_s: float = 0.0
    per_hour: int = 60


class CostsConfig(Struct, frozen=True):
    """[costs] What a kWh and a GPU-hour cost, for reports; None: not reckoned."""

    kwh: float | None = None
    gpu_hour: float | None = None
    currency: str = "EUR"


class UiConfig(Struct, frozen=True):
    """[ui] `theme`: a theme's name, None for the default; `refresh_s`: seconds between two looks at what runs."""

    theme: str | None = None
    refresh_s: float = 1.0


class Config(Struct, frozen=True):
    """The whole configuration. `keys`: keys by the name of their action, for the dashboard to check and use."""

    queue: QueueConfig = field(default_factory=QueueConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
    gpus: GpusConfig = field(default_factory=GpusConfig)
    scheduling: SchedulingConfig = field(default_factory=SchedulingConfig)
    bookings: BookingsConfig = field(default_factory=BookingsConfig)
    quotas: QuotasConfig = field(default_factory=QuotasConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    keep: KeepConfig = field(default_factory=KeepConfig)
    notify: NotifyConfig = field(default_factory=NotifyConfig)
    costs: CostsConfig = field(default_factory=CostsConfig)
    keys: dict[str, str] = {}
    ui: UiConfig = field(default_factory=UiConfig)

    @classmethod
    def load(cls, home: Home) -> Config:
        """What counts for a home: its own file, else the user's, else the defaults. Raises WrongFile."""
        file = find(home)
        if file is None:
            return cls()
        from yolotui.config_reading import read

        return read(file)


def find(home: Home) -> Path | None:
    """The configuration file that counts for a home, if there is one."""
    return next((file for file in (home.config, user_config()) if _is_there(file)), None)


def _is_there(file: Path) -> bool:
    """Whether a file is there to be read: in a directory of somebody else there is none for us."""
    try:
        return file.exists()
    except PermissionError:
        return False
