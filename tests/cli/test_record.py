"""How past forecasts fared, as `forecast --record` tells."""

from __future__ import annotations

import time

from tests.cli.conftest import Shell
from yolotui.core.jobs import Attempt
from yolotui.core.timetable import Estimate, Forecast
from yolotui.store import Store


def begin(store: Store, job_id: int, forecast: Forecast) -> None:
    attempt = Attempt(number=1, uuid=f"u{job_id}")
    assert store.ledger.begin_attempt(job_id, attempt, foreseen=(forecast, Estimate(60.0, "a guess")))


def test_each_first_forecast_stands_beside_what_came_true(shell: Shell, store: Store) -> None:
    result = shell("forecast", "--record")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert "No start that was foreseen" in result.stderr
    for name in ("held", "missed", "at-once"):
        assert shell("run", "--name", name, "--", "true").exit_code == 0
    now = time.time()
    begin(store, 1, Forecast(now - 3600, now - 600, now - 1200, now + 3600, now))
    begin(store, 2, Forecast(now - 3600, now + 7200, now + 3600, now + 9000, now + 9999))
    begin(store, 3, Forecast(now, now, now, now, now + 60))
    result = shell("forecast", "--record")
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("1", "held", "held"),
        ("2", "missed", "missed"),
        ("3", "at-once", "-"),
    ]
    assert "late" in rows[0]
    assert "early" in rows[1]
    assert "1 of 2 intervals held (50%; 80% should)." in result.stderr


def test_the_same_as_json(shell: Shell, store: Store) -> None:
    assert shell.json("forecast", "--record")["record"] == {"starts": [], "intervals": 0, "intervals_held": 0}
    assert shell("run", "--name", "a", "--", "true").exit_code == 0
    made_at = time.time() - 100
    begin(store, 1, Forecast(made_at, made_at + 50, made_at + 10, made_at + 5000, made_at + 90))
    record = shell.json("forecast", "--record")["record"]
    assert (record["intervals"], record["intervals_held"]) == (1, 1)
    (start,) = record["starts"]
    assert (start["id"], start["name"], start["attempt"], start["interval_held"]) == (1, "a", 1, True)
    assert start["error_s"] == start["started_at"] - start["expected_start"]
    assert start["start_interval"] == [made_at + 10, made_at + 5000]
    assert start["estimate"] == {"remaining_s": 60.0, "source": "a guess"}
