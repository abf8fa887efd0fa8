"""The other side, as tests want it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.notify.server import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def unreliable() -> Iterator[Receiver]:
    with Receiver(refuses_half=True) as receiver:
        yield receiver
