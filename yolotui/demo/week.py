"""The script of the week: who submits what, what befalls it, what people do about it. Moments are hours before now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from yolotui.core.jobs import Gate, JobSpec, Kind, Priority, Running, Waiting
from yolotui.demo.roles import Break, Role, usual
from yolotui.store import Actor, Store, Submission

DAYS = 7
DATA_SETS = ("crops", "defects", "traffic", "shelves")
UID = 1000
GATE = "metrics/mAP50-95(B)"

STORAGE = Break(34, "OSError", "[Errno 116] Stale file handle: '/mnt/nas/crops/images/train/004711.jpg'")
NCCL = Break(21, "DistBackendError", "NCCL error: unhandled system error, NCCL version 2.27.3")
BAD_LABELS = Break(0, "RuntimeError", "Dataset 'shelves.yaml' error: no training images found", 2, permanent=True)
NO_CHANNELS = Break(
    0, "ValueError", "No labels found in shelves/augmented, can not start training", 2, permanent=True
)  # fmt: skip
KILLED = Break(52, message="Killed", exit_code=None, signal=9)
PUSH = Break(0, message="OSError: registry.example answered 503", exit_code=1, permanent=True)


@dataclass(frozen=True)
class Act:
    """Something that a person does, `hours_ago`."""

    hours_ago: float
    who: str
    do: Callable[[Store, Actor], object]


class Week:
    """All acts of a week in order, and the role of every job by its name."""

    def __init__(self, home: Path, seed: int) -> None:
        self._data = home / "data"
        self._chance = Random(seed)  # noqa: S311 — a story, no secret
        self._number = 100
        self.roles: dict[str, Role] = {}
        self._acts: list[Act] = []
        for day in range(DAYS, 0, -1):
            self._day(day * 24.0)
        self._tonight()
        self.acts = sorted(self._acts, key=lambda act: -act.hours_ago)

    # Days

    def _day(self, ago: float) -> None:
        """What happens in the 24 hours that begin so many hours ago."""
        chance = self._chance
        self._pipeline(ago - 0.4 - chance.random(), "maria", chance.choice("ns"), chance.choice(DATA_SETS[:2]))
        for _ in range(2):
            breaks = chance.choice([None, None, STORAGE, KILLED])
            size, data = chance.choice("nsm"), chance.choice(DATA_SETS)
            who = chance.choice(["maria", "jonas", "amelie", "li.wei"])
            self._single(ago - 1 - 6 * chance.random(), who, size, data, breaks=breaks)
        tuner = chance.choice(["jonas", "amelie"])
        self._tune(ago - 6.5 - chance.random(), tuner, chance.choice(DATA_SETS), stopped=chance.random() < 0.6)
        lost = NCCL if ago == 4 * 24.0 else None
        self._pair(ago - 8 - 2 * chance.random(), "li.wei", chance.choice("ml"), lost)
        smaller = chance.randrange(8, 40) if chance.random() < 0.4 else None
        self._single(ago - 10 - 3 * chance.random(), "amelie", "m", "defects", imgsz=960, batch=32, smaller=smaller)
        self._command(ago - 15, "maria", "report", ("python", "report.py", "--day"), lasts_s=140)

    def _tonight(self) -> None:
        """What leads to the picture that a visitor sees."""
        self._single(6.2, "amelie", "s", "shelves", breaks=BAD_LABELS)
        augmented = [self._train(f"aug-mix-{n}", "s", "shelves", group="augment", mixup=n / 10) for n in range(1, 6)]
        for spec in augmented:
            self.roles[spec.name] = usual(spec, breaks=NO_CHANNELS)
        self._submit(5.5, "amelie", augmented)
        paused = self._train(self._named("crops-x"), "x", "crops", epochs=200, batch=8, group="long")
        self._submit(9.0, "jonas", [paused], Priority.P1)
        self._act(3.1, "jonas", lambda store, actor: _if(store, paused.name, Running, store.verbs.pause, actor))
        smaller = self._train(self._named("defects-m-1280"), "m", "defects", batch=32, imgsz=1280, epochs=90)
        self._submit(4.2, "amelie", [smaller], Priority.P1, smaller_batch=9)
        ddp = self._train(self._named("traffic-l-ddp"), "l", "traffic", gpus=2, batch=64, epochs=150, group="release")
        val = JobSpec(name=f"{ddp.name}-val", kind=Kind.VAL, model=f"{{{ddp.name}.best}}", data=ddp.data,
                      group="release", after=(ddp.name,))  # fmt: skip
        export = JobSpec(name=f"{ddp.name}-trt", kind=Kind.EXPORT, model=f"{{{ddp.name}.best}}", group="release",
                         arguments={"format": "engine"}, after=(val.name,),
                         when=(Gate(ddp.name, GATE, ">=", 0.5),))  # fmt: skip
        self._submit(3.0, "li.wei", [ddp, val, export], Priority.P1)
        tune = [self._train(f"lr-{lr:g}", "n", "crops", epochs=60, group="tune", lr0=lr) for lr in (0.002, 0.005, 0.02)]
        self._submit(1.8, "jonas", tune)
        night = [self._train(self._named(f"{data}-{size}"), size, data, group="night")
                 for data, size in (("crops", "m"), ("defects", "s"), ("traffic", "m"), ("shelves", "l"))]  # fmt: skip
        self._submit(1.2, "maria", night)
        self._submit(0.9, "amelie", [self._train("shelves-fixed", "s", "shelves", batch=24)], Priority.P3, hold=True)
        big = self._train(self._named("traffic-x-1280"), "x", "traffic", gpus=4, imgsz=1280, batch=32, epochs=120)
        self._submit(0.8, "li.wei", [big])
        self._act(0.7, "maria", lambda store, actor: _if(store, night[1].name, Waiting, _urgent(store), actor))
        self._command(0.05, "jonas", "sync-labels", ("python", "sync.py"), lasts_s=900)

    # Kinds of work

    def _pipeline(self, ago: float, who: str, size: str, data: str) -> None:
        """Train, validate, export where it is good enough, publish."""
        train = self._train(self._named(f"{data}-{size}"), size, data, group="pipeline")
        val = JobSpec(name=f"{train.name}-val", kind=Kind.VAL, model=f"{{{train.name}.best}}", data=train.data,
                      group="pipeline", after=(train.name,))  # fmt: skip
        gate = Gate(train.name, GATE, ">=", self._chance.choice([0.45, 0.5, 0.62]))
        export = JobSpec(name=f"{train.name}-onnx", kind=Kind.EXPORT, model=f"{{{train.name}.best}}",
                         arguments={"format": "onnx"}, group="pipeline", after=(val.name,), when=(gate,))  # fmt: skip
        push = JobSpec(name=f"{train.name}-push", kind=Kind.COMMAND, command=("python", "push.py"), gpus=0,
                       group="pipeline", after=(export.name,))  # fmt: skip
        self._submit(ago, who, [train, val, export, push])
        for spec, lasts_s in ((val, 210.0), (export, 340.0)):
            self.roles[spec.name] = usual(spec, lasts_s=lasts_s)
        self.roles[push.name] = usual(push, lasts_s=45, breaks=PUSH if self._chance.random() < 0.2 else None)

    def _single(self, ago: float, who: str, size: str, data: str, *, breaks: Break | None = None,
                smaller: int | None = None, **arguments: Any) -> None:  # fmt: skip
        spec = self._train(self._named(f"{data}-{size}"), size, data, **arguments)
        self._submit(ago, who, [spec], self._chance.choice([Priority.P1, Priority.P2, Priority.P2]),
                     breaks=breaks, smaller_batch=smaller)  # fmt: skip

    def _pair(self, ago: float, who: str, size: str, breaks: Break | None) -> None:
        """A training on two cards."""
        spec = self._train(self._named(f"traffic-{size}-ddp"), size, "traffic", gpus=2, batch=64, group="release")
        self._submit(ago, who, [spec], Priority.P1, breaks=breaks)

    def _tune(self, ago: float, who: str, data: str, *, stopped: bool) -> None:
        """Four learning rates; the worst is stopped early, or by hand."""
        number = self._named("tune").removeprefix("tune-")
        specs = [self._train(f"tune-{number}-lr{lr:g}", "n", data, epochs=60, group="tune", lr0=lr)
                 for lr in (0.001, 0.005, 0.01, 0.03)]  # fmt: skip
        self._submit(ago, who, specs, Priority.P3)
        self.roles[specs[2].name] = usual(specs[2], stops_at=41)
        if stopped:
            worst = specs[3].name
            self._act(ago - 0.6, who, lambda store, actor: _if(store, worst, Running, store.verbs.kill, actor))

    def _command(self, ago: float, who: str, name: str, command: tuple[str, ...], *, lasts_s: float) -> None:
        spec = JobSpec(name=self._named(name), kind=Kind.COMMAND, command=command, gpus=0, group="reports")
        self._submit(ago, who, [spec])
        self.roles[spec.name] = usual(spec, lasts_s=lasts_s)

    # Small parts

    def _named(self, name: str) -> str:
        self._number += 1
        return f"{name}-{self._number}"

    def _train(self, name: str, size: str, data: str, *, gpus: int = 1, group: str = "default", epochs: int = 100,
               batch: int = 16, **arguments: Any) -> JobSpec:  # fmt: skip
        return JobSpec(
            name=name, kind=Kind.TRAIN, model=f"yolo11{size}.yaml", data=str(self._data / f"{data}.yaml"), gpus=gpus,
            group=group, arguments={"epochs": epochs, "imgsz": 640, "batch": batch, **arguments},
        )  # fmt: skip

    def _submit(self, ago: float, who: str, specs: Iterable[JobSpec], priority: Priority = Priority.P2,
                *, hold: bool = False, **fate: Any) -> None:  # fmt: skip
        submissions = [Submission(spec=spec, priority=priority, hold=hold) for spec in specs]
        for submission in submissions:
            self.roles.setdefault(submission.spec.name, usual(submission.spec, **fate))
        self._act(ago, who, lambda store, actor: store.verbs.submit(submissions, actor))

    def _act(self, hours_ago: float, who: str, do: Callable[[Store, Actor], object]) -> None:
        self._acts.append(Act(hours_ago, who, do))


def write_data_sets(home: Path) -> None:
    """The data sets that the week's jobs name: enough to be found and read."""
    folder = home / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for name in DATA_SETS:
        text = f"path: {folder / name}\ntrain: images/train\nval: images/val\nnames: {{0: {name}}}\n"
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def _urgent(store: Store) -> Callable[[list[int], Actor], object]:
    return lambda ids, actor: store.verbs.set_priority(ids, Priority.P0, actor)


def _if(store: Store, name: str, state: type, verb: Callable[[list[int], Actor], object], actor: Actor) -> None:
    """Do it to the job of that name, if it is in that state by then."""
    ids = store.read.select(name)
    if all(isinstance(job.status, state) for job in store.read.jobs(ids=ids)):
        verb(ids, actor)
