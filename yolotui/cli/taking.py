"""What taking a file of jobs came to, told on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolotui.cli.printing import narrate
from yolotui.cli.secrets import tell_what_stays_behind

if TYPE_CHECKING:
    from yolotui.store import FileTaken


def tell_what_was_taken(file: str, taken: FileTaken) -> None:
    """One sentence about the file, and one for each job that is not as the file has it now."""
    counts = [(len(taken.added), "added"), (len(taken.updated), "updated"), (len(taken.rearmed), "armed again")]
    kept = len(taken.jobs) - len(taken.added) - len(taken.updated)
    told = [f"{count} {word}" for count, word in (*counts, (kept, "there already")) if count]
    narrate(f"{file}: {len(taken.jobs)} jobs, {', '.join(told)}.")
    if taken.added:
        tell_what_stays_behind()
    for job_id, why in taken.kept:
        narrate(f"  job {job_id} {why}")
