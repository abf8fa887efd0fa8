"""results.csv, the table that Ultralytics appends one row an epoch to."""

from __future__ import annotations

import os

from . import durable


def trim(path: str, upto_epoch: int) -> int:
    """Before a resume: keep one row for each epoch up to `upto_epoch`, the last one written. Returns how many went.

    A kill can leave a row whose checkpoint was never written, a second row of the same epoch, or half a line. Rows
    keep their text and order; the file is replaced only when something goes.
    """
    lines = _lines(path)
    if not lines:
        return 0
    header, rows = lines[0], lines[1:]
    kept: dict[int, str] = {}
    for row in rows:
        epoch = _epoch(row, header)
        if epoch is not None and epoch <= upto_epoch:
            kept[epoch] = row
    remaining = [header, *(kept[epoch] for epoch in sorted(kept))]
    if remaining != lines:
        durable.write_atomically(path, "".join(remaining).encode())
    return len(lines) - len(remaining)


def last_epoch(path: str) -> int:
    """The highest epoch that has a whole row; 0 when there is none."""
    lines = _lines(path)
    return max((_epoch(row, lines[0]) or 0 for row in lines[1:]), default=0)


def _lines(path: str) -> list[str]:
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        return file.read().splitlines(keepends=True)


def _epoch(row: str, header: str) -> int | None:
    """The epoch of a row; None for a torn one."""
    cells = row.split(",")
    if not row.endswith("\n") or len(cells) != len(header.split(",")):
        return None
    try:
        return int(float(cells[0]))
    except ValueError:
        return None
