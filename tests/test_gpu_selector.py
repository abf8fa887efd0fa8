"""What `$YOLOTUI_GPUS` may say, and that a verb does its work and warns where it says nonsense."""

from __future__ import annotations

import pytest

from yolotui.core.jobs import JobSpec, Kind
from yolotui.errors import WrongUse
from yolotui.gpu_selector import SELECTOR, Selection, read_selector
from yolotui.locations import Home
from yolotui.queue import Queue


def test_what_it_may_say() -> None:
    assert read_selector(None) is read_selector(" ") is None
    assert read_selector("cpu:2") == Selection(2)
    assert read_selector("sim:4x0.5GiB") == Selection(4, 1 << 29)
    for nonsense in ("gpu:1", "cpu:0", "sim:65x1GiB"):
        with pytest.raises(WrongUse, match=SELECTOR):
            read_selector(nonsense)


def test_a_verb_that_can_start_no_scheduler_is_done_and_warns(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SELECTOR, "nonsense")
    told: list[str] = []
    with Queue(home.root, warn=told.append) as queue:
        assert queue.add(JobSpec(name="a", kind=Kind.COMMAND, command=("true",))) == [1]
        assert queue.leader() is None
    assert not home.scheduler_log.exists()
    (sentence,) = told
    assert "names no devices" in sentence
    assert "No scheduler was started" in sentence
