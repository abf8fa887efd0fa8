"""Acts that `undo` can't take back, in words: what was done, and what puts it right instead."""

from __future__ import annotations

from collections.abc import Sequence

from yolotui.store.queries import AuditRow

NOTHING = "nothing brings it back"
STANDING = {
    "submit": ("adding {what}", "`yolotui cancel {ids}` takes {it} out"),
    "update": ("taking {what} from a file again", "change the file and take it once more"),
    "edit": ("changing {what}", "`yolotui edit {ids} …` changes {it} again"),
    "pause": ("pausing {what}", "`yolotui resume {ids}` lets {it} go on"),
    "resume": ("resuming {what}", "`yolotui pause {ids}` pauses {it} again"),
    "finish": ("finishing {what}", "`yolotui rerun {ids}` trains {it} anew"),
    "kill": ("killing {what}", "`yolotui retry {ids}` goes on from the newest checkpoint"),
    "retry": ("retrying {what}", "`yolotui cancel {ids}` takes {it} out"),
    "collect": ("removing files of {what}", NOTHING),
    "drain": ("draining {what}", "`yolotui undrain {ids}` takes {it} in again"),
    "undrain": ("undraining {what}", "`yolotui drain {ids}` takes {it} out again"),
}
"""What each verb did, and its remedy; a checkpoint that was asked for is none to take back, and not told."""


def told_act(rows: Sequence[AuditRow]) -> str:
    """`adding job 9: `yolotui cancel 9` takes it out`, of the rows of one act of a verb in `STANDING`."""
    did, remedy = STANDING[rows[0].verb]
    jobs = sorted({row.job for row in rows if row.job is not None})
    things = [str(job) for job in jobs] or [str(row.detail["gpu"])[:12] for row in rows]
    noun = ("job" if jobs else "GPU") + ("s" if len(things) > 1 else "")
    ids = " ".join(ranges(jobs) or things)
    words = {"what": f"{noun} {ids}", "ids": ids, "it": "it" if len(things) == 1 else "them"}
    return f"{did}: {remedy}".format(**words)


def ranges(ids: Sequence[int]) -> list[str]:
    """`4-7 9`, as people name jobs to a verb; `ids` ascend."""
    runs: list[list[int]] = []
    for each in ids:
        if runs and each == runs[-1][1] + 1:
            runs[-1][1] = each
        else:
            runs.append([each, each])
    return [str(first) if first == last else f"{first}-{last}" for first, last in runs]
