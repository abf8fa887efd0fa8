"""What a change would move: two timetables of the same moment, side by side."""

from __future__ import annotations

from typing import NamedTuple

from yolotui.core.timetable import Timetable

NOTICED_S = 1.0


class Move(NamedTuple):
    """A job whose expected start differs (UTC seconds; None: not foreseeable, or not there)."""

    job_id: int
    before: float | None
    after: float | None

    @property
    def later_s(self) -> float:
        """By how much later it starts; negative for sooner, infinite when that can no longer be foreseen."""
        if self.after is None:
            return float("inf")
        return self.after - self.before if self.before is not None else float("-inf")


def moves(before: Timetable, after: Timetable) -> list[Move]:
    """The jobs that start sooner or later in `after`, in the order of its entries; jobs that are in only one, too."""
    earlier, later = before.by_job(), after.by_job()
    found: list[Move] = []
    for job_id in dict.fromkeys([*later, *earlier]):
        was = earlier[job_id].start_at if job_id in earlier else None
        becomes = later[job_id].start_at if job_id in later else None
        if was != becomes and (was is None or becomes is None or abs(was - becomes) >= NOTICED_S):
            found.append(Move(job_id, was, becomes))
    return found
