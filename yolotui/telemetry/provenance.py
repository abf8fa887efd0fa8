"""What a run was made from, as its trainer wrote it down."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from yolotui.core.jobs import Argument, Job
from yolotui.locations import attempt_directory
from yolotui.runner.provenance import FILE

MOST_BYTES = 4 * 1024**2
OF_PLACE = frozenset(
    {"save_dir", "project", "name", "exist_ok", "resume", "device", "workers", "model", "data", "mode"}
)


def read_provenance(job: Job) -> dict[str, Any]:
    """That of the newest attempt that came so far; empty where none did, or where it can't be read."""
    for attempt in reversed(job.attempts):
        file = attempt_directory(job.run_dir, attempt.number) / FILE
        with suppress(OSError, ValueError, RecursionError):
            if not file.is_file() or file.stat().st_size > MOST_BYTES:
                continue
            if isinstance(content := json.loads(file.read_bytes()), dict):
                return content
    return {}


def made_from(job: Job) -> dict[str, str]:
    """The same in short texts: libraries and their versions, `commit`, `data` (its fingerprint), `driver`.

    A commit with changes has a digest of them behind it: two runs with other changes are not made from the same.
    """
    content = read_provenance(job)
    found = {name: str(said) for name, said in _table(content, "versions").items()}
    code = _table(content, "code")
    basis = _table(content, "basis")
    if commit := code.get("commit"):
        digest = str(basis.get("code", "")).partition(" + ")[2]
        found["commit"] = f"{str(commit)[:12]}{f' with changes {digest}'.rstrip() if code.get('changed') else ''}"
    if data := basis.get("data"):
        found["data"] = str(data)[:12]
    if driver := content.get("driver"):
        found["driver"] = str(driver)
    return found


def in_force(job: Job) -> dict[str, Argument]:
    """The arguments that its training went by, with all defaults; without those that tell where and as what it ran."""
    return {name: value for name, value in _table(read_provenance(job), "arguments").items() if name not in OF_PLACE}


def checksums(job: Job) -> dict[str, str]:
    """SHA-256 of its weights by the name of the file; empty before its end."""
    return {name: str(said) for name, said in _table(read_provenance(job), "weights").items() if said}


def _table(content: dict[str, Any], name: str) -> dict[str, Any]:
    said = content.get(name)
    return said if isinstance(said, dict) else {}
