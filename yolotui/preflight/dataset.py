"""The report on a data set: remembered from when it was last looked at, or made anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from yolotui.core.preflight import DataReport
from yolotui.preflight.description import Description
from yolotui.preflight.files import find
from yolotui.preflight.labels import Fault
from yolotui.runner.durable import write_atomically

VERSION = 2  # of the kept reports: another way to look makes them worthless
MOST_KEPT = 1000  # reports, of a kilobyte or so

Progress = Callable[[int, int], None]
"""Told how many images of how many are looked at."""


def report_on(
    description: Description, *, task: str | None, single_class: bool, cache: Path | None, progress: Progress
) -> DataReport:
    """Look at a data set, or remember what was seen of it. Raises DescriptionError where it has no images.

    `cache` is a folder of reports by fingerprint; `task` is None where nobody knows.
    """
    files = find(description)
    key = f"{files.fingerprint}-{task or 'any'}{'-single' if single_class else ''}-{VERSION}"
    kept = cache / f"{key}.json" if cache else None
    if kept and (known := _kept(kept)):
        return known
    from yolotui.preflight.remarks import look_at  # what it imports takes longer than to remember

    report = look_at(description, files, task, single_class=single_class, progress=progress)
    if kept and not any(remark.rule == Fault.UNOPENED.rule for remark in report.remarks):  # that may pass
        _keep(kept, report)
    return report


def _keep(file: Path, report: DataReport) -> None:
    """Remember it, instead of what was remembered longest; a full disk only costs the next check its time."""
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(str(file), msgspec.json.encode(report))
        for old in sorted(file.parent.iterdir(), key=lambda each: -each.stat().st_mtime)[MOST_KEPT:]:
            old.unlink()


def _kept(file: Path) -> DataReport | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=DataReport)
    except (OSError, msgspec.MsgspecError):
        return None
