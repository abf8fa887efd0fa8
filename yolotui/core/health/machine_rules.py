"""Rules about what a run makes of its machine, and about what was changed under it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from yolotui.core.health.advice import usual_batch
from yolotui.core.health.findings import Severity, Sign, rule
from yolotui.core.health.view import Altered, RunView, median

STARVED_BELOW_PERCENT = 30.0
WAITING_ABOVE = 0.4
SLOWER_THAN = 0.75
FULL, EMPTY = 0.95, 0.4
FEW_IMAGES = 20
BACKGROUNDS = 0.5
HOT_C = 83.0


@rule(
    Severity.WARNING,
    "A card below 30 % that waits for data more than 40 % of each step is paid for and not used.",
    confirmed_after=2,
)
def starved_gpu(run: RunView) -> Sign | None:
    """The card idles while steps wait for data."""
    shares = [share for _, share in run.known(lambda epoch: epoch.wait_share)][-3:]
    used = run.device.utilization_percent
    if not shares or used is None or used >= STARVED_BELOW_PERCENT or median(shares) <= WAITING_ABOVE:
        return None
    share = median(shares)
    workers = int(run.setting("workers") or 1)
    needed = ceil(max(1, workers) / max(1 - share, 0.05))
    return Sign(
        f"The GPU is busy {used:.0f} % of the time: {share:.0%} of each step is waiting for data.",
        _faster_data(run, workers, needed),
        {"utilization_percent": used, "wait_share": share, "workers": needed},
    )


def _faster_data(run: RunView, workers: int, needed: int) -> str:
    """How its data would come in time: with so many workers for each card as the machine has cores for, or a cache."""
    possible = (run.workers_possible or needed * run.gpus) // run.gpus
    more = f"workers={min(needed, possible)}" if possible > workers else ""
    cache = "" if run.settings.get("cache") else "cache=True if the data fits into RAM, else cache=disk"
    if more and needed <= possible:
        return f"{more} would keep up{f'; or {cache}' if cache else ''}."
    what = " and ".join(part for part in (more, cache or "smaller pictures on a faster disk") if part)
    return f"{needed} workers would keep up, but there are cores for {possible}: try {what}."


@rule(
    Severity.WARNING,
    "Throughput that falls over hours is heat, a leak, or memory that runs short; none mends itself.",
    confirmed_after=3,
)
def slowing_down(run: RunView) -> Sign | None:
    """Throughput drops over time."""
    speeds = [speed for _, speed in run.known(lambda epoch: epoch.images_per_s)][1:]  # the first epoch warms up
    if len(speeds) < 8:
        return None
    at_first, lately = median(speeds[:4]), median(speeds[-4:])
    if lately > SLOWER_THAN * at_first:
        return None
    hot = "heat" in run.device.slowdowns or (run.device.hottest_c or 0) >= HOT_C
    return Sign(
        f"It makes {lately:.0f} images/s, {1 - lately / at_first:.0%} less than at first ({at_first:.0f}).",
        "Heat holds its card back: look after fans and air, or `yolotui drain` it until somebody can."
        if hot
        else "Look who else is at work (`yolotui gpus`), whether RAM fills up, and how fast its disk is now.",
        {"images_per_s": lately, "at_first": at_first},
        Severity.INFO if run.on_cores else None,  # they serve whoever comes
    )


@rule(
    Severity.WARNING,
    "First-epoch survivors run out of memory hours later, when a batch has more boxes.",
    confirmed_after=2,
)
def full_memory(run: RunView) -> Sign | None:
    """The card's memory is nearly full."""
    used, total = run.device.memory_used_bytes, run.device.memory_total_bytes
    if not used or not total or used < FULL * total:
        return None
    return Sign(
        f"{used / total:.0%} of the card's memory is in use: one larger batch of boxes may end it.",
        f"Next time {_smaller_batch(run)}, or a smaller imgsz.",
        {"used": used / total},
    )


def _smaller_batch(run: RunView) -> str:
    batch = run.setting("batch")
    return f"batch={usual_batch(0.8 * batch, run.gpus)}" if batch and batch > run.gpus else "a smaller batch"


@rule(
    Severity.INFO,
    "A card that is mostly empty could train faster with a larger batch, or two jobs at once.",
    confirmed_after=2,
)
def unused_memory(run: RunView) -> Sign | None:
    """Most of the card's memory is not used."""
    used, total, batch = run.device.memory_used_bytes, run.device.memory_total_bytes, run.setting("batch")
    if not used or not total or used > EMPTY * total or run.epoch < 2 or not batch or batch < 1:
        return None
    room = usual_batch(batch * 0.8 * total / used, run.gpus)
    return Sign(
        f"It uses {used / total:.0%} of the card's memory.",
        f"batch={room} would fit; or say vram=… so that another job shares the card.",
        {"used": used / total, "batch": float(room)},
    )


@rule(Severity.INFO, "A class that is seen a handful of times has a mAP that is luck.", quiet_after=None)
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


@rule(
    Severity.WARNING,
    "Labels that were lost on the way make backgrounds of objects, and the model learns not to see them.",
    quiet_after=None,
)
def unlabelled_images(run: RunView) -> Sign | None:
    """Most training images show nothing, by their labels."""
    if not run.images or run.images_without_labels <= BACKGROUNDS * run.images:
        return None
    part = run.images_without_labels / run.images
    return Sign(
        f"{run.images_without_labels} of {run.images} training images ({part:.0%}) have no label: they count as "
        "backgrounds.",
        "Up to a tenth is usual. Are label files missing or empty? `yolotui check DATA` names them.",
        {"without_labels": float(run.images_without_labels), "images": float(run.images)},
    )


@rule(Severity.WARNING, "A data worker that hangs holds a card for the whole night.", quiet_after=0)
def stall(run: RunView) -> Sign | None:
    """Nothing happens any more."""
    if run.patience_s is None or run.silent_s <= run.patience_s:
        return None
    return Sign(
        f"It has told nothing for {run.silent_s:.0f} s; by its own rhythm {run.patience_s:.0f} s would be long.",
        "Look at its log (`yolotui logs`): a data worker or the network file system may hang.",
        {"silent_s": run.silent_s, "patience_s": run.patience_s},
    )


@rule(
    Severity.WARNING,
    "Ultralytics halves the batch when memory runs out, and says so in one line of a long log.",
    quiet_after=None,
)
def changed_batch(run: RunView) -> Sign | None:
    """The batch is not the one that was asked for."""
    changed = [each for each in run.altered if each.what == "batch"]
    if not changed:
        return None
    asked, now = changed[0].before, changed[-1].to
    return Sign(
        f"It trains with a batch of {now} instead of {asked}: {changed[-1].why}.",
        f"Compare it only with runs of the same batch. Next time batch={now}, or vram=… that is enough for {asked}.",
        _numbers(changed),
    )


def _numbers(changed: Sequence[Altered]) -> dict[str, float]:
    """The value that was asked for and the one in force, as far as they are numbers."""
    values = {"asked": changed[0].before, "in_force": changed[-1].to}
    return {name: float(value) for name, value in values.items() if value.replace(".", "", 1).isdigit()}


@rule(
    Severity.INFO,
    "A resume takes most settings from the checkpoint, with a warning that nobody reads.",
    quiet_after=None,
)
def ignored_settings(run: RunView) -> Sign | None:
    """A resume went on with other settings than asked for."""
    ignored = [each for each in run.altered if each.what not in {"batch", "epoch"}]
    if not ignored:
        return None
    said = [f"{each.what} is {each.to} instead of {each.before}" if each.to else each.why for each in ignored]
    more = f"; and {len(said) - 4} more" if len(said) > 4 else ""
    return Sign(
        f"Not as it was asked for: {'; '.join(said[:4])}{more}.",
        "If that matters, `yolotui clone JOB` starts afresh with what was asked for.",
        {"settings": float(len(ignored))},
    )
