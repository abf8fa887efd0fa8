"""Handing a message to the network, through apprise."""

from __future__ import annotations

import logging
from io import StringIO

from yolotui.core.health import Severity

INSTALL = 'it needs apprise: pip install "yolotui[notify]".'


def deliver(address: str, title: str, body: str, severity: Severity) -> str:
    """Send one message; returns why that did not work, or nothing."""
    try:
        import apprise
    except ImportError:
        return INSTALL
    kinds = {
        Severity.INFO: apprise.NotifyType.INFO,
        Severity.WARNING: apprise.NotifyType.WARNING,
        Severity.ERROR: apprise.NotifyType.FAILURE,
    }
    service = apprise.Apprise.instantiate(address)
    if service is None:
        return "apprise does not know such an address"
    told = StringIO()
    handler = logging.StreamHandler(told)
    logger = logging.getLogger("apprise")
    logger.addHandler(handler)
    try:
        if service.notify(body=body, title=title, notify_type=kinds[severity]):
            return ""
    except Exception as error:  # noqa: BLE001 — a plugin's own mistake must not stop what others are told
        return f"{type(error).__name__}: {error}"
    finally:
        logger.removeHandler(handler)
    lines = told.getvalue().strip().splitlines()
    return lines[0][:300] if lines else "the other side did not take it"
