"""Rules about what a run makes of its machine, and about what was changed under it."""

from __future__ import annotations

from math import ceil

from yolotui.core.health.findings import Rule, Severity, Sign
from yolotui.core.health.view import RunView, median

STARVED_BELOW_PERCENT = 30.0
WAITING_ABOVE = 0.4
SLOWER_THAN = 0.75
FULL, EMPTY = 0.95, 0.4
FEW_IMAGES = 20
HOT_C = 83.0


def starved_gpu(run: RunView) -> Sign | None:
    """The card idles while steps wait for data."""
    shares = [share for _, share in run.known(lambda epoch: epoch.wait_share)][-3:]
    used = run.device.utilization_percent
    if not shares or used is None or used >= STARVED_BELOW_PERCENT or median(shares) <= WAITING_ABOVE:
        return None
    share = median(shares)
    workers = int(run.setting("workers") or 1)
    needed = ceil(max(1, workers) / max(1 - share, 0.05))
    possible = run.workers_possible
    enough = possible is None or needed <= possible
    advice = (
        f"workers={needed} would keep up"
        if enough
        else f"workers={possible} is all that this machine has; cache=True spares the disk"
    )
    return Sign(
        f"The GPU is busy {used:.0f} % of the time: {share:.0%} of each step is waiting for data.",
        f"{advice}{'' if run.settings.get('cache') or not enough else ', or cache=True'}.",
        {"utilization_percent": used, "wait_share": share, "workers": needed},
    )


def slowing_down(run: RunView) -> Sign | None:
    """Throughput drops over time."""
    speeds = [speed for _, speed in run.known(lambda epoch: epoch.images_per_s)][1:]  # the first epoch warms up
    if len(speeds) < 8:
        return None
    at_first, lately = median(speeds[:4]), median(speeds[-4:])
    if lately > SLOWER_THAN * at_first:
        return None
    causes = (
        "its card is held back by heat"
        if "heat" in run.device.slowdowns or (run.device.hottest_c or 0) >= HOT_C
        else "another process, a leak, or memory that is short"
    )
    return Sign(
        f"It makes {lately:.0f} images/s, {1 - lately / at_first:.0%} less than at first ({at_first:.0f}).",
        f"Look for what takes the time: {causes}.",
        {"images_per_s": lately, "at_first": at_first},
        Severity.INFO if run.on_cores else None,  # they serve whoever comes
    )


def full_memory(run: RunView) -> Sign | None:
    """The card's memory is nearly full."""
    used, total = run.device.memory_used_bytes, run.device.memory_total_bytes
    if not used or not total or used < FULL * total:
        return None
    return Sign(
        f"{used / total:.0%} of the card's memory is in use: one larger batch of boxes may end it.",
        "Take a smaller batch or imgsz before it runs out.",
        {"used": used / total},
    )


def unused_memory(run: RunView) -> Sign | None:
    """Most of the card's memory is not used."""
    used, total, batch = run.device.memory_used_bytes, run.device.memory_total_bytes, run.setting("batch")
    if not used or not total or used > EMPTY * total or run.epoch < 2 or not batch or batch < 1:
        return None
    room = int(batch * 0.8 * total / used)
    return Sign(
        f"It uses {used / total:.0%} of the card's memory.",
        f"A batch of about {room} would fit; or say vram=… so that another job shares the card.",
        {"used": used / total, "batch": float(room)},
    )


def few_images(run: RunView) -> Sign | None:
    """Some classes have hardly any images."""
    rare = {name: count for name, count in run.images_per_class.items() if count < FEW_IMAGES}
    if not rare:
        return None
    names = ", ".join(f"{name} ({count})" for name, count in sorted(rare.items(), key=lambda item: item[1])[:5])
    more = f" and {len(rare) - 5} more" if len(rare) > 5 else ""
    return Sign(
        f"Few training images show {names}{more}.",
        f"Below {FEW_IMAGES} images a class is learned by chance: collect more, or leave it out.",
        {"classes": float(len(rare))},
    )


def stall(run: RunView) -> Sign | None:
    """Nothing happens any more."""
    if run.patience_s is None or run.silent_s <= run.patience_s:
        return None
    return Sign(
        f"It has told nothing for {run.silent_s:.0f} s; by its own rhythm {run.patience_s:.0f} s would be long.",
        "Look at its log (`yolotui logs`): a data worker or the network file system may hang.",
        {"silent_s": run.silent_s, "patience_s": run.patience_s},
    )


def changed_batch(run: RunView) -> Sign | None:
    """The batch is not the one that was asked for."""
    changed = [each for each in run.altered if each.what == "batch"]
    if not changed:
        return None
    return Sign(
        f"It trains with a batch of {changed[-1].to} instead of {changed[0].before}: {changed[-1].why}.",
        "Its results can't be compared with those of other batches without a thought.",
        {},
    )


def ignored_settings(run: RunView) -> Sign | None:
    """A resume went on with other settings than asked for."""
    ignored = [each for each in run.altered if each.what not in {"batch", "epoch"}]
    if not ignored:
        return None
    names = ", ".join(f"{each.what} ({each.to} instead of {each.before})" for each in ignored[:4])
    return Sign(f"Not as it was asked for: {names}.", f"Why: {ignored[0].why}.", {})


RULES = (
    Rule(
        name="starved-gpu",
        severity=Severity.WARNING,
        reason="A card below 30 % that waits for data more than 40 % of each step is paid for and not used.",
        look=starved_gpu,
        confirmed_after=2,
    ),
    Rule(
        name="slowing-down",
        severity=Severity.WARNING,
        reason="Throughput that falls over hours is heat, a leak, or memory that runs short; none mends itself.",
        look=slowing_down,
        confirmed_after=3,
    ),
    Rule(
        name="full-memory",
        severity=Severity.WARNING,
        reason="First-epoch survivors run out of memory hours later, when a batch has more boxes.",
        look=full_memory,
        confirmed_after=2,
    ),
    Rule(
        name="unused-memory",
        severity=Severity.INFO,
        reason="A card that is mostly empty could train faster with a larger batch, or two jobs at once.",
        look=unused_memory,
        confirmed_after=2,
    ),
    Rule(
        name="few-images",
        severity=Severity.INFO,
        reason="A class that is seen a handful of times has a mAP that is luck.",
        look=few_images,
        quiet_after=None,
    ),
    Rule(
        name="stall",
        severity=Severity.WARNING,
        reason="A data worker that hangs holds a card for the whole night.",
        look=stall,
        quiet_after=1,
    ),
    Rule(
        name="changed-batch",
        severity=Severity.WARNING,
        reason="Ultralytics halves the batch when memory runs out, and says so in one line of a long log.",
        look=changed_batch,
        quiet_after=None,
    ),
    Rule(
        name="ignored-settings",
        severity=Severity.INFO,
        reason="A resume takes most settings from the checkpoint, with a warning that nobody reads.",
        look=ignored_settings,
        quiet_after=None,
    ),
)
