"""Handing the metrics out: over HTTP on a loopback address, as a file for node_exporter, as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from yolotui.errors import NotPossible, WrongUse
from yolotui.locations import Home

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

INSTALL = 'Metrics need prometheus-client: pip install "yolotui[metrics]".'
LOOPBACK = "127.0.0.1"
_ADDRESS = re.compile(r"(?:(?P<host>[^:\[\]]+|\[[0-9a-fA-F:.]+\])?:)?(?P<port>\d{1,5})", re.ASCII)


def read_address(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9877`, `[::1]:9877`, `:9877` or `9877`: without a host, loopback. Raises WrongUse."""
    parsed = _ADDRESS.fullmatch(text.strip())
    if parsed is None or not 0 <= int(parsed["port"]) <= 65535:
        raise WrongUse(f"{text!r} is no address for metrics: write 127.0.0.1:9877, or only the port.")
    return (parsed["host"] or LOOPBACK).strip("[]"), int(parsed["port"])


def openness(address: str) -> str:
    """What a person should know of an address that others reach; empty for loopback. Raises WrongUse."""
    host, port = read_address(address)
    try:
        is_loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name of this machine
        is_loopback = False
    if is_loopback:
        return ""
    return f"Metrics at {host}:{port} are open to the network: names of jobs and people, without a password."


@contextmanager
def serving(home: Home, address: str) -> Iterator[int]:
    """Answer Prometheus at an address while the block runs; gives the port.

    Raises WrongUse for what is no address, NotPossible where it is taken or the library is missing.
    """
    host, port = read_address(address)
    registry = _registry(home)
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(port, host, registry)
    except (OSError, OverflowError) as error:
        raise NotPossible(
            f"Metrics can't be served at {address}: {getattr(error, 'strerror', None) or error}."
        ) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def text(home: Home) -> str:
    """The metrics of this moment, as Prometheus reads them."""
    registry = _registry(home)
    from prometheus_client import generate_latest

    return generate_latest(registry).decode()


def write_textfile(home: Home, file: Path) -> None:
    """Put the metrics into a file for node_exporter's textfile collector: it never sees half of one."""
    if file.suffix != ".prom":
        raise WrongUse(f"{file}: node_exporter reads files that end in .prom only.")
    registry = _registry(home)
    from prometheus_client import write_to_textfile

    try:
        write_to_textfile(str(file), registry)
    except OSError as error:
        raise NotPossible(f"{file} can't be written: {error.strerror or error}.") from error


def _registry(home: Home) -> CollectorRegistry:
    try:
        from prometheus_client import CollectorRegistry
    except ImportError as error:
        raise NotPossible(INSTALL) from error
    from yolotui.metrics.families import QueueCollector
    from yolotui.metrics.reading import Reading

    registry = CollectorRegistry(auto_describe=False)
    registry.register(QueueCollector(Reading(home)))
    return registry
