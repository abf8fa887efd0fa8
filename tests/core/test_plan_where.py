"""Where: which GPUs a job gets, and which are passed over."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.planning import GIB, HOUR, NOW, cards, planned, running, starts, waiting
from yolotui.core.gpus import Availability, Excluded, Foreign, Gpu, Lost
from yolotui.core.jobs import Priority

MIXED = (*cards(2, 24), *cards(2, 80, first=2))


def linked(*pairs: tuple[int, int], count: int = 4) -> tuple[Gpu, ...]:
    """Cards joined by NVLink in pairs."""
    gpus = cards(count)
    return tuple(
        replace(
            gpu, links=tuple(f"gpu-{other}" for pair in pairs if gpu.index in pair for other in set(pair) - {gpu.index})
        )
        for gpu in gpus
    )


def test_the_smallest_card_that_suffices_is_taken_first() -> None:
    timetable = planned(MIXED, [waiting(1), waiting(2, vram_bytes=40 * GIB)])
    assert timetable.by_job()[1].gpus == ("gpu-0",)
    assert timetable.by_job()[2].gpus == ("gpu-2",)


def test_a_job_waits_for_a_card_that_is_large_enough() -> None:
    demands = [running(8, ["gpu-2"], hours=3), running(9, ["gpu-3"], hours=2), waiting(1, vram_bytes=40 * GIB)]
    timetable = planned(MIXED, demands)
    assert starts(timetable)[1] == 2
    assert timetable.by_job()[1].gpus == ("gpu-3",)


def test_a_gang_may_span_different_cards_only_where_that_is_sooner() -> None:
    large_asks = waiting(7, vram_bytes=40 * GIB, priority=Priority.P3)
    timetable = planned(MIXED, [waiting(1, gpus=2, hours=2), large_asks])
    assert timetable.by_job()[1].gpus == ("gpu-0", "gpu-1")
    busy = [running(8, ["gpu-0"], hours=9), running(9, ["gpu-3"], hours=9)]
    timetable = planned(MIXED, [*busy, waiting(1, gpus=2, hours=2), large_asks])
    assert sorted(timetable.by_job()[1].gpus) == ["gpu-1", "gpu-2"]
    assert starts(timetable)[1] == 0


def test_a_gang_gets_cards_of_one_model_where_as_many_are_free() -> None:
    gpus = (*cards(1, name="NVIDIA RTX 4090"), *cards(2, first=1))
    assert planned(gpus, [waiting(1, gpus=2)]).by_job()[1].gpus == ("gpu-1", "gpu-2")
    mixed = planned(gpus, [running(9, ["gpu-1"]), waiting(1, gpus=2)]).by_job()[1]
    assert mixed.starts_now
    assert mixed.gpus == ("gpu-0", "gpu-2")


def test_a_model_a_preference_and_what_to_avoid() -> None:
    gpus = (*cards(2, name="NVIDIA RTX 4090"), *cards(2, name="NVIDIA A100-SXM4", first=2))
    assert planned(gpus, [waiting(1, gpu_model="a100")]).by_job()[1].gpus == ("gpu-2",)
    assert planned(gpus, [waiting(1, avoid=("0",))]).by_job()[1].gpus == ("gpu-1",)
    assert planned(gpus, [waiting(1, avoid=("4090", "gpu-2"))]).by_job()[1].gpus == ("gpu-3",)
    assert planned(gpus, [waiting(1, prefer=("3",))]).by_job()[1].gpus == ("gpu-3",)


def test_a_preference_never_makes_a_job_wait() -> None:
    timetable = planned(cards(2), [running(9, ["gpu-1"]), waiting(1, prefer=("1",))])
    assert timetable.by_job()[1].gpus == ("gpu-0",)
    assert timetable.by_job()[1].starts_now


def test_linked_cards_go_to_the_job_that_needs_two() -> None:
    gpus = linked((0, 2), (1, 3))
    timetable = planned(gpus, [waiting(1, gpus=2)])
    assert sorted(timetable.by_job()[1].gpus) == ["gpu-0", "gpu-2"]


def test_a_single_card_is_taken_where_no_pair_is_torn_apart() -> None:
    timetable = planned(linked((0, 2)), [waiting(1)])
    assert timetable.by_job()[1].gpus == ("gpu-1",)
    beside = planned(linked((0, 2), (1, 3)), [running(9, ["gpu-1"]), waiting(1)])
    assert beside.by_job()[1].gpus == ("gpu-3",)


@pytest.mark.parametrize("kept", [Lost("it fell off the bus"), Excluded("drained by ann"), Foreign((7,), GIB)])
def test_a_card_that_cannot_be_used_is_passed_over(kept: Availability) -> None:
    first, second = cards(2)
    timetable = planned([replace(first, availability=kept), second], [waiting(1), waiting(2)])
    assert {entry.gpus for entry in timetable.entries} == {("gpu-1",)}
    alone = planned([replace(first, availability=kept)], [waiting(1)]).by_job()[1]
    assert alone.start_at is None
    assert alone.why is not None
    assert "GPU 0" in alone.why.sentence


def test_a_hot_card_rests_until_it_has_cooled_and_a_bit_more() -> None:
    (gpu,) = cards(1)
    demands = [waiting(1)]
    hot = planned([replace(gpu, temperature_c=85)], demands)
    assert hot.resting == ("gpu-0",)
    assert str(hot.by_job()[1].why) == (
        "It needs 1 GPU, and too few can be used (GPU 0: at 85 °C it is too hot and rests until it has cooled). "
        "It starts when they are free again."
    )
    barely = planned([replace(gpu, temperature_c=78)], demands, previous=hot)
    assert barely.resting == ("gpu-0",)
    cool = planned([replace(gpu, temperature_c=76)], demands, previous=barely)
    assert cool.by_job()[1].starts_now
    assert planned([replace(gpu, temperature_c=78)], demands, previous=cool).by_job()[1].starts_now


def test_what_runs_on_a_card_that_became_unusable_stays_where_it_is() -> None:
    (gpu,) = cards(1)
    entry = planned([replace(gpu, availability=Excluded("drained"))], [running(1, ["gpu-0"])]).by_job()[1]
    assert entry.gpus == ("gpu-0",)
    assert entry.finish_at == NOW + HOUR
