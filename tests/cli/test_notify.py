"""`notify`: who is told what, what was told, and whether it arrives."""

from __future__ import annotations

import time

from tests.cli.states import start
from tests.notify.server import Receiver
from yolotui.config import NotifyEvent
from yolotui.notify.channels import Channel
from yolotui.notify.delivering import Refusal
from yolotui.notify.sender import Sender


def test_a_test_message_arrives_and_what_does_not_is_said(shell, store):
    with Receiver() as receiver:
        shell.home.config.write_text(
            f'[notify.channels.pager]\nto = ["{receiver.address}", "nosuch://x/y/z-secret-1"]\n'
            'events = ["failed", "gpu"]\nseverity = "error"\n'
        )
        result = shell("notify", "--test")
    assert receiver.titles == ["yolotui: a test"]
    assert result.exit_code == 4
    arrived, lost = result.stdout.splitlines()[1:]
    assert arrived.split("  ")[0] == "json://…hook"
    assert "arrived" in arrived
    assert arrived.endswith("failed, gpu (error or more)")
    assert "apprise does not know such an address" in lost
    assert "secret" not in result.stdout + result.stderr
    (told,) = receiver.taken
    assert "This address is told of failed, gpu (error or more)." in told["message"]


def test_a_test_without_an_address_says_what_to_write(shell):
    result = shell("notify", "--test")
    assert result.exit_code == 4
    assert "[notify] finished" in result.stderr


def test_an_address_that_apprise_can_not_use_is_refused_where_the_configuration_is_checked(shell):
    shell.home.config.write_text('[notify]\nfailed = ["wecon://a-secret", "json://127.0.0.1/x"]\n')
    checked = shell("config", "check")
    assert checked.exit_code == 2
    assert "wecon://… can't be used: apprise does not know such an address" in checked.stderr
    assert "did you mean 'wecom" in checked.stderr
    assert "secret" not in checked.stderr
    assert "can't be used" in shell("notify").stderr


def test_it_shows_who_is_told_what(shell):
    shell.home.config.write_text('[notify.channels.team]\nto = ["json://a-secret-place/x"]\nseverity = "warning"\n')
    (channel,) = shell.json("notify")["channels"]
    assert (channel["address"], channel["severity"], channel["owners"]) == ("json://…ce/x", "warning", [])
    assert "all" in shell("notify").stdout


def test_it_lists_what_was_told_and_what_waits(shell, store, add):
    sender = Sender(store, lambda *_: Refusal("nobody is there"), clock=lambda: time.time() + 60)
    sender.tell_to([Channel(address="json://a-secret-place/x", events=frozenset(NotifyEvent))])
    start(store, add("night"))
    sender.step()
    (message,) = shell.json("notify", "--list")["messages"]
    assert (message["title"], message["state"], message["tries"]) == ("night has started", "waiting", 1)
    assert (message["trouble"], message["sent_at"]) == ("nobody is there", None)
    assert "secret" not in shell("notify", "--list").stdout
