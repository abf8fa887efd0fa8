"""Which GPUs: given in the order of the starts. Linked cards go together, and what is linked is not torn apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from yolotui.core.gpus import Gpu
from yolotui.core.planning.ground import Ground
from yolotui.core.planning.pools import is_called
from yolotui.core.planning.rooms import Rooms
from yolotui.core.planning.tasks import Place
from yolotui.core.timetable import Demand


class Assignment:
    """Gives devices to places. `free_from` says for each usable GPU when what was last given to it ends."""

    def __init__(self, gpus: Iterable[Gpu], ground: Ground, busy_until: Mapping[str, float], rooms: Rooms) -> None:
        self._gpus = {gpu.uuid: gpu for gpu in gpus}
        self._ground = ground
        self._has_links = any(gpu.links for gpu in self._gpus.values())
        self.free_from = {uuid: busy_until.get(uuid, float("-inf")) for pool in ground.pools.members for uuid in pool}
        self._rooms = rooms.all
        self._opened = {(room.tenants[0].job_id, room.start): number for number, room in enumerate(rooms.all)}
        self._cards = {number: room.card for number, room in enumerate(rooms.all) if room.card}
        for number, card in self._cards.items():
            self.free_from[card] = max(self.free_from[card], rooms.all[number].finish)

    def give(self, demand: Demand, place: Place) -> tuple[str, ...]:
        """The UUIDs for a place; places must come in the order of their starts."""
        if place.tenancy and place.tenancy.room is not None:
            return (self._cards[place.tenancy.room],)
        chosen: list[str] = []
        for view, count in place.share:
            if (pool := self._ground.device_pool(view)) is None:
                continue
            free = [uuid for uuid in self._ground.pools.members[pool] if self.free_from[uuid] <= place.start]
            chosen += self._choose(free, count, demand)
        until = place.finish
        if place.tenancy:
            number = self._opened[place.tenancy.job_id, place.start]
            until, self._cards[number] = self._rooms[number].finish, chosen[0]
        for uuid in chosen:
            self.free_from[uuid] = until
        return tuple(chosen)

    def _choose(self, free: Sequence[str], count: int, demand: Demand) -> list[str]:
        """`count` of the free GPUs. The members of a pool are sorted: the smallest card that suffices comes first."""
        if demand.prefer:
            liked = [uuid for uuid in free if any(is_called(self._gpus[uuid], name) for name in demand.prefer)]
            rest = [uuid for uuid in free if uuid not in liked]
            free = self._of_one_model(liked, count) if len(liked) >= count else [*liked, *rest]
        else:
            free = self._of_one_model(free, count)
        if not self._has_links or len(free) == count:
            return list(free[:count])
        if count == 1:
            return [min(free, key=lambda uuid: len(self._linked(uuid, free)))]
        return self._linked_group(free, count)

    def _of_one_model(self, free: Sequence[str], count: int) -> Sequence[str]:
        """The first model of which enough are free, for a gang is as slow as its slowest card; else all."""
        if count == 1:
            return free
        models: dict[str, list[str]] = {}
        for uuid in free:
            models.setdefault(self._gpus[uuid].name, []).append(uuid)
        return next((alike for alike in models.values() if len(alike) >= count), free)

    def _linked(self, uuid: str, others: Iterable[str]) -> list[str]:
        links = self._gpus[uuid].links
        return [other for other in others if other in links]

    def _linked_group(self, free: Sequence[str], count: int) -> list[str]:
        """The group with the most NVLinks within it that grows from any of the free GPUs."""
        best: list[str] = []
        most = -1
        for first in free:
            group = [first]
            while len(group) < count:
                rest = [uuid for uuid in free if uuid not in group]
                group.append(max(rest, key=lambda uuid: len(self._linked(uuid, group))))
            links = sum(len(self._linked(uuid, group)) for uuid in group)
            if links > most:
                best, most = group, links
        return best
