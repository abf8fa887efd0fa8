"""Why a job is not running: one true sentence, and the change that would start it, where there is one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import IntEnum

from yolotui.core.bookings import Booking
from yolotui.core.gpus import Foreign, Free, Gpu
from yolotui.core.jobs import Priority
from yolotui.core.planning.ground import Span
from yolotui.core.planning.leaving import Departure
from yolotui.core.planning.needs import ENDED, was
from yolotui.core.planning.pools import lacks_bytes, suits, wish_of
from yolotui.core.planning.saying import gpus_text, size, span
from yolotui.core.quotas import Quota, QuotaScope
from yolotui.core.standstill import Standstill
from yolotui.core.timetable import Demand, Need, NeedMode, Why, World

MUCH_SOONER_S = 60.0

ASK_FOR_FEWER = "Ask for less, or have the quota changed in the configuration."


class Situation:
    """What the sentences are about: the devices and the jobs of one world, at one moment."""

    def __init__(self, world: World, resting: Iterable[str], now: float) -> None:
        self._world = world
        self._resting = set(resting)
        self._now = now
        holders = [demand for demand in world.demands if demand.holding]
        self._first_to_end = min(holders, key=lambda holder: holder.estimate.remaining_s, default=None)
        self._is_p0_waiting = any(
            demand.priority is Priority.P0 and demand.state == "waiting" for demand in world.demands
        )

    def no_place(self, demand: Demand) -> Why:
        """Too few GPUs here can ever, or can now, take the job."""
        gpus = self._world.gpus
        suitable = [gpu for gpu in gpus if suits(gpu, wish_of(demand))]
        if demand.gpus > len(gpus):
            remedy = "Ask for fewer, or run it on another machine."
            sentence = f"It asks for {gpus_text(demand.gpus)} and this machine has {len(gpus)}."
            return Why(sentence, remedy, Standstill.NO_CARD_FITS)
        if len(suitable) < demand.gpus:
            return self._unsuitable(demand, len(suitable))
        kept = [gpu for gpu in suitable if self._keeps(gpu, demand)]
        what = ", ".join(f"GPU {gpu.index}: {self._keeps(gpu, demand).removesuffix(_way_back(gpu))}" for gpu in kept)
        remedy = self._bring_back(kept, demand.gpus - len(suitable) + len(kept))
        sentence = f"It needs {gpus_text(demand.gpus)}, and too few can be used ({what})."
        return Why(sentence, remedy, Standstill.NO_CARD_FITS)

    def _bring_back(self, kept: Sequence[Gpu], lacking: int) -> str:
        """The change that brings as many GPUs back as are lacking; else what can be said of their coming back."""
        if out := [gpu for gpu in kept if self._keeps(gpu, None).endswith(_way_back(gpu))][:lacking]:
            indices = " ".join(str(gpu.index) for gpu in out)
            what = "it" if len(out) == 1 else "them"
            return f"`yolotui undrain {indices}` brings {what} back{'' if len(out) == lacking else ', not yet enough'}."
        passing = [
            gpu
            for gpu in kept
            if gpu.uuid in self._resting or gpu.foreign_bytes or isinstance(gpu.availability, Foreign)
        ]
        return "It starts when they are free again." if len(passing) >= lacking else ""

    def _unsuitable(self, demand: Demand, suitable: int) -> Why:
        has = f"{suitable or 'none'} of {len(self._world.gpus)}"
        if demand.gpu_model or demand.avoid:
            asks = f"of the model {demand.gpu_model}" if demand.gpu_model else "that it does not avoid"
            return Why(
                f"It asks for {gpus_text(demand.gpus)} {asks}, and {has} here can take it.",
                "`yolotui edit` changes what it asks for.",
                Standstill.NO_CARD_FITS,
            )
        sentence = (
            f"It asks for more memory than {gpus_text(demand.gpus)} here {'has' if demand.gpus == 1 else 'have'}."
        )
        return Why(sentence, "Ask for less `vram`.", Standstill.NO_CARD_FITS)

    def _keeps(self, gpu: Gpu, demand: Demand | None) -> str:
        """What keeps a GPU from being given to anybody, or to this job; nothing if it can be."""
        if gpu.uuid in self._resting:
            return f"at {gpu.temperature_c} °C it is too hot and rests until it has cooled"
        if isinstance(gpu.availability, Free):
            lacks = lacks_bytes(gpu, wish_of(demand)) if demand else 0
            return f"processes that are not ours hold {size(gpu.foreign_bytes)} of its memory" if lacks else ""
        return getattr(gpu.availability, "reason", "") or "used by a process that is not ours"

    def not_before(self, start: float) -> Why:
        """It waits for the end of a back-off."""
        sentence = f"It is tried again in {span(start - self._now)}, after an attempt that failed."
        return Why(sentence, cause=Standstill.RETRY)

    def room_is_made(self, demand: Demand, departures: Iterable[Departure]) -> Why | None:
        """Others make room for it; None if nobody does."""
        making = [each for each in departures if each.notice and each.notice.for_job == demand.job_id]
        if not making:
            return None
        who = " and ".join(f"job {each.demand.job_id} ({each.demand.name})" for each in making)
        when = span(max(each.leaves_at for each in making) - self._now)
        sentence = f"{who[0].upper()}{who[1:]} {'makes' if len(making) == 1 else 'make'} room for it in about {when}."
        return Why(sentence, cause=Standstill.ROOM)

    def window_opens(self, booking: Booking) -> Why:
        """It has its place in a window that has not opened."""
        sentence = f"It starts when booking {booking.id} opens, in {span(booking.starts_at - self._now)}."
        return Why(sentence, cause=Standstill.WINDOW)

    def window_ahead(self, demand: Demand, free: int, ahead: Span | None) -> Why:
        """GPUs are free, but not for as long as it takes."""
        are = f"{gpus_text(free)} {'is' if free == 1 else 'are'} free"
        takes = f"this job takes about {span(demand.estimate.remaining_s)}"
        if ahead is None:
            return Why(f"{are}, but not for long enough: {takes}.", cause=Standstill.WINDOW)
        when = "now" if ahead.start <= self._now else f"in {span(ahead.start - self._now)}"
        if ahead.booking is None:
            sentence = f"{are}, but nothing may run there that does not end before they close, {when}; {takes}."
        else:
            whose = f"booking {ahead.booking.id} of {ahead.booking.owner.name}"
            sentence = f"{are}, but {whose} opens {when}, and {takes}."
        return Why(sentence, cause=Standstill.WINDOW)

    def closes(self, demand: Demand) -> Why:
        """It would not end before the GPUs close that it needs, and nobody knows when they are back."""
        closing = [gpu for gpu in self._world.gpus if gpu.closes_at is not None and suits(gpu, wish_of(demand))]
        first_s = min((gpu.closes_at or 0.0 for gpu in closing), default=self._now) - self._now
        when = f"in {span(first_s)}" if first_s > 0 else "now"
        indices = " ".join(str(gpu.index) for gpu in closing)
        gpus = "GPU " + ", ".join(str(gpu.index) for gpu in closing)
        return Why(
            f"{gpus} {'closes' if len(closing) == 1 else 'close'} {when}, and it takes about "
            f"{span(demand.estimate.remaining_s)}.",
            f"`yolotui undrain {indices}` keeps {'it' if len(closing) == 1 else 'them'} open.",
            Standstill.WINDOW,
        )

    def quota_used_up(self, quota: Quota, start: float) -> Why:
        """GPUs are free, but its owner or group has as many as they may at once."""
        gpus = gpus_text(quota.gpus or 0)
        turn = f"this job's turn comes in about {span(start - self._now)}"
        sentence = f"{_whose(quota)} may use {gpus} at once, and these run or are promised already; {turn}."
        return Why(sentence, cause=Standstill.QUOTA)

    def over_quota(self, demand: Demand, quota: Quota, until: float | None) -> Why:
        """A quota never has room for it, or not this week."""
        who = _whose(quota)
        if quota.gpus is not None and quota.gpus < demand.gpus:
            sentence = f"It asks for {gpus_text(demand.gpus)}, and {who} may use {quota.gpus} at once."
            return Why(sentence, ASK_FOR_FEWER, Standstill.QUOTA)
        hours = (quota.weekly_gpu_s or 0.0) / 3600
        needs = f"about {demand.gpus * demand.estimate.remaining_s / 3600:.3g} GPU-hours"
        if until is None:
            return Why(f"It needs {needs}, and {who} may use {hours:.3g} a week.", ASK_FOR_FEWER, Standstill.QUOTA)
        used = f"{quota.used_gpu_s / 3600:.3g} of {hours:.3g} GPU-hours of this week are used"
        sentence = f"{who}: {used}, and it needs {needs}; there is room again in {span(until - self._now)}."
        return Why(sentence, cause=Standstill.QUOTA)

    def no_room(self, demand: Demand, most_left_bytes: int | None, start: float, tenants: int) -> Why:
        """No card is free for a job that shares, and those that others share have no slot or too little memory."""
        turn = f"its turn comes in about {span(start - self._now)}."
        if most_left_bytes is None:
            return Why(f"No card is free for it, and no more than {tenants} jobs share one; {turn}")
        return Why(
            f"No card is free for it, and it needs {size(demand.vram_bytes)} of one: on those that others share "
            f"at most {size(max(0, most_left_bytes))} is left; {turn}",
            cause=Standstill.MEMORY,
        )

    def no_side_slot(self) -> Why:
        """Jobs without a GPU have slots of their own."""
        slots = self._world.side_slots
        return Why(f"{slots} jobs without a GPU run already or go first, as many as may run at once.")

    def later(self, demand: Demand, start: float, free: int, blocker: Demand | None, as_p0: float) -> Why:
        """Its turn has not come. `as_p0` is the start that it would have before everything else that waits."""
        if free >= demand.gpus:
            whose = f"job {blocker.job_id} ({blocker.name})" if blocker else "jobs before it"
            sentence = (
                f"{gpus_text(free)} {'is' if free == 1 else 'are'} free, but promised to {whose}, which it would delay."
            )
        else:
            total = len(self._world.gpus)
            sentence = (
                f"It needs {gpus_text(demand.gpus)}; {free or 'none'} of {total} "
                f"{'is' if free == 1 else 'are'} free for it."
            )
            if window := self._window_of_others(demand):
                left = span(window.kept_until - self._now)
                sentence += (
                    f" Booking {window.id} of {window.owner.name} has {gpus_text(window.count)} for {left} at most."
                )
            if first := self._first_to_end:
                sentence += (
                    f" The first to end is job {first.job_id} ({first.name}), in about "
                    f"{span(first.estimate.remaining_s)}; this job's turn comes in about {span(start - self._now)}."
                )
        return Why(sentence, self._as_p0(demand, start, as_p0))

    def _window_of_others(self, demand: Demand) -> Booking | None:
        """The booking of somebody else that is open and ends first."""
        others = (each for each in self._world.bookings if not each.is_for(demand.job_id, demand.owner))
        is_now = (each for each in others if each.holds and each.starts_at <= self._now < each.kept_until)
        return min(is_now, key=lambda each: each.kept_until, default=None)

    def _as_p0(self, demand: Demand, start: float, sooner: float) -> str:
        """What the highest priority would do for it, said only where that is certain and worth a word."""
        if demand.priority is Priority.P0 or self._is_p0_waiting:
            return ""
        if start - sooner < MUCH_SOONER_S:
            return ""
        when = "now" if sooner <= self._now else f"in about {span(sooner - self._now)}"
        return f"`yolotui priority P0 {demand.job_id}` would start it {when}."


def _whose(quota: Quota) -> str:
    return quota.name if quota.scope is QuotaScope.OWNER else f"The group {quota.name}"


def _way_back(gpu: Gpu) -> str:
    """How the reason ends of a GPU that a person drained or that is quarantined; those of others do not."""
    return f"; `yolotui undrain {gpu.index}` brings it back"


class Outlook(IntEnum):
    """What can be said of the end of a job that another hangs on: the worst comes first."""

    KEPT_BACK = 0
    UNFORESEEN = 1
    FORESEEN = 2


def after(needs: Sequence[Need], unforeseen: Collection[int] = ()) -> Why:
    """It hangs on jobs that have not come to what it asks of them; the sentence names what truly holds it up.

    `needs` are all that are open, `unforeseen` the ids of jobs that have no expected end.
    """

    def outlook(need: Need) -> Outlook:
        if need.state in {"held", "paused"}:
            return Outlook.KEPT_BACK
        is_unforeseen = need.job_id in unforeseen or need.mode is NeedMode.FAILED
        return Outlook.UNFORESEEN if is_unforeseen else Outlook.FORESEEN

    required = sorted((need for need in needs if need.mode is not NeedMode.ANY), key=outlook)
    alternatives = [need for need in needs if need.mode is NeedMode.ANY]
    hopes = sorted((need for need in alternatives if need.state not in ENDED), key=outlook)
    # Of alternatives the best counts, of what is required the worst.
    if required and (not hopes or outlook(required[0]) <= outlook(hopes[-1])):
        return _after_one(required[0], outlook(required[0]))
    if len(alternatives) == 1:
        return _after_one(alternatives[0], outlook(alternatives[0]))
    names = ", ".join(str(each.job_id) for each in alternatives)
    remedy = _remedy(hopes[0], outlook(hopes[0])) if hopes and outlook(hopes[-1]) < Outlook.FORESEEN else ""
    sentence = f"It comes after any one of jobs {names}, none of which has succeeded yet."
    return Why(sentence, remedy, Standstill.OTHER_JOBS)


def _after_one(need: Need, outlook: Outlook) -> Why:
    name = f"job {need.job_id} ({need.name})"
    if need.mode is NeedMode.FAILED:
        remedy = _remedy(need, outlook) if outlook is Outlook.KEPT_BACK else ""
        return Why(f"It runs only if {name} fails, which {was(need.state)}.", remedy, Standstill.OTHER_JOBS)
    return Why(f"It comes after {name}, which {was(need.state)}.", _remedy(need, outlook), Standstill.OTHER_JOBS)


def _remedy(need: Need, outlook: Outlook) -> str:
    """The change that lets the other job go on, or where to learn it."""
    if need.state == "held":
        return f"`yolotui release {need.job_id}` lets that one go."
    if need.state == "paused":
        return f"`yolotui resume {need.job_id}` continues that one."
    return f"`yolotui why {need.job_id}` tells what keeps that one." if outlook is Outlook.UNFORESEEN else ""
