"""The judge's rules for cards: alone, or shared within the memory that was promised; booked ones are their job's."""

from __future__ import annotations

from tests.chaos.leases import Leases
from tests.probe.fake_nvml import GIB


def test_a_card_is_alone_or_shared_within_its_memory() -> None:
    leases = Leases({(1, 1): 9 * GIB, (2, 1): 9 * GIB, (3, 1): 9 * GIB, (4, 1): None})
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
    leases = Leases({(job, 1): GIB for job in range(1, 5)})
    assert [bool(leases.take(job, 1, ["a"])) for job in range(1, 5)] == [False, False, False, True]


def test_a_card_that_is_booked_for_a_job_is_given_to_no_other_while_the_window_is_open() -> None:
    leases = Leases({})
    leases.follow_booking("open-booking", 7, {"booking": 1, "gpus": ["a"]})
    assert leases.take(8, 1, ["a"]) == ["a given to job 8, and booking 1 has it for job 7"]
    leases.give_back(8)
    assert leases.take(7, 1, ["a"]) == []
    leases.give_back(7)
    leases.follow_booking("end-booking", 7, {"booking": 1})
    assert leases.take(8, 1, ["a"]) == []
