"""Trainers stay offline: no download is attempted, and a connection that something attempts anyway is refused at once.

YOLO_OFFLINE stops the probe, the telemetry and the self-update, but not the attempts to fetch weights (30 seconds and
several tries each, where a firewall drops packets). Weights come from `yolotui weights`, fonts are placed beforehand.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

from . import patching

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None})  # noqa: S104 - compared, not bound


class OfflineError(ConnectionError):
    """Ultralytics treats it as what it is: no network."""


def refuse_connections() -> None:
    """From now on this process can reach itself and its machine, nothing else."""
    local = LOCAL_HOSTS | {socket.gethostname()}

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            address = arguments[1]
            if isinstance(address, tuple) and not _is_local(address[0], local):
                raise OfflineError(f"trainers are offline: no connection to {address[0]}")
        elif event == "socket.getaddrinfo" and not _is_local(arguments[0], local):
            raise OfflineError(f"trainers are offline: {arguments[0]} was not looked up")

    sys.addaudithook(guard)


def refuse_downloads() -> None:
    """Replace Ultralytics' download function wherever it has been imported to."""
    from ultralytics.utils import downloads

    def safe_download(url: object, *_args: object, **_kwargs: object) -> None:
        raise OfflineError(f"trainers are offline: {url} was not downloaded")

    patching.replace_everywhere(downloads.safe_download, safe_download)
    downloads.get_github_assets = lambda *_args, **_kwargs: ("", [])


def _is_local(host: object, local: frozenset[object]) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name in local or str(name).startswith("127.")
