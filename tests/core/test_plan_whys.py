"""Why: one true sentence, and the change that would start the job."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.planning import GIB, HOUR, NOW, cards, planned, running, waiting
from yolotui.core.gpus import Availability, Excluded, Foreign, Gpu, Lost
from yolotui.core.jobs import Priority
from yolotui.core.timetable import Demand, Timetable


def why(timetable: Timetable, job_id: int) -> str:
    """The whole of what is said."""
    return str(timetable.by_job()[job_id].why)


def test_all_cards_are_busy() -> None:
    demands = [running(8, ["gpu-0"], hours=1), running(9, ["gpu-1"], hours=3), waiting(1, gpus=2)]
    assert why(planned(cards(2), demands), 1) == (
        "It needs 2 GPUs; none of 2 are free for it. The first to end is job 8 (job-8), in about 1 h 00 min; "
        "this job's turn comes in about 3 h 00 min."
    )


def test_cards_are_free_but_promised_and_the_way_out_is_true() -> None:
    gpus = cards(2)
    demands = [
        running(8, ["gpu-0"], hours=1),
        waiting(1, gpus=2, hours=4, priority=Priority.P1),
        waiting(2, hours=2),
    ]
    timetable = planned(gpus, demands)
    assert why(timetable, 2) == (
        "1 GPU is free, but promised to job 1 (job-1), which it would delay. "
        "`yolotui priority P0 2` would start it now."
    )
    assert starts_as_p0(gpus, demands, 2) == NOW


def test_no_way_out_is_offered_that_is_not_certain() -> None:
    demands = [running(8, ["gpu-0"]), waiting(1, priority=Priority.P0, hours=2), waiting(2)]
    assert "priority" not in why(planned(cards(1), demands), 2)


def test_when_p0_would_start_it_later_the_moment_is_true() -> None:
    gpus = cards(1)
    demands = [running(8, ["gpu-0"], hours=1), waiting(1, hours=4, priority=Priority.P1), waiting(2, hours=2)]
    assert why(planned(gpus, demands), 2).endswith("`yolotui priority P0 2` would start it in about 1 h 00 min.")
    assert starts_as_p0(gpus, demands, 2) == NOW + HOUR


def test_more_than_there_is() -> None:
    assert why(planned(cards(2), [waiting(1, gpus=3)]), 1) == (
        "It asks for 3 GPUs and this machine has 2. Ask for fewer, or run it on another machine."
    )
    assert why(planned(cards(2), [waiting(1, vram_bytes=80 * GIB)]), 1) == (
        "It asks for more memory than 1 GPU here has. Ask for less `vram`."
    )
    assert why(planned(cards(2), [waiting(1, gpu_model="H100")]), 1) == (
        "It asks for 1 GPU of the model H100, and none of 2 here can take it. `yolotui edit` changes what it asks for."
    )


def kept_out(index: int) -> Excluded:
    return Excluded(f"drained by ann; `yolotui undrain {index}` brings it back")


@pytest.mark.parametrize(
    ("gpus", "kept", "remedy"),
    [
        (1, [kept_out(0), kept_out(1)], "`yolotui undrain 0` brings it back."),
        (2, [kept_out(0), kept_out(1)], "`yolotui undrain 0 1` brings them back."),
        (2, [kept_out(0), Foreign((7,), GIB)], "`yolotui undrain 0` brings it back, not yet enough."),
        (1, [Foreign((7,), GIB), Foreign((8,), GIB)], "It starts when they are free again."),
        (1, [Excluded("[gpus] exclude names GPU 0"), Lost("it fell off the bus")], ""),
    ],
)
def test_cards_that_are_out_of_use_come_back_by_what_is_said(gpus: int, kept: list[Availability], remedy: str) -> None:
    devices = [replace(gpu, availability=each) for gpu, each in zip(cards(2), kept, strict=True)]
    why = planned(devices, [waiting(1, gpus=gpus)]).by_job()[1].why
    assert why is not None
    assert why.remedy == remedy
    assert "undrain" not in why.sentence


def test_a_retry_waits_for_its_moment() -> None:
    assert why(planned(cards(1), [waiting(1, not_before=NOW + 90)]), 1) == (
        "It is tried again in 2 min, after an attempt that failed."
    )


def test_what_a_person_keeps_back_says_so() -> None:
    assert why(planned(cards(1), [waiting(1, blocked="Its group is held.")]), 1) == "Its group is held."


def test_what_starts_now_needs_no_reason() -> None:
    assert planned(cards(1), [waiting(1)]).by_job()[1].why is None


def starts_as_p0(gpus: tuple[Gpu, ...], demands: list[Demand], job_id: int) -> float | None:
    """What the remedy promises, done."""
    raised = [replace(each, priority=Priority.P0) if each.job_id == job_id else each for each in demands]
    return planned(gpus, raised).by_job()[job_id].start_at
