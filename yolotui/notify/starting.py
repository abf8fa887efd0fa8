"""Starting a sender: by the leader, and by whoever looks at a queue whose leader has left."""

from __future__ import annotations

import math
import time

from yolotui.leadership import Lock, runs_inside_a_job, start_detached
from yolotui.locations import Home
from yolotui.store import Store


def ensure_sender(home: Home, store: Store, *, also_for_later: bool = False) -> bool:
    """Start a sender if something is due to be told (or, `also_for_later`, waits at all) and none is at it.

    True if one was started. It outlives this process; inside a job, whose end would be its own, none is started.
    """
    if not store.outbox.cursors() or runs_inside_a_job() or home.demo_mark.exists():
        return False
    from yolotui.notify.telling import VERBS

    if not store.outbox.is_due(VERBS, math.inf if also_for_later else time.time()):
        return False
    lock = Lock(home.notify_lock)
    if not lock.acquire():
        return False
    lock.release()
    start_detached(home, "yolotui.notify")
    return True
