"""Making room: running jobs are told that they will have to, then asked, and what is not needed any more is taken back.

All that is known of an eviction stands in the job's status, so that the next leader goes on with it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from yolotui.core.jobs import Job, Notice, Running
from yolotui.core.timetable import Eviction
from yolotui.scheduler.picture import Picture
from yolotui.store import Store

log = logging.getLogger("yolotui.scheduler")


class Evictor:
    """Holds what a timetable asks for against the notices in force."""

    def __init__(self, store: Store, picture: Picture) -> None:
        self._store = store
        self._picture = picture

    def carry_out(self, evictions: Iterable[Eviction], now: float) -> bool:
        """Give notice, withdraw it, and ask those to make room whose time has come; whether anything was done."""
        wanted = {eviction.job_id: eviction.notice for eviction in evictions}
        dealt_with = [self._deal_with(job, wanted.get(job.id), now) for job in self._picture.active()]
        return any(dealt_with)

    def _deal_with(self, job: Job, wanted: Notice | None, now: float) -> bool:
        if not isinstance(job.status, Running):
            return False  # a person has decided about it, or it is on its way out already
        given = job.status.notice
        if wanted is None:
            return given is not None and self._store.ledger.withdraw_notice(job.id)
        is_news = given is None or _essence(given) != _essence(wanted)
        if is_news and not self._give(job, wanted):
            return False
        if wanted.due_at > now:
            return is_news
        log.info("job %d: makes room: %s", job.id, wanted.why)
        return self._store.ledger.evict(job.id, wanted)

    def _give(self, job: Job, notice: Notice) -> bool:
        given = self._store.ledger.give_notice(job.id, notice)
        if given and notice.for_booking is not None:
            self._store.ledger.booking_warned(notice.for_booking)
        return given


def _essence(notice: Notice) -> tuple[object, ...]:
    """What those concerned must be told of when it changes: how much is lost changes all the time."""
    return (notice.due_at, notice.for_job, notice.for_booking)
