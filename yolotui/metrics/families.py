"""The metrics: their names, units and labels by Prometheus' conventions, and how each is made from a look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from yolotui.core.gpus import Gpu
from yolotui.core.health import Severity
from yolotui.core.jobs import STATES, Job, Priority
from yolotui.core.metrics import main_metric
from yolotui.errors import QueueUnusable
from yolotui.metrics.reading import Look, Reading
from yolotui.telemetry import RunSeries

_RUN = ("job_id", "name", "group", "owner")
_GPU = ("gpu", "index")
_LOSS = ("train/", "_loss")
_BOOKING_STATES = ("waitlisted", "booked", "open")
_GPU_STATES = ("free", "leased", "foreign", "excluded", "lost")


class QueueCollector(Collector):
    """Looks at the queue each time that Prometheus asks."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def collect(self) -> Iterator[Metric]:
        """All metrics; `yolotui_up` 0 alone where the queue can't be read."""
        try:
            look = self._reading.look()
        except QueueUnusable:
            yield _gauge("up", "Whether the queue can be read.", (), [((), 0.0)])
            return
        yield _gauge("up", "Whether the queue can be read.", (), [((), 1.0)])
        yield from _of_queue(look)
        yield from _of_gpus(look)
        yield from _of_runs(look)

    def describe(self) -> list[Metric]:
        """Nothing: to describe would be to read the queue when the program starts."""
        return []


_Samples = Iterable[tuple[Sequence[str], float | None]]


def _gauge(name: str, help_text: str, labels: Sequence[str], samples: _Samples) -> Metric:
    """A gauge of ours; what is not known is left out."""
    family = GaugeMetricFamily(f"yolotui_{name}", help_text, labels=labels)
    for values, value in samples:
        if value is not None:
            family.add_metric(values, value)
    return family


def _of_queue(look: Look) -> Iterator[Metric]:
    waiting = [job for job in look.jobs if job.state == "waiting"]
    by_priority = {f"P{priority.value}": [job for job in waiting if job.priority is priority] for priority in Priority}
    yield _gauge("leader_up", "Whether a scheduler leads.", (), [((), float(look.is_led))])
    age = None if look.published_at is None else max(0.0, look.now - look.published_at)
    yield _gauge("published_age_seconds", "Since the leader last published.", (), [((), age)])
    yield _gauge("jobs", "Jobs by state.", ["state"], [((state,), look.counts.get(state, 0)) for state in STATES])
    yield _gauge(
        "queue_depth", "Waiting jobs by priority.", ["priority"], [((p,), len(jobs)) for p, jobs in by_priority.items()]
    )
    yield _gauge(
        "queue_oldest_wait_seconds",
        "For how long the oldest waiting job has been in the queue.",
        ["priority"],
        [((p,), max((look.now - job.submitted_at for job in jobs), default=0.0)) for p, jobs in by_priority.items()],
    )
    starts = {job.id: entry.start_at for job in waiting if (entry := look.entries.get(job.id))}
    yield _gauge(
        "queue_expected_wait_seconds",
        "Until the last of the waiting jobs is expected to start, where that can be foreseen.",
        ["priority"],
        [
            ((p,), max((at - look.now for job in jobs if (at := starts.get(job.id)) is not None), default=0.0))
            for p, jobs in by_priority.items()
        ],
    )
    yield _gauge(
        "bookings", "Bookings by state.", ["state"], [((s,), look.bookings.get(s, 0)) for s in _BOOKING_STATES]
    )
    yield _gauge("notifications_waiting", "Messages that have not arrived yet.", (), [((), look.untold)])
    ended = CounterMetricFamily("yolotui_attempts_ended", "Attempts by outcome and cause.", labels=["outcome", "cause"])
    for (outcome, cause), count in sorted(look.endings.items()):
        ended.add_metric([outcome, cause], count)
    yield ended


def _of_gpus(look: Look) -> Iterator[Metric]:
    cards = [((gpu.uuid, str(gpu.index)), gpu) for gpu in look.gpus]
    yield _gauge(
        "gpu_memory_used_bytes", "Memory in use.", _GPU, [(labels, gpu.memory_used_bytes) for labels, gpu in cards]
    )
    yield _gauge(
        "gpu_memory_total_bytes",
        "Memory of the card.",
        _GPU,
        [(labels, gpu.memory_total_bytes or None) for labels, gpu in cards],
    )
    yield _gauge(
        "gpu_utilization_ratio",
        "How much of the time the card computes, 0 to 1.",
        _GPU,
        [(labels, None if (busy := gpu.utilization_percent) is None else busy / 100) for labels, gpu in cards],
    )
    yield _gauge(
        "gpu_temperature_celsius", "Temperature.", _GPU, [(labels, gpu.temperature_c) for labels, gpu in cards]
    )
    yield _gauge("gpu_power_watts", "Power drawn.", _GPU, [(labels, gpu.power_w) for labels, gpu in cards])
    yield _gauge(
        "gpu_jobs", "Jobs on the card.", _GPU, [(labels, len(look.leased.get(gpu.uuid, ()))) for labels, gpu in cards]
    )
    yield _gauge(
        "gpu_state",
        "1 for the state that the card is in.",
        (*_GPU, "state"),
        [((*labels, state), float(state == _state_of(gpu, look))) for labels, gpu in cards for state in _GPU_STATES],
    )


def _state_of(gpu: Gpu, look: Look) -> str:
    tag = str(gpu.availability.__struct_config__.tag)
    return "leased" if tag == "free" and look.leased.get(gpu.uuid) else tag


def _of_runs(look: Look) -> Iterator[Metric]:
    runs = [(_labels(job), job, look.runs[job.id]) for job in look.jobs if job.id in look.runs]
    yield _gauge("run_epoch", "Whole epochs done.", _RUN, [(of, job.progress.epochs_done) for of, job, _ in runs])
    yield _gauge(
        "run_epochs_planned",
        "Epochs that it was asked for.",
        _RUN,
        [(of, job.progress.epochs_total or job.spec.epochs) for of, job, _ in runs],
    )
    yield _gauge(
        "run_loss",
        "Training losses: of the newest batch, else of the last epoch.",
        (*_RUN, "loss"),
        [((*of, name), value) for of, job, run in runs for name, value in _losses(job, run)],
    )
    best = [(of, main_metric(job.progress.best)) for of, job, _ in runs]
    yield _gauge(
        "run_best",
        "The number that the run is judged by, at its best; mAP50-95 for detection.",
        (*_RUN, "metric"),
        [((*of, found[0].removeprefix("metrics/")), found[1]) for of, found in best if found],
    )
    yield _gauge(
        "run_images_per_second",
        "Images trained in a second, as of the newest batch.",
        _RUN,
        [(of, run.batch.images_per_s if run.batch else None) for of, _, run in runs],
    )
    yield _gauge(
        "run_last_sign_timestamp_seconds",
        "When the training last said anything.",
        _RUN,
        [(of, run.newest.last_at_s if run.newest else None) for of, _, run in runs],
    )
    yield _gauge(
        "run_findings",
        "What the health rules have found.",
        (*_RUN, "severity"),
        [
            ((*of, severity.value), sum(finding.severity is severity for finding in job.progress.health))
            for of, job, _ in runs
            for severity in Severity
        ],
    )
    expected = [(_labels(job), job, entry) for job in look.jobs if (entry := look.entries.get(job.id))]
    yield _gauge(
        "job_expected_start_timestamp_seconds",
        "When a waiting job is expected to start.",
        _RUN,
        [(of, entry.start_at) for of, job, entry in expected if job.state == "waiting"],
    )
    yield _gauge(
        "job_expected_finish_timestamp_seconds",
        "When the job is expected to be done.",
        _RUN,
        [(of, entry.finish_at) for of, _, entry in expected],
    )
    yield _gauge(
        "job_deadline_timestamp_seconds",
        "When the job must be done.",
        _RUN,
        [(_labels(job), job.deadline_at) for job in look.jobs],
    )


def _labels(job: Job) -> tuple[str, str, str, str]:
    return str(job.id), job.name, job.spec.group, job.owner.name


def _losses(job: Job, run: RunSeries) -> list[tuple[str, float]]:
    begins, ends = _LOSS
    of_epoch = {name: value for name, value in job.progress.last.items() if name.startswith(begins)}
    found = (run.batch.losses if run.batch else None) or of_epoch
    return [(name.removeprefix(begins).removesuffix(ends), value) for name, value in sorted(found.items())]
