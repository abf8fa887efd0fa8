"""Sharing the machine: bookings, quotas, deadlines, GPUs taken out of use."""

from __future__ import annotations

from collections.abc import Sequence

from yolotui.core.bookings import Booking, BookingRequest
from yolotui.core.free_windows import Conflict
from yolotui.core.gpus import Gpu
from yolotui.core.quotas import Quota, week_of
from yolotui.errors import WrongUse
from yolotui.opened import Opened
from yolotui.quotas import has_any, never_within, quotas_of
from yolotui.store import Actor


class Sharing(Opened):
    """The part of the queue by which people share its machine."""

    def cards(self) -> tuple[Gpu, ...]:
        """The GPUs as a scheduler last saw them, with what was said about them since; none before one has looked."""
        return self._store.read.cards()

    # Bookings

    def bookings(self, *, over: bool = False) -> list[Booking]:
        """The bookings that are not over, by the beginning of their window; with `over` all that there ever were."""
        return self._store.read.bookings(over=over)

    def booking(self, booking_id: int) -> Booking:
        """One booking, over or not. Raises NoSuchBooking."""
        return self._store.read.booking(booking_id)

    def booking_request(
        self,
        starts_at: float,
        ends_at: float,
        *,
        gpus: int | None = None,
        on: Sequence[str | int] = (),
        gpu_model: str = "",
        job: int | None = None,
        note: str = "",
    ) -> BookingRequest:
        """What to ask `reserve` for: `gpus` cards, or those named in `on`, from one moment to another (UTC seconds).

        Left out, it is as many as `job` needs, or one. Raises WrongUse for what does not fit together.
        """
        named = tuple(dict.fromkeys(self._gpu(name) for name in on))
        if named and gpus not in {None, len(named)}:
            raise WrongUse(
                f"{gpus} GPUs on {len(named)} cards: name as many as there are to be, or leave one of both out."
            )
        if named and gpu_model:
            raise WrongUse("Cards that are named have their model: leave one of both out.")
        count = len(named) or gpus
        if count is None:
            count = self._store.read.job(job).spec.gpus if job is not None else 1
        return BookingRequest(
            starts_at=starts_at,
            ends_at=ends_at,
            count=count,
            gpus=named,
            gpu_model=gpu_model.strip(),
            job_id=job,
            note=note,
        )

    def booking_conflict(self, request: BookingRequest) -> Conflict | None:
        """Who holds the window that is asked for, and which are free instead; None where it can be had just now."""
        return self._store.verbs.find_conflict(request, self._clock())

    def reserve(self, request: BookingRequest, *, waitlist: bool = False, reason: str = "") -> Booking:
        """Book a window; with `waitlist` wait for it where others hold it. Raises BookingConflict."""
        if never := self._beyond_quota(request):
            raise WrongUse(never)
        return self._do(reason, lambda actor: self._store.verbs.reserve(request, actor, waitlist=waitlist))

    def _beyond_quota(self, request: BookingRequest) -> str:
        if request.job_id is None:
            return never_within(self.config.quotas, Actor.current().name, None, request.count)
        job = self._store.read.job(request.job_id)
        return never_within(self.config.quotas, job.owner.name, job.spec.group, request.count)

    def unreserve(self, booking_id: int, *, reason: str = "") -> list[Booking]:
        """Take a booking back, or give back the rest of an open one; returns who moved up from the waitlist."""
        return self._do(reason, lambda actor: self._store.verbs.unreserve(booking_id, actor))

    def transfer(self, booking_id: int, to: str, *, reason: str = "") -> Booking:
        """Make a booking somebody else's."""
        return self._do(reason, lambda actor: self._store.verbs.transfer(booking_id, to, actor))

    def extend(self, booking_id: int, ends_at: float, *, reason: str = "") -> list[Booking]:
        """Let a booking end later, or sooner (UTC seconds); returns who moved up. Raises BookingConflict."""
        return self._do(reason, lambda actor: self._store.verbs.extend(booking_id, ends_at, actor))

    def move_booking(self, booking_id: int, starts_at: float, ends_at: float, *, reason: str = "") -> list[Booking]:
        """Give a booking that has not begun another window; returns who moved up. Raises BookingConflict."""
        return self._do(reason, lambda actor: self._store.verbs.move(booking_id, starts_at, ends_at, actor))

    # Quotas and deadlines

    def quotas(self) -> tuple[Quota, ...]:
        """What each owner and group in the queue may have that has a quota, and what it has used this week."""
        if not has_any(self.config.quotas):
            return ()
        now = self._clock()
        usage = self._store.read.gpu_seconds(week_of(now).starts_at, now)
        jobs = self._store.read.jobs(unfinished=True)
        owners = {job.owner.name for job in jobs} | usage.owners.keys()
        groups = {job.spec.group for job in jobs} | usage.groups.keys()
        return quotas_of(self.config.quotas, owners, groups, usage, now)

    def set_deadline(self, jobs: Sequence[int], at: float | None, *, reason: str = "") -> None:
        """Say when jobs must be done (UTC seconds); None: whenever."""
        self._do(reason, lambda actor: self._store.verbs.set_deadline(jobs, at, actor))

    # GPUs

    def drain(self, gpus: Sequence[str | int], *, at: float | None = None, reason: str = "") -> None:
        """Start nothing more on GPUs (indices, UUIDs or beginnings of UUIDs); what runs on them goes on to its end.

        With `at` (UTC seconds): nothing that would not have ended by then.
        """
        uuids = [self._gpu(name) for name in gpus]
        self._do(reason, lambda actor: self._store.verbs.drain(uuids, actor, at=at))

    def undrain(self, gpus: Sequence[str | int], *, reason: str = "") -> None:
        """Use drained or quarantined GPUs again; of those that were to be drained later nothing more comes."""
        uuids = [self._gpu(name) for name in gpus]
        self._do(reason, lambda actor: self._store.verbs.undrain(uuids, actor))
