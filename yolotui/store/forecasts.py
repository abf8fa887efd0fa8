"""The record of forecasts: what was foreseen of each start, and what came true."""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from yolotui.core.jobs import Attempt, Outcome
from yolotui.core.timetable import Estimate, Forecast
from yolotui.store.database import Transaction


class ForecastRecord(Struct, frozen=True, kw_only=True):
    """A forecast and the truth about it. Times in UTC seconds.

    `estimate_s` is how long the attempt was expected to take when it started, `source` from where that was known.
    `ended_at` and `outcome` are None while it runs.
    """

    job: int
    attempt: int
    forecast: Forecast
    estimate_s: float
    source: str
    started_at: float
    ended_at: float | None = None
    outcome: Outcome | None = None

    @property
    def had_interval(self) -> bool:
        """Whether there was anything to foresee: what starts at once has no interval."""
        return self.forecast.high_at > self.forecast.low_at

    @property
    def held(self) -> bool:
        """Whether it started in the interval that four starts out of five should fall into."""
        return self.forecast.low_at <= self.started_at <= self.forecast.high_at


def begin(write: Transaction, job_id: int, number: int, forecast: Forecast, estimate: Estimate) -> None:
    """Keep what was foreseen of an attempt that starts now."""
    write.execute(
        "INSERT INTO forecasts (job, attempt, made_at, start_at, low_at, high_at, finish_at, estimate_s, source, "
        "started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            job_id,
            number,
            forecast.made_at,
            forecast.start_at,
            forecast.low_at,
            forecast.high_at,
            forecast.finish_at,
            estimate.remaining_s,
            estimate.source,
            write.now,
        ),
    )


def end(write: Transaction, job_id: int, attempt: Attempt) -> None:
    """Keep how it ended; what never started has not come true."""
    if attempt.outcome is Outcome.NEVER_STARTED:
        write.execute("DELETE FROM forecasts WHERE job = ? AND attempt = ?", (job_id, attempt.number))
    else:
        write.execute(
            "UPDATE forecasts SET ended_at = ?, outcome = ? WHERE job = ? AND attempt = ?",
            (attempt.ended_at, attempt.outcome, job_id, attempt.number),
        )


def read(connection: sqlite3.Connection, limit: int) -> list[ForecastRecord]:
    """The newest `limit` records, oldest start first."""
    rows = connection.execute(
        "SELECT * FROM forecasts ORDER BY started_at DESC, job DESC, attempt DESC LIMIT ?", (limit,)
    ).fetchall()
    return [_record(row) for row in reversed(rows)]


def read_one(connection: sqlite3.Connection, job_id: int, number: int) -> ForecastRecord | None:
    """The record of one attempt, if anything was foreseen of it."""
    row = connection.execute("SELECT * FROM forecasts WHERE job = ? AND attempt = ?", (job_id, number)).fetchone()
    return _record(row) if row else None


def _record(row: sqlite3.Row) -> ForecastRecord:
    return ForecastRecord(
        job=row["job"],
        attempt=row["attempt"],
        forecast=Forecast(row["made_at"], row["start_at"], row["low_at"], row["high_at"], row["finish_at"]),
        estimate_s=row["estimate_s"],
        source=row["source"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
    )
