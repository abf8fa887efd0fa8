"""How long things take: the best that is known, where it comes from, and how sure it is."""

from __future__ import annotations

from math import exp
from random import Random

import pytest
from msgspec.structs import replace

from yolotui.core.estimating import History, Likeness, Record, learned, rhythm, still_needed
from yolotui.core.timetable import Calibration, Forecast

NIGHT = Likeness("train", "yolo11n.yaml", "shapes.yaml", 640, 16.0, 1, "A100")
DEPLOY = Likeness("command", command=("python", "deploy.py"))


def test_the_same_configuration_is_known_best() -> None:
    history = History([Record(NIGHT, 1000.0, 10, 10, 90.0), Record(replace(NIGHT, imgsz=320), 100.0, 10, 10, 9.0)])
    estimate = history.expect(NIGHT, 20, default_s=3600.0)
    assert estimate.remaining_s == 1800
    assert estimate.source == "earlier runs of the same"


def test_something_similar_is_known_less_well() -> None:
    history = History([Record(replace(NIGHT, imgsz=320), 100.0, 10, 10, 9.0)])
    estimate = history.expect(NIGHT, 20, default_s=3600.0)
    assert (estimate.remaining_s, estimate.source) == (180, "earlier runs of something similar")
    same = History([Record(NIGHT, 100.0, 10, 10, 9.0)]).expect(NIGHT, 20, default_s=3600.0)
    assert estimate.low < same.low < 1 < same.high < estimate.high


def test_then_the_owners_word_then_a_guess_that_says_so() -> None:
    history = History([Record(DEPLOY, 30.0)])
    told = history.expect(NIGHT, 20, user_s=7200.0, default_s=3600.0)
    assert (told.remaining_s, told.source) == (7200, "what its owner said")
    guess = history.expect(NIGHT, 20, default_s=3600.0)
    assert (guess.remaining_s, guess.source) == (3600, "a guess: nothing like it ran before")
    assert history.expect(DEPLOY, None, default_s=600.0).remaining_s == 30


def test_an_odd_run_does_not_spoil_the_estimate() -> None:
    history = History([Record(NIGHT, run_s) for run_s in (100.0, 110.0, 9000.0)])
    assert history.expect(NIGHT, None, default_s=1.0).remaining_s == 110


def test_the_first_epoch_is_left_out_as_soon_as_there_is_another() -> None:
    history = History()
    assert history.remaining(NIGHT, [], 10) is None
    first = history.remaining(NIGHT, [60.0], 10)
    second = history.remaining(NIGHT, [60.0, 20.0], 10)
    assert first is not None
    assert second is not None
    assert (first.remaining_s, first.source) == (540, "its own first epoch")
    assert (second.remaining_s, second.source) == (160, "its own epochs")


def test_the_rhythm_follows_what_is_newest_and_leaves_the_first_out() -> None:
    assert rhythm([]) is None
    assert rhythm([90.0]) == 90
    assert rhythm([90.0, 10.0, 20.0]) == 13
    assert 19 < (rhythm([90.0, 10.0] + [20.0] * 12) or 0) < 20


def test_an_early_stop_is_a_probability_that_is_learned() -> None:
    stopped = [Record(NIGHT, 50.0, 100, 57, 1.0) for _ in range(9)]
    assert History().early_stop(NIGHT) == pytest.approx(0.1)
    assert History(stopped).early_stop(NIGHT) == pytest.approx(10 / 19)
    assert History([Record(NIGHT, 100.0, 100, 100, 1.0)] * 10).early_stop(NIGHT) == pytest.approx(0.05)
    assert History().expect(NIGHT, 10, default_s=1.0).early_stop == pytest.approx(0.1)
    assert History().expect(DEPLOY, None, default_s=1.0).early_stop == 0


def test_an_estimate_that_was_outrun_is_corrected_upwards() -> None:
    assert still_needed(100.0, 40.0) == 60
    assert still_needed(100.0, 1000.0) == 50
    assert still_needed(100.0, 99.0) == 1
    assert still_needed(10.0, 10.0) == 5


def test_the_interval_comes_to_hold_what_it_says() -> None:
    """Whatever the errors look like, four of five starts come to lie within: here true waits are twice the forecast."""
    dice = Random(1)
    calibration = Calibration()
    held: list[bool] = []
    for _ in range(3000):
        foreseen = Forecast(0.0, 100.0, 100 * exp(calibration.low), 100 * exp(calibration.high), 200.0)
        started_at = 200.0 * dice.lognormvariate(0.0, 0.5)
        held.append(foreseen.low_at <= started_at <= foreseen.high_at)
        calibration = learned(calibration, foreseen, started_at)
    assert 0.77 <= sum(held[500:]) / len(held[500:]) <= 0.83
    assert calibration.count == 3000


def test_nothing_is_learned_from_who_did_not_have_to_wait() -> None:
    calibration = Calibration()
    assert learned(calibration, Forecast(5.0, 5.0, 5.0, 5.0, 10.0), 5.0) == calibration
