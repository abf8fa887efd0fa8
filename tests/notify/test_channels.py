"""Who is told what, as the configuration says it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner

from yolotui.cli.main import cli
from yolotui.config import Config, NotifyEvent
from yolotui.config_notify import quiet_hours
from yolotui.config_reading import read
from yolotui.core.health import Severity
from yolotui.core.jobs import Owner
from yolotui.errors import WrongFile
from yolotui.locations import user_config
from yolotui.notify.channels import Channel, channels, quiet_until, shown
from yolotui.notify.notification import Notification

TEAM = """\
[notify]
finished = ["json://old"]
failed = ["json://old", "json://pager"]
quiet = "22:00-07:00"
digest = "30m"
[notify.channels.team]
to = ["json://team"]
events = ["failed", "gpu"]
severity = "warning"
owners = ["anna"]
per_hour = 7
"""


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def told(severity: Severity, owner: Owner | None = None) -> Notification:
    return Notification(event=NotifyEvent.FAILED, severity=severity, title="x", owner=owner)


def test_channels_and_the_addresses_by_event_are_read(home):
    write(home.config, TEAM)
    team, old, pager = channels(home, ())
    assert team.address == "json://team"
    assert team.events == {NotifyEvent.FAILED, NotifyEvent.GPU}
    assert (team.severity, team.owners) == (Severity.WARNING, frozenset({"anna"}))
    assert (team.per_hour, team.digest_s) == (7, 1800.0)
    assert team.quiet == "22:00-07:00"
    assert (old.address, old.events) == ("json://old", frozenset({NotifyEvent.FINISHED, NotifyEvent.FAILED}))
    assert (pager.address, pager.events) == ("json://pager", frozenset({NotifyEvent.FAILED}))


def test_an_owners_own_configuration_speaks_for_that_owner_alone(home):
    write(home.config, '[notify]\nfailed = ["json://team"]\n')
    write(user_config(), '[notify]\nfailed = ["json://mine"]\n')
    team, mine = channels(home, {os.getuid()})
    assert (team.uid, mine.uid) == (None, os.getuid())
    assert mine.wants(told(Severity.ERROR, Owner("me", os.getuid())))
    assert not mine.wants(told(Severity.ERROR, Owner("other", os.getuid() + 1)))
    assert not mine.wants(told(Severity.ERROR))
    assert team.wants(told(Severity.ERROR))


def test_an_owners_own_configuration_with_mistakes_is_passed_over(home):
    write(home.config, '[notify]\nfailed = ["json://team"]\n')
    write(user_config(), "[notify]\nfaild = 1\n")
    assert [channel.address for channel in channels(home, {os.getuid()})] == ["json://team"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('quiet = "25:00-07:00"', "two times of the day"),
        ('quiet = "night"', "two times of the day"),
        ("per_hour = 0", "from 1 to 10000"),
        ('finishd = ["json://x"]', "did you mean 'finished'"),
        ("[notify.channels.team]\nto = []", "to whom"),
        ('[notify.channels.team]\nto = ["json://x"]\nevents = []', "every event"),
        ('[notify.channels.team]\nto = ["json://x"]\ndetails = "yes"', "true or false"),
        ('[notify.channels.team]\nevents = ["failed"]', "to whom"),
        ('[notify.channels.team]\nto = ["json://x"]\nevents = ["faild"]', "failed"),
        ('[notify.channels.team]\nto = ["json://x"]\nseverity = "fatal"', "info, warning, error"),
        ('[notify.channels.team]\nto = ["json://x"]\nowner = "anna"', "owners"),
        ('[notify.channels.team]\nto = "nobody"', "list of addresses"),
        ("channels = 3", "tables"),
    ],
)
def test_a_mistake_is_told_with_what_would_be_right(tmp_path, text, what):
    with pytest.raises(WrongFile, match=what):
        read(write(tmp_path / "config.toml", f"[notify]\n{text}\n"))


def test_quiet_hours_over_midnight_end_in_the_morning():
    zone = timezone(timedelta(hours=2))
    quiet = quiet_hours("22:00-07:00")

    def at(day: int, hour: int, minute: int = 0) -> float:
        return datetime(2026, 11, day, hour, minute, tzinfo=zone).astimezone(UTC).timestamp()

    assert quiet_until(quiet, at(20, 23, 30), zone) == at(21, 7)
    assert quiet_until(quiet, at(21, 6, 59), zone) == at(21, 7)
    assert quiet_until(quiet, at(21, 7), zone) is None
    assert quiet_until(quiet, at(21, 21, 59), zone) is None
    assert quiet_until(quiet_hours("12:00-13:00"), at(21, 12, 30), zone) == at(21, 13)


@pytest.mark.usefixtures("central_europe")
def test_quiet_hours_end_by_the_clock_where_summer_time_begins():
    begun, ends = "2026-03-28T23:00+01:00", "2026-03-29T07:00+02:00"
    at = datetime.fromisoformat(begun).timestamp()
    assert quiet_until("22:00-07:00", at) == datetime.fromisoformat(ends).timestamp()


@pytest.mark.usefixtures("central_europe")
def test_quiet_hours_end_later_than_they_are_asked_for_where_an_hour_comes_twice():
    at, ends = (datetime.fromisoformat(f"2026-10-25T02:{minute}+01:00").timestamp() for minute in ("15", "30"))
    assert quiet_until("22:00-02:30", at) == ends


def test_an_error_disturbs_even_in_quiet_hours_and_anything_else_waits():
    always = Channel(address="json://x", events=frozenset(NotifyEvent), quiet="00:00-23:59", digest_s=60.0)
    noon = datetime(2026, 11, 20, 12).astimezone().timestamp()
    assert always.due_at(told(Severity.ERROR), noon) == noon
    assert always.due_at(told(Severity.WARNING), noon) > noon + 3600


def test_an_address_is_shown_without_its_secret():
    assert shown("wecombot://a-long-secret-key") == "wecombot://…-key"
    assert shown("json://short") == "json://…"


def test_nobody_is_told_anything_by_default(home):
    assert Config().notify.channels == {}
    assert channels(home, ()) == []


def test_what_is_in_force_is_shown_as_it_would_be_written(home, tmp_path, monkeypatch):
    write(home.config, TEAM + "[quotas.owners]\nanna = { gpus = 2 }\n")
    monkeypatch.setenv("YOLOTUI_HOME", str(home.root))
    result = CliRunner().invoke(cli, ["config", "show"])
    assert result.exit_code == 0, result.output
    assert read(write(tmp_path / "again.toml", result.stdout)) == Config.load(home)
