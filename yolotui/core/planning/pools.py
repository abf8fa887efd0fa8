"""Who may run where: which GPUs suit a job, which of them can be used, and which nobody can tell apart."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from yolotui.core.gpus import Free, Gpu
from yolotui.core.planning.policy import Policy
from yolotui.core.timetable import Demand, Timetable

LONGEST_INDEX = 2  # digits

Wish = tuple[int, str, tuple[str, ...]]
"""What a demand asks of each of its GPUs: memory, a model, and which to avoid."""


def wish_of(demand: Demand) -> Wish:
    """What the demand asks of each of its GPUs."""
    return (demand.vram_bytes, demand.gpu_model, demand.avoid)


def is_called(gpu: Gpu, name: str) -> bool:
    """Whether a person means this GPU by an index ("2"), a UUID or a part of the model's name ("4090")."""
    if name.isdigit() and len(name) <= LONGEST_INDEX:
        return name == str(gpu.index)
    return name == gpu.uuid or name.lower() in gpu.name.lower()


def suits(gpu: Gpu, wish: Wish) -> bool:
    """Whether the GPU is what the wish asks for, used or not."""
    vram_bytes, model, avoid = wish
    if gpu.memory_total_bytes < vram_bytes and gpu.kind != "cpu":
        return False
    if model and not is_called(gpu, model):
        return False
    return not any(is_called(gpu, name) for name in avoid)


def lacks_bytes(gpu: Gpu, wish: Wish) -> int:
    """How much memory the wish lacks, because processes that are not ours hold it."""
    return 0 if gpu.kind == "cpu" else max(0, wish[0] - (gpu.memory_total_bytes - gpu.foreign_bytes))


def too_hot(gpus: Iterable[Gpu], previous: Timetable | None, policy: Policy) -> tuple[str, ...]:
    """The UUIDs of the GPUs that rest: hotter than allowed, or not yet cool again since they were."""
    rested = set(previous.resting) if previous else set()
    return tuple(
        gpu.uuid
        for gpu in gpus
        if gpu.temperature_c is not None
        and gpu.temperature_c >= policy.too_hot_c - (policy.cooled_by_c if gpu.uuid in rested else 0)
    )


class Pools(NamedTuple):
    """The GPUs that can be used, in pools whose members suit the same demands; the last pool is the side slots.

    `members` are UUIDs by pool. `of` says for each wish which pools suit it, the smallest cards first. `pool_of` names
    the pool of each UUID.
    """

    members: tuple[tuple[str, ...], ...]
    of: dict[Wish, tuple[int, ...]]
    pool_of: dict[str, int]
    side: int

    def capacity(self, wish: Wish) -> int:
        """How many usable GPUs suit the wish."""
        return sum(len(self.members[pool]) for pool in self.of[wish])


def make_pools(
    gpus: Sequence[Gpu], resting: Iterable[str], wishes: Iterable[Wish], apart: Mapping[str, Hashable] | None = None
) -> Pools:
    """Sort the usable GPUs into pools: two are alike when every wish that waits finds both suitable or neither.

    `apart` says of GPUs, by UUID, what else sets them apart.
    """
    apart = apart or {}
    resting = set(resting)
    usable = [gpu for gpu in gpus if isinstance(gpu.availability, Free) and gpu.uuid not in resting]
    usable.sort(key=lambda gpu: (gpu.memory_total_bytes, gpu.index))
    distinct = list(dict.fromkeys(wishes))
    alike: dict[tuple[tuple[bool, ...], Hashable], list[Gpu]] = {}
    for gpu in usable:
        can = tuple(suits(gpu, wish) and not lacks_bytes(gpu, wish) for wish in distinct)
        alike.setdefault((can, apart.get(gpu.uuid)), []).append(gpu)
    members = tuple(tuple(gpu.uuid for gpu in pool) for pool in alike.values())
    of = {
        wish: tuple(pool for pool, (suitable, _) in enumerate(alike) if suitable[position])
        for position, wish in enumerate(distinct)
    }
    pool_of = {uuid: pool for pool, uuids in enumerate(members) for uuid in uuids}
    return Pools(members, of, pool_of, side=len(members))
