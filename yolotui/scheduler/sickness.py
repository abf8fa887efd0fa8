"""Sick GPUs: those whose memory fails, that the driver lost, or on which jobs fail that are fine elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from yolotui.core.failures import Cause
from yolotui.core.gpus import Excluded, Free, Gpu, Host, Lost
from yolotui.core.jobs import Attempt, Outcome
from yolotui.store import GpuMark, GpuState, MarkCause, Store

SUSPICIOUS = frozenset({Cause.CUDA_ERROR.value, Cause.NCCL.value})
WINDOW_S = 24 * 3600.0
REPEATED = 2
LOST_FOR_S = 10.0  # the probe opens a driver that stumbled anew within seconds; what is away longer is no stumble


class Setback(Struct, frozen=True):
    """An attempt that ended with an error of its GPUs."""

    job: int
    gpus: frozenset[str]
    at: float


class Sickness:
    """Watches over the GPUs, and takes the sick ones out of use."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lost_since: dict[str, float] = {}

    def look_at(self, host: Host, marks: Mapping[str, GpuMark]) -> None:
        """Quarantine cards whose memory has failed, and those that stay lost while the driver answers for others."""
        for gpu in host.gpus:
            if isinstance(gpu.availability, Excluded):
                continue  # it is not ours to judge
            mark = marks.get(gpu.uuid)
            if mark and gpu.ecc_errors is not None and gpu.ecc_errors < mark.ecc_errors:
                self._store.ledger.note_ecc_errors(mark, gpu.ecc_errors)
            elif not (mark and mark.keeps_out(host.at)):
                self._look_at_memory(gpu, mark)
                self._look_for(gpu, host)

    def _look_at_memory(self, gpu: Gpu, mark: GpuMark | None) -> None:
        known = mark.ecc_errors if mark else 0
        if gpu.ecc_errors and gpu.ecc_errors > known:
            errors = "1 error" if gpu.ecc_errors == 1 else f"{gpu.ecc_errors} errors"
            why = f"its memory has had {errors} that could not be corrected"
            self._store.ledger.quarantine(gpu.uuid, MarkCause.ECC, why, ecc_errors=gpu.ecc_errors)

    def _look_for(self, gpu: Gpu, host: Host) -> None:
        is_lost = isinstance(gpu.availability, Lost) and not host.trouble and not gpu.uuid.startswith("unknown-")
        if not is_lost:
            self._lost_since.pop(gpu.uuid, None)
        elif host.at - self._lost_since.setdefault(gpu.uuid, host.at) >= LOST_FOR_S:
            assert isinstance(gpu.availability, Lost)
            why = f"the driver lost it ({gpu.availability.reason})"
            self._store.ledger.quarantine(gpu.uuid, MarkCause.LOST, why)

    def consider(self, job_id: int, attempt: Attempt, host: Host, marks: Mapping[str, GpuMark], now: float) -> None:
        """After an attempt of a job that ended: is one of its cards to blame, or is a card cleared by it?"""
        slots = {gpu.uuid for gpu in host.gpus if gpu.kind == "cpu"}  # on these such an error is the job's own
        if attempt.cause not in SUSPICIOUS or not attempt.gpus or slots & set(attempt.gpus):
            return
        told = {"attempt": attempt.number, "gpus": attempt.gpus, "why": attempt.explanation}
        self._store.ledger.tell("gpu-error", job_id, **told)
        endings = self._store.read.attempts_ended_since(now - WINDOW_S)
        for uuid, why in cleared(endings, marks):
            self._store.ledger.end_quarantine(uuid, why)
        if found := blamed(endings, marks, usable=[gpu.uuid for gpu in host.gpus if _is_usable(gpu, marks, now)]):
            self._store.ledger.quarantine(found[0], MarkCause.ERRORS, found[1])


def blamed(
    endings: Sequence[tuple[int, Attempt]], marks: Mapping[str, GpuMark], *, usable: Iterable[str]
) -> tuple[str, str] | None:
    """The card that most speaks against, with the reason; None where nothing singles one out.

    Each card is judged alone, by the unexplained errors on it since a job last went well there: two that have no other
    card in common are enough. A job that fails on cards of which none is the same is itself the explanation. What
    happened before a card was last spoken about is settled. A job that nobody can try elsewhere says nothing about the
    card, unless another fails too. Only one is named: what it explains speaks against no other.
    """
    usable = set(usable)
    setbacks = [each for each in _unexplained(endings) if not _is_settled(each, marks)]
    suspects: dict[str, list[Setback]] = {}
    for card in sorted(frozenset().union(*(each.gpus for each in setbacks))):
        against = [each for each in setbacks if card in each.gpus and not _went_well_since(each, card, endings)]
        if _speak_against(card, against, elsewhere=usable - {card}):
            suspects[card] = against
    if not suspects:
        return None
    card = max(suspects, key=lambda suspect: len(suspects[suspect]))
    return card, _accusation(suspects[card])


def _speak_against(card: str, setbacks: Sequence[Setback], *, elsewhere: Collection[str]) -> bool:
    """Whether these errors, all of them on the card, single it out."""
    if len(setbacks) < REPEATED or frozenset.intersection(*(each.gpus for each in setbacks)) != {card}:
        return False
    return bool(elsewhere) or len({each.job for each in setbacks}) > 1


def _accusation(setbacks: Sequence[Setback]) -> str:
    jobs = sorted({each.job for each in setbacks})
    if len(jobs) == 1:
        return f"job {jobs[0]} failed on it {len(setbacks)} times with an error of the GPU"
    return f"jobs {', '.join(map(str, jobs))} failed on it with errors of the GPU"


def cleared(endings: Sequence[tuple[int, Attempt]], marks: Mapping[str, GpuMark]) -> list[tuple[str, str]]:
    """The cards in quarantine for errors whose jobs have since failed on others in the same way, with the reason."""
    unexplained = _unexplained(endings)
    found: list[tuple[str, str]] = []
    for mark in marks.values():
        if mark.state is not GpuState.QUARANTINED or mark.cause is not MarkCause.ERRORS:
            continue
        against = [each for each in _setbacks(endings) if mark.uuid in each.gpus and each.at <= mark.since]
        left = [each for each in against if each in unexplained]
        if len(left) < REPEATED <= len(against):
            jobs = sorted({each.job for each in against} - {each.job for each in left})
            found.append((mark.uuid, f"job {jobs[0]} failed in the same way on another GPU"))
    return found


def _setbacks(endings: Iterable[tuple[int, Attempt]]) -> list[Setback]:
    return [
        Setback(job, frozenset(attempt.gpus), attempt.ended_at or 0.0)
        for job, attempt in endings
        if attempt.cause in SUSPICIOUS and attempt.gpus
    ]


def _unexplained(endings: Iterable[tuple[int, Attempt]]) -> list[Setback]:
    """The setbacks without those of jobs that failed on quite different cards: such a job is itself to blame."""
    setbacks = _setbacks(endings)
    common: dict[int, frozenset[str]] = {}
    for each in setbacks:
        common[each.job] = common.get(each.job, each.gpus) & each.gpus
    return [each for each in setbacks if common[each.job]]


def _is_settled(setback: Setback, marks: Mapping[str, GpuMark]) -> bool:
    return any(setback.at <= marks[uuid].since for uuid in setback.gpus if uuid in marks)


def _went_well_since(setback: Setback, card: str, endings: Iterable[tuple[int, Attempt]]) -> bool:
    """Whether a job that was started on the card after the setback has succeeded."""
    return any(
        attempt.outcome is Outcome.SUCCEEDED and card in attempt.gpus and (attempt.started_at or 0.0) >= setback.at
        for _, attempt in endings
    )


def _is_usable(gpu: Gpu, marks: Mapping[str, GpuMark], now: float) -> bool:
    mark = marks.get(gpu.uuid)
    return isinstance(gpu.availability, Free) and not (mark and mark.keeps_out(now))
