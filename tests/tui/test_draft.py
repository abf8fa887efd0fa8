"""A job as texts and back: what the form is filled with, what it means, what a person may have wanted to write."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolotui.core.jobs import Gate, Job, JobSpec, Kind, Owner, Priority, Waiting
from yolotui.errors import WrongUse
from yolotui.tui.completing import Completer, explained
from yolotui.tui.draft import Draft, another_name, edits, filled_from


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set, a model and a file of jobs."""
    folder = tmp_path_factory.mktemp("work")
    for name in ("shapes.yaml", "own.pt", "jobs.toml", ".hidden.yaml"):
        (folder / name).touch()
    (folder / "sets").mkdir()
    return folder


def training(folder: Path, **fields: object) -> JobSpec:
    spec = JobSpec(name="night-n", kind=Kind.TRAIN, model=str(folder / "own.pt"), data=str(folder / "shapes.yaml"))
    return msgspec.structs.replace(spec, **fields)


def job(spec: JobSpec, priority: Priority = Priority.P1) -> Job:
    return Job(id=12, spec=spec, priority=priority, owner=Owner("maria", 1000), submitted_at=0.0, status=Waiting(0.0),
               run_dir="/runs/12")  # fmt: skip


def meant(draft: Draft, folder: Path) -> tuple[JobSpec, Priority]:
    return draft.meant(folder, folder / "weights", {"earlier"})


values = st.one_of(
    st.booleans(), st.integers(-5, 10**6), st.floats(0, 100, allow_nan=False), st.none(),
    st.text(st.characters(codec="utf-8", exclude_characters="\0{}"), max_size=12),
    st.lists(st.integers(0, 9), max_size=3),
)  # fmt: skip


@given(value=values)
@settings(max_examples=200)
def test_any_argument_comes_back_as_it_was(folder: Path, value: object):
    spec = training(folder, arguments={"name_of_an_unknown_version": value}, python="/usr/bin/python3")
    assert meant(filled_from(job(spec), to_edit=True), folder) == (spec, Priority.P1)


def test_what_the_form_does_not_show_is_kept(folder: Path):
    gate = Gate("earlier", "metrics/mAP50(B)", ">=", 0.4)
    spec = training(
        folder, retries=7, retry_delay_s=60.0, preemptible=False, deadline="08:00", env={"A": "b"}, after=("earlier",),
        when=(gate,), vram_bytes=10 * 2**30, estimate_s=5400.0, gpu_model="A100", group="night",
    )  # fmt: skip
    again, priority = meant(filled_from(job(spec), {"night-n"}), folder)
    assert (again.name, priority) == ("night-n-2", Priority.P1)
    assert msgspec.structs.replace(again, name="night-n") == spec


def test_a_gate_goes_with_what_it_looks_at(folder: Path):
    spec = training(folder, after=("earlier",), when=(Gate("earlier", "metrics/mAP50(B)", ">=", 0.4),))
    draft = filled_from(job(spec))
    again, _ = meant(Draft({**draft.texts, "after": ""}, draft.source), folder)
    assert (again.after, again.when) == ((), ())


@pytest.mark.parametrize(
    ("texts", "mistake"),
    [
        ({"arguments": "epocs=3"}, "did you mean 'epochs'"),
        ({"arguments": "epochs"}, "arguments: 'epochs' is no key=value"),
        ({"arguments": "epochs=3 epochs=4"}, "epochs is given twice"),
        ({"arguments": 'epochs="3'}, "a quote is not closed"),
        ({"arguments": "epochs=many"}, "epochs: must be"),
        ({"gpus": "two"}, "gpus: must be a whole number"),
        ({"priority": "P7"}, "priority: must be"),
        ({"data": "shaps.yaml"}, "did you mean 'shapes.yaml'"),
        ({"kind": "trian"}, "kind: must be one of"),
        ({"kind": "command"}, "run: say what to run"),
        ({"vram": "10 apples"}, "vram: "),
        ({"after": "nobody"}, "nobody"),
        ({"deadline": "someday"}, "deadline: must be a time"),
    ],
)
def test_mistakes_name_their_field(folder: Path, texts: dict[str, str], mistake: str):
    with pytest.raises(WrongUse) as refused:
        meant(Draft({"model": "own.pt", "data": "shapes.yaml", **texts}), folder)
    assert mistake in str(refused.value)


def test_a_command(folder: Path):
    spec, _ = meant(Draft({"kind": "command", "run": "python report.py --week", "model": "left.pt"}), folder)
    assert spec.command == ("python", "report.py", "--week")
    assert spec.model is None


def test_only_what_is_different_is_edited(folder: Path):
    waiting = job(training(folder, arguments={"epochs": 100, "batch": 16}))
    spec = training(folder, arguments={"epochs": 50, "imgsz": 320}, gpus=2)
    changed = edits(waiting, spec, Priority.P0)
    assert changed.arguments == {"epochs": 50, "imgsz": 320, "batch": None}
    assert changed.asks == {"gpus": 2}
    assert changed.priority is Priority.P0
    assert changed.told == "epochs=50, imgsz=320, no batch, gpus, P0"
    assert not edits(waiting, waiting.spec, Priority.P1)


def test_a_deadline_is_set_moved_and_taken_away(folder: Path):
    due = msgspec.structs.replace(job(training(folder)), deadline_at=1_795_000_000.0)
    draft = filled_from(due, to_edit=True)
    same, priority = meant(draft, folder)
    assert not edits(due, same, priority)
    moved, _ = meant(Draft({**draft.texts, "deadline": "Wed 18:00"}, due, edits=True), folder)
    assert edits(due, moved, priority).told == "due Wed 18:00"
    gone, _ = meant(Draft({**draft.texts, "deadline": ""}, due, edits=True), folder)
    assert edits(due, gone, priority).told == "no deadline"


@pytest.mark.parametrize(
    ("name", "taken", "other"),
    [
        ("night-n", set(), "night-n-2"),
        ("night-2", {"night-3"}, "night-4"),
        ("x", {"x-2", "x-3"}, "x-4"),
        ("7-b", set(), "7-b-2"),
    ],
)  # fmt: skip
def test_another_name(name: str, taken: set[str], other: str):
    assert another_name(name, taken) == other


def test_completion(folder: Path):
    known = {12: job(training(folder, arguments={"cos_lr": True, "optimizer": "AdamW"}, group="night"))}
    complete = Completer(known, None, folder).candidates
    assert complete("model", "yolo11")[:2] == ["yolo11n.yaml", "yolo11s.yaml"]
    assert complete("model", "o") == ["own.pt"]
    assert complete("data", "s") == ["sets/", "shapes.yaml"]
    assert complete("data", "")[0] == str(folder / "shapes.yaml")  # what was trained before stands first
    assert complete("file", "") == ["jobs.toml", "sets/"]
    assert complete("arguments", "epochs=3 img") == ["epochs=3 imgsz="]
    assert complete("arguments", "")[:2] == ["cos_lr=", "optimizer="]
    assert complete("arguments", "optimizer=A")[:1] == ["optimizer=AdamW"]
    assert complete("arguments", "cos_lr=") == ["cos_lr=True", "cos_lr=False"]
    assert complete("kind", "ex") == ["export"]
    assert complete("group", "n") == ["night"]
    assert complete("after", "one ni") == ["one night-n"]
    assert complete("data", "/no/such/place/") == []
    assert complete("name", "x") == []


def test_an_argument_is_explained():
    assert explained("arguments", "batch=16 epochs=").startswith("epochs: a whole number")
    assert explained("arguments", "nonsense=") == ""
    assert explained("name", "epochs") == ""
