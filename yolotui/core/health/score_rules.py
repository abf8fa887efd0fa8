"""Rules about what a run's learning is worth: mAP, precision and recall, beside the losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from yolotui.core.health.advice import LOOK_AT_LABELS, gentler_rate
from yolotui.core.health.findings import Severity, Sign, rule
from yolotui.core.health.view import EPSILON, WARM_EPOCHS, EpochView, RunView, median, noise, smoothed

PLATEAU_EPOCHS = 20
FLAT_MAP = 0.01
SOME_MAP = 0.05
POOR_MAP50 = 0.5
COMING_BACK = 1.2  # times its lowest
FAR_APART = 1.8
FALLEN = 0.15  # of a training loss: it does learn something


def first_words_by(run: RunView) -> int:
    """By which epoch a run that learns has some mAP; one from scratch on little data takes its time."""
    least, part = (15, 5) if run.from_scratch else (WARM_EPOCHS, 10)
    return max(least, (run.epochs_total or 0) // part)


@rule(Severity.INFO, "Twenty epochs without a gain beyond noise rarely bring one later; the card has other work.")
def plateau(run: RunView) -> Sign | None:
    """No gain in mAP for 20 epochs, beyond what is noise."""
    points = run.known(lambda epoch: epoch.map50_95)
    if len(points) < PLATEAU_EPOCHS + WARM_EPOCHS:
        return None
    values = [value for _, value in points]
    steady = smoothed(values)
    gain = max(steady[-PLATEAU_EPOCHS:]) - max(steady[:-PLATEAU_EPOCHS])
    if gain > max(noise(values[-2 * PLATEAU_EPOCHS :]), 0.002):
        return None
    return Sign(
        f"mAP50-95 has not gained in {PLATEAU_EPOCHS} epochs (best {max(values):.3f}, now {values[-1]:.3f}).",
        "Stop here (`yolotui finish JOB`), or change something: more data, a larger model, more augmentation.",
        {"gain": gain, "best": max(values)},
    )


@rule(
    Severity.WARNING,
    "Losses that fall without any mAP mean that training and validation don't speak of the same thing.",
    confirmed_after=2,
)
def blind_learning(run: RunView) -> Sign | None:
    """The training losses fall, but mAP stays at nothing."""
    losses = [loss for _, loss in run.known(lambda epoch: epoch.train_loss)]
    scores = [score for _, score in run.known(lambda epoch: epoch.map50_95)]
    if min(len(losses), len(scores)) < first_words_by(run) + run.warms_up_late:
        return None
    fallen = 1 - median(losses[-3:]) / max(median(losses[:3]), EPSILON)
    best = max(scores[-WARM_EPOCHS:])
    if fallen < FALLEN or best > FLAT_MAP:
        return None
    return Sign(
        f"The training loss fell by {fallen:.0%} in {len(losses)} epochs, but mAP50-95 is {best:.3f} at best.",
        f"What it learns is not what is validated: compare labels and classes of train and val. {LOOK_AT_LABELS}.",
        {"fallen": fallen, "map50_95": best},
    )


@rule(
    Severity.WARNING,
    "What has learned nothing by now learns nothing later: it only holds the card.",
    confirmed_after=2,
)
def not_learning(run: RunView) -> Sign | None:
    """There is no mAP to speak of, and a training loss has not moved from where it was highest."""
    scores = [score for _, score in run.known(lambda epoch: epoch.map50_95)]
    if not scores or run.epoch < first_words_by(run) + run.warms_up_late or max(scores) > SOME_MAP:
        return None
    fallen = {name: _fall_of(run, name) for name in run.epochs[-1].train}
    stuck = {name: fall for name, fall in fallen.items() if fall < FALLEN}
    if not stuck:
        return None
    what = " and ".join(f"the {name} loss ({max(fall, 0.0):.0%})" for name, fall in sorted(stuck.items()))
    return Sign(
        f"In {run.epoch} epochs {what} has hardly fallen, and mAP50-95 is {max(scores):.3f} at best.",
        f"Look at lr0 (ten times more, or a tenth?) and at freeze. {LOOK_AT_LABELS}.",
        {**stuck, "map50_95": max(scores)},
    )


def _fall_of(run: RunView, name: str) -> float:
    """How far a training loss has fallen since it was highest, as a part of that; losses often rise a little first."""
    values = smoothed([epoch.train[name] for epoch in run.epochs if name in epoch.train], 3)
    return 1 - values[-1] / max(*values, EPSILON)


@rule(
    Severity.WARNING,
    "Pretrained weights that get worse are being overwritten: by wrong labels, or by too large steps.",
    confirmed_after=5,
)
def losing_ground(run: RunView) -> Sign | None:
    """mAP was good, and does not come back. A dip while the learning rate warms up mends itself within epochs."""
    scores = smoothed([score for _, score in run.known(lambda epoch: epoch.map50_95)], 3)
    if len(scores) < 4 or run.is_settling:
        return None
    best, now = max(scores), scores[-1]
    lowest = min(scores[scores.index(best) :])
    comes_back = now > COMING_BACK * lowest and now - lowest > FLAT_MAP
    if best < 5 * FLAT_MAP or now > 0.5 * best or comes_back:
        return None
    return Sign(
        f"mAP50-95 has fallen from {best:.3f} to {now:.3f}.",
        f"It unlearns what it knew (best.pt is of before). {LOOK_AT_LABELS}; if they are well, try "
        f"{gentler_rate(run)}.",
        {"best": best, "now": now},
    )


@rule(
    Severity.WARNING,
    "Boxes that are found and classes that are not mean that train and val count their classes otherwise.",
    confirmed_after=2,
)
def class_gap(run: RunView) -> Sign | None:
    """Validation misjudges the classes far more than training does, and the boxes less so."""
    apart = _apart(run)
    if apart is None or apart.cls < max(FAR_APART, 1.5 * apart.box):
        return None
    return Sign(
        f"In validation the class loss is {apart.cls:.1f} times that of training, the box loss {apart.box:.1f} times; "
        f"mAP50 is {apart.map50:.2f}.",
        "Compare the class numbers of train and val, and whether both show the same kind of pictures.",
        apart.numbers,
    )


@rule(
    Severity.WARNING,
    "Who is at home in train and lost in val was shown pictures of two kinds, or has learned train by heart.",
    confirmed_after=2,
)
def foreign_val(run: RunView) -> Sign | None:
    """Validation is far worse than training in everything."""
    apart = _apart(run)
    if apart is None or min(apart.cls, apart.box) < FAR_APART:
        return None
    return Sign(
        f"In validation the box loss is {apart.box:.1f} times that of training, the class loss {apart.cls:.1f} times; "
        f"mAP50 is {apart.map50:.2f}.",
        "Look at pictures of both: same cameras, colours, sizes? Draw val from the same source as train, or add such "
        "pictures to train.",
        apart.numbers,
    )


class _Apart(NamedTuple):
    """How many times a training loss its validation loss is, over three epochs, and what the mAP50 is."""

    cls: float
    box: float
    map50: float

    @property
    def numbers(self) -> dict[str, float]:
        return {"cls_gap": self.cls, "box_gap": self.box, "map50": self.map50}


def _apart(run: RunView) -> _Apart | None:
    """None where it is too early to say, where one of them is not known, or where validation is well."""
    last = run.epochs[-3:]
    scores = [epoch.map50 for epoch in last if epoch.map50 is not None]
    if run.is_settling or run.epoch < first_words_by(run) or not scores or median(scores) > POOR_MAP50:
        return None
    cls, box = _gap(last, "cls"), _gap(last, "box")
    return None if cls is None or box is None else _Apart(cls, box, median(scores))


def _gap(epochs: Sequence[EpochView], name: str) -> float | None:
    """How many times a training loss its validation loss is."""
    gaps = [epoch.val[name] / epoch.train[name] for epoch in epochs if name in epoch.val and epoch.train.get(name)]
    return median(gaps) if gaps else None


@rule(
    Severity.WARNING,
    "High precision with little recall is usually missing labels or objects too small for imgsz.",
    confirmed_after=2,
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
    imgsz = run.setting("imgsz")
    larger = f"imgsz={2 * int(imgsz)}" if imgsz else "a larger imgsz"
    return Sign(
        f"Recall is {recall:.2f} with a precision of {precision:.2f}: it misses most of what is there.",
        f"Label what is not labelled. If the objects are small, try {larger}.",
        {"precision": precision, "recall": recall},
    )
