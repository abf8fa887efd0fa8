"""Handing a message to the network, through apprise."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from yolotui.core.health import Severity
from yolotui.nearest import did_you_mean
from yolotui.notify.channels import shown

if TYPE_CHECKING:
    from apprise import NotifyBase

INSTALL = 'it needs apprise: pip install "yolotui[notify]".'
CONNECT_S = 10.0
ANSWER_S = 30.0  # a slow server is not told again what it has taken, as it would be after apprise's 4 s
ROOM_BYTES = 32_768  # where nothing is known of an address


class Refusal(Struct, frozen=True):
    """Why a message was not taken. `doubtful`: it may have arrived all the same, or in part."""

    why: str
    doubtful: bool = False


def deliver(address: str, title: str, body: str, severity: Severity) -> Refusal | None:
    """Send one message; returns why that did not work."""
    service = _service(address)
    if service is None:
        return Refusal(trouble_with(address))
    from apprise import NotifyFormat, NotifyType, OverflowMode

    kinds = {Severity.INFO: NotifyType.INFO, Severity.WARNING: NotifyType.WARNING, Severity.ERROR: NotifyType.FAILURE}
    complaints, logger = _Complaints(), logging.getLogger("apprise")
    logger.addHandler(complaints)
    try:
        if service.notify(
            body=body,
            title=title,
            notify_type=kinds[severity],
            body_format=NotifyFormat.TEXT,  # else mail, which is HTML, loses line breaks and whatever is in <>
            overflow=OverflowMode.SPLIT,
        ):
            return None
    except Exception as error:  # noqa: BLE001 — a plugin's own mistake must not stop what others are told
        return Refusal(f"{type(error).__name__}: {error}", doubtful=True)
    finally:
        logger.removeHandler(complaints)
    goes_in_parts = len(service) > 1 or len(title) + len(body) > service.body_maxlen
    return Refusal(complaints.first or "the other side did not take it", complaints.doubtful or goes_in_parts)


def room(address: str) -> int:
    """How long a message to an address may be: title and body together, in bytes."""
    service = _service(address)
    return service.body_maxlen if service else ROOM_BYTES


def trouble_with(address: str) -> str:
    """Why nothing can be sent to an address, without what is secret in it; empty if it looks right."""
    if _service(address):
        return ""
    try:
        from apprise import NotificationManager
    except ImportError:
        return INSTALL
    services, scheme = NotificationManager(), address.partition("://")[0].lower()
    if scheme not in services:
        return f"apprise does not know such an address as {scheme}://{did_you_mean(scheme, services.schemas())}"
    return f"apprise wants an address of {scheme}:// to be written in another way: {services[scheme].setup_url}"


def troubles(addresses: Iterable[str]) -> list[str]:
    """A sentence for each address to which nothing can be sent; one alone where apprise is missing."""
    found = {address: trouble_with(address) for address in addresses}
    if INSTALL in found.values():
        return [f"Nothing can be told: {INSTALL}"]
    return [f"{shown(address)} can't be used: {trouble}" for address, trouble in found.items() if trouble]


def _service(address: str) -> NotifyBase | None:
    """What sends to an address; None if apprise is missing or does not understand the address."""
    try:
        from apprise import Apprise
    except ImportError:
        return None
    from yolotui.notify.wecom import heeding_refusals

    service = Apprise.instantiate(address)
    if service is None:
        return None
    service = heeding_refusals(service)
    said = parse_qs(urlsplit(address).query)
    if "cto" not in said:
        service.socket_connect_timeout = CONNECT_S
    if "rto" not in said:
        service.socket_read_timeout = ANSWER_S
    return service


class _Complaints(logging.Handler):
    """What apprise complains about while this thread sends a message, and whether that may have arrived even so."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.first = ""
        self.doubtful = False
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Apprise logs from where it catches an error: here alone it can still be seen."""
        if record.thread == self._thread:
            self.first = self.first or record.getMessage()[:300]
            self.doubtful |= _leaves_doubt(sys.exc_info()[1])


def _leaves_doubt(error: BaseException | None) -> bool:
    """Whether the connection broke, or fell silent, when the message may already have been taken."""
    if error is None:
        return False
    from smtplib import SMTPServerDisconnected

    from requests import ReadTimeout
    from urllib3.exceptions import ProtocolError

    broke_off = any(isinstance(cause, ProtocolError) for cause in error.args)  # as requests wraps it
    return broke_off or isinstance(error, (ReadTimeout, SMTPServerDisconnected))
