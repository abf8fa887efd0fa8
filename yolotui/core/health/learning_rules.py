"""Rules about how a run learns: losses, metrics, learning rate."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from yolotui.core.health.findings import Rule, Severity, Sign
from yolotui.core.health.view import EpochView, RunView, median, noise, smoothed

FIRST_BOX_LOSS = 3.0
UNUSUALLY_HIGH = 1.8  # times the median of earlier runs
PLATEAU_EPOCHS = 20
WARM_EPOCHS = 10
FLAT_MAP = 0.01
SOME_MAP = 0.05
POOR_MAP50 = 0.5
SWING = 0.12  # a few batches an epoch swing by less
FALLEN = 0.15  # of a training loss: it does learn something
EPSILON = 1e-9


def from_scratch(run: RunView) -> bool:
    """Does it begin with random weights?"""
    return str(run.settings.get("model", "")).endswith((".yaml", ".yml"))


def rises_until(run: RunView) -> int:
    """Up to which epoch a training loss may well rise: random weights find their boxes, and with them what is wrong."""
    return 15 if from_scratch(run) else 0


def first_words_by(run: RunView) -> int:
    """By which epoch a run that learns has some mAP; one from scratch on little data takes its time."""
    least, part = (15, 5) if from_scratch(run) else (WARM_EPOCHS, 10)
    return max(least, (run.epochs_total or 0) // part)


def first_box_loss(run: RunView) -> Sign | None:
    """The first epoch's box loss far above what is normal."""
    if not run.epochs or "box" not in run.epochs[0].train or run.epochs[0].epoch != 1:
        return None
    loss = run.epochs[0].train["box"]
    if run.usual and run.usual.runs >= 3:
        limit = max(UNUSUALLY_HIGH * run.usual.first_box_loss, run.usual.largest_first_box_loss)
        usual = f"{run.usual.runs} earlier runs of this model and data began at {run.usual.first_box_loss:.2f}"
    elif from_scratch(run):
        return None  # random weights may begin anywhere
    else:
        limit = FIRST_BOX_LOSS
        usual = f"below {limit:g} is usual for a pretrained model"
    if loss <= limit:
        return None
    return Sign(
        f"The box loss of the first epoch is {loss:.2f}; {usual}.",
        "Look at the labels (are boxes normalised, classes right?), and at the warm-up and lr0.",
        {"box_loss": loss, "limit": limit},
    )


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
        "The learning rate is probably too high: try lr0 at a third, or a longer warm-up.",
        {"turns": turns, "swing": swing},
    )


def divergence(run: RunView) -> Sign | None:
    """The training loss climbs instead of falling."""
    losses = smoothed(
        [loss for epoch, loss in run.known(lambda epoch: epoch.train_loss) if epoch > rises_until(run)], 3
    )
    if len(losses) < 4:
        return None
    best, now = min(losses), losses[-1]
    if now < 1.5 * best:
        return None
    return Sign(
        f"The training loss has risen from {best:.2f} to {now:.2f}.",
        "The learning rate is too high for this model and data: lower lr0 or warm up longer.",
        {"best": best, "now": now},
    )


def plateau(run: RunView) -> Sign | None:
    """No gain in mAP for 20 epochs, beyond what is noise."""
    points = run.known(lambda epoch: epoch.map50_95)
    if len(points) < PLATEAU_EPOCHS + WARM_EPOCHS:
        return None
    values = [value for _, value in points]
    before, lately = values[:-PLATEAU_EPOCHS], values[-PLATEAU_EPOCHS:]
    gain = max(smoothed(lately)) - max(smoothed(before))
    if gain > max(noise(values[-2 * PLATEAU_EPOCHS :]), 0.002):
        return None
    return Sign(
        f"mAP50-95 has not gained in {PLATEAU_EPOCHS} epochs (best {max(values):.3f}, now {values[-1]:.3f}).",
        "Stop here (`yolotui finish`), or change something: more data, a larger model, more augmentation.",
        {"gain": gain, "best": max(values)},
    )


def blind_learning(run: RunView) -> Sign | None:
    """The training losses fall, but mAP stays at nothing."""
    losses = [loss for _, loss in run.known(lambda epoch: epoch.train_loss)]
    scores = [score for _, score in run.known(lambda epoch: epoch.map50_95)]
    if min(len(losses), len(scores)) < first_words_by(run):
        return None
    fallen = 1 - median(losses[-3:]) / max(median(losses[:3]), EPSILON)
    best = max(scores[-WARM_EPOCHS:])
    if fallen < FALLEN or best > FLAT_MAP:
        return None
    return Sign(
        f"The training loss fell by {fallen:.0%} in {len(losses)} epochs, but mAP50-95 is {best:.3f} at best.",
        "What it learns is not what is validated: compare the labels and classes of train and val.",
        {"fallen": fallen, "map50_95": best},
    )


def not_learning(run: RunView) -> Sign | None:
    """There is no mAP to speak of, and a training loss has not moved from where it was highest."""
    scores = [score for _, score in run.known(lambda epoch: epoch.map50_95)]
    if not scores or run.epoch < first_words_by(run) or max(scores) > SOME_MAP:
        return None
    fallen = {name: fall_of(run, name) for name in run.epochs[-1].train}
    stuck = {name: fall for name, fall in fallen.items() if fall < FALLEN}
    if not stuck:
        return None
    what = " and ".join(f"the {name} loss ({max(fall, 0.0):.0%})" for name, fall in sorted(stuck.items()))
    return Sign(
        f"In {run.epoch} epochs {what} has hardly fallen, and mAP50-95 is {max(scores):.3f} at best.",
        "That does not learn: look at lr0 (too small, too large?), at freeze, and at the labels.",
        {**stuck, "map50_95": max(scores)},
    )


def fall_of(run: RunView, name: str) -> float:
    """How far a training loss has fallen since it was highest, as a part of that; losses often rise a little first."""
    values = smoothed([epoch.train[name] for epoch in run.epochs if name in epoch.train], 3)
    return 1 - values[-1] / max(*values, EPSILON)


def losing_ground(run: RunView) -> Sign | None:
    """mAP was good, and is not any more."""
    scores = smoothed([score for _, score in run.known(lambda epoch: epoch.map50_95)], 3)
    if len(scores) < 4:
        return None
    best, now = max(scores), scores[-1]
    if best < 5 * FLAT_MAP or now > 0.5 * best:
        return None
    return Sign(
        f"mAP50-95 has fallen from {best:.3f} to {now:.3f}.",
        "It unlearns what it knew: compare the labels of train and val, lower lr0. best.pt is of before.",
        {"best": best, "now": now},
    )


def lopsided_losses(run: RunView) -> Sign | None:
    """The class loss is near zero while the boxes are still coarse."""
    if run.epoch < WARM_EPOCHS:
        return None
    last = run.epochs[-1].train
    first = run.epochs[0].train
    coarse = next((name for name in ("dfl", "obj", "l1") if name in last and name in first), None)
    if coarse is None or "cls" not in last or last["cls"] > 0.05 or last[coarse] < 0.8 * first[coarse]:
        return None
    return Sign(
        f"The class loss is {last['cls']:.3f}; {coarse} is still {last[coarse]:.2f}, {first[coarse]:.2f} at first.",
        "The classes are too easy or there is only one; it is the boxes that don't improve: check their labels.",
        {"cls": last["cls"], coarse: last[coarse]},
    )


def over_fitting(run: RunView) -> Sign | None:
    """The validation loss rises while the training loss falls."""
    both = [(e.train_loss, e.val_loss) for e in run.epochs if e.train_loss is not None and e.val_loss is not None]
    if len(both) < WARM_EPOCHS:
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
        "It learns the training images by heart: stop early, augment more, or add data. best.pt is of before.",
        {"risen": risen, "fallen": fallen, "since_epochs": since},
    )


def class_gap(run: RunView) -> Sign | None:
    """Validation misjudges the classes far more than training does, and the boxes less so."""
    last = run.epochs[-3:]
    scores = [epoch.map50 for epoch in last if epoch.map50 is not None]
    gaps = {name: _gap(last, name) for name in ("cls", "box")}
    if run.epoch < first_words_by(run) or not scores or median(scores) > POOR_MAP50:
        return None
    cls, box = gaps["cls"], gaps["box"]
    if cls is None or box is None or cls < 1.8 or cls < 1.5 * box:
        return None
    return Sign(
        f"In validation the class loss is {cls:.1f} times that of training, the box loss {box:.1f} times; mAP50 is "
        f"{median(scores):.2f}.",
        "Compare the class numbers of train and val, and whether both show the same kind of pictures.",
        {"cls_gap": cls, "box_gap": box, "map50": median(scores)},
    )


def _gap(epochs: Sequence[EpochView], name: str) -> float | None:
    """How many times a training loss its validation loss is."""
    gaps = [epoch.val[name] / epoch.train[name] for epoch in epochs if name in epoch.val and epoch.train.get(name)]
    return median(gaps) if gaps else None


def no_number(run: RunView) -> Sign | None:
    """NaN or infinity among the losses."""
    bad = next((each for each in reversed(run.epochs) if any("loss" in name for name in each.nonfinite)), None)
    redone = next((each for each in run.altered if each.what == "epoch"), None)
    if bad is None and redone is None:
        return None
    what = (
        f"Epoch {bad.epoch} has {', '.join(bad.nonfinite)} that is no number"
        if bad
        else f"{redone.why}"
        if redone
        else ""
    )
    return Sign(
        f"{what[:1].upper()}{what[1:]}.",
        "Lower lr0, switch mixed precision off (amp=False), and look for broken labels.",
        {"epoch": float(bad.epoch if bad else redone.epoch if redone else 0)},
    )


def low_recall(run: RunView) -> Sign | None:
    """Recall stays far below precision."""
    pairs = [(e.precision, e.recall) for e in run.epochs if e.precision is not None and e.recall is not None]
    if run.epoch < 2 * WARM_EPOCHS or len(pairs) < WARM_EPOCHS:
        return None
    precision, recall = median([p for p, _ in pairs[-5:]]), median([r for _, r in pairs[-5:]])
    still_rising = recall > 1.1 * median([r for _, r in pairs[-WARM_EPOCHS:-5]])
    if precision < 0.5 or recall > 0.4 * precision or still_rising:
        return None
    return Sign(
        f"Recall is {recall:.2f} with a precision of {precision:.2f}: it misses most of what is there.",
        "Look for objects that are not labelled or very small: a larger imgsz, more positive examples.",
        {"precision": precision, "recall": recall},
    )


def flat_learning_rate(run: RunView) -> Sign | None:
    """The learning rate was never warmed up or never decays."""
    rates = [lr for _, lr in run.known(lambda epoch: epoch.lr)]
    if len(rates) < WARM_EPOCHS or max(rates) - min(rates) > 0.01 * max(rates):
        return None
    return Sign(
        f"The learning rate has been {rates[-1]:.2g} for all of {len(rates)} epochs.",
        "Without decay the last epochs don't settle: set lrf below 1, or cos_lr=True.",
        {"lr": rates[-1]},
    )


RULES = (
    Rule(
        name="first-box-loss",
        severity=Severity.WARNING,
        reason="A first box loss of 4.8 where less than 1.5 is usual has meant wrong labels or no warm-up.",
        look=first_box_loss,
        quiet_after=None,
    ),
    Rule(
        name="oscillation",
        severity=Severity.WARNING,
        reason="A loss that swings early on is the classic sign of a learning rate that is too high.",
        look=oscillation,
    ),
    Rule(
        name="divergence",
        severity=Severity.WARNING,
        reason="A training loss has one direction. One that climbs is not learning any more.",
        look=divergence,
        confirmed_after=2,
    ),
    Rule(
        name="plateau",
        severity=Severity.INFO,
        reason="Twenty epochs without a gain beyond noise rarely bring one later; the card has other work.",
        look=plateau,
    ),
    Rule(
        name="blind-learning",
        severity=Severity.WARNING,
        reason="Losses that fall without any mAP mean that training and validation don't speak of the same thing.",
        look=blind_learning,
        confirmed_after=2,
    ),
    Rule(
        name="not-learning",
        severity=Severity.WARNING,
        reason="What has learned nothing by now learns nothing later: it only holds the card.",
        look=not_learning,
        confirmed_after=2,
    ),
    Rule(
        name="losing-ground",
        severity=Severity.WARNING,
        reason="Pretrained weights that get worse are being overwritten: by wrong labels, or by too large steps.",
        look=losing_ground,
        confirmed_after=2,
    ),
    Rule(
        name="lopsided-losses",
        severity=Severity.INFO,
        reason="A class loss near zero beside a high dfl or objectness loss means that only the easy half is learned.",
        look=lopsided_losses,
        confirmed_after=2,
    ),
    Rule(
        name="over-fitting",
        severity=Severity.WARNING,
        reason="Validation loss that rises while training loss falls is memory, not knowledge.",
        look=over_fitting,
        confirmed_after=2,
    ),
    Rule(
        name="class-gap",
        severity=Severity.WARNING,
        reason="Boxes that are found and classes that are not mean that train and val count their classes otherwise.",
        look=class_gap,
        confirmed_after=2,
    ),
    Rule(
        name="no-number",
        severity=Severity.ERROR,
        reason="NaN spreads: after a few epochs Ultralytics gives up, and best.pt may be from long before.",
        look=no_number,
        quiet_after=None,
    ),
    Rule(
        name="low-recall",
        severity=Severity.WARNING,
        reason="High precision with little recall is usually missing labels or objects too small for imgsz.",
        look=low_recall,
        confirmed_after=2,
    ),
    Rule(
        name="flat-learning-rate",
        severity=Severity.INFO,
        reason="Warm-up and decay are what makes the same settings work on other data.",
        look=flat_learning_rate,
    ),
)
