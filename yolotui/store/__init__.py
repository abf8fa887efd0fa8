"""The queue: one SQLite file, the only place where the actors meet."""

from __future__ import annotations

from yolotui.store.collecting import Rest, What
from yolotui.store.database import Actor, Database
from yolotui.store.forecasts import ForecastRecord
from yolotui.store.gpu_marks import GpuMark, GpuState, MarkCause, with_marks
from yolotui.store.ledger import Ledger
from yolotui.store.limits import StartLimits
from yolotui.store.outbox import Message, MessageState, Outbox
from yolotui.store.queries import AuditRow, HeldGroup, Leader, Lease, Queries
from yolotui.store.reserving import BookingConflict
from yolotui.store.retrying import Retried
from yolotui.store.store import Store
from yolotui.store.submitting import FileTaken, Submission
from yolotui.store.undoing import Undone
from yolotui.store.usage import Usage
from yolotui.store.verbs import Verbs

__all__ = [
    "Actor",
    "AuditRow",
    "BookingConflict",
    "Database",
    "FileTaken",
    "ForecastRecord",
    "GpuMark",
    "GpuState",
    "HeldGroup",
    "Leader",
    "Lease",
    "Ledger",
    "MarkCause",
    "Message",
    "MessageState",
    "Outbox",
    "Queries",
    "Rest",
    "Retried",
    "StartLimits",
    "Store",
    "Submission",
    "Undone",
    "Usage",
    "Verbs",
    "What",
    "with_marks",
]
