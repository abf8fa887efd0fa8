"""Drained, quarantined, trusted again: what is said about GPUs, by whom, and what the database makes of it."""

from __future__ import annotations

import os

import pytest

from tests.store.builders import ANNA, command, submission
from yolotui.core.jobs import Attempt
from yolotui.errors import NotPossible
from yolotui.locations import Home
from yolotui.store import Actor, GpuState, MarkCause, Store


def test_draining_is_kept_with_who_and_why_and_audited(home: Home) -> None:
    with Store(home) as store:
        store.verbs.drain(["A", "B"], Actor("anna", 0, "new fan"))
        marks = store.read.gpu_marks()
        assert {uuid: (mark.state, mark.by, mark.reason) for uuid, mark in marks.items()} == dict.fromkeys(
            "AB", (GpuState.DRAINED, "anna", "new fan")
        )
        store.verbs.undrain(["A"], ANNA)
        assert not store.read.gpu_marks()["A"].keeps_out(0)
        assert store.read.gpu_marks()["B"].keeps_out(0)
        rows = store.read.audit()
        assert [(row.verb, row.detail["gpu"], row.reason) for row in rows] == [
            ("drain", "A", "new fan"),
            ("drain", "B", "new fan"),
            ("undrain", "A", ""),
        ]


def test_a_verb_over_several_is_done_to_all_or_to_none(home: Home) -> None:
    with Store(home) as store:
        store.verbs.drain(["A"], ANNA)
        with pytest.raises(NotPossible, match=r"neither drained nor quarantined"):
            store.verbs.undrain(["A", "B"], ANNA)
        with pytest.raises(NotPossible, match=r"drained already, by anna"):
            store.verbs.drain(["B", "A"], ANNA)
        assert store.read.gpu_marks().keys() == {"A"}
        assert store.read.gpu_marks()["A"].keeps_out(0)


def test_another_user_may_not(home: Home) -> None:
    stranger = Actor("eve", os.getuid() + 1)
    with Store(home) as store:
        with pytest.raises(NotPossible, match="queue's owner"):
            store.verbs.drain(["A"], stranger)
        store.verbs.drain(["A"], ANNA)
        with pytest.raises(NotPossible, match="queue's owner"):
            store.verbs.undrain(["A"], stranger)


def test_a_quarantine_does_not_replace_a_persons_word(home: Home) -> None:
    with Store(home) as store:
        store.verbs.drain(["A"], ANNA)
        store.ledger.quarantine("A", MarkCause.ERRORS, "jobs failed")
        assert store.read.gpu_marks()["A"].state is GpuState.DRAINED
        store.ledger.quarantine("B", MarkCause.ECC, "its memory failed", ecc_errors=3)
        quarantined = store.read.gpu_marks()["B"]
        assert (quarantined.state, quarantined.by) == (GpuState.QUARANTINED, "scheduler")
        store.verbs.undrain(["B"], ANNA)
        assert store.read.gpu_marks()["B"].ecc_errors == 3, "what a person brought it back with is known"


def test_nothing_begins_on_a_gpu_that_was_drained_since_it_was_planned(home: Home) -> None:
    with Store(home) as store:
        (job,) = store.verbs.submit([submission(command("a", gpus=2))], ANNA)
        store.verbs.drain(["B"], ANNA)
        assert not store.ledger.begin_attempt(job, Attempt(number=1, uuid="u", gpus=("A", "B")))
        assert store.read.job(job).state == "waiting"
        assert store.read.leases() == []
        store.verbs.undrain(["B"], ANNA)
        assert store.ledger.begin_attempt(job, Attempt(number=1, uuid="u", gpus=("A", "B")))
