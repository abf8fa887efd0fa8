"""What a training tells while it runs, and how it obeys: Ultralytics' callbacks.

Every callback is guarded: a mistake of ours costs an event, never the training. Per batch they count and compare
clocks; the losses are read (which waits for the GPU) only when an event is due: `rhythm` says when.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping

from . import checkpoints, control, gradients, keeping, labels
from .dataset_lock import DatasetLock
from .events import EventLog
from .guarding import Callback, Guard
from .rhythm import Rhythm
from .stopping import StopSignals
from .verdict import FINISH_REQUESTED, FINISHED, PAUSED, STOPPED_EARLY, Progress

SETTINGS = (
    *("model", "optimizer", "lr0", "lrf", "cos_lr", "momentum", "weight_decay", "warmup_epochs", "batch", "imgsz"),
    *("workers", "cache", "amp", "freeze", "patience", "close_mosaic", "seed", "single_cls", "fraction"),
)


class TrainingWatch:
    """Follows one training on one rank: writes its events, fills in its progress, obeys control.json and signals."""

    def __init__(
        self,
        *,
        events: EventLog,
        progress: Progress,
        control_file: control.ControlFile,
        stop: StopSignals,
        dataset_lock: DatasetLock,
        start_facts: Mapping[str, Any],
        prepare: Callback,
        record: Callback,
        leads: bool,
        keep: keeping.Keep = None,
    ) -> None:
        """`prepare` is called with the trainer before its data set is touched, `record` when all is set up.

        `leads` is False on ranks above 0.
        """
        self._events = events
        self._progress = progress
        self._control = control_file
        self._stop = stop
        self._dataset_lock = dataset_lock
        self._start_facts = start_facts
        self._prepare = prepare
        self._record = record
        self._leads = leads
        self._keep = keep
        self._rhythm = Rhythm()
        self._gradients = gradients.NormWatch()
        self._trainer: Any = None
        self._phase = ""
        self._requested: str | None = None
        self._begun: tuple[int, int] | None = None  # epoch and batch size of the epoch in progress
        self._final = False

    def callbacks(self) -> dict[str, Callback]:
        """Event name to guarded callback; `model.add_callback` takes them."""
        guarded = Guard(self._events)
        return {
            "on_pretrain_routine_start": guarded(self._on_setup_start),
            "on_pretrain_routine_end": guarded(self._on_setup_end),
            "on_train_start": guarded(self._on_train_start),
            "on_train_epoch_start": guarded(self._on_epoch_start),
            "on_train_batch_start": guarded(self._on_batch_start),
            "on_train_batch_end": guarded(self._on_batch_end),
            "on_val_start": guarded(self._on_val_start),
            "on_val_batch_end": guarded(self._on_val_batch_end),
            "on_model_save": guarded(self._on_model_save),
            "on_fit_epoch_end": guarded(self._on_epoch_end),
        }

    def release(self) -> None:
        """Let go of what is held, however the training ended."""
        self._dataset_lock.release()

    # --- setting up ---------------------------------------------------------------------------------------------------

    def _on_setup_start(self, trainer: Any) -> None:
        self._trainer = trainer
        self._prepare(trainer)
        self._enter("dataset")
        if not self._dataset_lock.acquire():
            print("another training has been preparing this data set for very long: going on without waiting")

    def _on_setup_end(self, trainer: Any) -> None:
        self._trainer = trainer
        self._dataset_lock.release()
        trainer.final_eval = self._final_eval_of(trainer)
        resumed = bool(trainer.resume)
        self._events.write(
            "start",
            task=trainer.args.task,
            epochs=trainer.epochs,
            batch=trainer.batch_size,
            imgsz=trainer.args.imgsz,
            batches=len(trainer.train_loader),
            resumed_from_epoch=trainer.start_epoch if resumed else None,
            resumed_from=str(trainer.args.resume) if resumed else None,
            save_dir=str(trainer.save_dir),
            device=str(trainer.device),
            settings=in_force(trainer.args),
            **labels.what_is_shown(trainer),
            **self._start_facts,
        )
        if resumed:
            self._progress.epochs_done = trainer.start_epoch
        if self._leads:
            self._record(trainer)

    def _on_train_start(self, _trainer: Any) -> None:
        self._progress.started = True
        self._gradients.install()

    def _final_eval_of(self, trainer: Any) -> Callable[[], None]:
        """Wrap the last act: skipped by all ranks after a pause (it would strip last.pt), else reported."""
        original = trainer.final_eval

        def final_eval() -> None:
            if agreed(trainer, paused=self._progress.outcome == PAUSED):
                return
            self._final = True
            self._enter("final_eval")
            original()
            self._progress.metrics = {**(trainer.metrics or {}), "fitness": plain(trainer.best_fitness)}

        return final_eval

    # --- training -----------------------------------------------------------------------------------------------------

    def _on_epoch_start(self, trainer: Any) -> None:
        self._enter("training")
        self._report_redone_epoch(trainer)
        self._begun = (trainer.epoch, trainer.batch_size)
        self._rhythm.start_epoch()

    def _report_redone_epoch(self, trainer: Any) -> None:
        """Ultralytics begins an epoch again after running out of memory (smaller batch) or a NaN (last.pt again)."""
        if self._begun is None or self._begun[0] != trainer.epoch:
            return
        before, now = self._begun[1], trainer.batch_size
        if now != before:
            self._changed("batch", before, now, "out of memory: the epoch begins again with a smaller batch")
        else:
            epoch = trainer.epoch + 1
            self._changed("epoch", epoch, epoch, "loss or fitness was no number: the epoch begins again from last.pt")

    def _on_batch_start(self, _trainer: Any) -> None:
        self._rhythm.start_batch()

    def _on_batch_end(self, trainer: Any) -> None:
        if self._rhythm.end_batch():
            self._report_batch(trainer)
        self._obey_between_batches(trainer)

    def _report_batch(self, trainer: Any) -> None:
        batch, timing = self._rhythm.take(trainer.batch_size)
        self._events.write(
            "batch",
            epoch=trainer.epoch + 1,
            batch=batch,
            batches=len(trainer.train_loader),
            losses=trainer.label_loss_items(trainer.tloss),
            lr={f"pg{index}": group["lr"] for index, group in enumerate(trainer.optimizer.param_groups)},
            memory_bytes=reserved_bytes(trainer.device),
            gradient_norm=self._gradients.take(),
            **timing,
        )

    def _on_val_start(self, _validator: Any) -> None:
        if not self._final:
            self._enter("validating")

    def _on_val_batch_end(self, _validator: Any) -> None:
        self._stop.check()
        self._listen()

    def _on_model_save(self, trainer: Any) -> None:
        self._report_checkpoint(trainer, trainer.epoch + 1)
        if keeping.keeps(self._keep, trainer.epoch + 1):
            keeping.keep_copy(str(trainer.last), trainer.epoch + 1)
        if self._requested == control.CHECKPOINT:
            self._requested = None

    def _on_epoch_end(self, trainer: Any) -> None:
        if self._final:  # Ultralytics calls once more after the final validation: no epoch
            return
        self._progress.epochs_done = trainer.epoch + 1
        metrics = {**trainer.label_loss_items(trainer.tloss), **(trainer.metrics or {}), **trainer.lr}
        self._progress.metrics = {**metrics, "fitness": plain(trainer.fitness)}
        self._events.write(
            "epoch",
            epoch=trainer.epoch + 1,
            epochs=trainer.epochs,
            epoch_s=trainer.epoch_time,
            metrics=metrics,
            fitness=plain(trainer.fitness),
            best_fitness=plain(trainer.best_fitness),
            best_epoch=getattr(trainer.stopper, "best_epoch", None),
        )
        if self._leads:
            self._decide(trainer)
        self._stop.check()

    # --- obeying ------------------------------------------------------------------------------------------------------

    def _obey_between_batches(self, trainer: Any) -> None:
        self._stop.check()
        self._listen()
        if self._requested == control.CHECKPOINT and trainer.epoch >= 1:
            self._requested = None
            save_now(trainer)
            self._report_checkpoint(trainer, trainer.epoch)
        elif self._requested == control.FINISH and not distributed():
            # Ranks must leave the batch loop together: there, only the end of the epoch will do.
            trainer.stop = True

    def _listen(self, *, now: bool = False) -> None:
        request = self._control.look(now=now) if self._leads else None
        if request is not None:
            self._requested = request.request
            self._events.write("control", id=request.id, request=request.request)

    def _decide(self, trainer: Any) -> None:
        """At the end of an epoch: why this training stops, if it does."""
        self._listen(now=True)
        if self._requested == control.FINISH:
            trainer.stop = True
            self._progress.outcome = FINISH_REQUESTED
        elif trainer.stop:
            planned = trainer.epoch + 1 >= trainer.epochs or bool(trainer.args.time)
            self._progress.outcome = FINISHED if planned else STOPPED_EARLY
        elif self._requested == control.PAUSE and proves_whole(str(trainer.last)):
            trainer.stop = True
            self._progress.outcome = PAUSED

    # --- telling ------------------------------------------------------------------------------------------------------

    def _enter(self, phase: str) -> None:
        if phase != self._phase:
            self._phase = phase
            self._events.write("phase", name=phase)

    def _changed(self, what: str, before: object, now: object, why: str) -> None:
        self._events.write("changed", **{"what": what, "from": before, "to": now, "why": why})

    def _report_checkpoint(self, trainer: Any, epoch: int) -> None:
        self._events.write("checkpoint", epoch=epoch, path=str(trainer.last), bytes=trainer.last.stat().st_size)


def save_now(trainer: Any) -> None:
    """Write last.pt in the middle of an epoch, as of the epoch before: a resume begins this epoch again.

    The fitness is hidden meanwhile so that best.pt isn't overwritten, and no epochN.pt is written.
    """
    fitness, period = trainer.fitness, trainer.save_period
    trainer.fitness, trainer.save_period = float("nan"), -1
    trainer.epoch -= 1
    try:
        trainer.save_model()
    finally:
        trainer.epoch += 1
        trainer.fitness, trainer.save_period = fitness, period


def in_force(arguments: Any) -> dict[str, Any]:
    """The settings that say how it learns, as they are; plain values only."""
    return {name: getattr(arguments, name) for name in SETTINGS if hasattr(arguments, name)}


def proves_whole(path: str) -> bool:
    """Would a resume find this checkpoint good?"""
    try:
        return checkpoints.inspect(path).resumable
    except checkpoints.CheckpointError as problem:
        print(f"not pausing yet: {problem}")
        return False


def distributed() -> bool:
    """Are there other ranks?"""
    from torch import distributed as dist

    return bool(dist.is_available() and dist.is_initialized())


def agreed(trainer: Any, *, paused: bool) -> bool:
    """Rank 0's decision, on every rank."""
    if not distributed():
        return paused
    from torch import distributed as dist

    decision = [paused]
    device = trainer.device if trainer.device.type == "cuda" else None
    dist.broadcast_object_list(decision, 0, device=device)
    return decision[0]


def reserved_bytes(device: Any) -> int | None:
    """GPU memory that PyTorch holds for this process; None on the CPU."""
    if device.type != "cuda":
        return None
    import torch

    return int(torch.cuda.memory_reserved(device))


def plain(number: Any) -> float | None:
    """A fitness as a plain number."""
    return None if number is None else float(number)
