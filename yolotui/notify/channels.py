"""Who is told what: the channels of the configuration in force, and those of the owners' own configurations."""

from __future__ import annotations

import logging
import os
import pwd
from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from msgspec import Struct

from yolotui.config import Config, NotifyConfig, NotifyEvent, find
from yolotui.core.health import Severity
from yolotui.errors import WrongFile
from yolotui.locations import Home, user_config
from yolotui.notify.notification import Notification

log = logging.getLogger("yolotui.notify")
_ORDER = tuple(Severity)


class Channel(Struct, frozen=True, kw_only=True):
    """An address with what it is told: these events of this severity or more, of these owners (none: of all).

    With `uid` it is told about what belongs to that user alone; with `details`, also the last words of what failed. In
    `quiet` hours and within a digest only errors are told at once; `per_hour` limits how many others go out, what is
    over it goes out together.
    """

    address: str
    events: frozenset[NotifyEvent]
    severity: Severity = Severity.INFO
    owners: frozenset[str] = frozenset()
    uid: int | None = None
    quiet: str = ""
    digest_s: float = 0.0
    per_hour: int = 60
    details: bool = False

    def wants(self, told: Notification) -> bool:
        """Whether it is told this."""
        if told.event not in self.events or _ORDER.index(told.severity) < _ORDER.index(self.severity):
            return False
        if self.uid is not None and (told.owner is None or told.owner.uid != self.uid):
            return False
        return not self.owners or (told.owner is not None and told.owner.name in self.owners)

    def due_at(self, told: Notification, at: float) -> float:
        """When what happened at `at` (UTC seconds) may be told."""
        if told.severity is Severity.ERROR:
            return at
        due = at
        if self.digest_s:
            due = (at // self.digest_s + 1) * self.digest_s
        return quiet_until(self.quiet, due) or due


def quiet_until(quiet: str, at: float, zone: tzinfo | None = None) -> float | None:
    """When the quiet hours that `at` lies in end (UTC seconds); None outside. `zone` is the local one if None."""
    if not quiet:
        return None
    local = datetime.fromtimestamp(at, zone)  # the clock's: some days have 23 hours, some two of one hour
    minute = local.hour * 60 + local.minute
    begins, ends = (int(time[:2]) * 60 + int(time[3:]) for time in quiet.split("-"))
    is_quiet = begins <= minute < ends if begins < ends else minute >= begins or minute < ends
    if not is_quiet:
        return None
    end = local.replace(hour=ends // 60, minute=ends % 60, second=0, microsecond=0)
    return (end if end > local else end + timedelta(days=1)).timestamp()


def channels_of(config: NotifyConfig, *, uid: int | None = None) -> list[Channel]:
    """The channels of one configuration: each named one, and the addresses that stand by single events."""
    found = [
        Channel(
            address=address,
            events=frozenset(each.events or NotifyEvent),
            severity=each.severity,
            owners=frozenset(each.owners),
            uid=uid,
            quiet=each.quiet or config.quiet or "",
            digest_s=config.digest_s if each.digest_s is None else each.digest_s,
            per_hour=config.per_hour if each.per_hour is None else each.per_hour,
            details=each.details,
        )
        for each in config.channels.values()
        for address in each.to
    ]
    events: dict[str, set[NotifyEvent]] = {}
    for event in NotifyEvent:
        for address in getattr(config, event.value):
            events.setdefault(address, set()).add(event)
    found += [
        Channel(
            address=address,
            events=frozenset(told),
            uid=uid,
            quiet=config.quiet or "",
            digest_s=config.digest_s,
            per_hour=config.per_hour,
        )
        for address, told in events.items()
    ]
    return found


def channels(home: Home, owners: Iterable[int]) -> list[Channel]:
    """Every channel: of the configuration in force, and of each owner's (uids) own, which speaks for that owner alone.

    Raises WrongFile where the configuration in force has mistakes; an owner's own that has some is passed over.
    """
    found = channels_of(Config.load(home).notify)
    in_force = find(home)
    for uid in sorted(set(owners)):
        file = _own_config(uid)
        try:
            if file is None or file == in_force or not file.is_file():
                continue
            from yolotui.config_reading import read

            found += channels_of(read(file).notify, uid=uid)
        except (OSError, WrongFile) as error:
            log.warning("%s is passed over: %s", file, error)
    return found


def written_at(home: Home, owners: Iterable[int]) -> tuple[tuple[str, int], ...]:
    """Every file that may say who is told, with when it was written (ns): another answer means other channels."""
    files = {home.config, user_config(), *(_own_config(uid) for uid in owners)}
    return tuple((str(file), _written_at(file)) for file in sorted(filter(None, files)))


def _written_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _own_config(uid: int) -> Path | None:
    if uid == os.getuid():
        return user_config()
    try:
        return Path(pwd.getpwuid(uid).pw_dir) / ".config" / "yolotui" / "config.toml"
    except KeyError:
        return None


def shown(address: str) -> str:
    """An address without what is secret in it."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://…{rest[-4:] if len(rest) > 12 else ''}"
