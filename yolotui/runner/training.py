"""One training with Ultralytics: fresh, resumed, or only its last act."""

from __future__ import annotations

import contextlib
import os
import platform
from functools import partial
from pathlib import Path
from typing import Any, Mapping

from . import atomic_saves, checkpoints, device, offline, patching, provenance, results, settings
from .callbacks import TrainingWatch
from .control import ControlFile
from .dataset_lock import DatasetLock
from .events import EventLog
from .job import Job, WrongJobError, find_model
from .stopping import StopSignals
from .verdict import PAUSED, Progress

# What Ultralytics takes from the caller on resume; for all else the checkpoint's own values hold. `batch` is left out
# on purpose: the checkpoint knows the batch that fitted into memory.
TAKEN_ON_RESUME = frozenset(
    {"imgsz", "close_mosaic", "augmentations", "save_period", "workers", "cache", "patience", "time", "freeze", "val",
     "plots", "channels_last", "distill_model"}
)  # fmt: skip
BATCH_OF_ULTRALYTICS = 16
CHOSEN_BY_AUTO = frozenset({"optimizer", "lr0", "momentum", "warmup_bias_lr"})  # optimizer=auto replaces them
# A resumed checkpoint must exist, whatever the job says about saving; the plots of a moved run go where it is now.
ALWAYS: Mapping[str, Any] = {"save": True, "exist_ok": True}


def open_ultralytics(job: Job, rank: int = -1) -> str:
    """Import Ultralytics with a private configuration and offline, in the run's own directory. Returns its version."""
    directory = os.path.join(job.run_dir, "cwd")
    os.makedirs(directory, exist_ok=True)
    os.chdir(directory)  # it looks for weights, data sets and checkpoints to resume below the working directory
    config_dir = os.environ.get("YOLO_CONFIG_DIR") or os.path.join(job.run_dir, ".yolo")
    if rank >= 0:
        config_dir = os.path.join(config_dir, f"rank-{rank}")
    settings.prepare(config_dir, job.run_dir, weights_dir(job))
    offline.refuse_connections()
    import ultralytics

    settings.insist(job.run_dir, weights_dir(job))
    offline.refuse_downloads()
    keep_results_in(job.results_dir)
    return str(ultralytics.__version__)


def keep_results_in(directory: str) -> None:
    """Results go there, in any version: older ones drop `save_dir`, or resume into the directory of long ago.

    The search for a free name, in which two concurrent starts find the same one, doesn't happen.
    """
    from ultralytics import cfg

    def get_save_dir(*_args: Any, **_kwargs: Any) -> Path:
        os.makedirs(directory, exist_ok=True)
        return Path(directory)

    patching.replace_everywhere(cfg.get_save_dir, get_save_dir)


def weights_dir(job: Job) -> str:
    """Where named weights are, fetched once for all runs."""
    return os.environ.get("YOLOTUI_WEIGHTS") or os.path.join(job.run_dir, ".weights")


def train(job: Job, events: EventLog, progress: Progress, stop: StopSignals, rank: int = -1) -> None:
    """Train until the epochs are done, or until told otherwise. `rank` is -1 without other ranks."""
    leads = rank <= 0
    if leads and job.resume_from:
        make_ready_to_resume(job, events)
    elif leads and job.batch_override:
        asked = job.arguments.get("batch", BATCH_OF_ULTRALYTICS)
        why = "the GPU ran out of memory before: begins with a smaller batch, as ordered"
        events.write("changed", **{"what": "batch", "from": asked, "to": job.batch_override, "why": why})
    model_file = job.resume_from or find_model(job.model, weights_dir(job))
    version = open_ultralytics(job, rank)
    from ultralytics import YOLO

    watch = TrainingWatch(
        events=events,
        progress=progress,
        control_file=ControlFile(os.path.join(job.attempt_dir, "control.json")),
        stop=stop,
        dataset_lock=DatasetLock(os.environ.get("YOLOTUI_LOCKS") or os.path.join(job.run_dir, ".locks"), str(job.data)),
        start_facts={"versions": versions(version)},
        prepare=atomic_saves.install,
        record=partial(provenance.record_start, job),
        leads=leads,
        keep=job.keep,
    )
    if device.needs_anchor(version, job.gpus, cpu=job.cpu):
        import torch

        torch.cuda.init()
        torch.cuda.device_count()  # remembered from here on
    model = YOLO(model_file, task=job.task)
    for name, callback in watch.callbacks().items():
        model.add_callback(name, callback)
    try:
        model.train(trainer=trainer_class(model, job), **train_arguments(job, version))
    finally:
        watch.release()
    if leads and progress.outcome != PAUSED:
        atomic_saves.drop_kept_copy(job.weights_dir)
        with contextlib.suppress(OSError):  # a full disk ends no training that has come so far
            provenance.record_end(job, progress.metrics or {})


def trainer_class(model: Any, job: Job) -> Any:
    """None lets Ultralytics choose by task; several ranks on the CPU need one of our own."""
    if not (job.cpu and job.gpus > 1):
        return None
    from . import cpu_ddp

    return cpu_ddp.trainer_for(model.task_map[model.task]["trainer"])


def train_arguments(job: Job, version: str) -> dict[str, Any]:
    """The keyword arguments of `train()`. Results, device and the file to resume from are always explicit."""
    arguments = dict(job.arguments)
    if job.resume_from:
        arguments = {name: value for name, value in arguments.items() if name in TAKEN_ON_RESUME}
        arguments["resume"] = job.resume_from
    else:
        arguments.update(ALWAYS)
    if job.batch_override:
        arguments["batch"] = job.batch_override
    arguments.update(
        data=job.data,
        save_dir=job.results_dir,
        device=device.device_argument(version, job.gpus, cpu=job.cpu),
    )
    return arguments


def make_ready_to_resume(job: Job, events: EventLog) -> None:
    """Prove the checkpoint once more, give the run a whole last.pt, cut what the table has beyond it."""
    assert job.resume_from is not None
    try:
        found = checkpoints.inspect(job.resume_from)
    except checkpoints.CheckpointError as problem:
        raise RuntimeError(f"can't resume: {problem}") from problem
    if not found.resumable or found.epoch is None:
        raise WrongJobError(f"nothing to resume in {found.path}: epoch {found.epoch} of {found.epochs}")
    os.makedirs(job.weights_dir, exist_ok=True)
    set_damaged_aside(job, events)
    results.trim(os.path.join(job.results_dir, "results.csv"), found.epoch)
    for name, before, now, why in overruled(job, found):
        events.write("changed", **{"what": name, "from": before, "to": now, "why": why})


def set_damaged_aside(job: Job, events: EventLog) -> None:
    """A damaged last.pt or best.pt would end every try in the same way: keep it under another name, and say so."""
    for name in atomic_saves.repair(job.weights_dir, job.resume_from):
        why = f"{name} is damaged: it is kept as {name.replace('.pt', '.rejected.pt')}"
        events.write("changed", **{"what": name, "from": name, "to": None, "why": why})


def overruled(job: Job, found: checkpoints.Checkpoint) -> list[tuple[str, object, object, str]]:
    """Arguments of the job that a resumed training doesn't have: name, asked for, in force, why."""
    changes = []
    for name, asked in job.arguments.items():
        in_force = found.arguments.get(name, asked)
        if name in TAKEN_ON_RESUME or name in CHOSEN_BY_AUTO or name in ALWAYS or in_force == asked:
            continue
        if name == "batch" and job.batch_override:
            continue
        changes.append((name, asked, in_force, "a resumed training keeps the value of its checkpoint"))
    if job.batch_override:
        before = found.arguments.get("batch")
        changes.append(("batch", before, job.batch_override, "resumed with another batch size, as ordered"))
    return changes


def finalize(job: Job, events: EventLog, progress: Progress) -> None:
    """The last act of a training whose epochs are all done: strip the checkpoints, validate the best one."""
    version = open_ultralytics(job)
    from ultralytics import YOLO

    events.write("phase", name="final_eval")
    progress.started = True
    set_damaged_aside(job, events)
    arguments = finalize_weights(job)
    progress.epochs_done = results.last_epoch(os.path.join(job.results_dir, "results.csv"))
    names = ("best.pt", "last.pt")
    paths = [path for name in names for path in [os.path.join(job.weights_dir, name)] if os.path.exists(path)]
    if not paths:
        raise WrongJobError(f"no weights to finalize in {job.weights_dir}")
    outcome = YOLO(paths[0], task=job.task).val(
        data=job.data,
        imgsz=arguments.get("imgsz", 640),
        batch=arguments.get("batch", 16),
        plots=bool(arguments.get("plots", True)),
        save_dir=job.results_dir,
        device=device.device_argument(version, min(job.gpus, 1), cpu=job.cpu),
    )
    progress.metrics = dict(outcome.results_dict)
    atomic_saves.drop_kept_copy(job.weights_dir)


def finalize_weights(job: Job) -> dict[str, Any]:
    """Strip last.pt and best.pt, each in one instant. Returns the arguments that the training ran with."""
    import ultralytics.engine.trainer as engine

    atomic_saves.strip_atomically()
    arguments: dict[str, Any] = {}
    history: dict[str, Any] = {}
    for name in ("last.pt", "best.pt"):
        path = os.path.join(job.weights_dir, name)
        if os.path.exists(path):
            found = checkpoints.inspect(path)
            arguments = arguments or dict(found.arguments)
            if not found.stripped:
                stripped = engine.strip_optimizer(path, updates=history or None)
                history = history or {"train_results": stripped.get("train_results")}
    return arguments


def versions(ultralytics_version: str) -> dict[str, str]:
    """What the training runs on."""
    import torch

    return {"ultralytics": ultralytics_version, "torch": str(torch.__version__), "python": platform.python_version()}
