from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.telemetry.writing import Run
from yolotui.telemetry import RunReader, RunSeries, progress
from yolotui.telemetry.run_reader import TAIL_POINTS


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "run")


def series_of(run: Run) -> RunSeries:
    reader = RunReader(run.root)
    reader.poll()
    return reader.series


def numbers(series: RunSeries) -> list[int]:
    return [row.epoch for row in series.epochs]


def test_a_run_that_is_not_there_yet_is_empty(tmp_path):
    reader = RunReader(tmp_path / "later")
    assert not reader.poll()
    assert reader.series.epochs == ()
    assert progress(reader.series, epochs_asked=7).epochs_total == 7


def test_only_news_are_news(run):
    reader = RunReader(run.root)
    run.begin()
    assert reader.poll()
    assert not reader.poll()
    before = reader.series
    assert reader.series is before
    run.epoch(1)
    assert reader.poll()
    assert numbers(reader.series) == [1]


def test_a_killed_run_that_resumes_is_one_series_without_double_epoch_or_gap(run):
    run.begin()
    for number in (1, 2, 3):
        run.epoch(number)
    run.now += 5  # killed within epoch 4
    run.tell("phase", name="training")
    run.begin(resumed=2)  # last.pt of epoch 3 was torn
    run.epoch(3)
    run.epoch(4)
    series = series_of(run)
    assert numbers(series) == [1, 2, 3, 4]
    assert [row.attempt for row in series.epochs] == [1, 1, 2, 2]
    # The lost epoch 3 and the 5 s after it were spent, too.
    assert [row.elapsed_s for row in series.epochs] == [10, 20, 45, 55]
    assert series.resumed_from_epoch == 2


def test_rows_of_an_earlier_attempt_above_the_resumed_epoch_are_superseded_at_once(run):
    reader = RunReader(run.root)
    run.begin()
    for number in (1, 2, 3):
        run.epoch(number)
    reader.poll()
    assert numbers(reader.series) == [1, 2, 3]
    run.begin(resumed=1)
    reader.poll()
    assert numbers(reader.series) == [1]
    assert progress(reader.series).epochs_done == 1


def test_a_fresh_start_forgets_the_epochs_of_the_attempt_before(run):
    run.begin()
    run.epoch(1)
    run.begin(resumed=None)
    assert numbers(series_of(run)) == []


def test_an_epoch_that_is_done_twice_in_one_session_counts_once_and_the_last_wins(run):
    run.begin()
    run.epoch(1)
    run.epoch(1, metrics={"metrics/mAP50-95(B)": 0.9})  # NaN recovery does it again
    (row,) = series_of(run).epochs
    assert row.metrics == {"metrics/mAP50-95(B)": 0.9}


def test_elapsed_time_never_falls_when_the_clock_is_set_back(run):
    run.begin()
    run.epoch(1, takes_s=100)
    run.now -= 5000
    run.epoch(2)
    run.begin(resumed=2)
    run.epoch(3)
    elapsed = [row.elapsed_s for row in series_of(run).epochs]
    assert elapsed == sorted(elapsed)


def test_values_that_are_no_numbers_are_named_and_left_out(run):
    run.begin()
    run.epoch(1, metrics={"time": 3.0, "epoch": 1, "train/box_loss": None, "odd": 2, "lr/pg7": 0.1})
    run.tell("batch", epoch=2, batch=1, losses={"box": None, "cls": 2}, nonfinite=["box"])
    series = series_of(run)
    assert series.epochs[0].metrics == {"odd": 2, "lr/pg7": 0.1}
    assert series.epochs[0].nonfinite == ("train/box_loss",)
    assert series.batch is not None
    assert series.batch.losses == {"cls": 2}
    assert series.batch.nonfinite == ("box",)


def test_batches_are_kept_for_live_charts_and_no_more_than_needed(run):
    run.begin()
    for number in range(TAIL_POINTS + 50):
        run.tell("batch", epoch=1, batch=number + 1, batches=999, losses={"box": 1.0}, lr={"pg0": 0.01},
                 wait_s=0.1, compute_s=0.2, images_per_s=80.0, memory_bytes=2**30)  # fmt: skip
    series = series_of(run)
    assert len(series.batch_tail) == TAIL_POINTS
    assert series.batch == series.batch_tail[-1]
    assert series.batch.batch == TAIL_POINTS + 50
    assert (series.batch.wait_s, series.batch.compute_s, series.batch.images_per_s) == (0.1, 0.2, 80.0)
    assert series.batch.memory_bytes == 2**30


def test_phase_changes_controls_checkpoints_and_end_are_told(run):
    run.begin()
    run.tell("phase", name="validating")
    run.tell("changed", what="batch", **{"from": 16}, to=8, why="out of memory")
    run.tell("checkpoint", epoch=1, path="/r/last.pt", bytes=10)
    run.tell("control", id=3, request="checkpoint")
    series = series_of(run)
    assert series.phase == "validating"
    (change,) = series.changes
    assert (change.what, change.before, change.to, change.why, change.attempt) == ("batch", 16, 8, "out of memory", 1)
    assert series.newest is not None
    assert series.newest.controls[0].id == 3
    assert progress(series).checkpoint_at == run.now
    run.tell("end", outcome="failed", error={"type": "RuntimeError", "message": "x", "trace_tail": ""}, epochs_done=1)
    series = series_of(run)
    assert series.phase == ""
    assert series.end is not None
    assert series.end.error is not None
    assert series.end.error.type == "RuntimeError"


def test_lines_that_are_no_events_are_skipped(run):
    run.begin()
    with run.events.open("a") as file:
        file.write('{"t": 1, "event": "from the future"}\nnot json\n{"t": "x", "event": "epoch"}\n\n[[[\n')
        file.write(json.dumps({"t": 1, "event": "epoch", "epoch": 0}) + "\n")
    run.epoch(1)
    reader = RunReader(run.root)
    reader.poll()
    assert numbers(reader.series) == [1]


def test_a_torn_event_waits_for_its_end(run):
    run.begin()
    whole = json.dumps({"t": 5.0, "event": "epoch", "epoch": 1}) + "\n"
    reader = RunReader(run.root)
    with run.events.open("a") as file:
        file.write(whole[:20])
    reader.poll()
    assert numbers(reader.series) == []
    with run.events.open("a") as file:
        file.write(whole[20:])
    reader.poll()
    assert numbers(reader.series) == [1]


def test_a_replaced_events_file_replaces_what_it_said(run):
    run.begin()
    run.epoch(1)
    reader = RunReader(run.root)
    reader.poll()
    run.events.write_text(json.dumps({"t": 1.0, "event": "start", "epochs": 3}) + "\n")
    assert reader.poll()
    assert numbers(reader.series) == []
    run.events.write_text("")
    assert reader.poll()
    assert reader.series.newest is not None
    assert reader.series.newest.start is None


steps = st.lists(st.sampled_from(["epoch", "kill", "lose one", "poll", "batch"]), max_size=30)


@given(steps)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_reading_while_it_grows_gives_what_reading_at_the_end_gives(tmp_path_factory, story):
    run = Run(tmp_path_factory.mktemp("runs") / "run")
    reader = RunReader(run.root)
    run.begin()
    done = 0
    for step in story:
        if step == "poll":
            reader.poll()
        elif step == "epoch":
            done += 1
            run.epoch(done)
        elif step == "batch":
            run.tell("batch", epoch=done + 1, batch=1)
        else:
            done = max(done - (step == "lose one"), 0)
            run.begin(resumed=done or None)
    reader.poll()
    series = reader.series
    assert series == series_of(run)
    assert numbers(series) == list(range(1, done + 1))
    elapsed = [row.elapsed_s for row in series.epochs]
    assert elapsed == sorted(elapsed)


HEADER = "epoch,time,train/loss,metrics/accuracy_top1\n"


def test_a_run_without_our_events_is_read_from_its_results_csv(run):
    run.csv("                  epoch,      time,  train/loss, metrics/accuracy_top1\n")
    run.csv("   1,  2.0,  0.9, 0.3\n   2,  4.0,  0.8, 0.5\n   3,  6.0,  nan, 0.4\n")
    series = series_of(run)
    assert numbers(series) == [1, 2, 3]
    assert series.epochs[1].metrics == {"train/loss": 0.8, "metrics/accuracy_top1": 0.5}
    assert series.epochs[2].nonfinite == ("train/loss",)
    reached = progress(series, epochs_asked=5)
    assert (reached.epochs_done, reached.epochs_total, reached.best_epoch, reached.epoch_s) == (3, 5, 2, 2.0)
    assert reached.best == {"metrics/accuracy_top1": 0.5}


def test_the_time_column_restarts_with_every_process_and_elapsed_time_adds_up(run):
    run.csv(HEADER + "1,2,1,0\n2,4,1,0\n3,6,1,0\n3,1.5,1,0.7\n4,3,1,0\n")
    series = series_of(run)
    assert [(row.epoch, row.elapsed_s) for row in series.epochs] == [(1, 2), (2, 4), (3, 7.5), (4, 9)]
    assert series.epochs[2].metrics["metrics/accuracy_top1"] == 0.7


@pytest.mark.parametrize("folder", ["train", "."])
def test_results_are_found_in_the_run_or_in_its_train_directory(run, folder):
    run.csv(HEADER + "1,2,1,0\n", folder)
    assert numbers(series_of(run)) == [1]


def test_a_csv_that_was_trimmed_for_a_resume_is_read_anew(run):
    run.csv(HEADER + "1,2,1,0\n2,4,1,0\n3,")
    reader = RunReader(run.root)
    reader.poll()
    assert numbers(reader.series) == [1, 2]
    trimmed = run.root / "train" / "results.tmp"
    trimmed.write_text(HEADER + "1,2,1,0\n")
    trimmed.replace(run.root / "train" / "results.csv")
    assert reader.poll()
    assert numbers(reader.series) == [1]


def test_csvs_that_count_from_zero_or_are_damaged_do_no_harm(run):
    run.csv('epoch,a\n0,1\n1,2\n\n"\nx,3\n2\n2,3,4\n2,3\n')
    series = series_of(run)
    assert numbers(series) == [1, 2, 3]
    assert all(row.elapsed_s == 0 for row in series.epochs)


def test_an_epoch_whose_event_was_lost_comes_from_the_csv(run):
    run.begin()
    run.csv("epoch,time,train/box_loss\n1,9,1\n2,19,0.5\n3,29,0.3\n4,39,9\n")
    run.epoch(1)
    run.now += 10  # the disk was full: no event
    run.epoch(3)
    series = series_of(run)
    assert numbers(series) == [1, 2, 3]
    assert [row.elapsed_s for row in series.epochs] == [10, 19, 30]
    assert series.epochs[1].metrics == {"train/box_loss": 0.5}


def test_a_filled_in_epoch_never_pushes_up_the_time_of_one_that_was_told(run):
    run.begin()
    run.csv("epoch,time,train/box_loss\n1,9,1\n2,99,0.5\n")
    run.epoch(1)
    run.epoch(3)
    assert [row.elapsed_s for row in series_of(run).epochs] == [10, 20, 20]


def test_the_csv_does_not_bring_back_what_a_later_attempt_superseded(run):
    run.csv("epoch,time,train/box_loss\n1,9,1\n2,19,0.5\n3,29,0.3\n")
    run.begin()
    run.epoch(1)
    run.epoch(2)
    run.begin(resumed=1)
    assert numbers(series_of(run)) == [1]


def test_the_rhythm_leaves_out_the_first_epoch_of_the_newest_attempt(run):
    run.begin()
    assert progress(series_of(run)).epoch_s is None
    run.epoch(1, takes_s=100)
    assert progress(series_of(run)).epoch_s == 100
    run.epoch(2, takes_s=10)
    run.epoch(3, takes_s=20)
    assert progress(series_of(run)).epoch_s == pytest.approx(13)
    run.begin(resumed=3)
    assert progress(series_of(run)).epoch_s is None
    run.epoch(4, takes_s=70)
    run.epoch(5, takes_s=6)
    assert progress(series_of(run)).epoch_s == 6


def test_the_best_epoch_is_by_fitness_else_the_trainers_word_else_the_tasks_metric(run):
    run.begin()
    run.epoch(1, metrics={"metrics/mAP50-95(B)": 0.5, "metrics/mAP50-95(M)": 0.1, "lr/pg0": 1, "val/seg_loss": 2})
    run.epoch(2, metrics={"metrics/mAP50-95(B)": 0.4, "metrics/mAP50-95(M)": 0.3})
    assert progress(series_of(run)).best_epoch == 2
    run.epoch(3, best_epoch=1, metrics={})
    reached = progress(series_of(run))
    assert reached.best_epoch == 1
    assert reached.best == {"metrics/mAP50-95(B)": 0.5, "metrics/mAP50-95(M)": 0.1, "val/seg_loss": 2}
    run.epoch(4, fitness=0.1, metrics={"metrics/mAP50-95(B)": 0.0})
    run.epoch(5, fitness=0.1, best_epoch=5, metrics={"metrics/mAP50-95(B)": 0.9})
    assert progress(series_of(run)).best_epoch == 4


def test_progress_holds_nothing_that_json_can_not_say(run):
    run.begin(epochs=12)
    run.epoch(1, metrics={"metrics/mAP50(B)": None, "val/x": 1})
    reached = progress(series_of(run), epochs_asked=99)
    assert reached.epochs_total == 10
    assert reached.last == {"val/x": 1}
    assert all(math.isfinite(value) for value in reached.last.values())


def test_the_pace_of_each_epoch_is_that_of_the_attempt_that_counts(run):
    run.begin()
    for images_per_s, wait_s, gib in ((100, 1, 4), (300, 3, 6)):
        run.tell(
            "batch", epoch=1, batch=1, images_per_s=images_per_s, wait_s=wait_s, compute_s=4, memory_bytes=gib * 2**30
        )
    run.epoch(1)
    run.tell("batch", epoch=2, batch=1, images_per_s=50)
    run.begin(resumed=1)
    run.tell("batch", epoch=2, batch=1, images_per_s=400)
    paces = series_of(run).paces
    assert paces[1].images_per_s == 200
    assert paces[1].wait_share == pytest.approx(4 / 12)
    assert paces[1].memory_bytes == 6 * 2**30
    assert (paces[2].images_per_s, paces[2].wait_share, paces[2].memory_bytes) == (400, None, None)
