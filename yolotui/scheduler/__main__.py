"""`python -m yolotui.scheduler [--until-idle]`: lead the queue of `YOLOTUI_HOME`, or leave if somebody else does."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from pathlib import Path

from yolotui.config import Config
from yolotui.errors import YolotuiError
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.probe import Limits, Samples, open_devices
from yolotui.probe.processes import identity
from yolotui.scheduler.leader import Leader, log
from yolotui.scheduler.local import LocalExecutor
from yolotui.scheduler.wakeups import Wakeups
from yolotui.scheduler.watch import HostWatch
from yolotui.store import Store

NEEDS_A_LEADER = {"waiting", "starting", "running", "pausing", "stopping", "unknown"}
LOCK_PATIENCE_S = 0.5  # a process that only asks whether somebody leads holds the lock for an instant


def main(arguments: list[str] | None = None) -> int:
    """Lead until told to leave. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m yolotui.scheduler", description=__doc__)
    parser.add_argument("--until-idle", action="store_true", help="leave when nothing is left to do and nobody watches")
    until_idle: bool = parser.parse_args(arguments).until_idle
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z", level=logging.INFO
    )
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    home = Home.current()
    try:
        home.create()
        while _lead(home, until_idle=until_idle):
            pass
    except YolotuiError as error:
        log.error("%s", error)
        return int(error.exit_code)
    return 0


def _lead(home: Home, *, until_idle: bool) -> bool:
    """Take the lead if it is free, and lead. True if there is more to do for a leader that just left."""
    lock = Lock(home.scheduler_lock)
    if not _acquire(lock):
        return False
    config = Config.load(home)
    runs = config.paths.runs
    wakeups = Wakeups()
    wakeups.leave_on(signal.SIGTERM, signal.SIGINT)
    executor = LocalExecutor(home, wakeups)
    limits = Limits(
        use=config.gpus.use,
        exclude=config.gpus.exclude,
        ignore_below_bytes=config.gpus.ignore_below_bytes,
        visible=os.environ.get("CUDA_VISIBLE_DEVICES"),
    )
    devices = open_devices(os.environ.get("YOLOTUI_GPUS"), limits=limits, ours=executor.is_ours)
    with Store(home, runs_root=str(Path(runs).expanduser()) if runs else None, wakes_leader=False) as store:
        host = HostWatch(devices, Samples(home.samples), wakeups.nudge)
        try:
            me = identity(os.getpid())
            assert me is not None
            store.ledger.take_the_lead(me)
            log.info("leads %s as pid %d", home.root, me.pid)
            wakeups.watch_file(home.queue)
            why = Leader(home, store, executor, host, wakeups, until_idle=until_idle).run()
            store.ledger.lay_down_the_lead(why)
            log.info("leaves: %s", why)
        finally:
            host.close()
        lock.release()
        # A verb that was committed before the lock was free relied on us: look once more, now that it is.
        more = store.read.counts().keys() & NEEDS_A_LEADER
    wakeups.close()
    return bool(more) and not wakeups.asked_to_leave


def _acquire(lock: Lock) -> bool:
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while not lock.acquire():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


if __name__ == "__main__":
    sys.exit(main())
