"""How the machine is shared in a night: the rules of the house, and what people book and declare under them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.chaos.night import CARDS, Night

GROUP = "team"
MOST_TENANTS = 3
CONFIG = """\
[scheduling]
preemption = "{preemption}"
notice = "{notice_s}s"
checkpoint_wait = "1s"
tenants = {tenants}
preflight = "{preflight}"
[bookings]
smallest = "1s"
expires = "2s"
[quotas.groups.{group}]
gpus = {group_gpus}
"""


@dataclass(frozen=True)
class House:
    """Who may have what. `tenants` is how many jobs may share a card, `group_gpus` how many cards the group has.

    `checks`: trainings are checked before they start.
    """

    evicts: bool = False
    tenants: int = 1
    group_gpus: int = 2
    books: bool = False
    checks: bool = True

    @staticmethod
    def of(seed: int, *, real: bool) -> House:
        """Every other night is one of people who share. CPU slots have no memory to be shared."""
        chance = random.Random(f"house {seed}")
        if seed % 2 == 0:
            return House(checks=chance.random() < 0.5)
        return House(
            evicts=chance.random() < 0.7,
            tenants=1 if real else chance.randint(1, MOST_TENANTS),
            group_gpus=chance.choice([1, 2]),
            books=chance.random() < 0.7,
            checks=chance.random() < 0.5,
        )

    @property
    def config(self) -> str:
        """What config.toml says of it."""
        preemption, notice_s = ("evict", 0) if self.evicts else ("queue", 1)
        return CONFIG.format(
            preemption=preemption,
            notice_s=notice_s,
            tenants=self.tenants,
            preflight="hold" if self.checks else "off",
            group=GROUP,
            group_gpus=self.group_gpus,
        )

    def claim(self, chance: random.Random, gpus: int) -> tuple[list[str], dict[str, str]]:
        """The options of a training that wants so many cards, and what the witness must know of it."""
        options = ["--priority", "P0"] if self.evicts and chance.random() < 0.2 else []
        options += ["--group", GROUP] if gpus == 1 and chance.random() < 0.3 else []
        if gpus == 1 and self.tenants > 1 and chance.random() < 0.6:
            return [*options, "--vram", chance.choice(["4GiB", "9GiB", "14GiB"])], {"WITNESS_SHARES": "1"}
        return [*options, "--gpus", str(gpus)], {}


def reserve(night: Night, chance: random.Random, job: int) -> None:
    """Book a card or two for some seconds, now or soon, perhaps for one job alone."""
    alone = ["--job", str(job)] if chance.random() < 0.5 else ["--gpus", str(chance.choice([1, 1, 2]))]
    cards = ["--on", chance.choice(CARDS)] if not night.real and chance.random() < 0.2 and "--gpus" not in alone else []
    night.start_verb(
        "reserve", *alone, *cards, "--from", f"in {chance.choice([1, 2, 4])}s", "--for", f"{chance.randint(2, 8)}s",
        *(["--waitlist"] if chance.random() < 0.5 else []),
        expects=[("reserve", job if "--job" in alone else None)],
    )  # fmt: skip


def unreserve(night: Night, booking: int) -> None:
    """Take one back, if it is there."""
    night.start_verb("unreserve", "--yes", str(booking))
