"""From the configuration to how `core.plan` plans: the same for the leader and for whoever asks what if."""

from __future__ import annotations

from yolotui.config import Config
from yolotui.core.plan import Mode, Policy, Preemption


def policy_of(config: Config) -> Policy:
    """How to plan, as the configuration says."""
    scheduling = config.scheduling
    return Policy(
        mode=Mode(scheduling.mode),
        too_hot_c=config.gpus.too_hot_c,
        preemption=Preemption(scheduling.preemption),
        notice_s=scheduling.notice_s,
        checkpoint_wait_s=scheduling.checkpoint_wait_s,
        tenants=scheduling.tenants,
    )
