"""The judge's rules for cards: alone, or shared within the memory that was promised; booked ones are their job's."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.house import House
from tests.chaos.leases import Leases, Rules
from tests.probe.fake_nvml import GIB


def test_a_card_is_alone_or_shared_within_its_memory() -> None:
    promised = {(1, 1): 9 * GIB, (2, 1): 9 * GIB, (3, 1): 9 * GIB, (4, 1): None}
    leases = Leases(promised, rules=Rules(tenants=3))
    assert leases.take(1, 1, ["a"]) == []
    assert leases.take(2, 1, ["a"]) == []
    assert leases.take(4, 1, ["a"]) != []  # wants it alone
    leases.give_back(4)
    assert leases.take(3, 1, ["a"]) != []  # 27 of 24 GiB
    leases.give_back(1)
    leases.give_back(3)
    assert leases.take(3, 1, ["a"]) == []
    assert leases.left() == ["a is still leased to job 2 in the log", "a is still leased to job 3 in the log"]


def test_no_more_share_a_card_than_may() -> None:
    leases = Leases({(job, 1): GIB for job in range(1, 5)}, rules=Rules(tenants=3))
    assert [bool(leases.take(job, 1, ["a"])) for job in range(1, 5)] == [False, False, False, True]


def test_a_card_that_is_booked_for_a_job_is_given_to_no_other_while_the_window_is_open() -> None:
    leases = Leases({}, begins={1: 100.0})
    leases.follow_booking("open-booking", 7, {"booking": 1, "gpus": ["a"]})
    assert leases.take(8, 1, ["a"]) == ["a given to job 8, and booking 1 has it for job 7"]
    leases.give_back(8)
    assert leases.take(7, 1, ["a"]) == []
    leases.give_back(7)
    assert leases.take(8, 1, ["a"], at=99.0) == []  # the clock was set back
    leases.give_back(8)
    leases.follow_booking("end-booking", 7, {"booking": 1})
    assert leases.take(8, 1, ["a"]) == []


def test_a_group_has_no_more_cards_than_its_quota_and_one_that_its_jobs_share_counts_once() -> None:
    promised = {(1, 1): GIB, (2, 1): GIB, (3, 1): GIB, (4, 1): GIB}
    groups = {1: "team", 2: "team", 3: "team", 4: "others"}
    leases = Leases(promised, groups, Rules(tenants=3, group_gpus={"team": 1}))
    assert leases.take(1, 1, ["a"]) == []
    assert leases.take(2, 1, ["a"]) == []
    assert leases.take(4, 1, ["b"]) == []
    assert leases.take(3, 1, ["b"]) == ["group team has ['a', 'b'] with job 3, and may have 1"]
    assert leases.met["quotas used up"] == 3


def test_the_rules_are_those_of_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[scheduling]\ntenants = 3\n[quotas.groups.team]\ngpus = 1\n[quotas.groups.others]\n")
    assert Rules.of(config) == Rules(tenants=3, group_gpus={"team": 1})
    config.write_text(House(evicts=True, tenants=1).config)
    assert Rules.of(config) == Rules(tenants=1, group_gpus={"team": 2})
