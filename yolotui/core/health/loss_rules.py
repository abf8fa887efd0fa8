"""Rules about losses and the learning rate that drives them."""

from __future__ import annotations

import itertools

from yolotui.core.health.advice import LOOK_AT_LABELS, gentler_rate
from yolotui.core.health.findings import Severity, Sign, rule
from yolotui.core.health.view import EPSILON, WARM_EPOCHS, RunView, median, noise, smoothed

FIRST_BOX_LOSS = 3.0
FIRST_BATCHES = 20  # an epoch of fewer shows what the weights were, not what becomes of them
UNUSUALLY_HIGH = 1.8  # times the median of earlier runs
SWING = 0.12  # a few batches an epoch swing by less
SAME_RATE = 0.01
SMALL_PART = 0.03  # of all training losses


@rule(
    Severity.WARNING,
    "A first box loss of 4.8 where less than 1.5 is usual has meant wrong labels or no warm-up.",
    quiet_after=None,
)
def first_box_loss(run: RunView) -> Sign | None:
    """The first epoch's box loss far above what is normal."""
    if run.usual and run.usual.runs >= 3:
        first = 1
        limit = max(UNUSUALLY_HIGH * run.usual.first_box_loss, run.usual.largest_first_box_loss)
        usual = f"{run.usual.runs} earlier runs of this model and data began at {run.usual.first_box_loss:.2f}"
    elif run.from_scratch:
        return None  # random weights may begin anywhere
    else:
        first = run.epochs_of(FIRST_BATCHES)
        limit = FIRST_BOX_LOSS
        usual = f"below {limit:g} is usual for a pretrained model"
    loss = next((each.train.get("box") for each in run.epochs if each.epoch == first), None)
    if loss is None or loss <= limit:
        return None
    return Sign(
        f"The box loss of epoch {first} is {loss:.2f}; {usual}.",
        f"{LOOK_AT_LABELS} (are boxes normalised, classes right?); if they are well, try {gentler_rate(run)} and "
        "warmup_epochs=3.",
        {"box_loss": loss, "limit": limit},
    )


@rule(Severity.WARNING, "A loss that swings early on is the classic sign of a learning rate that is too high.")
def oscillation(run: RunView) -> Sign | None:
    """The training loss jumps up and down early on."""
    losses = [loss for _, loss in run.known(lambda epoch: epoch.train_loss)][-8:]
    early = max(12, (run.epochs_total or 0) // 3)
    if len(losses) < 6 or run.epoch > early:
        return None
    steps = [after / max(before, EPSILON) - 1 for before, after in itertools.pairwise(losses)]
    turns = sum(one * other < 0 and min(abs(one), abs(other)) > SWING for one, other in itertools.pairwise(steps))
    if turns < 3:
        return None
    swing = median([abs(step) for step in steps])
    return Sign(
        f"The training loss has turned {turns} times in {len(losses)} epochs, by {swing:.0%} an epoch.",
        f"The learning rate is probably too high: try {gentler_rate(run)}, or a longer warm-up.",
        {"turns": turns, "swing": swing},
    )


@rule(
    Severity.WARNING,
    "A training loss has one direction. One that climbs is not learning any more.",
    confirmed_after=2,
)
def divergence(run: RunView) -> Sign | None:
    """The training loss climbs instead of falling."""
    losses = smoothed(
        [loss for epoch, loss in run.known(lambda epoch: epoch.train_loss) if epoch > _rises_until(run)], 3
    )
    if len(losses) < 4:
        return None
    best, now = min(losses), losses[-1]
    if now < 1.5 * best:
        return None
    return Sign(
        f"The training loss has risen from {best:.2f} to {now:.2f}.",
        f"The learning rate is too high for this model and data: try {gentler_rate(run)}, or warm up longer.",
        {"best": best, "now": now},
    )


def _rises_until(run: RunView) -> int:
    """Up to which epoch a training loss may well rise: random weights find their boxes, and with them what is wrong."""
    return 15 if run.from_scratch else 0


@rule(
    Severity.INFO,
    "A class loss near zero beside a high dfl or objectness loss means that only the easy half is learned.",
    confirmed_after=2,
)
def lopsided_losses(run: RunView) -> Sign | None:
    """The class loss is near zero while the boxes are still coarse."""
    if run.epoch < WARM_EPOCHS:
        return None
    last = run.epochs[-1].train
    first = run.epochs[0].train
    coarse = next((name for name in ("dfl", "obj", "l1") if name in last and name in first), None)
    if coarse is None or "cls" not in last or last[coarse] < 0.8 * first[coarse]:
        return None
    part = last["cls"] / max(sum(last.values()), EPSILON)
    if part > SMALL_PART:
        return None
    gain = run.setting("cls")
    advice = (
        f"cls={gain:g} weighs the classes down: the default is 0.5."
        if gain is not None and gain < 0.1
        else f"With one class that is no wonder; else it is the boxes that don't improve. {LOOK_AT_LABELS}."
    )
    return Sign(
        f"The class loss is {last['cls']:.3f}, {part:.1%} of all; {coarse} is still {last[coarse]:.2f}, "
        f"{first[coarse]:.2f} at first.",
        advice,
        {"cls": last["cls"], "part": part, coarse: last[coarse]},
    )


@rule(
    Severity.WARNING,
    "Validation loss that rises while training loss falls is memory, not knowledge.",
    confirmed_after=2,
)
def over_fitting(run: RunView) -> Sign | None:
    """The validation loss rises while the training loss falls."""
    both = [(e.train_loss, e.val_loss) for e in run.epochs if e.train_loss is not None and e.val_loss is not None]
    if len(both) < WARM_EPOCHS or run.is_settling:
        return None
    train, val = smoothed([t for t, _ in both]), smoothed([v for _, v in both])
    lowest = min(range(len(val)), key=val.__getitem__)
    since = len(val) - 1 - lowest
    risen = val[-1] / max(val[lowest], EPSILON) - 1
    fallen = 1 - train[-1] / max(train[lowest], EPSILON)
    far_apart = (risen >= 0.1 and fallen >= 0.02) or (risen >= 0.05 and fallen >= 0.15)
    if since < 5 or not far_apart or val[-1] - val[lowest] < 3 * noise([v for _, v in both]):
        return None
    return Sign(
        f"Since epoch {run.epochs[-1].epoch - since} the validation loss has risen by {risen:.0%} while the training "
        "loss falls.",
        "It learns the training images by heart: stop early (`yolotui finish JOB`; best.pt is of before), augment "
        "more, or add data.",
        {"risen": risen, "fallen": fallen, "since_epochs": since},
    )


@rule(
    Severity.ERROR,
    "NaN spreads: after a few epochs Ultralytics gives up, and best.pt may be from long before.",
    quiet_after=None,
)
def no_number(run: RunView) -> Sign | None:
    """NaN or infinity among the losses."""
    advice = f"Try {gentler_rate(run)}, or amp=False. {LOOK_AT_LABELS}: broken ones do that, too."
    bad = next((each for each in reversed(run.epochs) if any("loss" in name for name in each.nonfinite)), None)
    if bad:
        text = f"Epoch {bad.epoch} has {', '.join(bad.nonfinite)} that is no number."
        return Sign(text, advice, {"epoch": float(bad.epoch)})
    redone = next((each for each in run.altered if each.what == "epoch"), None)
    if redone:
        return Sign(f"{redone.why[:1].upper()}{redone.why[1:]}.", advice, {"epoch": float(redone.epoch)})
    return None


@rule(Severity.INFO, "Warm-up and decay are what makes the same settings work on other data.")
def flat_learning_rate(run: RunView) -> Sign | None:
    """The learning rate was never warmed up or never decays."""
    rates = [lr for _, lr in run.known(lambda epoch: epoch.lr)]
    since_highest = rates[rates.index(max(rates)) :] if rates else []
    enough = max(WARM_EPOCHS, (run.epochs_total or 0) // 10)
    if len(since_highest) < enough or min(since_highest) < (1 - SAME_RATE) * max(rates):
        return None
    return Sign(
        f"The learning rate has been {rates[-1]:.2g} for {len(since_highest)} epochs.",
        "Without decay the last epochs don't settle: set lrf=0.01, or cos_lr=True with it.",
        {"lr": rates[-1], "epochs": float(len(since_highest))},
    )
