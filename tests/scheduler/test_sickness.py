"""Which GPU is to blame for what failed, and which is not."""

from __future__ import annotations

import time

import msgspec
import pytest

from tests.store.builders import command, submission
from yolotui.core.gpus import Free, Gpu, Host, Lost
from yolotui.core.jobs import Attempt, Outcome, Waiting
from yolotui.locations import Home
from yolotui.scheduler.sickness import LOST_FOR_S, Sickness, blamed, cleared
from yolotui.store import Actor, GpuMark, GpuState, MarkCause, Store

BOTH = ("A", "B")
Ending = tuple[int, Attempt]


def failed(job: int, at: float, *gpus: str, cause: str = "cuda_error") -> Ending:
    return job, Attempt(
        number=1, uuid="u", gpus=gpus, started_at=at - 1, ended_at=at, outcome=Outcome.FAILED, cause=cause
    )


def succeeded(job: int, at: float, *gpus: str) -> Ending:
    return job, Attempt(number=1, uuid="u", gpus=gpus, started_at=at - 1, ended_at=at, outcome=Outcome.SUCCEEDED)


def mark(uuid: str, state: GpuState, since: float) -> dict[str, GpuMark]:
    cause = MarkCause.ERRORS if state is GpuState.QUARANTINED else MarkCause.PERSON
    return {uuid: GpuMark(uuid=uuid, state=state, since=since, reason="", by="", cause=cause)}


class TestBlame:
    def test_two_jobs_that_fail_on_the_same_card(self) -> None:
        found = blamed([failed(1, 10, "A"), failed(2, 20, "A", cause="nccl")], {}, usable=BOTH)
        assert found is not None
        assert found[0] == "A"
        assert "jobs 1, 2" in found[1]

    def test_one_job_twice_if_it_can_be_tried_elsewhere(self) -> None:
        endings = [failed(1, 10, "A"), failed(1, 20, "A")]
        assert blamed(endings, {}, usable=BOTH)
        assert blamed(endings, {}, usable=("A",)) is None

    def test_once_is_not_repeated(self) -> None:
        assert blamed([failed(1, 10, "A")], {}, usable=BOTH) is None

    def test_other_causes_blame_no_card(self) -> None:
        endings = [failed(1, 10, "A", cause="cuda_out_of_memory"), failed(2, 20, "A", cause="bad_data")]
        assert blamed(endings, {}, usable=BOTH) is None

    def test_an_error_elsewhere_hides_no_sick_card(self) -> None:
        endings = [failed(1, 10, "B"), failed(2, 20, "A"), failed(3, 30, "A")]
        found = blamed(endings, {}, usable=BOTH)
        assert found == ("A", "jobs 2, 3 failed on it with errors of the GPU")

    def test_two_sick_cards_are_both_caught_one_after_the_other(self) -> None:
        cards = ("A", "B", "C")
        endings = [failed(1, 10, "A"), failed(2, 11, "B"), failed(3, 20, "A"), failed(4, 21, "B"), failed(5, 22, "B")]
        first = blamed(endings, {}, usable=cards)
        assert first is not None
        assert first[0] == "B"
        second = blamed(endings, mark("B", GpuState.QUARANTINED, since=30), usable=("A", "C"))
        assert second is not None
        assert second[0] == "A"

    def test_what_one_card_explains_speaks_against_no_other(self) -> None:
        endings = [failed(1, 10, "A"), failed(2, 20, "B"), failed(3, 30, "A", "B")]
        found = blamed(endings, {}, usable=BOTH)
        assert found is not None
        assert blamed(endings, mark(found[0], GpuState.QUARANTINED, since=31), usable=BOTH) is None

    def test_failures_on_cards_that_are_always_together_single_none_out(self) -> None:
        assert blamed([failed(1, 10, "A"), failed(2, 20, "B")], {}, usable=BOTH) is None
        wide = [failed(1, 10, "A", "B"), failed(2, 20, "A", "B")]
        assert blamed(wide, {}, usable=BOTH) is None

    def test_the_card_that_wide_jobs_have_in_common(self) -> None:
        endings = [failed(1, 10, "A", "B"), failed(2, 20, "B", "C")]
        found = blamed(endings, {}, usable=("A", "B", "C"))
        assert found is not None
        assert found[0] == "B"

    def test_a_job_that_fails_everywhere_is_itself_to_blame(self) -> None:
        endings = [failed(1, 10, "A"), failed(1, 20, "B"), failed(2, 30, "A")]
        assert blamed(endings, {}, usable=BOTH) is None

    def test_a_success_on_the_card_since_speaks_for_it(self) -> None:
        endings = [failed(1, 10, "A"), succeeded(2, 20, "A"), failed(3, 30, "A")]
        assert blamed(endings, {}, usable=BOTH) is None
        assert blamed([*endings, failed(4, 40, "A")], {}, usable=BOTH)

    def test_what_was_before_a_person_brought_it_back_is_settled(self) -> None:
        endings = [failed(1, 10, "A"), failed(2, 20, "A"), failed(3, 40, "A")]
        trusted = mark("A", GpuState.TRUSTED, since=30)
        assert blamed(endings, trusted, usable=BOTH) is None
        assert blamed([*endings, failed(4, 50, "A")], trusted, usable=BOTH)

    def test_a_card_is_cleared_when_its_job_fails_elsewhere_too(self) -> None:
        endings = [failed(1, 10, "A"), failed(1, 20, "A")]
        quarantined = mark("A", GpuState.QUARANTINED, since=21)
        assert cleared(endings, quarantined) == []
        ((card, why),) = cleared([*endings, failed(1, 40, "B")], quarantined)
        assert card == "A"
        assert "job 1" in why


@pytest.mark.parametrize(("kind", "is_blamed"), [("cuda", True), ("cpu", False)])
def test_a_slot_of_the_cpu_is_never_to_blame(home: Home, kind: str, is_blamed: bool) -> None:
    host = Host(at=0.0, gpus=tuple(Gpu(uuid=uuid, index=n, name="n", kind=kind) for n, uuid in enumerate(BOTH)))
    with Store(home) as store:
        sickness = Sickness(store)
        for job in store.verbs.submit([submission(command(name, gpus=1)) for name in "ab"], Actor.current()):
            _, attempt = failed(job, time.time(), "A")
            assert store.ledger.begin_attempt(job, msgspec.structs.replace(attempt, outcome=None))
            store.ledger.attempt_ended(job, attempt, lambda _: (Waiting(0.0), 1))
            sickness.consider(job, attempt, host, store.read.gpu_marks(), time.time())
        assert bool(store.read.gpu_marks()) is is_blamed


class TestLook:
    def test_memory_errors_quarantine_until_a_person_says_that_they_are_known(self, home: Home) -> None:
        with Store(home) as store:
            sickness = Sickness(store)

            def look(errors: int) -> GpuMark | None:
                host = Host(
                    at=0.0, gpus=(Gpu(uuid="A", index=0, name="n", ecc_errors=errors), Gpu(uuid="B", index=1, name="n"))
                )
                sickness.look_at(host, store.read.gpu_marks())
                return store.read.gpu_marks().get("A")

            assert look(0) is None
            sick = look(2)
            assert sick is not None
            assert (sick.state, sick.cause, sick.by) == (GpuState.QUARANTINED, MarkCause.ECC, "scheduler")
            assert "2 errors" in sick.reason
            store.verbs.undrain(["A"], Actor.current())
            trusted = look(2)
            assert trusted is not None
            assert trusted.state is GpuState.TRUSTED
            again = look(3)
            assert again is not None
            assert again.state is GpuState.QUARANTINED
            store.verbs.undrain(["A"], Actor.current())
            # A driver that was loaded anew counts from zero: the first error then is a new one.
            look(0)
            anew = look(1)
            assert anew is not None
            assert anew.state is GpuState.QUARANTINED
            assert "B" not in store.read.gpu_marks()

    @pytest.mark.parametrize("trouble", ["", "the driver is broken"])
    def test_a_card_that_stays_lost_alone_is_quarantined(self, home: Home, trouble: str) -> None:
        lost = Gpu(uuid="A", index=0, name="n", availability=Lost("GPU is lost"))
        with Store(home) as store:
            sickness = Sickness(store)
            for at in (0.0, LOST_FOR_S - 1):
                sickness.look_at(Host(at=at, gpus=(lost,), trouble=trouble), {})
                assert store.read.gpu_marks() == {}
            sickness.look_at(Host(at=LOST_FOR_S, gpus=(lost,), trouble=trouble), {})
            assert [mark.cause for mark in store.read.gpu_marks().values()] == ([] if trouble else [MarkCause.LOST])

    def test_a_stumble_of_the_driver_is_forgiven(self, home: Home) -> None:
        lost = Gpu(uuid="A", index=0, name="n", availability=Lost("GPU is lost"))
        well = Gpu(uuid="A", index=0, name="n", availability=Free())
        with Store(home) as store:
            sickness = Sickness(store)
            for at, gpu in ((0.0, lost), (5.0, well), (8.0, lost), (LOST_FOR_S + 2, lost)):
                sickness.look_at(Host(at=at, gpus=(gpu,)), {})
            assert store.read.gpu_marks() == {}
