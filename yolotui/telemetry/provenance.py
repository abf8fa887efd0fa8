"""What a run was made from, as its trainer wrote it down."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from yolotui.core.jobs import Job
from yolotui.runner.provenance import FILE

MOST_BYTES = 4 * 1024**2


def read_provenance(job: Job) -> dict[str, Any]:
    """That of the newest attempt that came so far; empty where none did, or where it can't be read."""
    for attempt in reversed(job.attempts):
        file = Path(job.run_dir, f"attempt-{attempt.number}", FILE)
        with suppress(OSError, ValueError, RecursionError):
            if file.stat().st_size <= MOST_BYTES and isinstance(content := json.loads(file.read_bytes()), dict):
                return content
    return {}


def made_from(job: Job) -> dict[str, str]:
    """The same in short texts: libraries and their versions, `commit`, `data` (its fingerprint), `driver`."""
    content = read_provenance(job)
    found = {name: str(said) for name, said in _table(content, "versions").items()}
    code = _table(content, "code")
    if commit := code.get("commit"):
        found["commit"] = f"{str(commit)[:12]}{' with changes' if code.get('changed') else ''}"
    if data := _table(content, "basis").get("data"):
        found["data"] = str(data)[:12]
    if driver := content.get("driver"):
        found["driver"] = str(driver)
    return found


def _table(content: dict[str, Any], name: str) -> dict[str, Any]:
    said = content.get(name)
    return said if isinstance(said, dict) else {}
