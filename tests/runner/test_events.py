"""events.jsonl of a training that lasts for weeks: it stays short, and tells of the run what the long one would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from yolotui.runner.condensing import NEWEST_BATCHES, condense
from yolotui.runner.events import EventLog
from yolotui.telemetry import RunReader, RunSeries
from yolotui.telemetry.run_reader import TAIL_POINTS

LONG_BYTES = 400_000
EPOCHS, BATCHES = 80, 40


class Training:
    """Writes the same events into a run whose log is kept short and into one whose log is not."""

    def __init__(self, folder: Path) -> None:
        self.runs = [folder / "short", folder / "long"]
        for run in self.runs:
            (run / "attempt-1").mkdir(parents=True)
        paths = [str(run / "attempt-1" / "events.jsonl") for run in self.runs]
        self.logs = [EventLog(paths[0], long_bytes=LONG_BYTES), EventLog(paths[1])]

    def tell(self, event: str, **fields: Any) -> None:
        for log in self.logs:
            log.write(event, **fields)

    def train(self, epochs: range) -> None:
        for epoch in epochs:
            self.tell("phase", name="training")
            for batch in range(1, BATCHES + 1):
                self.tell(
                    "batch", epoch=epoch, batch=batch, batches=BATCHES, losses={"box": 1.0 / epoch}, lr={"pg0": 0.01},
                    wait_s=0.01 * batch, compute_s=0.1 + epoch / 1000, images_per_s=100.0 + batch * epoch,
                    memory_bytes=batch * 1000 if batch % 2 else None, gradient_norm=float(epoch),
                )  # fmt: skip
            self.tell("checkpoint", epoch=epoch, path="last.pt", bytes=1)
            self.tell("epoch", epoch=epoch, epochs=EPOCHS, epoch_s=4.0, metrics={"map": epoch / 100}, fitness=0.1)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple((run / "attempt-1" / "events.jsonl").stat().st_size for run in self.runs)


@pytest.fixture
def training(tmp_path: Path) -> Training:
    return Training(tmp_path)


def told(series: RunSeries) -> object:
    """What a series says, without the moments: the two logs were not written in the same one."""
    rows = [(row.epoch, row.metrics, row.fitness, row.epoch_s) for row in series.epochs]
    tail = [(point.epoch, point.batch, point.losses, point.lr) for point in series.batch_tail]
    return rows, tail, series.phase, series.epochs_total, series.newest and series.newest.end


def paces(series: RunSeries) -> dict[int, list[float | None]]:
    return {
        epoch: [pace.images_per_s, pace.wait_share, pace.memory_bytes, pace.gradient_norm]
        for epoch, pace in series.paces.items()
    }


def test_a_long_log_is_made_short_and_tells_the_same_to_who_comes_late_and_to_who_follows(training: Training) -> None:
    short, long = training.runs
    follower = RunReader(short)
    training.tell("start", epochs=EPOCHS, task="detect")
    for epoch in range(1, EPOCHS + 1):
        training.train(range(epoch, epoch + 1))
        follower.poll()
        assert training.sizes[0] < 1.1 * LONG_BYTES
    assert training.sizes[1] > 2 * LONG_BYTES
    whole, late = RunReader(long), RunReader(short)
    whole.poll()
    late.poll()
    for series in (late.series, follower.series):
        assert told(series) == told(whole.series)
        assert len(series.batch_tail) == TAIL_POINTS
        expected = {epoch: pytest.approx(pace) for epoch, pace in paces(whole.series).items()}
        assert paces(series) == expected


def test_what_is_no_batch_stays_as_it_is_in_its_order() -> None:
    batch = {"t": 1.0, "event": "batch", "epoch": 1, "batch": 1, "wait_s": 0.1, "compute_s": 0.1, "images_per_s": 9.0}
    others = [b'{"t": 1.0, "event": "start"}\n', b'{"torn', b'"event": "batch" {\n', b"[1]\n", b"\xff\n"]
    lines = [json.dumps(batch).encode() + b"\n"] * (NEWEST_BATCHES + 10)
    lines[5:5] = others
    lines.append(b'{"event": "batch", "t": 1.0, "epoch": 1}\n')  # not whole
    kept = condense(lines)
    assert [line for line in kept if line in others] == others
    assert kept[-1] == lines[-1]
    (total,) = [json.loads(line) for line in kept if b"stands_for" in line]
    assert total["stands_for"] == 10
    assert len(kept) == len(others) + 1 + NEWEST_BATCHES + 1


def test_another_process_goes_on_in_the_file_that_was_made_short(training: Training) -> None:
    """The parent of several ranks has the last word in a log that rank 0 has written for weeks."""
    parent = EventLog(str(training.runs[0] / "attempt-1" / "events.jsonl"))
    parent.write("changed", what="batch", why="first")
    training.train(range(1, EPOCHS))
    parent.write("end", outcome="finished", epochs_done=EPOCHS)
    reader = RunReader(training.runs[0])
    reader.poll()
    assert reader.series.end is not None
    assert [change.why for change in reader.series.changes] == ["first"]


def test_a_disk_that_has_no_room_for_the_short_one_keeps_the_long_one(
    training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, content: bytes) -> None:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr("yolotui.runner.events.write_atomically", refuse)
    training.train(range(1, EPOCHS))
    assert training.sizes[0] == pytest.approx(training.sizes[1], rel=0.01)
    monkeypatch.undo()
    training.train(range(EPOCHS, 3 * EPOCHS))
    assert training.sizes[0] < LONG_BYTES * 2
