"""How much of the machine has been used, and by whom."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple


class Usage(NamedTuple):
    """GPU-seconds by the owner's name and by group. A card that is shared counts for each of its tenants."""

    owners: dict[str, float]
    groups: dict[str, float]


def gpu_seconds(connection: sqlite3.Connection, since: float, now: float) -> Usage:
    """What was used from `since` to `now` (UTC seconds); of what reaches over an edge, the part between."""
    rows = connection.execute(
        """
        SELECT owner, group_name,
               sum(gpus * max(0, min(coalesce(ended_at, :now), :now) - max(started_at, :since))) AS used
        FROM (
            SELECT j.owner, j.group_name, json_array_length(record, '$.gpus') AS gpus,
                   json_extract(record, '$.started_at') AS started_at, json_extract(record, '$.ended_at') AS ended_at
            FROM attempts a JOIN jobs j ON j.id = a.job
            WHERE json_extract(record, '$.started_at') IS NOT NULL
              AND (NOT ended OR json_extract(record, '$.ended_at') > :since)
        ) GROUP BY owner, group_name
        """,
        {"since": since, "now": now},
    ).fetchall()
    usage = Usage({}, {})
    for row in rows:
        usage.owners[row["owner"]] = usage.owners.get(row["owner"], 0.0) + row["used"]
        usage.groups[row["group_name"]] = usage.groups.get(row["group_name"], 0.0) + row["used"]
    return usage
