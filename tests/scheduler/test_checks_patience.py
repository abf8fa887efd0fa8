"""How long a GPU is kept for a training whose check goes on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yolotui.scheduler.preflights import STANDSTILL_S, START_PATIENCE_S, is_worth_waiting

seconds = st.integers(0, 10 * int(START_PATIENCE_S))


def test_a_check_that_gets_further_is_waited_for_and_one_that_stands_still_is_not() -> None:
    now = STANDSTILL_S * 3
    assert is_worth_waiting(now, wanted_since=0, moved_at=now - STANDSTILL_S / 2)
    assert not is_worth_waiting(now, wanted_since=0, moved_at=now - STANDSTILL_S * 2)


@given(seconds, seconds)
def test_no_check_is_waited_for_without_end(wanted_since: int, moved_at: int) -> None:
    assert not is_worth_waiting(wanted_since + START_PATIENCE_S, wanted_since, moved_at)
