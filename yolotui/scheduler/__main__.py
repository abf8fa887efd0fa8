"""`python -m yolotui.scheduler [--until-idle]`: lead the queue of `YOLOTUI_HOME`, or leave if somebody else does."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from logging.handlers import RotatingFileHandler
from pathlib import Path

from yolotui.config import Config
from yolotui.core.limits import Limits
from yolotui.errors import ExitCode, NotPossible, QueueOutOfReach, WrongFile, YolotuiError
from yolotui.leadership import Lock
from yolotui.locations import Home
from yolotui.policy import policy_of
from yolotui.probe import Limits as DeviceLimits
from yolotui.probe import Samples, open_devices
from yolotui.probe.processes import identity
from yolotui.scheduler.leader import Leader, log
from yolotui.scheduler.local import LocalExecutor
from yolotui.scheduler.telling import Teller
from yolotui.scheduler.wakeups import Wakeups
from yolotui.scheduler.watch import HostWatch
from yolotui.store import Store

NEEDS_A_LEADER = {"waiting", "starting", "running", "pausing", "stopping", "unknown"}
LOG_BYTES = 16 * 1024**2  # and one earlier piece
TRY_AGAIN_AFTER_S = 1.0
PASSING_TROUBLES = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}  # of a disk
LOCK_PATIENCE_S = 0.5  # a process that only asks whether somebody leads holds the lock for an instant


def main(arguments: list[str] | None = None) -> int:
    """Lead until told to leave. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m yolotui.scheduler", description=__doc__)
    parser.add_argument("--until-idle", action="store_true", help="leave when nothing is left to do and nobody watches")
    parser.add_argument("--metrics", metavar="ADDRESS", help="answer Prometheus there")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    umask = os.umask(0o077)  # what is in the home is its owner's alone; commands get the user's own back
    home = Home.current()
    try:
        home.create()
        if home.demo_mark.exists():
            raise NotPossible(f"{home.root} is a demonstration: nothing of it is really trained.")
        _log_to(home.scheduler_log)
        with _serving(home, options.metrics):
            _lead_while_needed(home, umask, until_idle=options.until_idle)
    except YolotuiError as error:
        log.error("%s", error)
        return int(error.exit_code)
    except OSError as error:
        log.error("%s can't be used: %s. `yolotui doctor` looks.", home.root, error)
        return int(ExitCode.QUEUE_UNUSABLE)
    except Exception:  # noqa: BLE001 — logged whole: whoever started this may have given it nowhere to speak
        log.exception("The scheduler failed. The trainings go on; the next one adopts them.")
        return 1
    return 0


def _serving(home: Home, address: str | None) -> AbstractContextManager[object]:
    if address is None:
        return nullcontext()
    from yolotui.metrics.exporting import openness, serving

    if warning := openness(address):
        log.warning("%s", warning)
    return serving(home, address)


def _log_to(file: Path) -> None:
    """Into the home's log, whoever started this process; and to the terminal of one that leads in the foreground."""
    _make_log(file)
    logging.raiseExceptions = False  # a full disk costs lines; a traceback for each would only be more of them
    rotating = RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=1)
    handlers: list[logging.Handler] = [rotating]
    if sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S%z",
        level=logging.INFO,
        handlers=handlers,
    )


def _make_log(file: Path) -> None:
    """Make the log where there is none. A disk that refuses it is waited for: it may be the night's only scheduler."""
    while True:
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            break
        except OSError as trouble:
            if trouble.errno not in PASSING_TROUBLES:
                raise
            sys.stderr.write(f"{trouble}: waiting until it can be written\n")
            time.sleep(TRY_AGAIN_AFTER_S)
    os.fchmod(descriptor, 0o600)  # whoever redirected our output may have made it
    os.close(descriptor)


def _config_of(home: Home) -> Config:
    """The configuration; the defaults where the file has mistakes: they must not end a night that is under way."""
    try:
        return Config.load(home)
    except WrongFile as error:
        log.error("%s\nThe defaults are in force until this is mended.", error)
        return Config()


def _lead_while_needed(home: Home, umask: int, *, until_idle: bool) -> None:
    """Lead, and lead again where a verb came in while leaving; a queue or a disk out of reach is waited for."""
    wakeups = Wakeups()
    wakeups.leave_on(signal.SIGTERM, signal.SIGINT)
    try:
        needed = True
        while needed and not wakeups.asked_to_leave:
            lock = Lock(home.scheduler_lock)
            try:
                if not _acquire(lock):
                    return
                needed = _lead(home, lock, wakeups, umask, until_idle=until_idle)
            except (QueueOutOfReach, OSError) as trouble:
                if isinstance(trouble, OSError) and trouble.errno not in PASSING_TROUBLES:
                    raise
                log.warning("%s", trouble)
                wakeups.wait(TRY_AGAIN_AFTER_S)
            finally:
                lock.release()
    finally:
        wakeups.close()


def _lead(home: Home, lock: Lock, wakeups: Wakeups, umask: int, *, until_idle: bool) -> bool:
    """Lead under the lock, and give it back. True if there is more to do for a leader that just left."""
    config = _config_of(home)
    runs = config.paths.runs
    executor = LocalExecutor(home, wakeups, umask=umask)
    with Store(home, runs_root=str(Path(runs).expanduser()) if runs else None, wakes_leader=False) as store:
        me = identity(os.getpid())
        assert me is not None
        store.ledger.take_the_lead(me)
        log.info("leads %s as pid %d", home.root, me.pid)
        executor.expect(frozenset(a.uuid for job in store.read.jobs(unfinished=True) for a in job.attempts[-1:]))
        devices = open_devices(os.environ.get("YOLOTUI_GPUS"), limits=_devices_allowed(config), whose=executor.whose)
        host = HostWatch(devices, Samples(home.samples), wakeups.nudge)
        try:
            wakeups.watch_file(home.queue)
            teller = Teller(home, store)
            leader = Leader(
                home,
                store,
                executor,
                host,
                wakeups,
                policy=policy_of(config),
                quotas=config.quotas,
                bookings=config.bookings,
                keep=config.keep,
                preflight=config.scheduling.preflight,
                limits=Limits(stall_s=config.limits.stall_s, log_bytes=config.limits.log_bytes),
                until_idle=until_idle,
                tell=teller.look,
                is_intact=lambda: lock.is_intact() and store.is_intact(),
            )
            why = leader.run()
            teller.hand_over()
            store.ledger.lay_down_the_lead(me, why)
            log.info("leaves: %s", why)
        finally:
            host.close()
            wakeups.unwatch(home.queue)
        lock.release()
        # A verb that was committed before the lock was free relied on us: look once more, now that it is.
        return bool(store.read.counts().keys() & NEEDS_A_LEADER or store.read.bookings())


def _devices_allowed(config: Config) -> DeviceLimits:
    """Which cards may be used, by the configuration and by what the shell that started this allowed."""
    return DeviceLimits(
        use=config.gpus.use,
        exclude=config.gpus.exclude,
        ignore_below_bytes=config.gpus.ignore_below_bytes,
        visible=os.environ.get("CUDA_VISIBLE_DEVICES"),
    )


def _acquire(lock: Lock) -> bool:
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while not lock.acquire():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


if __name__ == "__main__":
    sys.exit(main())
