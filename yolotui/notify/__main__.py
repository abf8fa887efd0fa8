"""`python -m yolotui.notify`: send what the queue of `YOLOTUI_HOME` has to tell, and leave when all is told.

A process of its own beside the leader: however slow the network is, it holds up nobody.
"""

from __future__ import annotations

import logging
import sys
import time

from yolotui.errors import QueueOutOfReach, YolotuiError
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.notify.channels import channels
from yolotui.notify.delivering import deliver, room
from yolotui.notify.pages import RunPages
from yolotui.notify.sender import Sender, log
from yolotui.store import Store

LOOK_EVERY_S = 1.0
LINGER_S = 5.0


def main() -> int:
    """Send until nothing waits. Returns the exit code."""
    logging.basicConfig(
        stream=sys.stderr, format="%(asctime)s %(levelname)s notify: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"
    )
    logging.getLogger("apprise").propagate = False  # what goes wrong is told in our words, without addresses
    home = Home.current()
    lock = Lock(home.notify_lock)
    try:
        if not lock.acquire():
            return 0
        with Store(home, wakes_leader=False) as store:
            _send_all(home, store)
    except YolotuiError as error:
        log.error("%s", error)
        return int(error.exit_code)
    finally:
        lock.release()
    return 0


def _send_all(home: Home, store: Store) -> None:
    sender = Sender(store, deliver, room=room, write_page=RunPages(home, store).write)
    busy_until = time.monotonic() + LINGER_S
    while True:
        try:
            # Read again each time: what is written into the configuration meanwhile counts.
            sender.tell_to(channels(home, store.read.owner_uids()))
            next_at = sender.step()
        except QueueOutOfReach as trouble:  # that passes
            log.warning("%s", trouble)
            next_at = time.time()
        if next_at is not None:
            busy_until = time.monotonic() + LINGER_S
        elif time.monotonic() > busy_until:
            return
        time.sleep(min(LOOK_EVERY_S, max(0.01, next_at - time.time())) if next_at is not None else LOOK_EVERY_S)


if __name__ == "__main__":
    sys.exit(main())
