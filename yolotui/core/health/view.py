"""What a health rule looks at: a run's epochs, its devices, its settings, and what is usual for runs of its kind."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from msgspec import Struct

WARM_EPOCHS = 10  # before that a curve says little
EPSILON = 1e-9
WARM_UP_BATCHES = 100  # Ultralytics warms up for so many at least, and for three epochs
# Batch norm takes in 3 % of each batch: until it catches up with random weights that change fast, validation is poor.
SETTLING_BATCHES = 500


class EpochView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One whole epoch (from 1). Losses by their short name ("box", "cls", "dfl"…); metrics are parts of 1.

    `wait_share` is the part of a step's time that went into waiting for data, `images_per_s` the mean throughput.
    `nonfinite` names the values that were NaN or infinite.
    """

    epoch: int
    train: dict[str, float] = {}
    val: dict[str, float] = {}
    map50_95: float | None = None
    map50: float | None = None
    precision: float | None = None
    recall: float | None = None
    lr: float | None = None
    images_per_s: float | None = None
    wait_share: float | None = None
    gradient_norm: float | None = None
    nonfinite: tuple[str, ...] = ()

    @property
    def train_loss(self) -> float | None:
        """The sum of the training losses."""
        return sum(self.train.values()) if self.train else None

    @property
    def val_loss(self) -> float | None:
        """The sum of the validation losses."""
        return sum(self.val.values()) if self.val else None


class DeviceView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The run's cards over the last minutes: means over cards and time. Percent, °C, bytes; None is not known."""

    utilization_percent: float | None = None
    hottest_c: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    slowdowns: tuple[str, ...] = ()


class Usual(Struct, frozen=True):
    """What earlier runs of the same model and data had: the median and the largest first box loss of `runs` of them."""

    first_box_loss: float
    largest_first_box_loss: float
    runs: int


class Altered(Struct, frozen=True):
    """Something that is not as it was asked for: `what` went from `before` to `to`; to nothing where that is empty."""

    what: str
    before: str
    to: str
    why: str
    epoch: int = 0


class RunView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A training as the rules see it. `epochs` ascend without doubles; `settings` are the resolved arguments.

    `images` counts the training images, `images_per_class` those that show a class, by its name. `gpus` is how many
    cards it has, `on_cores` says that it trains without one. `workers_possible` is how many data workers the machine
    has cores for. `silent_s` is how long the run has told nothing, `patience_s` how long it may, by its own rhythm.
    """

    epochs: tuple[EpochView, ...] = ()
    epochs_total: int | None = None
    device: DeviceView = DeviceView()
    settings: dict[str, bool | int | float | str | None] = {}
    altered: tuple[Altered, ...] = ()
    images: int | None = None
    images_without_labels: int = 0
    images_per_class: dict[str, int] = {}
    gpus: int = 1
    on_cores: bool = False
    usual: Usual | None = None
    workers_possible: int | None = None
    silent_s: float = 0.0
    patience_s: float | None = None

    @property
    def epoch(self) -> int:
        """The newest whole epoch; 0 before the first."""
        return self.epochs[-1].epoch if self.epochs else 0

    @property
    def from_scratch(self) -> bool:
        """Whether it begins with random weights."""
        return str(self.settings.get("model", "")).endswith((".yaml", ".yml"))

    @property
    def warms_up_late(self) -> int:
        """By how many epochs, having few batches each, it warms up later than after the usual three."""
        return max(0, self.epochs_of(WARM_UP_BATCHES) - 3)

    @property
    def is_settling(self) -> bool:
        """Whether its validation may be poor because it began with random weights, and not long ago."""
        return self.from_scratch and self.epoch <= self.epochs_of(SETTLING_BATCHES)

    def epochs_of(self, batches: int) -> int:
        """How many epochs so many batches take; 1 where nobody knows how many there are in one."""
        batch = self.setting("batch")
        if not self.images or not batch or batch < 1:
            return 1
        return math.ceil(batches / math.ceil(self.images / batch))

    def known(self, value: Callable[[EpochView], float | None]) -> list[tuple[int, float]]:
        """(epoch, value) of every epoch that has the value."""
        return [(each.epoch, found) for each in self.epochs if (found := value(each)) is not None]

    def setting(self, name: str) -> float | None:
        """A numeric setting, if it is one."""
        value = self.settings.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def median(values: Sequence[float]) -> float:
    """The middle one of the sorted values, the upper of two; `values` must not be empty."""
    return sorted(values)[len(values) // 2]


def noise(values: Sequence[float]) -> float:
    """How far neighbours differ by chance: the median jump between them, as a standard deviation.

    Equal neighbours don't count: with few batches there are epochs in which no weight was changed.
    """
    jumps = [abs(after - before) for before, after in itertools.pairwise(values) if after != before]
    return median(jumps) * 1.05 if jumps else 0.0  # a normal's median |difference| is 0.95 sigma


def smoothed(values: Sequence[float], width: int = 5) -> list[float]:
    """The median of each value and those up to `width - 1` before it: spikes vanish, steps stay."""
    return [median(values[max(0, at - width + 1) : at + 1]) for at in range(len(values))]
