"""What `forecast --record` prints: how past forecasts fared. First forecasts against what came true."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from yolotui.cli.printing import Table, narrate, print_document, print_table
from yolotui.cli.words import EN_DASH
from yolotui.queue import Queue
from yolotui.store import ForecastRecord
from yolotui.units import format_clock, format_duration

NOTHING_YET = "No start that was foreseen has come true yet."


def tell_record(queue: Queue) -> None:
    """Print a line a start: when it was foreseen, when it came, how far off that was; and how many intervals held."""
    records, now = queue.forecast_record(), time.time()
    if not records:
        narrate(NOTHING_YET)
        return
    names = _names(queue, records)
    table = Table(("id", "name", "foreseen", "started", "error", "interval"), right=frozenset({"id"}))
    for record in records:
        forecast = record.forecast
        foreseen = format_clock(forecast.start_at, now)
        if record.had_interval:
            foreseen += f" ({format_clock(forecast.low_at, now)}{EN_DASH}{format_clock(forecast.high_at, now)})"
        started = format_clock(record.started_at, now)
        table.add(str(record.job), names[record.job], foreseen, started, _error(record), _verdict(record))
    print_table(table)
    if waits := [record for record in records if record.had_interval]:
        narrate(f"{_held(waits)} of {len(waits)} intervals held ({_held(waits) / len(waits):.0%}; 80% should).")


def print_record(queue: Queue) -> None:
    """Print the record as a document, times in UTC seconds. Intervals count where a start was not foreseen at once."""
    records = queue.forecast_record()
    names = _names(queue, records)
    waits = [record for record in records if record.had_interval]
    starts = [_document(record, names[record.job]) for record in records]
    print_document("record", {"starts": starts, "intervals": len(waits), "intervals_held": _held(waits)})


def _held(records: Iterable[ForecastRecord]) -> int:
    return sum(record.held for record in records)


def _document(record: ForecastRecord, name: str) -> dict[str, Any]:
    forecast = record.forecast
    return {
        "id": record.job,
        "name": name,
        "attempt": record.attempt,
        "made_at": forecast.made_at,
        "expected_start": forecast.start_at,
        "start_interval": [forecast.low_at, forecast.high_at],
        "started_at": record.started_at,
        "error_s": record.started_at - forecast.start_at,
        "interval_held": record.held if record.had_interval else None,
        "expected_finish": forecast.finish_at,
        "ended_at": record.ended_at,
        "outcome": record.outcome.value if record.outcome else None,
        "estimate": {"remaining_s": record.estimate_s, "source": record.source},
    }


def _names(queue: Queue, records: Sequence[ForecastRecord]) -> dict[int, str]:
    return {job.id: job.name for job in queue.jobs(ids=sorted({record.job for record in records}))}


def _error(record: ForecastRecord) -> str:
    late_s = round(record.started_at - record.forecast.start_at)
    return f"{format_duration(abs(late_s))} {'late' if late_s > 0 else 'early'}" if late_s else "none"


def _verdict(record: ForecastRecord) -> str:
    if not record.had_interval:
        return ""
    return "held" if record.held else "missed"
