"""From the quotas that are configured to those of each owner and group that there is, with what they have used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from yolotui.config import QuotaConfig, QuotasConfig
from yolotui.core.quotas import Quota, QuotaScope, week_of
from yolotui.store.usage import Usage

EACH = "*"
"""Stands for every name that has no quota of its own."""


def has_any(config: QuotasConfig) -> bool:
    """Whether anybody has a quota at all."""
    return bool(config.owners or config.groups)


def quotas_of(
    config: QuotasConfig, owners: Iterable[str], groups: Iterable[str], usage: Usage, now: float
) -> tuple[Quota, ...]:
    """A quota for each of these owners and groups that has one, by its name or as one of all, and for all configured.

    `usage` is what was used since the week began (`week_of(now)`).
    """
    ends_at = week_of(now).ends_at
    by_owner = _named(QuotaScope.OWNER, config.owners, owners, usage.owners, ends_at)
    return (*by_owner, *_named(QuotaScope.GROUP, config.groups, groups, usage.groups, ends_at))


def never_within(config: QuotasConfig, owner: str, group: str | None, gpus: int) -> str:
    """Why so many GPUs at once are more than an owner or a group may ever have, as a sentence; empty if not."""
    for scope, limits, name in (("", config.owners, owner), ("the group ", config.groups, group)):
        limit = None if name is None else _limit(limits, name)
        if limit is not None and limit.gpus is not None and gpus > limit.gpus:
            return (
                f"It is for {gpus} GPUs at once, and {scope}{name} may have {limit.gpus}: "
                "ask for fewer, or for a larger quota ([quotas] in the configuration)."
            )
    return ""


def _limit(limits: Mapping[str, QuotaConfig], name: str) -> QuotaConfig | None:
    """Its own, else that of all who have none of their own."""
    return limits.get(name) or limits.get(EACH)


def _named(
    scope: QuotaScope,
    limits: Mapping[str, QuotaConfig],
    names: Iterable[str],
    used: Mapping[str, float],
    ends_at: float,
) -> list[Quota]:
    known = sorted({*names, *limits} - {EACH}) if limits else []
    quotas = ((name, _limit(limits, name)) for name in known)
    return [
        Quota(
            scope=scope,
            name=name,
            gpus=limit.gpus,
            weekly_gpu_s=None if limit.gpu_hours is None else limit.gpu_hours * 3600,
            used_gpu_s=used.get(name, 0.0),
            week_ends_at=ends_at,
        )
        for name, limit in quotas
        if limit is not None
    ]
