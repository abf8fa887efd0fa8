"""The quotas in force, with what was used of them this week."""

from __future__ import annotations

from yolotui.config import QuotasConfig
from yolotui.core.quotas import Quota, week_of
from yolotui.quotas import has_any, quotas_of
from yolotui.scheduler.picture import Picture
from yolotui.store import Store
from yolotui.store.usage import Usage

COUNTED_EVERY_S = 10.0  # all attempts of a week are added up, and a start counts anew in any case


class Allowances:
    """What everybody in the queue may have; nobody's use is counted where nobody has a quota."""

    def __init__(self, store: Store, config: QuotasConfig) -> None:
        self._store = store
        self._config = config
        self._usage = Usage({}, {})
        self._counted_at = 0.0

    def quotas(self, picture: Picture, now: float) -> tuple[Quota, ...]:
        """The quotas of the owners and groups that have jobs."""
        if not has_any(self._config):
            return ()
        if not 0 <= now - self._counted_at < COUNTED_EVERY_S:
            self._usage = self._store.read.gpu_seconds(week_of(now).starts_at, now)
            self._counted_at = now
        jobs = picture.jobs.values()
        owners, groups = {job.owner.name for job in jobs}, {job.spec.group for job in jobs}
        return quotas_of(self._config, owners, groups, self._usage, now)
