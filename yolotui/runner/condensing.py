"""Makes a long events.jsonl short without changing what it tells of the run, its epochs and their pace."""

from __future__ import annotations

import json
from typing import Any

NEWEST_BATCHES = 500  # stay as they are: more than anybody draws
MEANS = ("images_per_s", "wait_s", "compute_s")
PEAKS = ("memory_bytes", "gradient_norm")


def condense(lines: list[bytes]) -> list[bytes]:
    """The same lines, but for batches of long ago: each epoch has one that `stands_for` so many of them.

    It tells their mean times and their highest memory and gradient norm.
    """
    batches = {index: batch for index, line in enumerate(lines) if (batch := _batch(line))}
    old = sorted(batches)[:-NEWEST_BATCHES]
    sums: dict[int, dict[str, Any]] = {}
    place: dict[int, int] = {}
    for index in old:
        epoch = batches[index]["epoch"]
        sums[epoch] = _added_up(sums[epoch], batches[index]) if epoch in sums else batches[index]
        place[epoch] = index
    sum_at = {place[epoch]: (json.dumps(total) + "\n").encode() for epoch, total in sums.items()}
    gone = set(old) - set(sum_at)
    return [sum_at.get(index, line) for index, line in enumerate(lines) if index not in gone]


def _batch(line: bytes) -> dict[str, Any] | None:
    """The event on the line, if it is a batch with all that is to be added up."""
    if b'"event": "batch"' not in line:
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    needed = ("t", "epoch", "batch", *MEANS)
    is_whole = isinstance(event, dict) and all(isinstance(event.get(name), (int, float)) for name in needed)
    return event if is_whole and event.get("event") == "batch" else None


def _added_up(earlier: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    first, second = earlier.get("stands_for", 1), later.get("stands_for", 1)
    total: dict[str, Any] = {name: later[name] for name in ("t", "event", "epoch", "batch")}
    total["stands_for"] = first + second
    for name in MEANS:
        total[name] = (first * earlier[name] + second * later[name]) / (first + second)
    for name in PEAKS:
        told = [each[name] for each in (earlier, later) if each.get(name) is not None]
        total[name] = max(told) if told else None
    return total
