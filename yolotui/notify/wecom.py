"""WeCom's group robot: it answers 200 to what it refuses, too, and apprise looks no further."""

from __future__ import annotations

from typing import Any

import requests  # as apprise itself does
from apprise import NotifyBase, NotifyType
from apprise.plugins.wecombot import NotifyWeComBot


class WeComRobot(NotifyWeComBot):
    """Takes WeCom at its word: more than 20 messages a minute, or a wrong key, are refused."""

    def send(  # apprise's signature
        self,
        body: str,
        title: str = "",  # noqa: ARG002
        notify_type: NotifyType = NotifyType.INFO,  # noqa: ARG002
        **_: Any,
    ) -> bool:
        """Send one text; the title is in it already."""
        content: dict[str, Any] = {"msgtype": "text", "text": {"content": body}}
        try:
            answer = requests.post(self.api_url, json=content, timeout=self.request_timeout)
            answer.raise_for_status()
            said = answer.json()
        except requests.RequestException as error:  # its own words have the key in them
            self.logger.warning("WeCom did not answer as it should: %s", type(error).__name__)
            return False
        if said.get("errcode") != 0:
            self.logger.warning("WeCom refused it: %s", said.get("errmsg"))
        return bool(said.get("errcode") == 0)


def heeding_refusals(service: NotifyBase) -> NotifyBase:
    """The service itself; in place of apprise's robot of WeCom ours, with the same settings."""
    if type(service) is not NotifyWeComBot:
        return service
    return WeComRobot(**NotifyWeComBot.parse_url(service.url()))  # type: ignore[no-untyped-call]
