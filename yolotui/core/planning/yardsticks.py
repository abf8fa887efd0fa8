"""The well-known policies that the plan search is measured against: every task gets a place, without any search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yolotui.core.planning.policy import Kind
from yolotui.core.planning.profile import Profile
from yolotui.core.planning.tasks import Place, Task


def place_all(kind: Kind, tasks: Sequence[Task], profile: Profile, now: float) -> dict[int, Place]:
    """Book every task, in the order given, as the policy would. `tasks` are in the policy's own order."""
    match kind:
        case Kind.FIFO:
            return _in_turn(tasks, profile)
        case Kind.FIFO_EASY | Kind.PRIO_EASY | Kind.EDF_EASY:
            return _easy(tasks, profile, now)
        case _:
            return conservative(tasks, profile)


def conservative(tasks: Iterable[Task], profile: Profile) -> dict[int, Place]:
    """Conservative backfill: each at its earliest, and nothing placed before it is delayed."""
    return {task.job_id: profile.place(task) for task in tasks}


def _in_turn(tasks: Sequence[Task], profile: Profile) -> dict[int, Place]:
    """First in, first out: nobody starts before one who came earlier."""
    places: dict[int, Place] = {}
    turn = 0.0
    for task in tasks:
        task.release = max(task.release, turn)
        places[task.job_id] = profile.place(task)
        turn = places[task.job_id].start
    return places


def _easy(tasks: Sequence[Task], profile: Profile, now: float) -> dict[int, Place]:
    """EASY backfill: only the head of the queue has a reservation; whoever does not delay it may start now.

    What can't start now is then placed one after the other, so that it has a forecast.
    """
    places: dict[int, Place] = {}
    later: list[Task] = []
    is_head_blocked = False
    for task in tasks:
        place = profile.find(task)
        if place.start > now and (is_head_blocked or task.release > now):
            later.append(task)
            continue
        is_head_blocked = is_head_blocked or place.start > now
        places[task.job_id] = place
        profile.book(place)
    return places | conservative(later, profile)
