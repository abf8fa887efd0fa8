"""The thread that reads all there is to know of one run, for as long as its screen is in sight."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from yolotui.core.jobs import Job
from yolotui.core.preflight import Preflight
from yolotui.errors import YolotuiError
from yolotui.queue import Queue
from yolotui.telemetry.pace import Pace
from yolotui.telemetry.series import EpochRow
from yolotui.tui.run_book import RunBook, RunFile
from yolotui.tui.run_reading import Followed, RunFiles, RunThread, unreadable, view_of

if TYPE_CHECKING:
    from yolotui.probe.samples import GpuSample

LOG_LINES = 5000
PICTURES = frozenset({".png", ".jpg", ".jpeg"})
TELLING = ("results.png", "confusion_matrix_normalized.png", "confusion_matrix.png")
"""The artefacts that people look at first."""


class RunWatcher(RunThread):
    """Reads one run; posts a frozen book of it when there is news."""

    def __init__(self, open_queue: Callable[[], Queue], post: Callable[[RunBook], object]) -> None:
        super().__init__("run-watcher")
        self._open_queue = open_queue
        self._post = post
        self._job: Job | None = None
        self._files = RunFiles(LOG_LINES)
        self._preflight: Preflight | None = None
        self._cards = CardReadings()

    def watch(self, job: Job | None) -> None:
        """Read this job's run from now on; None rests."""
        self._job = job
        self._wake.set()

    def _look(self) -> bool:
        job = self._job
        if job is None:
            return False
        followed = Followed.of(job)
        try:
            if self._has_news(job, followed):
                self._post(self._book(job, followed))
        except OSError as error:
            self._post(RunBook(unreadable(followed, error)))
        return followed.grows

    def _has_news(self, job: Job, followed: Followed) -> bool:
        is_other = followed != self._files.followed
        has_news = self._files.read(followed)
        if is_other or not job.attempts:
            has_news |= self._read_preflight(job)
        return has_news

    def _read_preflight(self, job: Job) -> bool:
        """Whether anything else was found before its start than is known."""
        before = self._preflight
        try:
            with self._open_queue() as queue:
                self._preflight = queue.preflights([job.id]).get(job.id)
        except YolotuiError:
            pass  # the header says what is wrong with the queue
        return self._preflight != before

    def _book(self, job: Job, followed: Followed) -> RunBook:
        series = self._files.series
        rows = series.epochs
        try:
            with self._open_queue() as queue:
                self._cards.read(job, rows, queue.gpu_samples)
        except YolotuiError:
            pass  # the header says what is wrong with the queue; the run's own files can be read all the same
        paces = [series.paces.get(row.epoch, Pace()) for row in rows]
        results = followed.run_dir / "train"
        return RunBook(
            run=view_of(followed, series, self._files.log),
            elapsed_s=tuple(row.elapsed_s for row in rows),
            ended_at=tuple(row.at_s for row in rows),
            epoch_attempts=tuple(row.attempt for row in rows),
            pace={
                "images_per_s": _numbers(pace.images_per_s for pace in paces),
                "wait_percent": _numbers(pace.wait_share and pace.wait_share * 100 for pace in paces),
                "wait_ms": _numbers(pace.wait_s and pace.wait_s * 1000 for pace in paces),
                "compute_ms": _numbers(pace.compute_s and pace.compute_s * 1000 for pace in paces),
                "gradient_norm": _numbers(pace.gradient_norm for pace in paces),
                "reserved_bytes": _numbers(pace.memory_bytes for pace in paces),
                "gpu_percent": _numbers(self._cards.percent(row) for row in rows),
                "gpu_bytes": _numbers(self._cards.memory_bytes(row) for row in rows),
            },
            changes=series.changes,
            attempts=series.attempts,
            checkpoints=tuple(_files(results / "weights", {".pt"})),
            artefacts=artefacts_of(followed.run_dir),
            preflight=self._preflight,
        )


class CardReadings:
    """What a run's cards were doing in each of its epochs: mean utilisation, and the most memory in use on any."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[float | None, int | None]] = {}

    def read(self, job: Job, rows: Sequence[EpochRow], samples: Callable[[str, float], list[GpuSample]]) -> None:
        """Read the samples of the epochs that are not known yet; `samples(gpu, since)` gives those of a card."""
        gpus = {attempt.number: attempt.gpus for attempt in job.attempts}
        for number in {row.attempt for row in rows}:
            windows = [
                (row, row.at_s - row.epoch_s, row.at_s)
                for row in rows
                if row.attempt == number and row.at_s and row.epoch_s and (number, row.epoch) not in self._known
            ]
            if not windows:
                continue
            since = min(start for _, start, _ in windows)
            taken = sorted(
                (sample for gpu in gpus.get(number, ()) for sample in samples(gpu, since)), key=lambda each: each.at
            )
            for row, start, end in windows:
                self._known[number, row.epoch] = _summed(taken, start, end)

    def percent(self, row: EpochRow) -> float | None:
        """Mean utilisation in an epoch, 0 to 100."""
        return self._known.get((row.attempt, row.epoch), (None, None))[0]

    def memory_bytes(self, row: EpochRow) -> int | None:
        """The most memory that was in use on a card in an epoch."""
        return self._known.get((row.attempt, row.epoch), (None, None))[1]


def _summed(samples: Sequence[GpuSample], start: float, end: float) -> tuple[float | None, int | None]:
    here = samples[bisect_left(samples, start, key=_time) : bisect_left(samples, end, key=_time)]
    busy = [sample.utilization_percent for sample in here if sample.utilization_percent is not None]
    used = [sample.memory_used_bytes for sample in here if sample.memory_used_bytes is not None]
    return sum(busy) / len(busy) if busy else None, max(used, default=None)


def _time(sample: GpuSample) -> float:
    return sample.at


def _numbers(values: Iterable[float | None]) -> tuple[float, ...]:
    """A value an epoch, NaN where there is none; nothing at all where there is none in any."""
    known = list(values)
    return tuple(nan if value is None else float(value) for value in known) if any(v is not None for v in known) else ()


def artefacts_of(run_dir: Path) -> tuple[RunFile, ...]:
    """The files that a run has left beside its checkpoints: pictures first, the most telling of them before others."""
    found = [*_files(run_dir / "train"), *_files(run_dir)]
    for attempt in sorted(run_dir.glob("attempt-*")):
        found += _files(attempt, {".log", ".jsonl"})

    def order(file: RunFile) -> tuple[int, int, str]:
        name = file.path.name
        telling = TELLING.index(name) if name in TELLING else len(TELLING)
        return (0 if file.path.suffix.lower() in PICTURES else 1, telling, str(file.path))

    return tuple(sorted(found, key=order))


def _files(folder: Path, suffixes: Iterable[str] = ()) -> list[RunFile]:
    found = []
    try:
        for path in sorted(folder.iterdir()):
            status = path.lstat()
            if path.is_file() and (not suffixes or path.suffix in suffixes):
                found.append(RunFile(path, status.st_size, status.st_mtime))
    except OSError:  # not made yet, or gone meanwhile
        pass
    return found
