"""Who changes the queue all the time must not keep the leader from its round."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from tests.store.builders import ANNA, command, submission
from yolotui.core.gpus import Host
from yolotui.core.plan import Policy
from yolotui.locations import Home
from yolotui.scheduler.deciding import Decider
from yolotui.scheduler.leader import Leader
from yolotui.scheduler.local import LocalExecutor
from yolotui.scheduler.wakeups import Wakeups
from yolotui.store import Store


class NoCards:
    """A host without devices."""

    latest = Host(at=1.0)

    def refresh(self) -> Host:
        return self.latest


@pytest.mark.timeout(60)
def test_a_round_ends_though_somebody_adds_a_job_during_every_plan(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    decide = Decider.decide
    plans: list[list[int]] = []

    def while_somebody_adds(*args: Any) -> Any:
        decision = decide(*args)
        plans.append(people.verbs.submit([submission(command(f"job-{len(plans)}", gpus=1))], ANNA))
        return decision

    monkeypatch.setattr(Decider, "decide", while_somebody_adds)
    with closing(Wakeups()) as wakeups, Store(home, wakes_leader=False) as store, Store(home) as people:
        leader = Leader(
            home, store, LocalExecutor(home, wakeups), NoCards(), wakeups,
            policy=Policy(), until_idle=False, is_intact=store.is_intact,
        )  # fmt: skip
        for _ in range(3):
            leader.step()
        assert len(plans) == 3
        assert store.read.published()
