"""The audit log played back: does it explain every state, and was each card in one pair of hands at a time?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.chaos.leases import Leases

MAKING_ROOM = "pausing to make room"  # a person may still pause it for good
ACTIVE = {"starting", "running", "pausing", MAKING_ROOM, "stopping", "unknown"}
# A verb: the states that it may find, and the state that it leaves (None: as it was). Others leave a job where it is.
MOVES: dict[str, tuple[set[str], str | None]] = {
    "priority": ({"held", "waiting", "paused"} | ACTIVE, None),
    "edit": ({"held", "waiting"}, None),
    "update": ({"held", "waiting", "failed", "cancelled", "skipped", "succeeded", "paused"}, "waiting"),
    "hold": ({"waiting"}, "held"),
    "release": ({"held"}, "waiting"),
    "resume": ({"paused"}, "waiting"),
    "cancel": ({"waiting", "held", "paused"}, "cancelled"),
    "pause": ({"starting", "running", MAKING_ROOM}, "pausing"),
    "checkpoint": ({"running"}, None),
    "finish": ({"running"}, None),
    "kill": ({"starting", "running", "pausing", MAKING_ROOM, "unknown"}, "stopping"),
    "retry": ({"failed", "cancelled", "skipped"}, "waiting"),
    "rearm": ({"skipped"}, "waiting"),
    "start": ({"waiting"}, "starting"),
    "run": ({"starting", "unknown"}, "running"),
    "lose-sight": ({"starting", "running", "pausing", MAKING_ROOM}, "unknown"),
    "notice": ({"running"}, None),
    "withdraw-notice": ({"running"}, None),
    "evict": ({"running"}, MAKING_ROOM),
    "postpone": ({"waiting"}, "waiting"),
    "skip": ({"waiting"}, "skipped"),
}
# Other rows that name a job, and leave it where it is.
REMARKS = {"submit", "undo", "end", "deadline", "health", "collect", "preflight"}
BOOKINGS = {"reserve", "unreserve", "transfer", "extend", "move", "open-booking", "use-booking", "warn-booking"}
BOOKINGS |= {"rebind", "end-booking", "move-up"}


class Row(NamedTuple):
    """One row of the audit log."""

    id: int
    at: float
    actor: str
    verb: str
    job: int | None
    detail: dict[str, Any]
    reason: str


def replay(rows: Sequence[Row], states: Mapping[int, str], leases: Leases) -> list[str]:
    """What is wrong with the log, and where it leads to other states than those that the queue has.

    `leases` are played through, too.
    """
    wrong: list[str] = []
    now: dict[int, str] = {}
    running: dict[int, int | None] = defaultdict(lambda: None)
    by_id = {row.id: row for row in rows}
    last: dict[int, str] = {}
    for row in rows:
        if row.verb in BOOKINGS:
            leases.follow_booking(row.verb, row.job, row.detail)
            continue
        if row.job is None:
            continue
        if row.verb not in MOVES.keys() | REMARKS:
            wrong.append(f"audit {row.id}: the judge does not know {row.verb}")
        before = now.get(row.job)
        if row.verb == "submit":
            now[row.job] = "submitted"
        elif row.verb == "undo":
            taken_back = by_id[row.detail["of"]].detail
            now[row.job] = taken_back.get("status", {}).get("state", before)
        elif row.verb == "end":
            number = row.detail["attempt"]
            if before not in ACTIVE or running[row.job] != number:
                wrong.append(f"audit {row.id}: job {row.job} ended attempt {number} while {before}, {running[row.job]}")
            running[row.job] = None
            leases.give_back(row.job)
            now[row.job] = row.detail["then"]
        elif row.verb in MOVES:
            allowed, after = MOVES[row.verb]
            if (last.get(row.job), row.verb) == ("rearm", "retry"):
                allowed = allowed | {"waiting"}  # in one transaction: behind another job, and for its own sake
            if before not in allowed and not (before == "submitted" and allowed & {"held", "waiting"}):
                wrong.append(f"audit {row.id}: {row.verb} found job {row.job} {before}")
            now[row.job] = after or before or ""
            if row.verb == "start":
                wrong += [
                    f"audit {row.id}: {each}"
                    for each in leases.take(row.job, row.detail["attempt"], row.detail["gpus"], row.at)
                ]
                running[row.job] = row.detail["attempt"]
        last[row.job] = row.verb
    for job, state in states.items():
        explained = now.get(job)
        if explained != state and not (explained == "submitted" and state in {"held", "waiting"}):
            wrong.append(f"job {job} is {state}, and the audit log says {explained}")
    wrong += [f"job {job} is in the log and not in the queue" for job in now.keys() - states.keys()]
    wrong += leases.left()
    return wrong
