"""The queue: one SQLite file, the only place where the actors meet."""

from __future__ import annotations

from yolotui.store.database import Actor, Database
from yolotui.store.ledger import Ledger
from yolotui.store.queries import AuditRow, HeldGroup, Leader, Lease, Queries
from yolotui.store.store import Store
from yolotui.store.submitting import FileTaken, Submission
from yolotui.store.verbs import Verbs

__all__ = [
    "Actor",
    "AuditRow",
    "Database",
    "FileTaken",
    "HeldGroup",
    "Leader",
    "Lease",
    "Ledger",
    "Queries",
    "Store",
    "Submission",
    "Verbs",
]
