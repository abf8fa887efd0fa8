"""The command line on a home of its own, as the tests of the command line have it."""

from __future__ import annotations

from tests.cli.conftest import add, shapes, shell, store

__all__ = ["add", "shapes", "shell", "store"]
