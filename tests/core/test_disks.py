"""Trainings that are let in together leave each other the room that they were let in for."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from yolotui.core.disks import Writer, fits, left_for_newcomers, let_in

GIB = 1024**3
HOME, DATA, UNKNOWN = Path("/home/runs"), Path("/data/runs"), Path("/nfs/runs")

writers = st.lists(
    st.builds(
        Writer, job_id=st.integers(1, 99), folder=st.sampled_from([HOME, DATA, UNKNOWN]), still_bytes=st.integers(0, 9)
    ),
    max_size=8,
    unique_by=lambda writer: writer.job_id,
)
rooms = st.fixed_dictionaries({HOME: st.integers(-5, 20), DATA: st.integers(-5, 20)})


def promised(inside: list[Writer], folder: Path) -> int:
    return sum(writer.still_bytes for writer in inside if writer.folder == folder)


def test_the_second_counts_what_the_first_will_still_write():
    first, second = (Writer(job_id, HOME, 3 * GIB) for job_id in (1, 2))
    assert let_in([first, second], {HOME: 5 * GIB}) == [first]
    assert let_in([first, second], {HOME: 6 * GIB}) == [first, second]
    assert not fits(second, left_for_newcomers({HOME: 5 * GIB}, [first]))


def test_a_small_one_goes_past_a_large_one_that_has_to_wait():
    large, small = Writer(1, HOME, 9 * GIB), Writer(2, HOME, GIB)
    assert let_in([large, small], {HOME: 5 * GIB}) == [small]


@given(writers, rooms)
def test_those_let_in_never_write_more_than_there_is(newcomers, left):
    inside = let_in(newcomers, left)
    for folder, room in left.items():
        assert promised(inside, folder) <= max(0, room)


@given(writers, rooms)
def test_who_is_kept_out_would_not_have_fitted_beside_those_before(newcomers, left):
    inside = let_in(newcomers, left)
    assert inside == [writer for writer in newcomers if writer in inside]
    for index, writer in enumerate(newcomers):
        earlier = [each for each in newcomers[:index] if each in inside]
        room = left.get(writer.folder)
        assert (writer in inside) == (room is None or promised(earlier, writer.folder) + writer.still_bytes <= room)
