"""Each health rule sees what it is for, and nothing in a run that is well; findings come and go without flicker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import cos, exp, isfinite, pi
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from yolotui.core.health import (
    RULES,
    Altered,
    DeviceView,
    EpochView,
    Finding,
    RunView,
    Severity,
    Usual,
    examine,
    reason_for,
)

GIB = 1024**3
ROOT = Path(__file__).parent.parent.parent


def epochs(
    count: int,
    train: Sequence[float] | None = None,
    val: Sequence[float] | None = None,
    scores: Sequence[float] | None = None,
    lr: Sequence[float] | None = None,
    speeds: Sequence[float] | None = None,
    wait_share: float = 0.1,
    recall: float = 0.7,
) -> tuple[EpochView, ...]:
    """A run that learns as one should, but for what is said."""
    falling = [4 * exp(-at / 12) + 1 for at in range(count)]
    train = train or falling
    val = val or [value + 0.2 for value in falling]
    scores = scores or [0.6 * (1 - exp(-(at + 1) / 15)) for at in range(count)]
    lr = lr or [0.01 * (1 - at / (count + 1)) for at in range(count)]
    speeds = speeds or [100.0] * count
    return tuple(
        EpochView(
            epoch=at + 1,
            train={"box": train[at] * 0.4, "cls": train[at] * 0.4, "dfl": train[at] * 0.2},
            val={"box": val[at] * 0.5, "cls": val[at] * 0.5},
            map50_95=scores[at],
            map50=min(1.0, scores[at] * 1.4),
            precision=0.8,
            recall=recall,
            lr=lr[at],
            images_per_s=speeds[at],
            wait_share=wait_share,
        )
        for at in range(count)
    )


WELL = RunView(epochs=epochs(40), epochs_total=40, settings={"model": "yolo11n.pt", "batch": 16, "workers": 8})


def looks(run: RunView) -> Iterator[dict[str, Finding]]:
    """What is told of a run after each of its epochs."""
    findings: dict[str, Finding] = {}
    for count in range(1, len(run.epochs) + 1):
        findings = examine(replace(run, epochs=run.epochs[:count]), findings, at_epoch=count - 1)
        yield {name: finding for name, finding in findings.items() if finding.told}


def found(run: RunView) -> dict[str, Finding]:
    """What is told of a run that was looked at after every epoch."""
    *_, last = looks(run)
    return last


def changed(**fields: object) -> RunView:
    return replace(WELL, **fields)


def test_nothing_is_found_in_a_run_that_is_well() -> None:
    assert found(WELL) == {}


SICK = {
    "first-box-loss": changed(epochs=epochs(3, train=[12.0, 6.0, 5.0])),
    "oscillation": changed(epochs=epochs(8, train=[5, 4, 5.5, 3.9, 5.2, 3.8, 5.4, 4.0]), epochs_total=100),
    "divergence": changed(epochs=epochs(8, train=[4, 3.5, 3.2, 3.1, 3.0, 6, 8, 9])),
    "plateau": changed(epochs=epochs(40, scores=[0.3 - 0.2 * exp(-at / 2) for at in range(40)])),
    "blind-learning": changed(epochs=epochs(14, scores=[0.001] * 14)),
    "not-learning": changed(epochs=epochs(14, train=[6.0] * 14, scores=[0.002] * 14)),
    "losing-ground": changed(epochs=epochs(12, scores=[0.5 * exp(-at / 4) for at in range(12)])),
    "class-gap": changed(
        epochs=tuple(
            EpochView(epoch=at + 1, train={"box": 2.0, "cls": 1.2}, val={"box": 1.9, "cls": 2.8}, map50=0.2)
            for at in range(14)
        )
    ),
    "foreign-val": changed(
        epochs=tuple(
            EpochView(epoch=at + 1, train={"box": 1.7, "cls": 1.2}, val={"box": 4.0, "cls": 2.8}, map50=0.05)
            for at in range(14)
        )
    ),
    "over-fitting": changed(
        epochs=epochs(30, val=[3 - 0.1 * at if at < 15 else 1.5 + 0.05 * (at - 15) for at in range(30)])
    ),
    "low-recall": changed(epochs=epochs(30, recall=0.2)),
    "flat-learning-rate": changed(epochs=epochs(12, lr=[0.01] * 12)),
    "no-number": changed(epochs=(*epochs(3), EpochView(epoch=4, nonfinite=("train/box_loss",)))),
    "lopsided-losses": changed(
        epochs=tuple(
            EpochView(epoch=at + 1, train={"box": 2.0, "cls": 0.5 if at < 5 else 0.01, "dfl": 3.0}) for at in range(14)
        )
    ),
    "starved-gpu": changed(epochs=epochs(5, wait_share=0.6), device=DeviceView(utilization_percent=18.0)),
    "slowing-down": changed(epochs=epochs(14, speeds=[100.0] * 6 + [60.0] * 8)),
    "full-memory": changed(device=DeviceView(memory_used_bytes=int(23.5 * GIB), memory_total_bytes=24 * GIB)),
    "unused-memory": changed(device=DeviceView(memory_used_bytes=4 * GIB, memory_total_bytes=24 * GIB)),
    "few-images": changed(images_per_class={"cat": 400, "dog": 7}),
    "unlabelled-images": changed(images=64, images_without_labels=48),
    "stall": changed(silent_s=400.0, patience_s=200.0),
    "changed-batch": changed(altered=(Altered("batch", "16", "8", "out of memory"),)),
    "ignored-settings": changed(altered=(Altered("lr0", "0.1", "0.01", "a resume keeps its own"),)),
}


def test_every_rule_has_a_run_that_it_is_for() -> None:
    assert SICK.keys() == {rule.name for rule in RULES}


@pytest.mark.parametrize("rule", SICK)
def test_a_rule_finds_what_it_is_for_and_says_all_that_people_need(rule: str) -> None:
    finding = found(SICK[rule])[rule]
    assert finding.text.endswith(".")
    assert finding.advice.endswith(".")
    assert finding.numbers
    assert all(isfinite(value) for value in finding.numbers.values())
    assert reason_for(rule).endswith(".")
    assert finding.link.endswith(f"#{rule}")
    assert 1 <= finding.epoch <= SICK[rule].epoch


def test_what_is_usual_is_learned_from_earlier_runs() -> None:
    high_but_usual = changed(epochs=epochs(3, train=[12.0, 6.0, 5.0]), usual=Usual(4.5, 5.0, 8))
    unusual = changed(epochs=epochs(3, train=[6.0, 5.0, 4.0]), usual=Usual(1.1, 1.3, 8))
    assert "first-box-loss" not in found(high_but_usual)
    assert "8 earlier runs" in found(unusual)["first-box-loss"].text


def test_a_starved_gpu_is_told_how_many_workers_would_do() -> None:
    run = changed(
        epochs=epochs(5, wait_share=0.6), device=DeviceView(utilization_percent=18.0), settings={"workers": 2}
    )
    assert "workers=5 would keep up" in found(run)["starved-gpu"].advice


@pytest.mark.parametrize(
    ("cores", "gpus", "settings", "advice"),
    [
        (4, 1, {"workers": 2}, "try workers=4 and cache=True if"),
        (8, 2, {"workers": 2}, "try workers=4 and cache=True if"),
        (16, 2, {"workers": 2}, "workers=5 would keep up; or cache=True if"),
        (4, 1, {"workers": 4}, "there are cores for 4: try cache=True if"),
        (4, 1, {"workers": 4, "cache": "ram"}, "there are cores for 4: try smaller pictures"),
        (16, 1, {"workers": 2, "cache": "disk"}, "workers=5 would keep up."),
    ],
)
def test_no_more_workers_are_advised_than_there_are_cores(
    cores: int, gpus: int, settings: dict[str, int | str], advice: str
) -> None:
    starved = changed(epochs=epochs(5, wait_share=0.6), device=DeviceView(utilization_percent=18.0))
    run = replace(starved, settings=dict(settings), workers_possible=cores, gpus=gpus)
    assert advice in found(run)["starved-gpu"].advice


@pytest.mark.parametrize(
    ("batch", "used_gib", "gpus", "advised"),
    [(16, 4.3, 1, 64), (16, 4.0, 1, 72), (2, 6.0, 1, 4), (1, 9.0, 1, 2), (48, 6.0, 3, 144), (12, 6.0, 3, 24)],
)
def test_a_larger_batch_is_one_that_people_use(batch: int, used_gib: float, gpus: int, advised: int) -> None:
    device = DeviceView(memory_used_bytes=int(used_gib * GIB), memory_total_bytes=24 * GIB)
    finding = found(changed(device=device, settings={"batch": batch}, gpus=gpus))["unused-memory"]
    assert finding.numbers["batch"] == advised
    assert f"batch={advised} would fit" in finding.advice


def test_a_full_card_is_told_a_smaller_batch() -> None:
    assert "batch=8" in found(SICK["full-memory"])["full-memory"].advice


@pytest.mark.parametrize(
    ("settings", "advised"),
    [
        ({"optimizer": "SGD", "lr0": 0.1}, "try lr0=0.03,"),
        ({"optimizer": "auto", "lr0": 0.01}, "try lr0=0.003 with the optimizer named (optimizer=auto ignores lr0)"),
    ],
)
def test_a_gentler_learning_rate_is_one_that_would_be_obeyed(settings: dict[str, str | float], advised: str) -> None:
    run = replace(SICK["oscillation"], settings=dict(settings))
    assert advised in found(run)["oscillation"].advice


def test_a_rate_that_only_warms_up_is_flat() -> None:
    warmed = changed(epochs=epochs(16, lr=[0.003, 0.006, *[0.01] * 14]), epochs_total=100)
    assert found(warmed)["flat-learning-rate"].epoch == 12
    cosine = [0.5 * (1 + cos(pi * at / 300)) for at in range(40)]
    assert "flat-learning-rate" not in found(changed(epochs=epochs(40, lr=cosine), epochs_total=300))


def test_what_was_changed_is_told_with_its_numbers() -> None:
    assert found(SICK["changed-batch"])["changed-batch"].numbers == {"asked": 16.0, "in_force": 8.0}
    gone = Altered("last.pt", "last.pt", "", "last.pt is damaged: it is kept as last.rejected.pt")
    assert "last.pt is damaged" in found(changed(altered=(gone,)))["ignored-settings"].text


class Record(Struct, frozen=True):
    """A real training, recorded by benchmarks/health.py: one of the expected rules must speak, or none but infos."""

    expected: tuple[str, ...]
    run: RunView


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent / "health_runs").glob("*.json")), ids=lambda path: path.stem
)
def test_recorded_trainings_get_what_they_deserve(path: Path) -> None:
    record = msgspec.json.decode(path.read_bytes(), type=Record)
    told = {rule: finding for look in looks(record.run) for rule, finding in look.items()}
    if record.expected:
        assert told.keys() & set(record.expected)
    else:
        assert [finding for finding in told.values() if finding.severity is not Severity.INFO] == []


def test_a_run_from_scratch_may_begin_badly() -> None:
    slow = epochs(8, train=[8.0, 9.5, 11.0, 13.0, 14.0, 13.0, 13.0, 12.0], scores=[0.0] * 8)
    assert found(changed(epochs=slow)).keys() == {"divergence", "first-box-loss"}
    assert found(changed(epochs=slow, settings={"model": "yolo11n.yaml"})) == {}


def test_cores_that_slow_down_serve_somebody_else() -> None:
    run = SICK["slowing-down"]
    assert found(run)["slowing-down"].severity is Severity.WARNING
    assert found(changed(epochs=run.epochs, on_cores=True))["slowing-down"].severity is Severity.INFO


def test_every_rule_is_explained_where_its_findings_point_to() -> None:
    parts = re.split(r"(?m)^### ", (ROOT / "docs/health.md").read_text())
    explained = {part.splitlines()[0].strip("`"): part for part in parts[1:]}
    assert explained.keys() == {rule.name for rule in RULES}
    for rule in RULES:
        assert f"*{rule.severity.value.capitalize()}.* {rule.reason}" in explained[rule.name].replace("\n", " ")


def test_a_flicker_is_not_told_and_a_lull_takes_nothing_back() -> None:
    well, hot = DeviceView(), DeviceView(memory_used_bytes=24 * GIB, memory_total_bytes=24 * GIB)
    findings: dict[str, Finding] = {}
    told = []
    for epoch, device in enumerate([hot, well, hot, hot, well, well, hot, well, well, well], start=1):
        findings = examine(changed(epochs=epochs(epoch), device=device), findings, at_epoch=epoch - 1)
        told.append("full-memory" in findings and findings["full-memory"].told)
    assert told == [False, False, False, True, True, True, True, True, True, False]


def test_looking_twice_in_an_epoch_counts_once() -> None:
    hot = changed(epochs=epochs(3), device=DeviceView(memory_used_bytes=24 * GIB, memory_total_bytes=24 * GIB))
    once = examine(hot, {}, at_epoch=2)
    assert examine(hot, once, at_epoch=3) == once


numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6)


@given(
    st.lists(
        st.builds(
            EpochView,
            epoch=st.integers(1, 300),
            train=st.dictionaries(st.sampled_from(["box", "cls", "dfl", "l1", "loss"]), numbers),
            val=st.dictionaries(st.sampled_from(["box", "cls", "dfl"]), numbers),
            map50_95=st.none() | numbers,
            precision=st.none() | numbers,
            recall=st.none() | numbers,
            lr=st.none() | numbers,
            images_per_s=st.none() | numbers,
            wait_share=st.none() | st.floats(0, 1),
            nonfinite=st.tuples() | st.just(("val/box_loss",)),
        ),
        max_size=60,
    ),
    st.dictionaries(
        st.sampled_from(["batch", "workers", "model", "cache"]), st.none() | st.integers() | st.text("a1.-", max_size=4)
    ),
)
def test_no_rule_stumbles_over_strange_numbers(views: list[EpochView], settings: dict[str, int | str | None]) -> None:
    run = RunView(epochs=tuple(views), settings=dict(settings), device=DeviceView(utilization_percent=5.0))
    for finding in examine(run, {}, at_epoch=0).values():
        assert finding.severity in Severity


@pytest.mark.parametrize(
    ("images", "batch", "late", "settles_after"),
    [(None, 16.0, 0, 1), (10_000, 16.0, 0, 1), (10_000, None, 0, 1), (160, 16.0, 7, 50), (56, 8.0, 12, 72)],
)
def test_short_epochs_are_given_time(images: int | None, batch: float | None, late: int, settles_after: int) -> None:
    """A hundred batches of warm-up, and five hundred until validation can be trusted, in epochs."""
    run = RunView(images=images, settings={"batch": batch, "model": "yolo11n.yaml"})
    assert run.warms_up_late == late
    assert replace(run, epochs=(EpochView(epoch=settles_after),)).is_settling
    assert not replace(run, epochs=(EpochView(epoch=settles_after + 1),)).is_settling
    assert not replace(run, settings={"batch": batch, "model": "yolo11n.pt"}).is_settling
