"""What apprise hands to the other side, and what is known of a message that was not taken."""

from __future__ import annotations

import html
import re

import pytest
from apprise import URLBase
from apprise.plugins.wecombot import NotifyWeComBot

from tests.notify.postbox import Postbox
from tests.notify.server import Receiver
from yolotui.core.health import Severity
from yolotui.notify.delivering import INSTALL, Refusal, deliver, room, trouble_with, troubles


def send(address: str, body: str = "x") -> Refusal | None:
    return deliver(address, "night has failed", body, Severity.ERROR)


def test_a_slow_server_is_given_time_to_answer(monkeypatch):
    monkeypatch.setattr(URLBase, "socket_read_timeout", 1e-6)  # in place of apprise's 4 s: nobody is so fast
    with Receiver() as receiver:
        assert send(receiver.address) is None


def test_what_was_sent_but_not_answered_in_time_is_doubtful():
    with Receiver() as receiver:
        receiver.may_answer.clear()
        refusal = send(f"{receiver.address}?rto=0.1")
        assert refusal is not None
        assert refusal.doubtful


def test_what_was_sent_when_the_other_side_hung_up_is_doubtful():
    with Receiver(breaks_off=True) as receiver:
        refusal = send(receiver.address)
    assert refusal is not None
    assert refusal.doubtful


def test_what_was_refused_or_never_sent_is_not_doubtful():
    with Receiver(refuses_half=True) as receiver:
        address = receiver.address
        refused = send(address)
    nobody = send(address)
    assert refused is not None
    assert nobody is not None
    assert "503" in refused.why
    assert (refused.doubtful, nobody.doubtful) == (False, False)


@pytest.mark.parametrize("form", ["text", "html"])
def test_a_mail_keeps_its_lines_and_what_stands_in_brackets(form):
    with Postbox() as postbox:
        assert send(f"{postbox.address}&format={form}", "Job 1, <exit> & more.\nIts second line.") is None
        (letter,) = postbox.letters
    part = letter.get_body((form.replace("text", "plain"),))
    assert part is not None
    assert _seen(part.get_content()) == "Job 1, <exit> & more.\nIts second line."
    assert letter["Subject"] == "night has failed"


def _seen(content: str) -> str:
    """What a reader sees of a text, or of HTML."""
    if "<br" in content:
        content = html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"<br\s*/?>", "\n", content))).replace("\xa0", " ")
    return re.sub(r"\s*\n\s*", "\n", content).strip()


def test_what_wecom_refuses_with_a_yes_has_not_arrived(monkeypatch):
    with Receiver(answer=b'{"errcode": 93000, "errmsg": "invalid webhook url"}') as receiver:
        monkeypatch.setattr(NotifyWeComBot, "notify_url", f"http://127.0.0.1:{receiver.port}/send?key={{key}}")
        assert send("wecombot://a-wrong-key") == Refusal("WeCom refused it: invalid webhook url")


def test_what_wecom_takes_has_title_and_body(monkeypatch):
    with Receiver(answer=b'{"errcode": 0, "errmsg": "ok"}') as receiver:
        monkeypatch.setattr(NotifyWeComBot, "notify_url", f"http://127.0.0.1:{receiver.port}/send?key={{key}}")
        assert send("wecombot://a-key", "Job 1 <exit>.") is None
    (taken,) = receiver.taken
    assert taken["text"]["content"].split("\r\n") == ["night has failed", "Job 1 <exit>."]


def test_a_broken_answer_of_wecom_is_told_without_its_key(monkeypatch):
    with Receiver(answer=b"<html>") as receiver:
        monkeypatch.setattr(NotifyWeComBot, "notify_url", f"http://127.0.0.1:{receiver.port}/send?key={{key}}")
        refusal = send("wecombot://a-secret-key")
    assert refusal is not None
    assert "secret" not in refusal.why


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("wecon://a-secret", "did you mean 'wecom"),
        ("mailto://", "written in another way: https://"),
        ("slack://a-secret", "written in another way: https://"),
    ],
)
def test_an_address_to_which_nothing_can_be_sent_is_told_without_its_secret(address, said):
    assert said in trouble_with(address)
    (sentence,) = troubles([address, "json://127.0.0.1/hook"])
    assert said in sentence
    assert "a-secret" not in sentence
    refusal = send(address)
    assert refusal is not None
    assert said in refusal.why


def test_without_apprise_it_is_said_once_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    assert trouble_with("json://x") == INSTALL
    assert len(troubles(["json://x", "json://y"])) == 1
    assert send("json://x") == Refusal(INSTALL)


def test_each_service_has_its_own_room():
    assert room("wecombot://a-key") == 2048
    assert room("json://x") > 10_000
